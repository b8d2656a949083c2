// runtime/effects/fiber.hpp: the stack of a program under handlers, in pieces that can be taken off and put back.
//
// A program is a stack of generators, each waiting for the one above it. Handlers cut that stack: what runs below
// `WithHandler(h, body)` is a *fiber* of its own, whose parent is the fiber that yielded the WithHandler, and which names h.
// So the stack is a list of fibers, each a vector of frames:
//
//     current -> [frames ...] handler h2 -> [frames ...] handler h1 -> [frames ...] the root, no handler
//
// Performing an effect walks the parents until a fiber's handler accepts it. If Python code is to answer, everything from
// `current` up to AND INCLUDING that fiber is taken off in one cut (a *chain*), and the handler runs on the parent: above its
// own boundary, so it does not see its own effects. Resuming puts the chain back on whatever is current, with its handlers in it.
// A calculus of effects calls these deep handlers; here it is one pointer assignment.
//
// What follows from this, and what went wrong where it was done otherwise:
//   - The chain is taken up to the boundary, not only the innermost fiber: else an effect answered by an outer handler would
//     come back to the inner body, and when that ends skip the rest of the outer one.
//   - A fiber is in one place: in a running machine, or in the chain of one continuation, which owns it. There is nothing to look
//     up by number, no set of continuations already used and no table of busy handlers, which could all disagree with the stack.
//   - Who is asked about an effect is read off the parents each time. No list of visible handlers is kept.
//   - A generator is in one frame of one fiber. Copies of frames would let it be stepped twice.
//   - A fiber's own handler is accepted by a mask of bits in it: walking past 64 handlers touches 64 cache lines and calls nothing.
//
// Giving up. Dropping a chain closes its generators from the innermost out, which runs their `finally` blocks. That is any Python
// code; it happens only after all links are as they will stay. Chains may be 10^5 fibers long, and a frame may hold a
// continuation with a chain of its own, and so on: drop() goes over a list and defers what is nested too deep.
//
// Memory. Fibers come from a free list under the GIL. `live` and `idle` are what calque.effects.stats() shows.
#pragma once

#include <calque/ref.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace calque::effects {

/// What an effect of a native kind sets, and what a handler that accepts it has set.
enum Accepts : std::uint32_t {
    kAcceptsNothing = 0,
    kAcceptsGet = 1u << 0,
    kAcceptsPut = 1u << 1,
    kAcceptsModify = 1u << 2,
    kAcceptsAsk = 1u << 3,
    kAcceptsTell = 1u << 4,
    kAcceptsUser = 1u << 5,      // every class of a user's
    kAcceptsSomeUser = 1u << 6,  // some: the handler has to be asked about the class (typed_handler.hpp)
    kAcceptsEverything = (1u << 6) - 1,
};

/// A native handler's answer: what the yield evaluates to, or empty with the exception it raises. May run Python code.
using Answer = Ref (*)(Borrowed handler, Borrowed effect) noexcept;

enum class FrameKind : std::uint32_t {
    generator,   // object: the generator of a program or of a handler
    activation,  // object: the Continuation a handler was given; the handler's own frames are above it
};

struct Frame {
    PyObject* object;  // owned
    FrameKind kind;
};

struct Fiber {
    static constexpr std::uint32_t kInline = 4;

    Fiber() noexcept : frames(inline_frames) {}
    Fiber(const Fiber&) = delete;
    Fiber& operator=(const Fiber&) = delete;

    bool empty() const noexcept { return size == 0; }
    Frame& top() noexcept { return frames[size - 1]; }
    /// Room for one more frame. False when memory is exhausted; no exception is set.
    [[nodiscard]] bool reserve() noexcept { return size < capacity || grow(); }
    /// After reserve().
    void push(Ref object, FrameKind kind) noexcept { frames[size++] = {object.release(), kind}; }
    Ref pop() noexcept { return Ref::steal(frames[--size].object); }

    Fiber* parent = nullptr;
    PyObject* handler = nullptr;  // owned; null in the root of a run
    Answer answer = nullptr;      // null: a Python callable answers
    std::uint32_t accepts = kAcceptsNothing;
    std::uint32_t size = 0;
    std::uint32_t capacity = kInline;
    Frame* frames;
    Frame inline_frames[kInline];

private:
    bool grow() noexcept;
};

namespace fibers {
struct Stats {
    std::size_t live;  // in machines and continuations
    std::size_t idle;  // in the free list
};

/// Null when memory is exhausted; no exception is set.
[[nodiscard]] Fiber* take() noexcept;
/// Closes what is left in the fiber, innermost first, and gives it back. Its parent is not looked at.
void give_back(Fiber* fiber) noexcept;
/// The same for a whole list, from `head` along the parents; `tail` is the last of it.
void drop(Fiber* head, Fiber* tail) noexcept;
Stats stats() noexcept;
}  // namespace fibers

/// Fibers from the one that performed up to the handler's, taken off a machine; dropped if nobody puts them back.
class Chain {
public:
    Chain() noexcept = default;
    Chain(Fiber* head, Fiber* tail) noexcept : head_(head), tail_(tail) { tail->parent = nullptr; }
    Chain(Chain&& other) noexcept
        : head_(std::exchange(other.head_, nullptr)), tail_(std::exchange(other.tail_, nullptr)) {}
    Chain& operator=(Chain&&) = delete;
    ~Chain() { drop(); }

    bool empty() const noexcept { return head_ == nullptr; }
    Fiber* head() const noexcept { return head_; }
    Fiber* tail() const noexcept { return tail_; }

    /// Becomes what `other` was; this one must be empty.
    void adopt(Chain other) noexcept {
        head_ = std::exchange(other.head_, nullptr);
        tail_ = std::exchange(other.tail_, nullptr);
    }
    /// Puts the fibers back on top of `parent`, and forgets them: the new current fiber.
    Fiber* attach(Fiber* parent) noexcept {
        std::exchange(tail_, nullptr)->parent = parent;
        return std::exchange(head_, nullptr);
    }
    void drop() noexcept {
        if (head_ != nullptr) {
            Fiber* const head = std::exchange(head_, nullptr);
            fibers::drop(head, std::exchange(tail_, nullptr));
        }
    }
    int traverse(visitproc visit, void* arg) const noexcept;

private:
    Fiber* head_ = nullptr;
    Fiber* tail_ = nullptr;
};

}  // namespace calque::effects
