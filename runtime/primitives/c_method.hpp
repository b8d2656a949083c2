// runtime/primitives/c_method.hpp: methods of C types, called without looking them up each time.
//
// A method descriptor of a type whose attributes cannot be set (static, or immutable) always leads to the
// same C function. Calling that function itself costs a third of a call through the descriptor. Reads
// PyMethodDescrObject and PyGetSetDescrObject (descrobject.h, unchanged from 3.10 to 3.14). The twin calls
// the descriptor.
#pragma once

#include "strategies.hpp"

#include <calque/ref.hpp>

namespace calque {

class CMethod {
public:
    /// `type.name`, which lives as long as the process. False with an exception set.
    [[nodiscard]] bool find(PyTypeObject* type, const char* name) noexcept {
        descriptor_ = PyObject_GetAttrString(reinterpret_cast<PyObject*>(type), name);
        if (descriptor_ == nullptr) {
            return false;
        }
#if CALQUE_USE_C_METHODS
        if (Py_TYPE(descriptor_) == &PyMethodDescr_Type) {
            const PyMethodDef* method = reinterpret_cast<PyMethodDescrObject*>(descriptor_)->d_method;
            if (method->ml_flags == METH_NOARGS || method->ml_flags == METH_O) {
                function_ = method->ml_meth;
            }
        }
#endif
        return true;
    }

    /// `x.name()`; empty with an exception set.
    Ref operator()(Borrowed x) const noexcept {
        return Ref::steal(function_ != nullptr ? function_(x.get(), nullptr)
                                               : PyObject_CallOneArg(descriptor_, x.get()));
    }

    /// `x.name(argument)`
    Ref operator()(Borrowed x, Borrowed argument) const noexcept {
        return Ref::steal(function_ != nullptr
                              ? function_(x.get(), argument.get())
                              : PyObject_CallFunctionObjArgs(descriptor_, x.get(), argument.get(), nullptr));
    }

private:
    PyObject* descriptor_ = nullptr;
    PyCFunction function_ = nullptr;
};

/// An attribute that a C type computes (a getset) or stores (a member).
class CAttribute {
public:
    /// `type.name`. False with an exception set.
    [[nodiscard]] bool find(PyTypeObject* type, const char* name) noexcept {
        name_ = PyUnicode_InternFromString(name);
        Ref found = Ref::steal(PyObject_GetAttrString(reinterpret_cast<PyObject*>(type), name));
        if (name_ == nullptr || !found) {
            return false;
        }
#if CALQUE_USE_C_METHODS
        if (Py_TYPE(found.get()) == &PyGetSetDescr_Type) {
            getset_ = reinterpret_cast<PyGetSetDescrObject*>(found.get())->d_getset;
        }
#endif
        return true;
    }

    /// `x.name`; empty with an exception set.
    Ref operator()(Borrowed x) const noexcept {
        return Ref::steal(getset_ != nullptr ? getset_->get(x.get(), getset_->closure)
                                             : PyObject_GetAttr(x.get(), name_));
    }

private:
    PyObject* name_ = nullptr;
    const PyGetSetDef* getset_ = nullptr;
};

}  // namespace calque
