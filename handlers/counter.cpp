// handlers/counter.cpp: collections.Counter. Semantics: Counter.__reduce__ and Counter.__init__
// (Lib/collections/__init__.py, the same text from 3.10 to 3.14), then Lib/copy.py, _reconstruct:
// `Counter(deepcopy(dict(x)))`, which comes to a new Counter with the same pairs in the same order, and
// without the attributes of x. Its subclasses, too, as far as they leave all that to Counter.
//
// Two methods, super() twice and isinstance() take part, so the evidence is long. What it cannot see: that the
// caches AND the registries of abc were emptied by the functions that exist for debugging abc, after which
// a dict were no Mapping any more.
//
// Served here: elements that are atoms, or tuples of atoms, and hash by C code; counts that are atoms. Where
// a caller watches the memo, the dict shows there: by the protocol, like everything else.
#include "handlers.hpp"
#include "known_class.hpp"
#include "primitives.hpp"

#include "pairs.hpp"
#include "shallow_state.hpp"
#include "subclass_state.hpp"

#include <cstring>

namespace calque {

namespace {

using known_class::Evidence;
using known_class::Known;
using known_class::look_up;

OriginalCode counter_reduce(R"(
class Counter:
    def __reduce__(self):
        return self.__class__, (dict(self),)
)",
                            "__reduce__");

OriginalCode counter_init(R"(
class Counter:
    def __init__(self, iterable=None, /, **kwds):
        """documented"""
        super().__init__()
        self.update(iterable, **kwds)
)",
                          "__init__");

OriginalCode counter_update(R"(
class Counter:
    def update(self, iterable=None, /, **kwds):
        """documented"""
        if iterable is not None:
            if isinstance(iterable, _collections_abc.Mapping):
                if self:
                    self_get = self.get
                    for elem, count in iterable.items():
                        self[elem] = count + self_get(elem, 0)
                else:
                    super().update(iterable)
            else:
                _count_elements(self, iterable)
        if kwds:
            self.update(kwds)
)",
                            "update");

OriginalCode abc_instancecheck(R"(
class ABCMeta:
    def __instancecheck__(cls, instance):
        """documented"""
        return _abc_instancecheck(cls, instance)
)",
                               "__instancecheck__");

// `super()` in this method of `type` leads on to dict.
bool next_after_it_is_dict(PyTypeObject* type, Borrowed method) noexcept {
    PyObject* const closure = PyFunction_GET_CLOSURE(method.get());
    if (closure == nullptr || PyTuple_GET_SIZE(closure) != 1) {
        return false;
    }
    PyObject* const cls = PyCell_GET(PyTuple_GET_ITEM(closure, 0));
    for (Py_ssize_t i = 0; i + 1 < PyTuple_GET_SIZE(type->tp_mro); ++i) {
        if (PyTuple_GET_ITEM(type->tp_mro, i) == cls) {
            return PyTuple_GET_ITEM(type->tp_mro, i + 1) == reinterpret_cast<PyObject*>(&PyDict_Type);
        }
    }
    return false;
}

bool is_c_function(Borrowed function, const char* module, const char* name) noexcept {
    if (!function || !PyCFunction_CheckExact(function.get())) {
        return false;
    }
    const auto* raw = reinterpret_cast<PyCFunctionObject*>(function.get());
    return raw->m_module != nullptr && PyUnicode_CheckExact(raw->m_module)
        && PyUnicode_CompareWithASCIIString(raw->m_module, module) == 0
        && std::strcmp(raw->m_ml->ml_name, name) == 0;
}

// The class for which register_counter() has asked, so that the answer is in its cache.
PyObject* mapping_class = nullptr;

// `isinstance(d, _collections_abc.Mapping)` is true for every dict d, and runs no more than the code we know.
bool takes_dicts_for_mappings(Borrowed update, Evidence& evidence) noexcept {
    const Borrowed module = evidence.global(update, interned::_collections_abc);
    if (!is_c_function(evidence.global(update, interned::isinstance), "builtins", "isinstance") || !module
        || !PyModule_CheckExact(module.get()) || !evidence.depends_on_dict(PyModule_GetDict(module.get()))) {
        return false;
    }
    const Borrowed mapping = PyDict_GetItemWithError(PyModule_GetDict(module.get()), interned::Mapping);
    if (!mapping || mapping.get() != mapping_class || !evidence.depends_on_class(mapping)) {
        return false;
    }
    const Borrowed check = look_up(mapping.type(), interned::__instancecheck__);
    return evidence.is(check, abc_instancecheck)
        && is_c_function(evidence.global(check, interned::_abc_instancecheck), "_abc", "_abc_instancecheck");
}

