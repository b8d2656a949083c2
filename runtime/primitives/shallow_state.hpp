// runtime/primitives/shallow_state.hpp: `y.__dict__.update(x.__dict__)`, the state of a shallow copy. Semantics:
// Lib/copy.py, _reconstruct without a memo: the live dict of x is the state, none if it is empty.
//
// Other than for a deep copy it does not count who else refers to the dict, and which attribute is a hook is
// another question: copy.copy asks the class for __copy__ and x for the rest.
#pragma once

#include "type_plan.hpp"

#include <calque/ref.hpp>

#include <initializer_list>

namespace calque {

/// `key`, a plain string, is none of `hooks`, which are interned.
inline bool is_plain_name(PyObject* key, std::initializer_list<PyObject*> hooks) noexcept {
    const bool interned = PyUnicode_CHECK_INTERNED(key) != 0;
    for (PyObject* hook : hooks) {
        if (key == hook || (!interned && PyUnicode_Compare(key, hook) == 0)) {
            return false;
        }
    }
    return true;
}

class ShallowState {
public:
    /// False: leave x to the protocol. No Python code runs. `hooks`: names that mean something in the dict of x.
    bool look(Borrowed x, std::initializer_list<PyObject*> hooks) noexcept {
        if (x.type()->tp_dictoffset == 0) {
            return true;
        }
        bool usable = false;
        dict_ = type_plan::instance_dict(x, usable);
        PyObject *key = nullptr, *value = nullptr;
        Py_ssize_t position = 0;
        while (usable && dict_ && PyDict_Next(dict_.get(), &position, &key, &value)) {
            usable = PyUnicode_CheckExact(key) && is_plain_name(key, hooks);
        }
        return usable;
    }

    /// For the copy of that x, whose class has no __setstate__. False with MemoryError set.
    [[nodiscard]] bool give(Borrowed y) const noexcept {
        if (!dict_) {
            return true;
        }
        const Ref dict = Ref::steal(PyObject_GenericGetDict(y.get(), nullptr));
        return dict && PyDict_Update(dict.get(), dict_.get()) == 0;
    }

private:
    Ref dict_;
};

}  // namespace calque
