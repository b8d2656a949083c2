// handlers/attributes.hpp: the deep copy of an instance's dict as the state of a reduce value. Semantics:
// Lib/copy.py, _reconstruct: `state = deepcopy(state, memo)`, and with it _deepcopy_dict: values before
// keys, live iteration.
//
// Nobody sees the copy before it is complete. Cloning the dict and replacing values in place was tried: not
// faster for three attributes, and a clone keeps alive what a hook takes out of the source.
#pragma once

#include "dict_slots.hpp"
#include "dict_walk.hpp"
#include "primitives.hpp"
#include "shallow_state.hpp"

#include <calque/handler.hpp>

#include <initializer_list>

namespace calque {

/// The dict of an instance of a C type that stores it at tp_dictoffset; empty if there is none yet.
inline PyObject*& attributes_at(Borrowed x, Py_ssize_t offset) noexcept {
    return *reinterpret_cast<PyObject**>(reinterpret_cast<char*>(x.get()) + offset);
}
inline Borrowed attributes_of(Borrowed x) noexcept { return attributes_at(x, x.type()->tp_dictoffset); }

/// `dict` is exactly a dict with plain names, none of which is in `hooks`. `flat`: nor are its values
/// anything but their own copies.
inline bool attributes_are_plain(const CopyContext& context, Borrowed dict,
                                 std::initializer_list<PyObject*> hooks, bool& flat) noexcept {
    if (!PyDict_CheckExact(dict.get())) {
        return false;
    }
    return dict_slots::each(dict, [&](PyObject* key, PyObject* value) noexcept {
        flat = flat && primitives::is_atomic(context, value);
        return PyUnicode_CheckExact(key) && is_plain_name(key, hooks);
    });
}

class CopyAttributes {
public:
    /// `source` is a plain dict that nobody else refers to. False with MemoryError set.
    [[nodiscard]] bool start(Ref source) noexcept {
        source_ = std::move(source);
        copied_ = Ref::steal(PyDict_New());
        walk_.start(source_);
        return bool(copied_);
    }

    /// The same in the middle: hold() was given what there is by now, and the value under `key`, the last of the
    /// first `pairs` pairs, is being copied.
    void go_on(Ref source, Ref key, std::uint32_t pairs) noexcept {
        source_ = std::move(source);
        key_ = std::move(key);
        walk_.start(source_);
        walk_.skip(source_, pairs);
    }

    void hold(Ref copied) noexcept { copied_ = std::move(copied); }
    Borrowed held() const noexcept { return copied_; }

    /// The next child, or Step::done(): then take() the copy.
    Step next(CopyContext& context, Frame& frame) noexcept {
        for (;;) {
            PyObject *key = nullptr, *value = nullptr;
            const DictWalk::Result result = walk_.next(source_, key, value);
            if (result == DictWalk::end) {
                return let_go_of_source(context, frame) ? Step::done() : Step::error();
            }
            if (result != DictWalk::pair) {
                return DictWalk::raise(context, result);
            }
            key_ = Ref::share(key);
            if (!primitives::is_atomic(context, value)) {
                return Step::child(value);
            }
            Ref same = Ref::share(value);
            if (!resume(context, frame, same)) {
                return Step::error();
            }
        }
    }

    [[nodiscard]] bool resume(CopyContext& context, Frame& frame, Borrowed value) noexcept {
        if (!primitives::python_ran_since_visit(context, frame)) {
            const bool taken = PyDict_SetItem(copied_.get(), key_.get(), value.get()) == 0;
            key_ = {};
            return taken;
        }
        // By now the keys may be anything, and their owner somebody else.
        Ref key = primitives::is_atomic(context, key_) ? Ref::share(key_) : context.copy(key_);
        PythonScope scope(context);
        const bool taken = key && scope && PyDict_SetItem(copied_.get(), key.get(), value.get()) == 0;
        key_ = {};
        return taken;
    }

    /// start() was called, and the copy not taken yet.
    explicit operator bool() const noexcept { return bool(copied_); }
    Ref take() noexcept { return std::move(copied_); }

private:
    // If Python code ran, the instance may have another dict by now, and ours may be the last reference
    // to things whose addresses are in the log.
    bool let_go_of_source(CopyContext& context, Frame& frame) noexcept {
        if (primitives::python_ran_since_visit(context, frame)) {
            PythonScope scope(context);
            source_ = {};
            return bool(scope);
        }
        source_ = {};
        return true;
    }

    Ref source_;  // the instance dict, until it has been walked
    Ref copied_;  // nobody else's yet
    Ref key_;     // of the value being copied
    DictWalk walk_;
};

}  // namespace calque
