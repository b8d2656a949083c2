// runtime/stdlib_tables.cpp: see stdlib_tables.hpp.
#include "stdlib_tables.hpp"

#include "cpython/dict_version.hpp"
#include "cpython/set_stamp.hpp"
#include "primitives/interned.hpp"
#include "primitives/mutants.hpp"
#include "registry.hpp"
#include "saved_error.hpp"

#include <calque/handler.hpp>

#include <cstring>

namespace calque::stdlib_tables {

namespace {

// One dict of copy's, and what it was when we last read it.
struct Watched {
    PyObject* dict = nullptr;  // owned
    DictStamp stamp;

    bool unchanged() const noexcept { return dict != nullptr && DictStamp::of(dict) == stamp; }
    void look_at(Borrowed now) noexcept {
        Ref old = Ref::steal(std::exchange(dict, Ref::share(now).release()));
        if (dict != nullptr) {
            stamp = DictStamp::of(dict);
        }
    }
};

// A set of types in copy, where there is one (3.14).
struct WatchedSet {
    PyObject* set = nullptr;  // owned
    SetStamp stamp;

    bool unchanged() const noexcept { return set == nullptr || SetStamp::of(set) == stamp; }
    void look_at(Borrowed now) noexcept {
        Ref old = Ref::steal(std::exchange(set, Ref::share(now).release()));
        if (set != nullptr) {
            stamp = SetStamp::of(set);
        }
    }
};

Watched copy_names;  // copy.__dict__
Watched deep_dispatch;
Watched copyreg_dispatch;
Watched copy_dispatch;  // absent in 3.14
WatchedSet atomic_set;
WatchedSet copy_atomic_set;
WatchedSet copy_container_set;
Watched copyreg_names;  // copyreg.__dict__
Watched modules;        // sys.modules: changes with every import
PyObject* copyreg_module = nullptr;
PyObject* copyreg_originals[3] = {};  // __newobj__, __newobj_ex__, _slotnames
bool copyreg_untouched = true;
PyObject* error_class = nullptr;
// The functions of copy at import that its tables held then; 3.14 has fewer.
struct Original {
    const char* name;
    PyObject* function = nullptr;
};
Original originals[] = {{"_deepcopy_atomic"}, {"_deepcopy_list"},   {"_deepcopy_tuple"},
                        {"_deepcopy_dict"},   {"_deepcopy_method"}, {"_copy_immutable"}};

Borrowed name_in_copy(PyObject* name) noexcept { return PyDict_GetItemWithError(copy_names.dict, name); }

Borrowed dict_in_copy(PyObject* name) noexcept {
    const Borrowed found = name_in_copy(name);
    return found && PyDict_Check(found.get()) ? found : Borrowed();
}

// 3.14 names its atomics in sets; null where there is no such set.
Borrowed set_in_copy(PyObject* name) noexcept {
    const Borrowed found = name_in_copy(name);
    return found && PyAnySet_Check(found.get()) ? found : Borrowed();
}

void look_at_tables() noexcept {
    copy_names.look_at(copy_names.dict);
    deep_dispatch.look_at(dict_in_copy(interned::_deepcopy_dispatch));
    copyreg_dispatch.look_at(dict_in_copy(interned::dispatch_table));
    copy_dispatch.look_at(dict_in_copy(interned::_copy_dispatch));
    atomic_set.look_at(set_in_copy(interned::_atomic_types));
    copy_atomic_set.look_at(set_in_copy(interned::_copy_atomic_types));
    copy_container_set.look_at(set_in_copy(interned::_copy_builtin_containers));
}

bool tables_unchanged() noexcept {
    return copy_names.unchanged() && deep_dispatch.unchanged() && copyreg_dispatch.unchanged()
        && (copy_dispatch.dict == nullptr || copy_dispatch.unchanged()) && atomic_set.unchanged()
        && copy_atomic_set.unchanged() && copy_container_set.unchanged();
}

bool copyreg_unchanged() noexcept { return modules.unchanged() && copyreg_names.unchanged(); }

void look_at_copyreg() noexcept {
    modules.look_at(modules.dict);
    copyreg_names.look_at(copyreg_names.dict);
    PyObject* const names[] = {interned::__newobj__, interned::__newobj_ex__, interned::_slotnames};
    bool untouched = PyDict_GetItemWithError(modules.dict, interned::copyreg) == copyreg_module;
    for (int i = 0; i < 3; ++i) {
        untouched =
            untouched && PyDict_GetItemWithError(copyreg_names.dict, names[i]) == copyreg_originals[i];
    }
    copyreg_untouched = untouched;
}

bool find_copyreg() noexcept {
    Ref copyreg = Ref::steal(PyImport_ImportModule("copyreg"));
    if (!copyreg) {
        return false;
    }
    copyreg_module = copyreg.release();
    copyreg_names.look_at(PyModule_GetDict(copyreg_module));
    modules.look_at(PyImport_GetModuleDict());
    PyObject* const names[] = {interned::__newobj__, interned::__newobj_ex__, interned::_slotnames};
    for (int i = 0; i < 3; ++i) {
        copyreg_originals[i] = PyObject_GetAttr(copyreg_module, names[i]);
        if (copyreg_originals[i] == nullptr) {
            return false;
        }
    }
    return true;
}

Borrowed entry(const Watched& table, PyTypeObject* type) noexcept {
    if (table.dict == nullptr) {
        return {};
    }
    const Borrowed found = PyDict_GetItemWithError(table.dict, reinterpret_cast<PyObject*>(type));
    if (!found) {
        PyErr_Clear();
    }
    return found;
}

bool in_set(Borrowed set, PyTypeObject* type) noexcept {
    const int found = PySet_Contains(set.get(), reinterpret_cast<PyObject*>(type));
    if (found < 0) {
        PyErr_Clear();
    }
    return found == 1;
}

bool is_original(Borrowed function, const char* name) noexcept {
    for (const Original& original : originals) {
        if (std::strcmp(original.name, name) == 0) {
            return function && function.get() == original.function;
        }
    }
    return false;
}

bool each_in_set(Borrowed set, Visit each, void* data) noexcept {
    Ref members = Ref::steal(PySequence_List(set.get()));
    if (!members) {
        PyErr_Clear();
        return false;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(members.get()); ++i) {
        PyObject* type = PyList_GET_ITEM(members.get(), i);
        if (PyType_Check(type) && !each(data, reinterpret_cast<PyTypeObject*>(type), {}, true)) {
            return false;
        }
    }
    return true;
}

bool each_in_dict(const Watched& table, const char* itself, Visit each, void* data) noexcept {
    PyObject *type = nullptr, *function = nullptr;
    Py_ssize_t position = 0;
    while (table.dict != nullptr && PyDict_Next(table.dict, &position, &type, &function)) {
        if (PyType_Check(type)
            && !each(data, reinterpret_cast<PyTypeObject*>(type), function, is_original(function, itself))) {
            return false;
        }
    }
    return true;
}

bool remember_originals(Borrowed copy) noexcept {
    for (Original& original : originals) {
        if (PyObject_HasAttrString(copy.get(), original.name) != 0) {
            original.function = PyObject_GetAttrString(copy.get(), original.name);
            if (original.function == nullptr) {
                return false;
            }
        }
    }
    return true;
}

// `cls in set`, running the metaclass's code; 0 without a set, -1 with an exception set.
int contains(Borrowed set, PyObject* cls) noexcept {
    Ref held = Ref::share(set);
    return held ? PySet_Contains(held.get(), cls) : 0;
}

bool metaclass_is_odd(PyTypeObject* type) noexcept {
    const PyTypeObject* metaclass = Py_TYPE(type);
    return metaclass != &PyType_Type
        && (metaclass->tp_hash != PyType_Type.tp_hash
            || metaclass->tp_richcompare != PyType_Type.tp_richcompare);
}

// Lib/copy.py: `copier = _deepcopy_dispatch.get(cls)` where looking up `cls` runs code of its metaclass.
class LookUpOddMetaclass {
public:
    Step begin(CopyContext& context, Frame& frame) noexcept {
        PyTypeObject* type = frame.original().type();
        if (deep_dispatch.dict == nullptr || !metaclass_is_odd(type)) {
            return Step::decline();
        }
        PythonScope scope(context);
        if (!scope) {
            return Step::error();
        }
        PyObject* const cls = reinterpret_cast<PyObject*>(type);
        const int atomic = contains(atomic_set.set, cls);
        if (atomic != 0) {
            return atomic < 0 ? Step::error() : Step::done(Ref::share(frame.original()));
        }
        Ref table = Ref::share(deep_dispatch.dict);
        Ref function = Ref::share(PyDict_GetItemWithError(table.get(), cls));
        if (!function || function.get() == Py_None) {
            return PyErr_Occurred() != nullptr ? Step::error() : Step::decline();
        }
        Ref memo = context.memo();
        if (!memo) {
            return Step::error();
        }
        Ref copy = Ref::steal(
            PyObject_CallFunctionObjArgs(function.get(), frame.original().get(), memo.get(), nullptr));
        return copy ? Step::done(std::move(copy)) : Step::error();
    }
    Step resume(CopyContext&, Frame&, Ref) noexcept { return Step::error(); }  // asks for no child
};

}  // namespace

const calque_handler odd_metaclass =
    frame_handler<LookUpOddMetaclass>("types with a metaclass that compares or hashes", nullptr, CALQUE_PURE);

bool create() noexcept {
    if (error_class != nullptr) {
        return true;
    }
    Ref copy = Ref::steal(PyImport_ImportModule("copy"));
    if (!copy || !remember_originals(copy) || !find_copyreg()) {
        return false;
    }
    copy_names.look_at(PyModule_GetDict(copy.get()));
    look_at_tables();
    Ref error = Ref::steal(PyObject_GetAttrString(copy.get(), "Error"));
    if (!error) {
        return false;
    }
    error_class = error.release();
    return true;
}

namespace {

void note_seen() noexcept {
    const Watched* const tables[Seen::kDicts] = {&copy_names,    &deep_dispatch, &copyreg_dispatch,
                                                 &copy_dispatch, &copyreg_names, &modules};
    PyObject* dicts[Seen::kDicts];
    DictStamp stamps[Seen::kDicts];
    for (int i = 0; i < Seen::kDicts; ++i) {
        // A table that this Python does not have repeats another.
        const Watched& table = tables[i]->dict == nullptr ? copy_names : *tables[i];
        dicts[i] = table.dict;
        stamps[i] = table.stamp;
    }
    seen.dicts.note(dicts, stamps);
    seen.set_count = 0;
    for (const WatchedSet* set : {&atomic_set, &copy_atomic_set, &copy_container_set}) {
        if (set->set != nullptr) {
            seen.sets[seen.set_count] = set->set;
            seen.set_stamps[seen.set_count++] = set->stamp;
        }
    }
}

void refresh() noexcept {
    if (mutants::is(mutants::Mutant::tables_read_once) || (tables_unchanged() && copyreg_unchanged())) {
        return;
    }
    const SavedError in_flight;  // we may be on the way out of a hook that raised
    if (!copyreg_unchanged()) {
        const bool before = copyreg_untouched;
        look_at_copyreg();
        if (before == copyreg_untouched && tables_unchanged()) {
            return;  // an import, most of the time
        }
    }
    look_at_tables();
    if (!registry::derive()) {
        PyErr_Clear();
        deep_dispatch.stamp = DictStamp();  // short of memory: try again at the next look
    }
}

}  // namespace

void look_again() noexcept {
    refresh();
    note_seen();
}

void count_change() noexcept { ++changes; }

bool has_reducer(PyTypeObject* type) noexcept { return bool(entry(copyreg_dispatch, type)); }

bool copyreg_is_untouched() noexcept { return copyreg_untouched; }

Borrowed error() noexcept { return error_class; }

Borrowed copyreg_table() noexcept { return copyreg_dispatch.dict; }

bool leaves_to(const calque_handler& spec) noexcept {
    if ((spec.flags & CALQUE_STANDS_FOR_REDUCE) != 0) {
        return copyreg_untouched && !entry(deep_dispatch, spec.type) && !entry(copyreg_dispatch, spec.type);
    }
    if (spec.mirrors == nullptr) {
        return true;
    }
    if (std::strcmp(spec.mirrors, "_deepcopy_atomic") == 0) {
        if (const Borrowed atomic = atomic_set.set) {
            return in_set(atomic, spec.type);
        }
    }
    return is_original(entry(deep_dispatch, spec.type), spec.mirrors);
}

bool leaves_shallow_to(const calque_handler& spec) noexcept {
    if (const Borrowed containers = copy_container_set.set) {
        return in_set(containers, spec.type);
    }
    const Borrowed found = entry(copy_dispatch, spec.type);
    if (!found) {
        return false;
    }
    Ref method = Ref::steal(PyObject_GetAttr(reinterpret_cast<PyObject*>(spec.type), interned::copy));
    if (!method) {
        PyErr_Clear();
    }
    return method && found == Borrowed(method);
}

bool each_deep(Visit each, void* data) noexcept {
    if (const Borrowed atomic = atomic_set.set) {
        if (!each_in_set(atomic, each, data)) {
            return false;
        }
    }
    return each_in_dict(deep_dispatch, "_deepcopy_atomic", each, data);
}

bool each_shallow(Visit each, void* data) noexcept {
    if (const Borrowed atomic = copy_atomic_set.set) {
        if (!each_in_set(atomic, each, data)) {
            return false;
        }
    }
    return each_in_dict(copy_dispatch, "_copy_immutable", each, data);
}

ShallowEntry shallow_entry_by_metaclass(PyTypeObject* type, Ref& function) noexcept {
    if (!metaclass_is_odd(type)) {
        return ShallowEntry::none;
    }
    PyObject* const cls = reinterpret_cast<PyObject*>(type);
    if (copy_dispatch.dict == nullptr) {
        const int atomic = contains(copy_atomic_set.set, cls);
        if (atomic != 0) {
            return atomic < 0 ? ShallowEntry::error : ShallowEntry::itself;
        }
        const int container = contains(copy_container_set.set, cls);
        if (container > 0) {
            function = Ref::steal(PyObject_GetAttr(cls, interned::copy));
        }
        return container < 0 || (container > 0 && !function) ? ShallowEntry::error
             : container > 0                                 ? ShallowEntry::function
                                                             : ShallowEntry::none;
    }
    Ref table = Ref::share(copy_dispatch.dict);
    function = Ref::share(PyDict_GetItemWithError(table.get(), cls));
    if (!function) {
        return PyErr_Occurred() != nullptr ? ShallowEntry::error : ShallowEntry::none;
    }
    const int wanted = PyObject_IsTrue(function.get());
    return wanted < 0 ? ShallowEntry::error : wanted > 0 ? ShallowEntry::function : ShallowEntry::none;
}

PyObject* call_entry(const calque_handler* self, calque_context* context, PyObject* original) noexcept {
    Ref memo = Ref::steal(api().memo(context));
    if (!memo) {
        return nullptr;
    }
    return PyObject_CallFunctionObjArgs(static_cast<PyObject*>(self->user), original, memo.get(), nullptr);
}

}  // namespace calque::stdlib_tables
