// handlers/dict_walk.hpp: live iteration of a dict, as `for key, value in d.items()` does it
// (Objects/dictobject.c, dictiter_iternextitem): a changed size ends it with a RuntimeError, and so does
// a pair more than there were at the start; anything else is followed.
#pragma once

#include <calque/handler.hpp>

#include <cstdint>

namespace calque {

class DictWalk {
public:
    enum Result { pair, end, resized, rekeyed };

    void start(Borrowed dict) noexcept {
        size_ = remaining_ = static_cast<std::uint32_t>(PyDict_GET_SIZE(dict.get()));
    }

    /// The next pair, borrowed.
    Result next(Borrowed dict, PyObject*& key, PyObject*& value) noexcept {
        if (static_cast<std::uint32_t>(PyDict_GET_SIZE(dict.get())) != size_) {
            return resized;
        }
        Py_ssize_t position = position_;
        if (!PyDict_Next(dict.get(), &position, &key, &value)) {
            return end;
        }
        if (remaining_ == 0) {
            return rekeyed;
        }
        --remaining_;
        position_ = static_cast<std::uint32_t>(position);
        return pair;
    }

    /// Over so many pairs of a dict that was not changed since start().
    void skip(Borrowed dict, std::uint32_t pairs) noexcept {
        PyObject *key = nullptr, *value = nullptr;
        while (pairs-- > 0) {
            next(dict, key, value);
        }
    }

    /// After `resized` or `rekeyed`.
    static Step raise(CopyContext& context, Result how) noexcept {
        // In a scope: what was copied so far is in the memo when the error arrives.
        PythonScope scope(context);
        if (scope) {
            PyErr_SetString(PyExc_RuntimeError, how == rekeyed ? "dictionary keys changed during iteration"
                                                               : "dictionary changed size during iteration");
        }
        return Step::error();
    }

private:
    // A dict of 2^32 entries takes more than 400 GB.
    std::uint32_t size_ = 0;
    std::uint32_t remaining_ = 0;
    std::uint32_t position_ = 0;
};

}  // namespace calque
