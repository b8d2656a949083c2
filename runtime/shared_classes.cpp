// runtime/shared_classes.cpp: see shared_classes.hpp.
#include "shared_classes.hpp"

#include "context.hpp"
#include "memo.hpp"
#include "pod_vector.hpp"
#include "registry.hpp"

#include <calque/handler.hpp>

namespace calque::shared_classes {

namespace {

// A class is owned by its claim. Few at any time, so a list.
struct Claim {
    PyTypeObject* type;
    unsigned always;
    unsigned calls;
};
PodVector<Claim> claims;

struct Call {
    Memo* memo;
    PyObject* classes;
};
PodVector<Call> calls;

Claim* find(PyTypeObject* type) noexcept {
    for (Claim& claim : claims) {
        if (claim.type == type) {
            return &claim;
        }
    }
    return nullptr;
}

unsigned& count_of(Claim& claim, Wish wish) noexcept {
    return wish == Wish::always ? claim.always : claim.calls;
}

// The registry has to know when this wish is the first for its class, or was the last: `claim` is without it.
bool decides(const Claim& claim, Wish wish) noexcept {
    return wish == Wish::always ? claim.always == 0 : claim.calls + claim.always == 0;
}

PyTypeObject* class_at(Borrowed classes, Py_ssize_t i) noexcept {
    return reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(classes.get(), i));
}

// Claims without a wish behind them are dropped. What they owned may have a finalizer (of the metaclass).
void drop_empty() noexcept {
    PodVector<PyObject*> gone;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < claims.size(); ++i) {
        const Claim& claim = claims[i];
        if (claim.always + claim.calls != 0 || !gone.push_back(reinterpret_cast<PyObject*>(claim.type))) {
            claims[kept++] = claim;
        }
    }
    claims.truncate(kept);
    for (PyObject* type : gone) {
        Ref last = Ref::steal(type);
    }
}

template <class Test>
bool any_base(PyTypeObject* type, Test test) noexcept {
    PyObject* const mro = type->tp_mro;
    for (Py_ssize_t i = 0; mro != nullptr && i < PyTuple_GET_SIZE(mro); ++i) {
        if (test(reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(mro, i)))) {
            return true;
        }
    }
    return false;
}

bool is_named(PyTypeObject* type, Borrowed classes) noexcept {
    return any_base(type, [&](PyTypeObject* base) noexcept {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(classes.get()); ++i) {
            if (class_at(classes, i) == base) {
                return true;
            }
        }
        return false;
    });
}

bool is_shared_here(const Context& context, PyTypeObject* type) noexcept {
    for (const Call& call : calls) {
        if ((call.memo == context.memo || call.memo->shares_mapping_with(*context.memo))
            && is_named(type, call.classes)) {
            return true;
        }
    }
    return false;
}

class Guest {
public:
    Step begin(CopyContext& context, Frame& frame) noexcept {
        const Borrowed x = frame.original();
        return is_shared_here(Context::of(context.raw()), x.type()) ? Step::done(Ref::share(x))
                                                                    : Step::decline();
    }
    Step resume(CopyContext&, Frame&, Ref) noexcept { return Step::error(); }
};

constexpr HandlerSpec guest = frame_handler<Guest>("share", nullptr, CALQUE_PURE);
constexpr HandlerSpec atomic = atomic_handler("calque.atomic", nullptr);

}  // namespace

bool claim(Borrowed classes, Wish wish) noexcept {
    const Py_ssize_t count = PyTuple_GET_SIZE(classes.get());
    bool derive = false;
    bool noted = true;
    Py_ssize_t done = 0;
    for (; noted && done < count; ++done) {
        PyTypeObject* const type = class_at(classes, done);
        if (find(type) == nullptr) {
            noted = claims.push_back({type, 0, 0});
            if (!noted) {
                break;
            }
            static_cast<void>(Ref::share(reinterpret_cast<PyObject*>(type)).release());
        }
        Claim& wished = *find(type);
        derive |= decides(wished, wish);
        ++count_of(wished, wish);
    }
    if (!noted) {
        PyErr_NoMemory();
    }
    if (noted && (!derive || registry::derive())) {
        return true;
    }
    while (done-- > 0) {
        --count_of(*find(class_at(classes, done)), wish);
    }
    drop_empty();
    return false;
}

bool disclaim(Borrowed classes, Wish wish) noexcept {
    bool derive = false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(classes.get()); ++i) {
        Claim& wished = *find(class_at(classes, i));
        --count_of(wished, wish);
        derive |= decides(wished, wish);
    }
    if (derive && !registry::derive()) {
        // The registry has kept what it had. A guest left in it declines; an atomic class stays one, so its claim stays too.
        for (Py_ssize_t i = 0; wish == Wish::always && i < PyTuple_GET_SIZE(classes.get()); ++i) {
            ++count_of(*find(class_at(classes, i)), wish);
        }
        return false;
    }
    drop_empty();
    return true;
}

const calque_handler* handler_for(PyTypeObject* type) noexcept {
    if (claims.empty()) {
        return nullptr;
    }
    const calque_handler* found = nullptr;
    any_base(type, [&](PyTypeObject* base) noexcept {
        const Claim* claim = find(base);
        if (claim != nullptr && claim->always + claim->calls != 0) {
            found = claim->always != 0 ? &atomic : &guest;
        }
        return found == &atomic;
    });
    return found;
}

bool is_guest(const calque_handler& handler) noexcept { return &handler == &guest; }

bool always(PyTypeObject* type) noexcept { return handler_for(type) == &atomic; }

std::size_t count() noexcept { return claims.size(); }

PyTypeObject* claimed(std::size_t index, bool& always) noexcept {
    always = claims[index].always != 0;
    return claims[index].type;
}

Sharing::Sharing(Memo& memo, Borrowed classes) noexcept
    : memo_(&memo), classes_(classes.get()), noted_(calls.push_back({memo_, classes_})) {
    if (!noted_) {
        PyErr_NoMemory();
    }
}

Sharing::~Sharing() {
    for (std::size_t i = calls.size(); noted_ && i-- > 0;) {
        if (calls[i].memo == memo_ && calls[i].classes == classes_) {
            calls[i] = calls[calls.size() - 1];
            calls.truncate(calls.size() - 1);
            return;
        }
    }
}

}  // namespace calque::shared_classes
