// runtime/replicate.cpp: see replicate.hpp.
#include "replicate.hpp"

#include "engine.hpp"
#include "prepared.hpp"
#include "primitives/list_slots.hpp"
#include "safepoint.hpp"

#include <utility>

namespace calque {

namespace {

// Looking at a graph costs about as much as copying it.
constexpr Py_ssize_t kWorthLooking = 24;

Ref list_for(Py_ssize_t count) noexcept {
    if (count > PY_SSIZE_T_MAX / static_cast<Py_ssize_t>(sizeof(PyObject*))) {
        PyErr_NoMemory();
        return {};
    }
    return list_slots::with_room(count);
}

bool add(Borrowed list, Ref made) noexcept { return made && list_slots::append(list, std::move(made)); }

Ref the_same(Borrowed x, Py_ssize_t count) noexcept {
    Ref one = Ref::steal(PyList_New(1));
    if (!one) {
        return {};
    }
    PyList_SET_ITEM(one.get(), 0, Ref::share(x).release());
    return Ref::steal(PySequence_Repeat(one.get(), count));
}

class Copies {
public:
    explicit Copies(Borrowed x) noexcept : x_(x) {}

    /// With so many to come, this one included. Empty with an exception set.
    Ref next(Py_ssize_t left) noexcept {
        // By a recipe a copy is made in one go, however large it is; the walk of another one looks for itself, but not in a small one.
        if (recipe_.has_recipe() ? poll_.due_now() : poll_.due()) {
            recipe_.drop();
            looked_ = false;
            if (!poll_.serve()) {
                return {};
            }
        }
        // Classes have their plans from their first copy on.
        if (!looked_ && !std::exchange(first_, false) && left >= kWorthLooking) {
            looked_ = true;
            recipe_.look_at(x_);
        }
        if (recipe_.has_recipe()) {
            Ref copy = recipe_.copy_by_recipe();
            if (copy || PyErr_Occurred() != nullptr) {
                return copy;
            }
            recipe_.drop();
        }
        return engine::deepcopy_alone(x_);
    }

private:
    Borrowed x_;
    Prepared recipe_;
    safepoint::Poll poll_;
    bool first_ = true;
    bool looked_ = false;
};

}  // namespace

Ref replicate(Borrowed x, Py_ssize_t count) noexcept {
    if (engine::is_atom(x)) {
        return the_same(x, count);
    }
    Ref list = list_for(count);
    Copies copies(x);
    for (Py_ssize_t left = count; list && left > 0; --left) {
        if (!add(list, copies.next(left))) {
            return {};
        }
    }
    return list;
}

Ref repeat_call(Borrowed function, Py_ssize_t count) noexcept {
    Ref list = list_for(count);
    safepoint::Poll poll;
    for (Py_ssize_t left = count; list && left > 0; --left) {
        if (poll.due() && !poll.serve()) {
            return {};
        }
        if (!add(list, Ref::steal(PyObject_CallNoArgs(function.get())))) {
            return {};
        }
    }
    return list;
}

}  // namespace calque
