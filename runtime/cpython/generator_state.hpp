// runtime/cpython/generator_state.hpp: freeing a suspended generator that has nothing to do when it is closed.
//
// The interpreter frees a suspended generator by closing it first: it raises GeneratorExit in it. Python 3.13 leaves that out where no `try`
// encloses the yield; 3.11 does not, and there it takes 1,500 instructions, most of them for a traceback that nobody sees: as much as all
// that calque.effects does for an effect that a handler in Python answers. Who knows that the code has nothing to run may say that the generator is
// done: then it is only freed. A tracer does not hear of the GeneratorExit, as on 3.13.
#pragma once

#include "strategies.hpp"

#include <calque/ref.hpp>

namespace calque {

#if CALQUE_USE_GENERATOR_STATE

/// Its code; null if it has to be freed in the usual way: it is no generator, not suspended, or others hold it.
inline PyObject* code_to_ask_about(Borrowed generator) noexcept {
    const auto* const object = reinterpret_cast<PyGenObject*>(generator.get());
    constexpr int suspended = -1;  // FRAME_SUSPENDED (Include/internal/pycore_frame.h)
    return PyGen_CheckExact(generator.get()) && Py_REFCNT(generator.get()) == 1
                && object->gi_frame_state == suspended
             ? reinterpret_cast<PyObject*>(object->gi_code)
             : nullptr;
}

/// Of a generator about to be freed, whose code has nothing to run then.
inline void say_it_is_done(Borrowed generator) noexcept {
    constexpr int completed = 1;  // FRAME_COMPLETED
    reinterpret_cast<PyGenObject*>(generator.get())->gi_frame_state = completed;
}

#else

inline PyObject* code_to_ask_about(Borrowed) noexcept { return nullptr; }
inline void say_it_is_done(Borrowed) noexcept {}

#endif

}  // namespace calque
