// handlers/tuple.hpp: tuple. Semantics: Lib/copy.py, _deepcopy_tuple.
//
// The copy can only be made after its items. If every item came out as itself, the tuple is its own
// copy and leaves no entry in the memo. A tuple on a cycle is met again before it has a copy and gets
// one then: the memo is asked once more at the end (CALQUE_ASK_AGAIN), and that copy wins.
// The result tuple is allocated at the first item that differs. As soon as Python code could run it is
// hidden from the collector until it is complete, so that nobody meets a tuple with holes.
#pragma once

#include "primitives.hpp"

namespace calque {

class CopyTuple {
public:
    static constexpr primitives::Native kKind = primitives::Native::tuple;

    Step begin(CopyContext& context, Frame& frame) noexcept {
        return next(context, frame, primitives::AskForEach());
    }

    template <class Visit>
    [[gnu::always_inline]] Step begin_natively(CopyContext& context, Frame& frame, Visit visit) noexcept {
        // Most tuples are their own copies: a loop that needs nothing but registers.
        PyObject* const original = frame.original().get();
        const Py_ssize_t size = PyTuple_GET_SIZE(original);
        Py_ssize_t i = 0;
        while (i < size && primitives::known_types.atomic(Py_TYPE(PyTuple_GET_ITEM(original, i)))) {
            ++i;
        }
        if (i == size) {
            return Step::done(Ref::share(original));
        }
        index_ = i;
        return next(context, frame, visit);
    }

    template <class Visit>
    [[gnu::always_inline]] Step go_on_natively(CopyContext& context, Frame& frame, Visit visit) noexcept {
        --index_;
        return next(context, frame, visit);
    }

    Step resume(CopyContext& context, Frame& frame, Ref child) noexcept {
        return resume(context, frame, std::move(child), primitives::AskForEach());
    }

    template <class Visit>
    [[gnu::always_inline]] Step resume(CopyContext& context, Frame& frame, Ref child, Visit visit) noexcept {
        return take(context, frame, child) ? next(context, frame, visit) : give_up(frame, std::move(child));
    }

    bool deoptimize(calque_frame&) noexcept {
        watched_ = true;
        if (copy_) {
            PyObject_GC_UnTrack(copy_.get());
        }
        return true;
    }

private:
    // There is no tuple for the copy of an item: it goes when the walk has made sure that Python code may run.
    [[gnu::noinline, gnu::cold]] static Step give_up(Frame& frame, Ref child) noexcept {
        frame.set_copy(std::move(child));
        return Step::error();
    }

    // The copy of the item before index_.
    bool take(CopyContext& context, Frame& frame, Ref& child) noexcept {
        const PyObject* const original = frame.original().get();
        const Py_ssize_t i = index_ - 1;
        if (!copy_) {
            if (child.get() == PyTuple_GET_ITEM(original, i)) {
                return true;
            }
            if (!start_copy(context, frame.original(), i)) {
                return false;
            }
        }
        PyTuple_SET_ITEM(copy_.get(), i, child.release());
        return true;
    }

    template <class Visit>
    [[gnu::always_inline]] Step next(CopyContext& context, Frame& frame, Visit visit) noexcept {
        PyObject* const original = frame.original().get();
        const Py_ssize_t size = PyTuple_GET_SIZE(original);
        PyObject* copy = copy_.get();
        for (Py_ssize_t i = index_; i < size; ++i) {
            const Borrowed item = PyTuple_GET_ITEM(original, i);
            const auto look = primitives::known_types.look(item.type());
            if (look.atomic() && primitives::head(context).passes_atomics) {
                if (copy != nullptr) {
                    PyTuple_SET_ITEM(copy, i, Ref::share(item).release());
                }
                continue;
            }
            const calque_step visited = visit(item, look);
            if (visited.outcome != primitives::kValue) {
                index_ = i + 1;
                return Step::of(visited);
            }
            if (copy == nullptr) {
                Ref same = Ref::steal(visited.object);
                if (item == same) {
                    continue;
                }
                if (!start_copy(context, original, i)) {
                    return give_up(frame, std::move(same));
                }
                static_cast<void>(same.release());
                copy = copy_.get();
            }
            PyTuple_SET_ITEM(copy, i, visited.object);
        }
        if (copy == nullptr) {
            return Step::done(Ref::share(original));
        }
        if (watched_) {
            PyObject_GC_Track(copy);
        }
        return Step::done(std::move(copy_));
    }

    bool start_copy(CopyContext& context, Borrowed original, Py_ssize_t done) noexcept {
        copy_ = Ref::steal(PyTuple_New(PyTuple_GET_SIZE(original.get())));
        if (!copy_) {
            return false;
        }
        watched_ = watched_ || !primitives::head(context).native_memo;
        if (watched_) {
            PyObject_GC_UnTrack(copy_.get());
        }
        for (Py_ssize_t i = 0; i < done; ++i) {
            PyTuple_SET_ITEM(copy_.get(), i, Ref::share(PyTuple_GET_ITEM(original.get(), i)).release());
        }
        return true;
    }

    Ref copy_;
    Py_ssize_t index_ = 0;  // of the next item
    bool watched_ = false;  // copy_ is, or will be, hidden from the collector
};

}  // namespace calque
