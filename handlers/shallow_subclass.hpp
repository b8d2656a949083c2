// handlers/shallow_subclass.hpp: shallow copies of subclasses of list, dict, tuple (named tuples), set and
// frozenset that leave copying to their base (container_subclass.cpp knows which). Semantics: Lib/copy.py,
// copy and _reconstruct without a memo, for the reduce values that the headers of the deep copies name.
//
// Only what runs no Python code is done here: keys and members that hash natively. No class is looked at
// after the new object is made. Empty without an exception: by the protocol, nothing has happened yet.
#pragma once

#include "interned.hpp"
#include "pairs.hpp"
#include "primitives.hpp"
#include "shallow_state.hpp"
#include "subclass_state.hpp"

#include <calque/compat.hpp>

namespace calque::shallow_subclass {

/// `arity`: see CopyTupleSubclass::begin.
inline Ref copy_tuple(Borrowed x, Py_ssize_t arity) noexcept {
    const Py_ssize_t size = PyTuple_GET_SIZE(x.get());
    ShallowState state;
    if ((arity >= 0 && arity != size) || !state.look(x, {interned::__reduce_ex__, interned::__getstate__})) {
        return {};
    }
    Ref y = Ref::steal(x.type()->tp_alloc(x.type(), size));
    if (!y) {
        return {};
    }
#if CALQUE_TUPLES_KEEP_HASH
    reinterpret_cast<PyTupleObject*>(y.get())->ob_hash = -1;
#endif
    for (Py_ssize_t i = 0; i < size; ++i) {
        PyTuple_SET_ITEM(y.get(), i, Ref::share(PyTuple_GET_ITEM(x.get(), i)).release());
    }
    return state.give(y) ? std::move(y) : Ref();
}

inline Ref copy_list(Borrowed x) noexcept {
    ShallowState state;
    if (!state.look(x, {interned::__reduce_ex__, interned::__getstate__, interned::append})) {
        return {};
    }
    Ref y = bare(x.type());
    return y && state.give(y) && PyList_SetSlice(y.get(), 0, 0, x.get()) == 0 ? std::move(y) : Ref();
}

inline Ref copy_dict(Borrowed x) noexcept {
    ShallowState state;
    const bool native = state.look(x, {interned::__reduce_ex__, interned::__getstate__, interned::items})
                     && keys_hash_natively(x);
    Ref y = native ? bare(x.type()) : Ref();
    return y && state.give(y) && PyDict_Update(y.get(), x.get()) == 0 ? std::move(y) : Ref();
}

// `cls(list(x))`: the order of a set follows from how it was made.
inline Ref copy_set(Borrowed x) noexcept {
    ShallowState state;
    if (!state.look(x, {interned::__reduce_ex__, interned::__reduce__, interned::__getstate__})) {
        return {};
    }
    const Ref members = Ref::steal(PySequence_List(x.get()));
    for (Py_ssize_t i = 0; members && i < PyList_GET_SIZE(members.get()); ++i) {
        if (!primitives::hashes_natively(PyList_GET_ITEM(members.get(), i))) {
            return {};
        }
    }
    Ref y = members ? Ref::steal(PyObject_CallOneArg(reinterpret_cast<PyObject*>(x.type()), members.get()))
                    : Ref();
    return y && state.give(y) ? std::move(y) : Ref();
}

}  // namespace calque::shallow_subclass
