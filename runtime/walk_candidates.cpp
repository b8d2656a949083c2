// runtime/walk_candidates.cpp: who is asked to copy an object that is neither in the memo nor native, in the order of
// calque/registry.hpp. See walk.hpp.
#include "walk.hpp"

#include "class_facts.hpp"
#include "plugins.hpp"
#include "primitives/hashed_place.hpp"
#include "shared_classes.hpp"

namespace calque::walker {

namespace {

// The catalog (handlers/catalog.cpp) puts two protocols before the handlers for subclasses.
constexpr std::size_t kProtocolsBeforeSubclasses = 2;

// Which handler took an instance of a class last. As long as no Python code has run since, what stands before it
// has nothing to say about the class: hooks, tables, registered handlers, the protocols in their order. Some
// handlers decline because of an instance (an attribute that is a hook); then all are asked as ever. Forget the
// stretch, and a method patched between two elements would be passed over.
struct Taker {
    PyTypeObject* type = nullptr;
    std::uint64_t stretch = 0;  // ContextHead::python_runs: never given twice
    const calque_handler* handler = nullptr;
};
constexpr int kTakerBits = 6;
Taker takers[1u << kTakerBits];

Taker& taker_of(const PyTypeObject* type) noexcept {
    return takers[primitives::hashed_place(type, kTakerBits)];
}

// Classes whose names are known to be plain (class_facts.hpp).
class PlainNames {
public:
    bool are_those_of(PyTypeObject* type) noexcept {
        Known& known = known_[primitives::hashed_place(type, kBits)];
        if (known.type != type || !(known.version == TypeVersion::of(type))) {
            if (!class_facts::names_are_plain(type)) {
                return false;
            }
            known = {type, TypeVersion::assigned_to(type)};
        }
        return true;
    }

private:
    struct Known {
        PyTypeObject* type;
        TypeVersion version;
    };
    static constexpr int kBits = 6;
    Known known_[1u << kBits] = {};
} plain_names;

}  // namespace

Walk::Move Walk::note_taker(PyTypeObject* type, const calque_handler& handler, std::uint64_t stretch,
                            Move move) noexcept {
    if (ctx_.python_runs == stretch && ctx_.native_memo && is_pure(handler)) {
        taker_of(type) = {type, stretch, &handler};
    }
    return move;
}

// Who serves exactly this type. `watched`: somebody sees the memo.
Walk::Move Walk::start_registered(PyObject* x, PyTypeObject* type, bool unique, bool watched) noexcept {
    const calque_handler* handler = registry::effective(type);
    while (handler != nullptr && !(watched && (handler->flags & CALQUE_STANDS_FOR_REDUCE) != 0)) {
        const std::uint64_t stretch = ctx_.python_runs;
        const Move move = start(*handler, x, unique);
        if (move != Move::declined) {
            return watched ? move : note_taker(type, *handler, stretch, move);
        }
        handler = shared_classes::is_guest(*handler) ? registry::behind_guest(type) : nullptr;
    }
    return handler == nullptr && plugins::may_serve(type) ? load_plugin(x, type, unique, watched)
                                                          : Move::declined;
}

// Then the object is visited again, and asked for in the memo: Python code has run. Not in a mapping, which would notice.
[[gnu::noinline]] Walk::Move Walk::load_plugin(PyObject* x, PyTypeObject* type, bool unique,
                                               bool watched) noexcept {
    Ref held = Ref::share(x);
    if (!ctx_.before_python()) {
        return Move::failed;
    }
    const bool loaded = plugins::load(type);
    ctx_.after_python();
    if (!loaded) {
        return Move::failed;
    }
    if (watched) {
        return start_registered(x, type, unique, true);
    }
    if (!ctx_.memo->keep_alive(x)) {  // its parent may have lost it
        return Move::failed;
    }
    child_ = x;
    counted_ = false;
    return Move::child;
}

// Who serves instances of a base of this type.
Walk::Move Walk::start_for_subclass(PyObject* x, PyTypeObject* type, bool unique) noexcept {
    const calque_handler* claim = shared_classes::handler_for(type);
    if (claim != nullptr) {
        const Move move = start(*claim, x, unique);
        if (move != Move::declined) {
            return move;
        }
    }
    if (!registry::any_for_subclasses()) {
        return Move::declined;
    }
    const bool plain = plain_names.are_those_of(type);
    if (!plain && !ctx_.before_python()) {
        return Move::failed;
    }
    const calque_handler* handler = registry::registered_for_subclass(type);
    if (!plain) {
        ctx_.after_python();
    }
    return handler != nullptr ? start(*handler, x, unique) : Move::declined;
}

[[gnu::noinline]] Walk::Move Walk::start_without_hook(PyObject* x, PyTypeObject* type, bool unique) noexcept {
    const Taker& known = taker_of(type);
    if (known.type == type && known.stretch == ctx_.python_runs) {
        const Move move = start(*known.handler, x, unique);
        if (move != Move::declined) {
            return move;
        }
    }
    const Move move = start_registered(x, type, unique, false);
    if (move != Move::declined) {
        return move;
    }
    // A class met for the first time: the protocols would call the hook, but not know what it writes (memo.hpp).
    if (known_class::examine_hook(type)) {
        if (known_class::Hooked* hooked = known_class::own_hook(type)) {
            return call_hook(*hooked, x, unique);
        }
    }
    return ask_protocols(x, type, unique);
}

Walk::Move Walk::ask_protocols(PyObject* x, PyTypeObject* type, bool unique) noexcept {
    Ref held = Ref::share(x);
    const std::size_t count = registry::protocol_count();
    const bool watched = !ctx_.memo->native();
    const std::uint64_t stretch = ctx_.python_runs;
    for (std::size_t i = 0; i < count; ++i) {
        if (i == kProtocolsBeforeSubclasses) {
            const Move move = start_for_subclass(x, type, unique);
            if (move != Move::declined) {
                return move;
            }
        }
        const calque_handler& protocol = *registry::protocol(i);
        if (watched && (protocol.flags & CALQUE_STANDS_FOR_REDUCE) != 0) {
            continue;
        }
        const Move move = start(protocol, x, unique);
        if (move != Move::declined) {
            return watched ? move : note_taker(type, protocol, stretch, move);
        }
    }
    PyErr_Format(PyExc_SystemError, "no handler took an object of type %s", type->tp_name);
    return Move::failed;
}

}  // namespace calque::walker
