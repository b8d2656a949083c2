// runtime/primitives/native.hpp: the handlers that are compiled into the walker's loop.
//
// A handler is reached through two function pointers, and each step of it goes back and forth between
// two compilation units that know nothing of each other: 60 to 80 instructions per container, more than
// allocating a small list. Lists, dicts, tuples, sets and plain instances are nearly all of every graph;
// these are NATIVE: handlers/native_walk.cpp hands their classes to the walker's template (native_walk.hpp),
// so that the compiler sees loop and handler at once. They stay ordinary handlers besides: registered, and
// reached through their pointers by any walk for which the assumptions below do not hold.
//
// While no Python code can look, a native handler may keep its unfinished copy in a state that nobody
// could explain: a dict clone that still holds originals, a tuple with holes, an instance that is being
// filled in place. Then it must have a function deoptimize() (a list needs none: it shows what is filled), which the walker calls before any Python code
// runs, for every frame begun since the last time: it brings the copy into the state that copy.py would
// have produced by then, and the frame goes on step by step from there. Forgetting that, hooks would see
// copies of the future.
#pragma once

#include <calque/handler.hpp>

#include <cstdint>

namespace calque::primitives {

/// What a type means to the loop. In bits 24 and up of HandlerSpec::flags, where no stranger's flags are.
/// Those that have frames come first: they have to fit into three bits of calque_frame::walker.
enum class Native : std::uint8_t {
    none,
    list,
    dict,
    tuple,
    instance,
    set,
    frozenset,
    ast_node,
    atomic,
    leaf
};

constexpr int kNativeKinds = 8;  // those that have frames
constexpr int kAllKinds = 10;
constexpr int kNativeShift = 24;

/// The spec of a class that native_walk.cpp lists.
template <class Handler>
constexpr HandlerSpec native(HandlerSpec spec) noexcept {
    spec.flags |= static_cast<std::uint32_t>(Handler::kKind) << kNativeShift;
    return spec;
}

/// The copy of an object that has no children, a new object, made by looking at nothing else and without Python code: a copy of
/// such an object alone needs neither walk nor context, and one in a container no frame. Null without an exception:
/// this one is not like that, and goes by its handler.
using Leaf = PyObject* (*)(PyObject* x) noexcept;

constexpr int kMostLeaves = 8;
struct LeafOf {
    PyTypeObject* type;
    Leaf copy;
};
inline LeafOf leaves[kMostLeaves] = {};

/// The spec of a handler whose type has leaves; told at registration.
inline HandlerSpec leaf(HandlerSpec spec, Leaf copy) noexcept {
    for (LeafOf& place : leaves) {
        if (place.type == nullptr || place.type == spec.type) {
            place = {spec.type, copy};
            spec.flags |= static_cast<std::uint32_t>(Native::leaf) << kNativeShift;
            return spec;
        }
    }
    return spec;  // no room: a handler like others
}

inline Leaf leaf_of(const PyTypeObject* type) noexcept {
    for (const LeafOf& place : leaves) {
        if (place.type == type) {
            return place.copy;
        }
    }
    return nullptr;
}

constexpr Native native_kind(const calque_handler& handler) noexcept {
    return static_cast<Native>(handler.flags >> kNativeShift);
}

/// By kind: the registered handler, for the frames begun in the loop. Set when it is registered.
inline const calque_handler* native_handlers[kNativeKinds] = {};

/// By kind: see above; null where there is nothing to do. False with MemoryError set: the copy is given up.
using Deoptimize = bool (*)(calque_frame* frame) noexcept;
inline Deoptimize deoptimizers[kNativeKinds] = {};

// A native handler has, besides begin() and resume():
//   begin_natively(context, frame, visit)   as begin(), but it must not run Python code and may decline. The
//                                           frame is on no stack. Where `visit` answers anything but kValue,
//                                           it must leave in its state which child is being copied, and
//                                           return: then the state is copied to the stack, byte by byte.
//                                           A handler that may call frame.publish() there has a member kMayPublish.
//   go_on_natively(context, frame, visit)   after begin_natively() with AskForEach has asked for a child: from that
//                                           child on, as if begin_natively() had been called with this `visit`.
//                                           Of kinds that the first object of a copy can be (KnownTypes).
//   resume(context, frame, child, visit)    as resume(), but it may call `visit(next, look)` instead of answering
//                                           Step::child(next): most copies come back at once. visit runs no
//                                           Python code.
// `look` is the look at the type of next (KnownTypes), which is not atomic.
// visit answers {copy, kValue}, a new reference; anything else is the step to answer in its turn.
constexpr std::intptr_t kValue = 16;
constexpr std::intptr_t kBegun = 17;   // the child's frame lies above, or its copy comes through resume()
constexpr std::intptr_t kFailed = 18;  // with an exception set; the frame stays

/// The `visit` of a walk that cannot do so: every child is asked for.
struct AskForEach {
    template <class Look>
    calque_step operator()(Borrowed next, Look) const noexcept {
        return {next.get(), CALQUE_CHILD};
    }
};

}  // namespace calque::primitives
