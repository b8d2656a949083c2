// calque/handler.hpp: writing a handler in C++. A thin layer over abi.h, whose essay is the contract.
//
// A SIMPLE handler is a function:
//
//     Ref copy_point(CopyContext& context, Borrowed original) noexcept;
//     constexpr HandlerSpec point = simple_handler<copy_point>("point", &Point_Type);
//
// A FRAME handler is a class that lives in the 48 bytes of its frame: constructed before begin(),
// destroyed after the last step or when the copy is abandoned, so its destructor is all the clean-up
// there is:
//
//     class CopyBox {
//     public:
//         Step begin(CopyContext& context, Frame& frame) noexcept;
//         Step resume(CopyContext& context, Frame& frame, Ref child) noexcept;
//         void unwind(Frame& frame) noexcept;   // optional: sees, may replace, the exception set
//     };
//     constexpr HandlerSpec box = frame_handler<CopyBox>("box", &Box_Type);
//
// Nothing here throws, and nothing a handler calls may let an exception of C++ out.
#pragma once

#include <calque/abi.h>
#include <calque/context.hpp>
#include <calque/ref.hpp>

#include <concepts>
#include <cstring>
#include <new>
#include <type_traits>

#pragma GCC visibility push(hidden)
namespace calque {

using HandlerSpec = calque_handler;

/// What a FRAME handler says after each step; made only by the four functions.
class [[nodiscard]] Step {
public:
    /// Copy `next` and come back with the result. Borrowed until resume().
    static Step child(Borrowed next) noexcept { return Step(next.get(), CALQUE_CHILD); }
    /// The copy is finished.
    static Step done(Ref copy) noexcept { return Step(copy.release(), CALQUE_DONE); }
    /// The copy is finished: it is the one in the frame.
    static Step done() noexcept { return Step(nullptr, CALQUE_DONE); }
    /// A Python exception is set.
    static Step error() noexcept { return Step(nullptr, CALQUE_ERROR); }
    /// begin() only: not mine after all.
    static Step decline() noexcept { return Step(nullptr, CALQUE_DECLINE); }

    /// What another part of calque said.
    static Step of(calque_step raw) noexcept { return Step(raw.object, raw.outcome); }

    /// The frame stays, and with it the handler's data.
    bool keeps_frame() const noexcept {
        return raw_.outcome == CALQUE_CHILD || raw_.outcome > CALQUE_DECLINE;
    }
    calque_step raw() const noexcept { return raw_; }

private:
    Step(PyObject* object, intptr_t outcome) noexcept : raw_{object, outcome} {}
    calque_step raw_;
};

/// The frame of the copy in progress, as its handler may see it.
class Frame {
public:
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;

    Borrowed original() const noexcept { return raw_->original; }
    /// The unfinished copy; empty until set_copy().
    Borrowed copy() const noexcept { return raw_->copy; }
    /// Gives the unfinished copy to the frame. Once.
    void set_copy(Ref unfinished) noexcept { raw_->copy = unfinished.release(); }
    /// Enters the unfinished copy in the memo now. False with an exception set on failure.
    [[nodiscard]] bool publish(CopyContext& context) noexcept {
        return api().publish(context.raw(), raw_) == 0;
    }
    void* user() const noexcept { return raw_->handler->user; }
    calque_frame* raw() const noexcept { return raw_; }

private:
    friend struct detail::Lend;
    explicit Frame(calque_frame* raw) noexcept : raw_(raw) {}

    calque_frame* raw_;
};

template <class H>
concept FrameHandler =
    std::is_nothrow_default_constructible_v<H> && std::is_nothrow_destructible_v<H> && sizeof(H)
        <= sizeof(calque_frame::data)
    && alignof(H) <= alignof(calque_frame)
    && requires(H& handler, CopyContext& context, Frame& frame, Ref child) {
    { handler.begin(context, frame) }
    noexcept->std::same_as<Step>;
    { handler.resume(context, frame, std::move(child)) }
    noexcept->std::same_as<Step>;
};

namespace detail {

// The only place that may make a CopyContext or a Frame: from what the walker passes in.
struct Lend {
    template <Ref (*function)(CopyContext&, Borrowed) noexcept>
    static PyObject* copy(const calque_handler*, calque_context* raw, PyObject* original) noexcept {
        CopyContext context(raw);
        return function(context, original).release();
    }

    template <Ref (*function)(CopyContext&, Borrowed, void*) noexcept>
    static PyObject* copy_with_user(const calque_handler* self, calque_context* raw,
                                    PyObject* original) noexcept {
        CopyContext context(raw);
        return function(context, original, self->user).release();
    }

    template <Ref (*function)(Borrowed) noexcept>
    static PyObject* shallow(const calque_handler*, PyObject* original) noexcept {
        return function(original).release();
    }

    template <class H>
    static H* state_in(calque_frame* frame) noexcept {
        return std::launder(reinterpret_cast<H*>(frame->data));
    }

    template <class H>
    static calque_step begin(const calque_handler*, calque_context* raw, calque_frame* raw_frame) noexcept {
        CopyContext context(raw);
        Frame frame(raw_frame);
        H* state = ::new (static_cast<void*>(raw_frame->data)) H;
        Step step = state->begin(context, frame);
        if (!step.keeps_frame()) {
            state->~H();
        }
        return step.raw();
    }

