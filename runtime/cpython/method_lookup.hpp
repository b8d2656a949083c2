// runtime/cpython/method_lookup.hpp: does this attribute of the object come to that function of its class?
//
// For a class with object's own __getattribute__, `x.name` is a function of the class unless the dict of
// the instance has that name. _PyObject_GetMethod (what the interpreter calls for `x.name()`; exported from
// 3.10 to 3.14, declared in different headers) tells without making a bound method or a dict of inline
// values. The twin makes a bound method and looks into it.
#pragma once

#include "strategies.hpp"

#include <calque/ref.hpp>

#if CALQUE_USE_GET_METHOD
extern "C" int _PyObject_GetMethod(PyObject* object, PyObject* name, PyObject** method);
#endif

namespace calque {

/// `function` is what the class of `x` has under `name`. False also after an error, which is cleared.
inline bool resolves_to(Borrowed x, PyObject* name, Borrowed function) noexcept {
    PyObject* raw = nullptr;
#if CALQUE_USE_GET_METHOD
    const bool unbound = _PyObject_GetMethod(x.get(), name, &raw) != 0;
    const Ref found = Ref::steal(raw);
    const bool same = unbound && Borrowed(found) == function;
#else
    const int has = PyObject_GetOptionalAttr(x.get(), name, &raw);
    const Ref found = Ref::steal(raw);
    const bool same = has > 0 && PyMethod_Check(found.get()) && PyMethod_GET_SELF(found.get()) == x.get()
                   && PyMethod_GET_FUNCTION(found.get()) == function.get();
#endif
    if (!found) {
        PyErr_Clear();
    }
    return same;
}

}  // namespace calque