bool means(Evidence& evidence, Borrowed function, PyObject* name, PyTypeObject& type) noexcept {
    return evidence.global(function, name) == Borrowed(reinterpret_cast<PyObject*>(&type));
}

bool is_a_dict_to_c(PyTypeObject* type) noexcept {
    for (PyObject* name : {interned::__new__, interned::__iter__, interned::__len__, interned::keys}) {
        if (look_up(type, name) != look_up(&PyDict_Type, name)) {
            return false;
        }
    }
    return type->tp_new == PyDict_Type.tp_new && type->tp_iter == PyDict_Type.tp_iter
        && type->tp_as_number->nb_bool == nullptr;
}

// The tuple, too, is its own copy: nobody can have entered another in the memo yet.
bool is_plain_element(const CopyContext& context, Borrowed key) noexcept {
    if (!PyTuple_CheckExact(key.get())) {
        return primitives::hashes_natively(key) && primitives::is_atomic(context, key);
    }
    if (!primitives::head(context).pristine
        || primitives::known_types.kind(&PyTuple_Type) != primitives::Native::tuple) {
        return false;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(key.get()); ++i) {
        const Borrowed item = PyTuple_GET_ITEM(key.get(), i);
        if (!primitives::hashes_natively(item) || !primitives::is_atomic(context, item)) {
            return false;
        }
    }
    return true;
}

bool is_flat(const CopyContext& context, Borrowed x) noexcept {
    return dict_slots::each(x, [&](PyObject* key, PyObject* value) noexcept {
        return is_plain_element(context, key) && primitives::is_atomic(context, value);
    });
}

Ref same_pairs(Borrowed x) noexcept {
    Ref y = bare(x.type());
    return y && dict_slots::fill_compactly(y, x) ? std::move(y) : Ref();
}

Step copy_counter(CopyContext& context, Frame& frame, const Known&) noexcept {
    const Borrowed x = frame.original();
    SubclassState state;
    if (!primitives::head(context).native_memo
        || !state.look(context, x, {interned::__deepcopy__, interned::__reduce_ex__, interned::__reduce__})
        || !is_flat(context, x)) {
        return Step::decline();
    }
    Ref y = same_pairs(x);
    return y ? Step::done(std::move(y)) : Step::error();
}

// copy.copy: `Counter(dict(x))`
Ref copy_shallowly(Borrowed x, const Known&) noexcept {
    ShallowState state;
    return state.look(x, {interned::__reduce_ex__, interned::__reduce__}) && keys_hash_natively(x)
             ? same_pairs(x)
             : Ref();
}

bool recognise(PyTypeObject* type, Evidence& evidence, Known& known) noexcept {
    const Borrowed reduce = look_up(type, interned::__reduce__);
    const Borrowed init = look_up(type, interned::__init__);
    const Borrowed update = look_up(type, interned::update);
    if (!PyType_HasFeature(type, Py_TPFLAGS_DICT_SUBCLASS) || Py_TYPE(type) != &PyType_Type
        || !evidence.is(reduce, counter_reduce) || !evidence.is(init, counter_init)
        || !evidence.is(update, counter_update) || look_up(type, interned::__deepcopy__)
        || !known_class::inherits_from_object(type, interned::__reduce_ex__)
        || !known_class::inherits_from_object(type, interned::__class__)
        || !known_class::reduces_natively(type) || !is_a_dict_to_c(type)) {
        return false;
    }
    known.copy = copy_counter;
    known.shallow = copy_shallowly;
    return next_after_it_is_dict(type, init) && next_after_it_is_dict(type, update)
        && means(evidence, reduce, interned::dict, PyDict_Type)
        && means(evidence, init, interned::super, PySuper_Type)
        && means(evidence, update, interned::super, PySuper_Type)
        && takes_dicts_for_mappings(update, evidence);
}

}  // namespace

bool register_counter() noexcept {
    const Ref module = Ref::steal(PyImport_ImportModule("collections.abc"));
    Ref mapping = module ? Ref::steal(PyObject_GetAttrString(module.get(), "Mapping")) : Ref();
    const Ref dict = mapping ? Ref::steal(PyDict_New()) : Ref();
    const int is_mapping = dict ? PyObject_IsInstance(dict.get(), mapping.get()) : -1;
    if (is_mapping > 0) {
        mapping_class = mapping.release();
        known_class::add(recognise);
    }
    return is_mapping >= 0;
}

}  // namespace calque
