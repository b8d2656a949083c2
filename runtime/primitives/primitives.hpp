// runtime/primitives/primitives.hpp: shortcuts that calque's own handlers take and a stranger's need not.
//
// Each has a twin in the SDK or in the public C API that does the same, slower; the twin is named.
#pragma once

#include "interned.hpp"
#include "list_slots.hpp"
#include "native.hpp"

#include <calque/handler.hpp>
#include <calque/ref.hpp>

#include <cstdint>

namespace calque::type_plan {
struct Plan;
}  // namespace calque::type_plan

namespace calque::primitives {

/// The part of a context that handlers look at on every element: its first bytes.
struct ContextHead {
    bool passes_atomics = true;     // false: even an int is asked for in the memo
    bool native_memo = true;        // false: somebody sees when the memo is written
    bool pristine = false;          // the memo is native, and no Python code has run since the copy began
    std::uint64_t python_runs = 0;  // the number of this stretch without Python code; never given twice
    const type_plan::Plan* plan = nullptr;  // by which begin_natively() of an instance goes
};

/// calque_frame::walker, above this many bits of flags: python_runs when the object was visited.
constexpr int kRunsShift = 8;

inline const ContextHead& head(const CopyContext& context) noexcept {
    return *reinterpret_cast<const ContextHead*>(context.raw());
}

/// What the loop knows of exact types: whose instances are their own copies, and which are native. A perfect
/// hash: the registry looks for a multiplier that sends each member to a slot of its own, so that the test
/// is one multiplication, one load, one comparison (in a prototype 0.6 ns against 1.6 ns for a chain of 16,
/// CPython 3.11). Members are few, and change only when a program patches copy's tables or registers types.
struct KnownTypes {
    static constexpr int kBits = 9;  // room for numpy's 22 scalars beside calque's own 30
    struct Slot {
        PyTypeObject* atomic = nullptr;
        PyTypeObject* native = nullptr;  // one of the two is set
    };
    Slot slots[1u << kBits] = {};
    Native kinds[1u << kBits] = {};  // of `native`
    Leaf leaves[1u << kBits] = {};   // of Native::leaf
    std::uint64_t multiplier = 1;

    std::size_t slot(const PyTypeObject* type) const noexcept {
        return static_cast<std::size_t>((reinterpret_cast<std::uintptr_t>(type) * multiplier)
                                        >> (64 - kBits));
    }

    /// One look at a type, for two questions.
    struct Look {
        const KnownTypes& types;
        const PyTypeObject* type;
        std::size_t slot;

        bool atomic() const noexcept { return types.slots[slot].atomic == type; }
        /// If it is not atomic.
        Native kind() const noexcept {
            return types.slots[slot].native == type ? types.kinds[slot] : Native::none;
        }
    };
    Look look(const PyTypeObject* type) const noexcept { return {*this, type, slot(type)}; }
    bool atomic(const PyTypeObject* type) const noexcept { return look(type).atomic(); }
    Native kind(const PyTypeObject* type) const noexcept {
        const Look here = look(type);
        return here.atomic() ? Native::atomic : here.kind();
    }
    /// Of a type of kind `leaf`.
    Leaf leaf(const PyTypeObject* type) const noexcept { return leaves[slot(type)]; }
};

inline KnownTypes known_types;

/// Twin: CopyContext::is_atomic.
inline bool is_atomic(const CopyContext& context, Borrowed object) noexcept {
    return head(context).passes_atomics && known_types.atomic(object.type());
}

/// is_atomic() for one object after another, where context.passes_atomics: mostly they are of one type.
class AtomicInARow {
public:
    bool operator()(Borrowed object) noexcept {
        if (object.type() == last_) [[likely]] {
            return true;
        }
        if (!known_types.atomic(object.type())) {
            return false;
        }
        last_ = object.type();
        return true;
    }

private:
    const PyTypeObject* last_ = nullptr;
};

/// Python code had a chance to run since the frame's object was visited.
inline bool python_ran_since_visit(const CopyContext& context, const Frame& frame) noexcept {
    return (head(context).python_runs << kRunsShift)
        != (frame.raw()->walker & ~((std::uintptr_t{1} << kRunsShift) - 1));
}

/// A container that was cloned from one the collector need not track, and whose elements were replaced since.
inline void track_if_needed(Borrowed container) noexcept {
    if (PyObject_GC_IsTracked(container.get()) == 0) {
        PyObject_GC_Track(container.get());
    }
}

/// Hash and comparison of such an object run no Python code.
inline bool hashes_natively(Borrowed key) noexcept {
    return PyUnicode_CheckExact(key.get()) || PyLong_CheckExact(key.get()) || PyFloat_CheckExact(key.get())
        || PyBytes_CheckExact(key.get()) || PyBool_Check(key.get()) || key.get() == Py_None;
}

}  // namespace calque::primitives