    // For a handler compiled into the walker's loop (calque's own).
    template <class H, class Visit>
    [[gnu::always_inline]] static calque_step begin_natively(calque_context* raw, calque_frame* raw_frame,
                                                             Visit visit) noexcept {
        CopyContext context(raw);
        Frame frame(raw_frame);
        H* state = ::new (static_cast<void*>(raw_frame->data)) H;
        Step step = state->begin_natively(context, frame, visit);
        if (!step.keeps_frame()) {
            state->~H();
        }
        return step.raw();
    }

    template <class H, class Visit>
    [[gnu::always_inline]] static calque_step go_on_natively(calque_context* raw, calque_frame* raw_frame,
                                                             Visit visit) noexcept {
        CopyContext context(raw);
        Frame frame(raw_frame);
        H* state = state_in<H>(raw_frame);
        Step step = state->go_on_natively(context, frame, visit);
        if (!step.keeps_frame()) {
            state->~H();
        }
        return step.raw();
    }

    // What begin_natively() has come to in `from`, as it is to go on, or to be dropped, in `to`.
    template <class H>
    [[gnu::always_inline]] static void save_state(const calque_frame* from, calque_frame* to) noexcept {
        std::memcpy(to->data, from->data, sizeof(H));
    }

    template <class H>
    static calque_step resume(const calque_handler*, calque_context* raw, calque_frame* raw_frame,
                              PyObject* child_copy) noexcept {
        CopyContext context(raw);
        Frame frame(raw_frame);
        H* state = state_in<H>(raw_frame);
        Step step = state->resume(context, frame, Ref::steal(child_copy));
        if (!step.keeps_frame()) {
            state->~H();
        }
        return step.raw();
    }

    template <class H, class Visit>
    [[gnu::always_inline]] static calque_step resume_natively(calque_context* raw, calque_frame* raw_frame,
                                                              PyObject* child_copy, Visit visit) noexcept {
        CopyContext context(raw);
        Frame frame(raw_frame);
        H* state = state_in<H>(raw_frame);
        Step step = state->resume(context, frame, Ref::steal(child_copy), visit);
        if (!step.keeps_frame()) {
            state->~H();
        }
        return step.raw();
    }

    template <class H>
    static void drop(const calque_handler*, calque_frame* raw_frame) noexcept {
        H* state = state_in<H>(raw_frame);
        if constexpr (requires(H & handler, Frame & frame) { handler.unwind(frame); }) {
            Frame frame(raw_frame);
            state->unwind(frame);
        }
        state->~H();
    }
};

}  // namespace detail

template <Ref (*function)(CopyContext&, Borrowed) noexcept>
constexpr HandlerSpec simple_handler(const char* name, PyTypeObject* type, uint32_t flags = 0) noexcept {
    HandlerSpec spec{};
    spec.size = sizeof(HandlerSpec);
    spec.name = name;
    spec.type = type;
    spec.flags = flags;
    spec.copy = &detail::Lend::copy<function>;
    return spec;
}

/// The same with a pointer of the author's own, released by `release` when the handler goes.
template <Ref (*function)(CopyContext&, Borrowed, void*) noexcept>
constexpr HandlerSpec simple_handler(const char* name, PyTypeObject* type, uint32_t flags, void* user,
                                     void (*release)(void*)) noexcept {
    HandlerSpec spec{};
    spec.size = sizeof(HandlerSpec);
    spec.name = name;
    spec.type = type;
    spec.flags = flags;
    spec.copy = &detail::Lend::copy_with_user<function>;
    spec.user = user;
    spec.release = release;
    return spec;
}

template <FrameHandler H>
constexpr HandlerSpec frame_handler(const char* name, PyTypeObject* type, uint32_t flags = 0) noexcept {
    HandlerSpec spec{};
    spec.size = sizeof(HandlerSpec);
    spec.name = name;
    spec.type = type;
    spec.flags = flags;
    spec.begin = &detail::Lend::begin<H>;
    spec.resume = &detail::Lend::resume<H>;
    spec.drop = &detail::Lend::drop<H>;
    return spec;
}

constexpr HandlerSpec atomic_handler(const char* name, PyTypeObject* type, uint32_t flags = 0) noexcept {
    HandlerSpec spec{};
    spec.size = sizeof(HandlerSpec);
    spec.name = name;
    spec.type = type;
    spec.flags = flags | CALQUE_ATOMIC;
    return spec;
}

/// Adds copy.copy to a handler: `spec = with_shallow<copy_list_slots>(spec)`.
template <Ref (*function)(Borrowed) noexcept>
constexpr HandlerSpec with_shallow(HandlerSpec spec) noexcept {
    spec.shallow = &detail::Lend::shallow<function>;
    return spec;
}

/// calque's own handlers: names the function of Lib/copy.py that the handler stands for.
constexpr HandlerSpec mirroring(const char* stdlib_function, HandlerSpec spec) noexcept {
    spec.mirrors = stdlib_function;
    return spec;
}

}  // namespace calque
#pragma GCC visibility pop
