// runtime/shared_classes.hpp: classes whose instances a copy shares with its original, because the program wants it so.
//
// Two kinds of wish. ALWAYS (calque.atomic): in every copy until it is taken back. IN A CALL (calque.deepcopy(x, share=...)):
// in this one copy, whatever other threads, hooks and greenlets copy meanwhile.
//   Both are claims on a class, counted, and valid for its subclasses. The registry puts them before every other
// handler of the class. A class claimed for always is atomic. One that is claimed in calls alone gets a GUEST: it asks
// whether the copy that it serves belongs to such a call, and declines if not; then whoever would have served the class
// without claims is asked. So a copy that shares nothing tests nothing, and plans and caches need not know of calls:
// for as long as a call lasts, the class has one more handler. A set of classes kept in each memo would have to be asked
// about every object of every copy.
//   The price: a call with share= has the registry derive its tables twice, and while it runs, other copies find instances of
// these classes more slowly.
//
// Which copy belongs to a call is told by its memo: the native one of the call, and whatever mapping that has been
// turned into or was from the start, because hooks copy on with that. The list of calls lies on the heap: a greenlet's
// stack is moved away while others run.
//
// Everything is guarded by the GIL.
#pragma once

#include <calque/abi.h>
#include <calque/ref.hpp>

#include <cstddef>

namespace calque {

class Memo;

namespace shared_classes {

enum class Wish { always, in_a_call };

/// `classes`: a tuple of classes. False with MemoryError set: then nothing has changed.
[[nodiscard]] bool claim(Borrowed classes, Wish wish) noexcept;
/// Once for each claim() that returned true. False with MemoryError set: a claim for always then stays.
[[nodiscard]] bool disclaim(Borrowed classes, Wish wish) noexcept;

/// The handler that claims put before others for `type`; null without a claim on it or a base of it.
const calque_handler* handler_for(PyTypeObject* type) noexcept;
bool is_guest(const calque_handler& handler) noexcept;
/// There is a claim for always on `type` or a base of it.
bool always(PyTypeObject* type) noexcept;
/// The classes with claims; valid until claims change.
std::size_t count() noexcept;
PyTypeObject* claimed(std::size_t index, bool& always) noexcept;

/// While it lives, copies on `memo` share instances of `classes`.
class Sharing {
public:
    Sharing(Memo& memo, Borrowed classes) noexcept;
    Sharing(const Sharing&) = delete;
    Sharing& operator=(const Sharing&) = delete;
    ~Sharing();
    /// False: MemoryError is set.
    explicit operator bool() const noexcept { return noted_; }

private:
    Memo* memo_;
    PyObject* classes_;
    bool noted_;
};

}  // namespace shared_classes
}  // namespace calque
