// runtime/shallow.cpp: copy.copy and copy.replace, Lib/copy.py (3.10 to 3.14).
#include "engine.hpp"

#include "cpython/gc_hold.hpp"
#include "plugins.hpp"
#include "primitives/interned.hpp"
#include "primitives/interpreter_forms.hpp"
#include "primitives/known_class.hpp"
#include "primitives/reconstruct.hpp"
#include "primitives/set_slots.hpp"
#include "registry.hpp"
#include "saved_error.hpp"
#include "shallow_plan.hpp"
#include "stack_guard.hpp"
#include "stdlib_tables.hpp"

#include <calque/compat.hpp>

namespace calque::engine {

namespace {

// `for item in items: y.append(item)`
bool append_all(Borrowed y, Borrowed items) noexcept {
    Ref iterator = Ref::steal(PyObject_GetIter(items.get()));
    if (!iterator) {
        return false;
    }
    while (Ref item = Ref::steal(PyIter_Next(iterator.get()))) {
        if (!reconstruct::append(y, item)) {
            return false;
        }
    }
    return PyErr_Occurred() == nullptr;
}

// `for key, value in pairs: y[key] = value`
bool set_all(Borrowed y, Borrowed pairs) noexcept {
    Ref iterator = Ref::steal(PyObject_GetIter(pairs.get()));
    if (!iterator) {
        return false;
    }
    while (Ref next = Ref::steal(PyIter_Next(iterator.get()))) {
        Ref pair = forms::unpack_pair(next);
        if (!pair
            || PyObject_SetItem(y.get(), PyTuple_GET_ITEM(pair.get(), 0), PyTuple_GET_ITEM(pair.get(), 1))
                   != 0) {
            return false;
        }
    }
    return PyErr_Occurred() == nullptr;
}

bool fill(Borrowed y, Borrowed state, Borrowed items, Borrowed pairs) noexcept {
    return (state.get() == Py_None || reconstruct::set_state(y, state))
        && (items.get() == Py_None || append_all(y, items)) && (pairs.get() == Py_None || set_all(y, pairs));
}

// `_reconstruct(x, None, *value)`
Ref rebuild(Ref value) noexcept {
    Ref parts = forms::reconstruct_arguments(value);
    if (!parts) {
        return {};
    }
    const auto part = [&](Py_ssize_t i) { return Borrowed(PyTuple_GET_ITEM(parts.get(), i)); };
    Ref y = forms::call_star(part(0), part(1));
    if (y && !fill(y, part(2), part(3), part(4))) {
        // Put aside: the end of an instance may lose it (3.13, when no memory is left).
        const SavedError in_flight;
        y = {};
        parts = {};
        value = {};
    }
    return y;
}

Ref copy_as_registered(Borrowed x, const registry::Shallow& how) noexcept {
    if (how.itself) {
        return Ref::share(x);
    }
    const registry::InUse in_use;
    return Ref::steal(how.handler->shallow(how.handler, x.get()));
}

// Lib/copy.py, copy: step by step. Every step may run Python code that copies again.
[[gnu::noinline]] Ref copy_by_protocol(Borrowed x) noexcept {
    if (!stack_guard::has_room()) {
        return {};
    }
    PyTypeObject* type = x.type();
    if (const registry::Shallow* how = registry::shallow(type)) {
        if (how->itself || how->handler != nullptr) {
            return copy_as_registered(x, *how);
        }
        Ref function = Ref::share(how->function);
        const int wanted = PyObject_IsTrue(function.get());
        if (wanted != 0) {
            return wanted < 0 ? Ref() : Ref::steal(PyObject_CallOneArg(function.get(), x.get()));
        }
    } else {
        Ref function;
        switch (stdlib_tables::shallow_entry_by_metaclass(type, function)) {
        case stdlib_tables::ShallowEntry::none: break;
        case stdlib_tables::ShallowEntry::itself: return Ref::share(x);
        case stdlib_tables::ShallowEntry::function:
            return Ref::steal(PyObject_CallOneArg(function.get(), x.get()));
        case stdlib_tables::ShallowEntry::error: return {};
        }
    }
    if (PyType_FastSubclass(type, Py_TPFLAGS_TYPE_SUBCLASS)) {
        return Ref::share(x);
    }
    if (plugins::may_serve(type)) {
        return plugins::load(type) ? copy(x) : Ref();
    }
    if (registry::any_for_subclasses()) {
        if (const registry::Shallow* how = registry::shallow_for_subclass(type)) {
            return copy_as_registered(x, *how);
        }
    }
    PyObject* raw = nullptr;
    if (PyObject_GetOptionalAttr(reinterpret_cast<PyObject*>(type), interned::__copy__, &raw) < 0) {
        return {};
    }
    Ref hook = Ref::steal(raw);
    if (hook && hook.get() != Py_None) {
        return Ref::steal(PyObject_CallOneArg(hook.get(), x.get()));
    }
    Ref value = reconstruct::reduce(x, false);
    if (!value) {
        return {};
    }
    const int itself = reconstruct::means_itself(value);
    if (itself != 0) {
        return itself < 0 ? Ref() : Ref::share(x);
    }
    return rebuild(std::move(value));
}

// Empty without an exception: by the protocol.
Ref copy_known(Borrowed x) noexcept {
    GcHold gc;  // examining the evidence must not run finalizers
    gc.hold();
    const known_class::Known* known = known_class::find(x.type());
    gc.release();
    return known != nullptr && known->shallow != nullptr ? known->shallow(x, *known) : Ref();
}

// The protocol, if that is what an empty `y` means.
Ref or_by_protocol(Borrowed x, Ref y) noexcept {
    return y || PyErr_Occurred() != nullptr ? std::move(y) : copy_by_protocol(x);
}

}  // namespace

Ref copy(Borrowed x) noexcept {
    stdlib_tables::refresh_if_changed();
    if (!TypeVersion::kAvailable) {
        return copy_by_protocol(x);
    }
    using shallow_plan::Way;
    const shallow_plan::Plan& plan = shallow_plan::of(x.type());
    switch (plan.way) {
    case Way::itself: return Ref::share(x);
    case Way::list: return Ref::steal(PyList_GetSlice(x.get(), 0, PyList_GET_SIZE(x.get())));
    case Way::dict: return Ref::steal(PyDict_Copy(x.get()));
    case Way::set: return set_slots::copy<PySet_New>(x);
    case Way::handler: return Ref::steal(plan.handler->shallow(plan.handler, x.get()));
    case Way::instance: return or_by_protocol(x, shallow_plan::copy_instance(x, plan));
    case Way::known: return or_by_protocol(x, copy_known(x));
    case Way::by_protocol: break;
    }
    return copy_by_protocol(x);
}

Ref replace(PyObject* const* args, Borrowed names) noexcept {
    if (!stack_guard::has_room()) {
        return {};
    }
    const Borrowed obj = args[0];
    Ref cls = Ref::steal(PyObject_GetAttr(obj.get(), interned::__class__));
    if (!cls) {
        return {};
    }
    PyObject* raw = nullptr;
    if (PyObject_GetOptionalAttr(cls.get(), interned::__replace__, &raw) < 0) {
        return {};
    }
    Ref function = Ref::steal(raw);
    if (!function || function.get() == Py_None) {
        Ref name = Ref::steal(PyObject_GetAttrString(cls.get(), "__name__"));
        if (name) {
            PyErr_Format(PyExc_TypeError, "replace() does not support %S objects", name.get());
        }
        return {};
    }
    return Ref::steal(PyObject_Vectorcall(function.get(), args, 1, names.get()));
}

}  // namespace calque::engine
