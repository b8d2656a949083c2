// runtime/known_class.cpp: see primitives/known_class.hpp.
#include "primitives/known_class.hpp"

#include "class_facts.hpp"
#include "cpython/dict_version.hpp"
#include "cpython/method_lookup.hpp"
#include "cpython/type_version.hpp"
#include "own_hook.hpp"
#include "primitives/hashed_place.hpp"
#include "primitives/instance_values.hpp"
#include "primitives/interned.hpp"
#include "primitives/mutants.hpp"
#include "primitives/shallow_state.hpp"
#include "registry.hpp"
#include "stdlib_tables.hpp"

#include <structmember.h>

namespace calque::known_class {

// What was decided about a class, and on what grounds. As in the table of plans, nothing is held of a
// class: its version says whether an address still is the class it was, and with the class live its
// functions, their globals and the dicts and classes found there.
struct Entry {
    PyTypeObject* type = nullptr;
    Known known;
    PyObject* hook = nullptr;  // of a class not known: see own_hook(); alive as long as `version` holds
    std::uint64_t generation = 0;
    std::uint64_t stretch = 0;  // where the evidence was last found to hold
    TypeVersion version;
    TypeVersion metaclass_version;
    Evidence evidence;
    DictStamp stamps[Evidence::kDicts];
    TypeVersion class_versions[Evidence::kClasses];
    TypeVersion metaclass_versions[Evidence::kClasses];

    // Each line makes the next one safe to read.
    bool holds() const noexcept {
        if (mutants::is(mutants::Mutant::plan_kept_after_class_changed)) {
            return true;
        }
        if (!(version == TypeVersion::of(type)) || !(metaclass_version == TypeVersion::of(Py_TYPE(type)))
            || generation != stdlib_tables::generation()) {
            return false;
        }
        for (int i = 0; i < evidence.functions; ++i) {
            if (PyFunction_GET_CODE(evidence.functions_[i]) != evidence.codes_[i].get()) {
                return false;
            }
        }
        for (int i = 0; i < evidence.dicts; ++i) {
            if (!(stamps[i] == DictStamp::of(evidence.dicts_[i]))) {
                return false;
            }
        }
        for (int i = 0; i < evidence.classes; ++i) {
            PyTypeObject* other = evidence.classes_[i];
            if (!(class_versions[i] == TypeVersion::of(other))
                || !(metaclass_versions[i] == TypeVersion::of(Py_TYPE(other)))) {
                return false;
            }
        }
        return true;
    }

