// runtime/effects/code_facts.cpp: see code_facts.hpp.
#include "code_facts.hpp"

#include "cpython/generator_state.hpp"
#include "saved_error.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace calque::effects {

namespace {

// What was found out about a code object lies where its address says, and holds it, so that no other one is at that address. A few
// handlers are at work at a time: one place of many, and the last question wins.
struct Known {
    PyObject* code;  // owned
    PyObject*
        places;  // owned: bytes, a 1 for each two bytes of bytecode where f_lasti is in a tail; empty if nowhere
    bool closes;  // something happens when it is closed
};
constexpr std::size_t kKnown = 64;
Known known[kKnown];

PyObject* names[3];  // gi_code, gi_frame, f_lasti

bool named() noexcept {
    static constexpr const char* texts[] = {"gi_code", "gi_frame", "f_lasti"};
    for (std::size_t i = 0; i < 3; ++i) {
        if (names[i] == nullptr && (names[i] = PyUnicode_InternFromString(texts[i])) == nullptr) {
            return false;
        }
    }
    return true;
}

// Null with an exception.
const Known* facts_of(Borrowed code) noexcept {
    Known& entry = known[(reinterpret_cast<std::uintptr_t>(code.get()) >> 5) % kKnown];
    if (entry.code == code.get()) [[likely]] {
        return &entry;
    }
    const Ref helpers = Ref::steal(PyImport_ImportModule("calque.effects._code"));
    const Ref facts =
        Ref::steal(helpers ? PyObject_CallMethod(helpers.get(), "facts", "O", code.get()) : nullptr);
    PyObject* places;
    int closes;
    if (!facts || PyArg_ParseTuple(facts.get(), "Sp", &places, &closes) == 0) {
        return nullptr;
    }
    const Ref old_code = Ref::steal(std::exchange(entry.code, Ref::share(code).release()));
    const Ref old_places = Ref::steal(std::exchange(entry.places, Ref::share(places).release()));
    entry.closes = closes != 0;
    return &entry;
}

}  // namespace

bool waits_to_return(Borrowed generator) noexcept {
    const SavedError nothing;
    const Ref code = Ref::steal(named() ? PyObject_GetAttr(generator.get(), names[0]) : nullptr);
    const Known* const facts = code ? facts_of(code) : nullptr;
    if (facts == nullptr || PyBytes_GET_SIZE(facts->places) == 0) {
        return false;  // the frame is not even looked at
    }
    const Ref places = Ref::share(facts->places);
    const Ref frame = Ref::steal(PyObject_GetAttr(generator.get(), names[1]));
    const Ref at = Ref::steal(frame ? PyObject_GetAttr(frame.get(), names[2]) : nullptr);
    const long offset = at ? PyLong_AsLong(at.get()) : -1;
    return offset >= 0 && offset / 2 < PyBytes_GET_SIZE(places.get())
        && PyBytes_AS_STRING(places.get())[offset / 2] != 0;
}

void give_up(Ref generator) noexcept {
    PyObject* const code = code_to_ask_about(generator);
    if (code == nullptr) {
        return;
    }
    const SavedError nothing;
    const Known* const facts = facts_of(code);
    if (facts != nullptr && !facts->closes) {
        say_it_is_done(generator);
    }
    const Ref dying = std::move(generator);
}

}  // namespace calque::effects
