// runtime/registry.cpp: see registry.hpp.
#include "registry.hpp"

#include "primitives/primitives.hpp"
#include "primitives/type_plan.hpp"
#include "shared_classes.hpp"
#include "stdlib_tables.hpp"

#include <calque/compat.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <cassert>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

namespace calque::registry {

namespace {

struct Entry {
    calque_handler spec;
    Ref type;
    Shallow shallow;  // of a handler that is not calque's own

    explicit Entry(const calque_handler& from) noexcept
        : spec(from), type(Ref::share(reinterpret_cast<PyObject*>(from.type))) {
        spec.size = sizeof spec;  // what a newer plugin has beyond that was not copied
        shallow.itself = spec.shallow == nullptr && (spec.flags & CALQUE_ATOMIC) != 0;
        shallow.handler = spec.shallow != nullptr ? &spec : nullptr;
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry() {
        if (spec.release != nullptr) {
            spec.release(spec.user);
        }
    }
};

using Owned = std::unique_ptr<Entry>;
template <class Value>
using ByType = boost::unordered_flat_map<PyTypeObject*, Value>;

// Never destroyed: at the end of the process the interpreter is gone before static destructors run.
struct State {
    ByType<Owned> builtin;
    ByType<Owned> user;
    std::vector<Owned> protocols;
    std::vector<Owned> table_entries;  // entries of _deepcopy_dispatch that are not calque's business
    std::vector<Owned> retired;
    ByType<const calque_handler*> effective;
    ByType<const calque_handler*> behind;
    ByType<Shallow> shallow;
    std::size_t subclass_handlers = 0;
    bool open = true;  // built-ins are being registered
};

State& state() noexcept {
    alignas(State) static unsigned char place[sizeof(State)];
    static State* const only = ::new (place) State;
    return *only;
}

bool is_foreign_entry(PyTypeObject* type) {
    const auto found = state().builtin.find(type);
    return found == state().builtin.end() || !stdlib_tables::leaves_to(found->second->spec);
}

struct Derived {
    std::vector<Owned> table_entries;
    ByType<const calque_handler*> effective;
    ByType<const calque_handler*> behind;
    ByType<Shallow> shallow;
};

const Shallow shared{.itself = true};

// Last, over what has been derived without claims (shared_classes.hpp).
void put_claims_before(Derived& derived) {
    for (std::size_t i = 0; i < shared_classes::count(); ++i) {
        bool always = false;
        PyTypeObject* const type = shared_classes::claimed(i, always);
        if (shared_classes::handler_for(type) != nullptr) {
            derived.effective.try_emplace(type, nullptr);
        }
    }
    for (auto& [type, handler] : derived.effective) {
        if (const calque_handler* claim = shared_classes::handler_for(type)) {
            derived.behind[type] = handler;
            handler = claim;
        }
    }
    for (auto& [type, how] : derived.shallow) {
        if (shared_classes::always(type)) {
            how = shared;
        }
    }
}

bool add_table_entry(void* data, PyTypeObject* type, Borrowed function, bool itself) noexcept {
    auto& derived = *static_cast<Derived*>(data);
    try {
        if (!is_foreign_entry(type) || function.get() == Py_None) {
            return true;
        }
        calque_handler spec{};
        spec.size = sizeof(spec);
        spec.name = "copy._deepcopy_dispatch";
        spec.type = type;
        if (itself) {
            spec.flags = CALQUE_ATOMIC;
        } else {
            spec.copy = &stdlib_tables::call_entry;
            spec.user = Ref::share(function).release();
            spec.release = [](void* user) { Ref owned = Ref::steal(static_cast<PyObject*>(user)); };
        }
        derived.table_entries.push_back(std::make_unique<Entry>(spec));
        derived.effective[type] = &derived.table_entries.back()->spec;
        return true;
    } catch (const std::bad_alloc&) {
        return false;
    }
}

bool add_shallow(void* data, PyTypeObject* type, Borrowed function, bool itself) noexcept {
    auto& derived = *static_cast<Derived*>(data);
    try {
        Shallow& how = derived.shallow[type];
        if (how.handler == nullptr) {
            how.itself = itself;
            how.function = function;
        }
        return true;
    } catch (const std::bad_alloc&) {
        return false;
    }
}

void derive_known_types(const ByType<const calque_handler*>& effective) noexcept {
    using primitives::KnownTypes;
    using primitives::Native;
    constexpr std::size_t kMost = 72;  // more would not find a multiplier; the map serves the rest
    struct Member {
        PyTypeObject* type;
        Native kind;
    } members[kMost];
    std::size_t count = 0;
    // calque's own first, or a program that registers many atomic types would crowd out, say, the list.
    for (const bool own : {true, false}) {
        for (const auto& [type, handler] : effective) {
            const Native kind =
                (handler->flags & CALQUE_ATOMIC) != 0 ? Native::atomic : primitives::native_kind(*handler);
            if (kind == Native::none || served_by_builtin(type) != own) {
                continue;
            }
            assert((!own || count < kMost) && "no room in KnownTypes for calque's own types");
            if (count < kMost) {
                members[count++] = {type, kind};
            }
        }
    }
    KnownTypes table;
    std::uint64_t multiplier = primitives::kGolden;
    for (int attempt = 0; attempt < 100'000; ++attempt) {
        table = {};
        table.multiplier = multiplier;
        bool distinct = true;
        for (std::size_t i = 0; i < count && distinct; ++i) {
            const std::size_t place = table.slot(members[i].type);
            KnownTypes::Slot& slot = table.slots[place];
            distinct = slot.atomic == nullptr && slot.native == nullptr;
            (members[i].kind == Native::atomic ? slot.atomic : slot.native) = members[i].type;
            table.kinds[place] = members[i].kind;
            table.leaves[place] = primitives::leaf_of(members[i].type);
        }
        if (distinct) {
            primitives::known_types = table;
            return;
        }
        multiplier = multiplier * 6364136223846793005u + 1442695040888963407u;
        multiplier |= 1;
    }
    primitives::known_types = {};
}

// Null, or the rule of abi.h that the structure breaks.
const char* broken_rule(const calque_handler& h) noexcept {
    const bool frame = h.begin != nullptr || h.resume != nullptr || h.drop != nullptr;
    if (h.size < sizeof(calque_handler)) {
        return "'size' is smaller than calque_handler of ABI 1.0";
    }
    if (h.name == nullptr) {
        return "'name' is missing";
    }
    if (frame && (h.begin == nullptr || h.resume == nullptr || h.drop == nullptr)) {
        return "a FRAME handler needs all of 'begin', 'resume' and 'drop'";
    }
    if ((h.flags & CALQUE_ATOMIC) != 0 ? frame || h.copy != nullptr : frame == (h.copy != nullptr)) {
        return "expected exactly one of: 'copy' (SIMPLE), 'begin'/'resume'/'drop' (FRAME), CALQUE_ATOMIC";
    }
    if (h.type == nullptr && (!frame || (h.flags & CALQUE_SUBCLASSES) != 0)) {
        return "a handler without 'type' is a protocol: a FRAME handler, not for subclasses";
    }
    return nullptr;
}

void note_native(const calque_handler& own) noexcept {
    const auto kind = primitives::native_kind(own);
    if (kind != primitives::Native::none && kind != primitives::Native::leaf) {
        primitives::native_handlers[static_cast<int>(kind)] = &own;
    }
}

int add_unguarded(const calque_handler& handler) {
    State& s = state();
    if (const char* rule = broken_rule(handler)) {
        PyErr_Format(PyExc_ValueError, "calque handler %s: %s",
                     handler.name != nullptr ? handler.name : "(unnamed)", rule);
        return -1;
    }
    if (handler.type == nullptr) {
        if (!s.open) {
            PyErr_Format(PyExc_ValueError,
                         "calque handler %s: 'type' is missing (protocols are registered only while calque "
                         "is imported)",
                         handler.name);
            return -1;
        }
        s.protocols.push_back(std::make_unique<Entry>(handler));
        note_native(s.protocols.back()->spec);
        return 0;
    }
    ByType<Owned>& layer = s.open ? s.builtin : s.user;
    if (const auto taken = layer.find(handler.type); taken != layer.end()) {
        PyErr_Format(PyExc_ValueError, "calque handler %s: type %s has a registered handler already (%s)",
                     handler.name, handler.type->tp_name, taken->second->spec.name);
        return -1;
    }
    const auto added = layer.emplace(handler.type, std::make_unique<Entry>(handler)).first;
    if (s.open) {
        note_native(added->second->spec);
    } else {
        added->second->spec.flags &= (1u << primitives::kNativeShift) - 1;
    }
    if (!s.open && !derive()) {
        // As if it had not been called: what it brought stays the caller's.
        layer.find(handler.type)->second->spec.release = nullptr;
        layer.erase(handler.type);
        return -1;
    }
    s.subclass_handlers += (handler.flags & CALQUE_SUBCLASSES) != 0;
    return 0;
}

}  // namespace

int add(const calque_handler* handler) noexcept {
    try {
        return add_unguarded(*handler);
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return -1;
    }
}

int remove(PyTypeObject* type) noexcept {
    State& s = state();
    const auto found = s.user.find(type);
    if (found == s.user.end()) {
        PyErr_Format(PyExc_LookupError, "no handler is registered for type %s", type->tp_name);
        return -1;
    }
    try {
        s.retired.push_back(nullptr);
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return -1;
    }
    Owned gone = std::move(found->second);
    s.user.erase(found);
    if (!derive()) {
        s.user.emplace(type, std::move(gone));
        s.retired.pop_back();
        return -1;
    }
    s.subclass_handlers -= (gone->spec.flags & CALQUE_SUBCLASSES) != 0;
    for (Owned& place : s.retired) {
        if (!place) {
            place = std::move(gone);
            break;
        }
    }
    anything_retired = true;
    InUse::free_retired();
    return 0;
}

void close_builtins() noexcept { state().open = false; }

bool derive() noexcept {
    State& s = state();
    try {
        Derived derived;
        for (const auto& [type, entry] : s.builtin) {
            if (stdlib_tables::leaves_to(entry->spec)) {
                derived.effective[type] = &entry->spec;
            }
            if (entry->spec.shallow != nullptr && stdlib_tables::leaves_shallow_to(entry->spec)) {
                derived.shallow[type] = {false, &entry->spec, true, {}};
            }
        }
        if (!stdlib_tables::each_deep(add_table_entry, &derived)
            || !stdlib_tables::each_shallow(add_shallow, &derived)) {
            throw std::bad_alloc();
        }
        for (const auto& [type, entry] : s.user) {
            derived.effective[type] = &entry->spec;
            if (entry->shallow.applies()) {
                derived.shallow[type] = entry->shallow;
            }
        }
        if (shared_classes::count() != 0) {
            put_claims_before(derived);
        }
        s.retired.reserve(s.retired.size() + s.table_entries.size());
        // Nothing below can fail.
        for (Owned& entry : s.table_entries) {
            s.retired.push_back(std::move(entry));
        }
        s.table_entries.swap(derived.table_entries);
        s.effective.swap(derived.effective);
        s.behind.swap(derived.behind);
        s.shallow.swap(derived.shallow);
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return false;
    }
    derive_known_types(s.effective);
    stdlib_tables::count_change();
    anything_retired = true;
    InUse::free_retired();
    return true;
}

const calque_handler* effective(PyTypeObject* type) noexcept {
    const auto found = state().effective.find(type);
    return found == state().effective.end() ? nullptr : found->second;
}

const calque_handler* behind_guest(PyTypeObject* type) noexcept {
    const auto found = state().behind.find(type);
    return found == state().behind.end() ? nullptr : found->second;
}

bool served_by_builtin(PyTypeObject* type) noexcept {
    const auto own = state().builtin.find(type);
    return own != state().builtin.end() && effective(type) == &own->second->spec;
}

const Shallow* shallow(PyTypeObject* type) noexcept {
    const auto found = state().shallow.find(type);
    if (found != state().shallow.end()) {
        return &found->second;
    }
    return shared_classes::always(type) ? &shared : nullptr;
}

namespace {

// The handler with CALQUE_SUBCLASSES of the nearest base of `type`, unless a class before it defines `hook`.
Entry* inherited(PyTypeObject* type, PyObject* hook) noexcept {
    State& s = state();
    if (s.subclass_handlers == 0 || type->tp_mro == nullptr) {
        return nullptr;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(type->tp_mro); ++i) {
        auto* base = reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(type->tp_mro, i));
        const auto found = s.user.find(base);
        if (found != s.user.end() && (found->second->spec.flags & CALQUE_SUBCLASSES) != 0) {
            return found->second.get();
        }
        const Ref names = Ref::steal(PyType_GetDict(base));
        if (names && PyDict_GetItemWithError(names.get(), hook) != nullptr) {
            return nullptr;
        }
    }
    return nullptr;
}

}  // namespace

bool any_for_subclasses() noexcept { return state().subclass_handlers != 0; }

const calque_handler* for_subclass(PyTypeObject* type) noexcept {
    const calque_handler* claim = shared_classes::handler_for(type);
    return claim != nullptr ? claim : registered_for_subclass(type);
}

const calque_handler* registered_for_subclass(PyTypeObject* type) noexcept {
    const Entry* const entry = inherited(type, interned::__deepcopy__);
    return entry != nullptr ? &entry->spec : nullptr;
}

const Shallow* shallow_for_subclass(PyTypeObject* type) noexcept {
    const Entry* const entry = inherited(type, interned::__copy__);
    return entry != nullptr && entry->shallow.applies() ? &entry->shallow : nullptr;
}

bool each(Visit visit, void* data) noexcept {
    State& s = state();
    const auto all_of = [&](const ByType<Owned>& layer, Source source) noexcept {
        for (const auto& [type, entry] : layer) {
            if (!visit(data, entry->spec, source)) {
                return false;
            }
        }
        return true;
    };
    if (!all_of(s.builtin, Source::builtin) || !all_of(s.user, Source::registered)) {
        return false;
    }
    for (const Owned& entry : s.table_entries) {
        if (!visit(data, entry->spec, Source::dispatch_table)) {
            return false;
        }
    }
    return true;
}

std::size_t protocol_count() noexcept { return state().protocols.size(); }

const calque_handler* protocol(std::size_t index) noexcept { return &state().protocols[index]->spec; }

void InUse::free_retired() noexcept {
    if (walks_ != 0) {
        return;
    }
    anything_retired = false;
    std::vector<Owned> gone;
    gone.swap(state().retired);  // release() may run anything, us included
    type_plan::free_retired();
}

}  // namespace calque::registry
