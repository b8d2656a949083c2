// calque/context.hpp: what a handler can do with the copy it takes part in.
//
// A CopyContext is lent: it exists only while the walker runs a function of the handler, and cannot
// be made, copied or kept by anyone else, so a handler cannot hold one that has ended. The life
// cycle behind it (taken from a pool, active, finished, back in the pool) is in runtime/context.hpp.
#pragma once

#include <calque/abi.h>
#include <calque/ref.hpp>

#pragma GCC visibility push(hidden)
namespace calque {

namespace detail {
inline const calque_api* api_in_use = nullptr;
struct Lend;
}  // namespace detail

/// The running calque. Set by import_calque() in a plugin, by the module itself at home.
inline const calque_api& api() noexcept { return *detail::api_in_use; }

/// For plugins: finds calque and checks that it speaks our version.
/// Returns false with ImportError set, naming both versions.
inline bool import_calque() noexcept {
    const auto* found = static_cast<const calque_api*>(PyCapsule_Import(CALQUE_CAPSULE_NAME, 0));
    if (found == nullptr) {
        return false;
    }
    if (found->major != CALQUE_ABI_MAJOR || found->size < sizeof(calque_api)) {
        PyErr_Format(PyExc_ImportError,
                     "this plugin was built for calque ABI %d.%d, the calque installed offers %u.%u: "
                     "rebuild the plugin, or install a calque that offers at least %d.%d",
                     CALQUE_ABI_MAJOR, CALQUE_ABI_MINOR, found->major, found->minor, CALQUE_ABI_MAJOR,
                     CALQUE_ABI_MINOR);
        return false;
    }
    detail::api_in_use = found;
    return true;
}

class CopyContext {
public:
    CopyContext(const CopyContext&) = delete;
    CopyContext& operator=(const CopyContext&) = delete;

    /// A deep copy of `child`, for SIMPLE handlers. Empty with an exception set on failure;
    /// RecursionError when the thread's C stack is nearly used up.
    Ref copy(Borrowed child) noexcept { return Ref::steal(api().copy(raw_, child.get())); }

    /// SIMPLE handlers: enters the unfinished copy in the memo before children are copied, so that a
    /// cycle finds it. False with an exception set on failure.
    [[nodiscard]] bool remember(Borrowed original, Borrowed unfinished) noexcept {
        return api().remember(raw_, original.get(), unfinished.get()) == 0;
    }

    /// Keeps `object` alive until the copy ends. False with MemoryError set on failure.
    [[nodiscard]] bool keep_alive(Borrowed object) noexcept {
        return api().keep_alive(raw_, object.get()) == 0;
    }

    /// True if copying `child` would surely return `child` and nobody would notice: skip it.
    bool is_atomic(Borrowed child) const noexcept { return api().is_atomic(raw_, child.get()) != 0; }

    /// The memo that a __deepcopy__ of this copy receives: an exact dict, or the caller's mapping.
    Ref memo() noexcept { return Ref::steal(api().memo(raw_)); }

    calque_context* raw() const noexcept { return raw_; }

private:
    friend struct detail::Lend;
    explicit CopyContext(calque_context* raw) noexcept : raw_(raw) {}

    calque_context* raw_;
};

/// Brackets Python code inside a CALQUE_PURE handler. Test it: false means an exception is set and
/// nothing may be run.
class PythonScope {
public:
    explicit PythonScope(CopyContext& context) noexcept
        : context_(context.raw()), open_(api().before_python(context_) == 0) {}
    PythonScope(const PythonScope&) = delete;
    PythonScope& operator=(const PythonScope&) = delete;
    ~PythonScope() {
        if (open_) {
            api().after_python(context_);
        }
    }
    explicit operator bool() const noexcept { return open_; }

private:
    calque_context* context_;
    bool open_;
};

}  // namespace calque
#pragma GCC visibility pop