    void date() noexcept {
        version = TypeVersion::assigned_to(type);
        metaclass_version = TypeVersion::assigned_to(Py_TYPE(type));
        generation = stdlib_tables::generation();
        for (int i = 0; i < evidence.dicts; ++i) {
            stamps[i] = DictStamp::of(evidence.dicts_[i]);
        }
        for (int i = 0; i < evidence.classes; ++i) {
            class_versions[i] = TypeVersion::assigned_to(evidence.classes_[i]);
            metaclass_versions[i] = TypeVersion::assigned_to(Py_TYPE(evidence.classes_[i]));
        }
    }
};

namespace {

constexpr int kPlaceBits = 8;

Entry& place_of(PyTypeObject* type) noexcept {
    alignas(Entry) static unsigned char places[sizeof(Entry) << kPlaceBits];  // zeros are an empty Entry
    return reinterpret_cast<Entry*>(places)[primitives::hashed_place(type, kPlaceBits)];
}

Recogniser recognisers[8] = {};
int recogniser_count = 0;

// Everything that stands between deepcopy and the hooks of the class.
bool is_ordinary(PyTypeObject* type) noexcept {
    const PyTypeObject* metaclass = Py_TYPE(type);
    return type->tp_getattro == PyObject_GenericGetAttr && !PyType_HasFeature(type, Py_TPFLAGS_TYPE_SUBCLASS)
        && metaclass->tp_hash == PyType_Type.tp_hash
        && metaclass->tp_richcompare == PyType_Type.tp_richcompare && registry::effective(type) == nullptr
        && registry::for_subclass(type) == nullptr;
}

void note_hook(Entry& entry) noexcept {
    const Borrowed found = look_up(entry.type, interned::__deepcopy__);
    if (found && PyFunction_Check(found.get())) {
        entry.hook = found.get();
        hooked_place(entry.type) = {entry.type,       entry.hook, entry.version, entry.metaclass_version,
                                    entry.generation, 0};
    }
}

// The entry of `type`, decided now if it has to be.
Entry& entry_of(PyTypeObject* type) noexcept {
    Entry& entry = place_of(type);
    if (entry.type == type && entry.holds()) {
        return entry;
    }
    entry.type = type;
    entry.stretch = 0;
    entry.known = Known();
    entry.evidence.forget();
    entry.hook = nullptr;
    const bool plain = class_facts::names_are_plain(type);
    const bool ordinary = plain && is_ordinary(type);
    bool recognised = false;
    for (int i = 0; i < recogniser_count && ordinary && !recognised; ++i) {
        recognised = recognisers[i](type, entry.evidence, entry.known);
        if (!recognised) {
            entry.known = Known();
            entry.evidence.forget();
        }
    }
    if (!plain) {
        entry.version = {};  // decided again each time: to give the class a number is to look a name up
        return entry;
    }
    entry.date();
    if (ordinary && !recognised) {
        note_hook(entry);
    }
    if (entry.known.passes) {
        Passing::Slot& slot = passing.types[Passing::place(type)];
        slot.type = type;
        slot.stretch = 0;
        slot.by_object = entry.known.in_class != nullptr;
    }
    return entry;
}

// The same in a stretch without Python code, of a walk: once it held, it holds.
const Entry& entry_of(PyTypeObject* type, std::uint64_t stretch) noexcept {
    Entry& known = place_of(type);
    if (known.type == type && known.stretch == stretch) {
        return known;
    }
    Entry& entry = entry_of(type);
    entry.stretch = stretch;
    return entry;
}

bool hides_nothing(Borrowed x, const Known& known) noexcept {
    return known.in_class == nullptr || known_class::comes_to(x, interned::__deepcopy__, known.in_class);
}

}  // namespace

void Evidence::forget() noexcept {
    for (Ref& code : codes_) {
        code = {};
    }
    functions = dicts = classes = 0;
}

bool Evidence::is(Borrowed function, OriginalCode& original) noexcept {
    return original.is_that_of(function) && depends_on_code(function);
}

bool Evidence::is(Borrowed function, const char* source, const char* name) noexcept {
    return has_code_of(function, source, name) && depends_on_code(function);
}

bool Evidence::depends_on_code(Borrowed function) noexcept {
    if (functions == kFunctions) {
        return false;
    }
    functions_[functions] = function.get();
    codes_[functions] = Ref::share(PyFunction_GET_CODE(function.get()));
    ++functions;
    return true;
}

bool Evidence::depends_on_dict(Borrowed dict) noexcept {
    if (!dict || !PyDict_CheckExact(dict.get())) {
        return false;
    }
    for (int i = 0; i < dicts; ++i) {
        if (dicts_[i] == dict.get()) {
            return true;
        }
    }
    if (dicts == kDicts) {
        return false;
    }
    dicts_[dicts++] = dict.get();
    return true;
}

bool Evidence::depends_on_class(Borrowed cls) noexcept {
    if (!cls || !PyType_Check(cls.get()) || classes == kClasses) {
        return false;
    }
    classes_[classes++] = reinterpret_cast<PyTypeObject*>(cls.get());
    return true;
}

Borrowed Evidence::global(Borrowed function, PyObject* name) noexcept {
    const auto* raw = reinterpret_cast<PyFunctionObject*>(function.get());
    for (PyObject* names : {raw->func_globals, raw->func_builtins}) {
        if (!depends_on_dict(names)) {
            return {};
        }
        if (const Borrowed found = PyDict_GetItemWithError(names, name)) {
            return found;
        }
    }
    return {};
}

Borrowed look_up(PyTypeObject* type, PyObject* name) noexcept { return raw_lookup(type, name); }

bool inherits_from_object(PyTypeObject* type, PyObject* name) noexcept {
    return look_up(type, name) == look_up(&PyBaseObject_Type, name);
}

bool reduces_natively(PyTypeObject* type) noexcept {
    return !stdlib_tables::has_reducer(type) && stdlib_tables::copyreg_is_untouched()
        && registry::effective(Py_TYPE(type))
               == (Py_TYPE(type) == &PyType_Type ? registry::effective(&PyType_Type) : nullptr)
        && registry::served_by_builtin(&PyType_Type) && registry::served_by_builtin(&PyUnicode_Type)
        && registry::served_by_builtin(&PyDict_Type) && registry::served_by_builtin(&PyTuple_Type)
        && registry::served_by_builtin(Py_TYPE(Py_None));
}

bool is_made_by_object_new(PyTypeObject* type) noexcept {
    return Py_TYPE(type) == &PyType_Type && type->tp_new == PyBaseObject_Type.tp_new && type->tp_itemsize == 0
        && !PyType_HasFeature(type, Py_TPFLAGS_IS_ABSTRACT) && PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE)
        && inherits_from_object(type, interned::__new__)
        && inherits_from_object(type, interned::__reduce_ex__)
        && inherits_from_object(type, interned::__reduce__) && !look_up(type, interned::__deepcopy__)
        && !look_up(type, interned::__getnewargs__) && !look_up(type, interned::__getnewargs_ex__);
}

