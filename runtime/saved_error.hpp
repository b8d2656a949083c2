// runtime/saved_error.hpp: sets the exception in flight aside while something runs that must not see,
// clear or replace it.
#pragma once

#include <calque/ref.hpp>

namespace calque {

class SavedError {
public:
    SavedError() noexcept { PyErr_Fetch(&type_, &value_, &traceback_); }
    SavedError(const SavedError&) = delete;
    SavedError& operator=(const SavedError&) = delete;
    ~SavedError() { PyErr_Restore(type_, value_, traceback_); }

    bool any() const noexcept { return type_ != nullptr; }
    /// What is set now replaces what was set aside.
    void replace() noexcept {
        const Ref type = Ref::steal(type_);
        const Ref value = Ref::steal(value_);
        const Ref traceback = Ref::steal(traceback_);
        PyErr_Fetch(&type_, &value_, &traceback_);
    }

private:
    PyObject* type_ = nullptr;
    PyObject* value_ = nullptr;
    PyObject* traceback_ = nullptr;
};

}  // namespace calque
