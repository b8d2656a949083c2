// runtime/cpython/set_stamp.hpp: has a set been changed since we looked?
//
// Sets have no version. Their counters tell: adding raises `used` and `fill`, discarding lowers `used`,
// replacing one member by another raises `fill`, a rebuilt table lies elsewhere. What escapes is a set
// that is cleared and filled again with as many members into a table at the same address.
// The twin: no stamp equals another.
#pragma once

#include "strategies.hpp"

namespace calque {

class SetStamp {
public:
    constexpr SetStamp() noexcept = default;

    static SetStamp of(PyObject* set) noexcept {
        SetStamp stamp;
#if CALQUE_USE_SET_COUNTERS
        const auto* raw = reinterpret_cast<PySetObject*>(set);
        stamp.table_ = raw->table;
        stamp.fill_ = raw->fill;
        stamp.used_ = raw->used;
#else
        static_cast<void>(set);
#endif
        return stamp;
    }

    friend bool operator==(const SetStamp& a, const SetStamp& b) noexcept {
        return a.table_ == b.table_ && a.fill_ == b.fill_ && a.used_ == b.used_ && a.table_ != nullptr;
    }

private:
    const void* table_ = nullptr;
    Py_ssize_t fill_ = 0;
    Py_ssize_t used_ = 0;
};

}  // namespace calque