bool comes_to(Borrowed x, PyObject* name, Borrowed function) noexcept {
    instance_values::View values;
    if (!instance_values::read(x, values) && !mutants::is(mutants::Mutant::hostile_names_looked_up)) {
        // A look-up in the dict of x may compare keys that are no plain strings: by Python code.
        ShallowState state;
        if (!state.look(x, {})) {
            return false;
        }
    }
    return resolves_to(x, name, function);
}

Borrowed slot_names(PyTypeObject* type) noexcept {
    const Ref dict = Ref::steal(PyType_GetDict(type));
    const Borrowed names = dict ? PyDict_GetItemWithError(dict.get(), interned::__slotnames__) : nullptr;
    return names && PyList_CheckExact(names.get()) ? names : Borrowed();
}

Py_ssize_t slot_offset(PyTypeObject* type, PyObject* name) noexcept {
    const Borrowed descriptor = look_up(type, name);
    if (!descriptor || descriptor.type() != &PyMemberDescr_Type) {
        return -1;
    }
    const PyMemberDef* member = reinterpret_cast<PyMemberDescrObject*>(descriptor.get())->d_member;
    return member->type == T_OBJECT_EX && member->flags == 0 ? member->offset : -1;
}

void add(Recogniser recogniser) noexcept { recognisers[recogniser_count++] = recogniser; }

const Known* find(PyTypeObject* type) noexcept {
    if (!TypeVersion::kAvailable) {
        return nullptr;  // no decision could be trusted
    }
    const Entry& entry = entry_of(type);
    return entry.known.copy != nullptr ? &entry.known : nullptr;
}

const Known* find(PyTypeObject* type, std::uint64_t stretch) noexcept {
    if (!TypeVersion::kAvailable) {
        return nullptr;
    }
    const Entry& entry = entry_of(type, stretch);
    return entry.known.copy != nullptr ? &entry.known : nullptr;
}

Borrowed examine_hook(PyTypeObject* type) noexcept {
    return TypeVersion::kAvailable ? Borrowed(entry_of(type).hook) : Borrowed();
}

bool passes_now(Borrowed x, std::uint64_t stretch) noexcept {
    if (passing.types[Passing::place(x.type())].type != x.type()) {
        return false;
    }
    const Entry& entry = entry_of(x.type(), stretch);
    return entry.known.passes && hides_nothing(x, entry.known);
}

bool is_its_own_copy_alone(Borrowed x) noexcept {
    PyTypeObject* const type = x.type();
    const Entry* entry = &place_of(type);
    if (entry->type != type) {
        if (passing.types[Passing::place(type)].type != type) {
            return false;
        }
        entry = &entry_of(type);  // another class has taken its place
    } else if (!entry->known.passes && entry->known.returns_itself == nullptr) {
        return false;  // a walk may find otherwise by now
    } else if (!entry->holds()) {
        entry = &entry_of(type);
    }
    const Known& known = entry->known;
    return known.passes ? hides_nothing(x, known)
                        : known.returns_itself != nullptr && known.returns_itself(x, known);
}

void pass_from_now(Borrowed x, std::uint64_t stretch) noexcept {
    passing.types[Passing::place(x.type())] = {x.type(), stretch, true};
    passing.objects[Passing::place(x.get())] = {x.get(), stretch};
}

bool examine(Borrowed x, std::uint64_t stretch) noexcept {
    if (!passes_now(x, stretch)) {
        return false;
    }
    Passing::Slot& slot = passing.types[Passing::place(x.type())];
    slot.stretch = stretch;
    if (slot.by_object) {
        passing.objects[Passing::place(x.get())] = {x.get(), stretch};
    }
    return true;
}

}  // namespace calque::known_class
