// handlers/container_subclass.cpp: which classes are subclasses of list, dict, tuple, set or frozenset that
// leave copying to their base, and the protocol that copies their instances. One header per base.
//
// What has to hold for a class is checked once (known_class.hpp says how long that is good for): none of
// what the reduce protocol would look up is overridden: source: object.__reduce_ex__ and reduce_newobj
// (Objects/typeobject.c), set.__reduce__ (Objects/setobject.c), Lib/copyreg.py and Lib/copy.py, 3.10 to 3.14.
// Left to the protocol besides: slots, metaclasses, and the first instance of each class, whose copy leaves
// __slotnames__ on the class.
#include "handlers.hpp"
#include "primitives.hpp"

#include "dict_subclass.hpp"
#include "known_class.hpp"
#include "list_subclass.hpp"
#include "set_subclass.hpp"
#include "shallow_subclass.hpp"
#include "tuple_subclass.hpp"

#include <variant>

namespace calque {

namespace {

using known_class::Evidence;
using known_class::Known;
using known_class::look_up;

// Known::offsets
enum { kArity };

// Marks the classes; the instances are copied by the protocol below, which is asked before this would be.
Step leave(CopyContext&, Frame&, const Known&) noexcept { return Step::decline(); }

bool has_slots(const Known& known) noexcept {
    return known.object != nullptr && PyList_GET_SIZE(known.object) != 0;
}

// Known::shallow
Ref copy_shallowly(Borrowed x, const Known& known) noexcept {
    if (has_slots(known)) {
        return {};
    }
    if (PyTuple_Check(x.get())) {
        return shallow_subclass::copy_tuple(x, known.offsets[kArity]);
    }
    if (PyList_Check(x.get())) {
        return shallow_subclass::copy_list(x);
    }
    return PyDict_Check(x.get()) ? shallow_subclass::copy_dict(x) : shallow_subclass::copy_set(x);
}

PyTypeObject* base_of(PyTypeObject* type) noexcept {
    for (PyTypeObject* base : {&PyList_Type, &PyDict_Type, &PyTuple_Type, &PySet_Type, &PyFrozenSet_Type}) {
        if (PyType_IsSubtype(type, base)) {
            return base;
        }
    }
    return nullptr;
}

bool inherits(PyTypeObject* type, PyTypeObject* base, PyObject* name) noexcept {
    return look_up(type, name) == look_up(base, name);
}

bool protocol_is_default(PyTypeObject* type) noexcept {
    for (PyObject* absent : {interned::__deepcopy__, interned::__setstate__, interned::__getnewargs_ex__}) {
        if (look_up(type, absent)) {
            return false;
        }
    }
    const Borrowed dict = look_up(type, interned::__dict__);
    const bool dict_is_plain = type->tp_dictoffset == 0 ? !dict : dict && dict.type() == &PyGetSetDescr_Type;
    return dict_is_plain && Py_TYPE(type) == &PyType_Type && PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE)
        && type->tp_setattro == PyObject_GenericSetAttr
        && known_class::inherits_from_object(type, interned::__reduce_ex__)
        && known_class::inherits_from_object(type, interned::__getstate__)
        && known_class::reduces_natively(type);
}

bool makes_like(PyTypeObject* type, PyTypeObject* base) noexcept {
    return type->tp_new == base->tp_new && inherits(type, base, interned::__new__);
}

OriginalCode named_getnewargs(R"(
def namedtuple():
    _tuple = tuple
    def __getnewargs__(self):
        'Return self as a plain tuple.  Used by copy and pickle.'
        return _tuple(self)
)",
                              "__getnewargs__");

// collections.namedtuple: `__new__ = eval(f'lambda _cls, {arg_list}: _tuple_new(_cls, ({arg_list}))')`, and
// __getnewargs__ with the type `tuple` in its closure. Gives the number of fields, or -1.
Py_ssize_t fields_of_named_tuple(PyTypeObject* type, Evidence& evidence) noexcept {
    const Borrowed getnewargs = look_up(type, interned::__getnewargs__);
    const Borrowed maker = look_up(type, interned::__new__);
    if (!getnewargs || !evidence.is(getnewargs, named_getnewargs) || maker.type() != &PyStaticMethod_Type) {
        return -1;
    }
    PyObject* closure = PyFunction_GET_CLOSURE(getnewargs.get());
    const Ref function = Ref::steal(PyObject_GetAttrString(maker.get(), "__func__"));
    if (closure == nullptr || PyTuple_GET_SIZE(closure) != 1
        || PyCell_GET(PyTuple_GET_ITEM(closure, 0)) != reinterpret_cast<PyObject*>(&PyTuple_Type) || !function
        || !PyFunction_Check(function.get())) {
        PyErr_Clear();
        return -1;
    }
    const Ref names = Ref::steal(PyObject_GetAttrString(PyFunction_GET_CODE(function.get()), "co_varnames"));
    Ref list = Ref::steal(PyUnicode_FromString(""));
    Py_ssize_t fields = 0;
    for (; list && names && fields + 1 < PyTuple_GET_SIZE(names.get()); ++fields) {
        PyObject* name = PyTuple_GET_ITEM(names.get(), fields + 1);
        list = Ref::steal(PyUnicode_IsIdentifier(name) == 1 ? PyUnicode_FromFormat("%U%U, ", list.get(), name)
                                                            : nullptr);
    }
    const Ref source = Ref::steal(
        list ? PyUnicode_FromFormat("lambda _cls, %U: _tuple_new(_cls, (%U))\n", list.get(), list.get())
             : nullptr);
    const char* const text = source ? PyUnicode_AsUTF8(source.get()) : nullptr;
    if (text == nullptr) {
        PyErr_Clear();
        return -1;
    }
    const bool original =
        evidence.is(function, text, "<lambda>")
        && evidence.global(function, interned::_tuple_new) == look_up(&PyTuple_Type, interned::__new__);
    return original ? fields : -1;
}

bool iterates_like(PyTypeObject* type, PyTypeObject* base) noexcept {
    return type->tp_iter == base->tp_iter && inherits(type, base, interned::__iter__)
        && inherits(type, base, interned::__len__);
}

bool leaves_copying_to_base(PyTypeObject* type, PyTypeObject* base, Evidence& evidence,
                            Known& known) noexcept {
    if (base == &PySet_Type || base == &PyFrozenSet_Type) {
        return inherits(type, base, interned::__reduce__) && makes_like(type, base)
            && type->tp_init == base->tp_init && iterates_like(type, base)
            && !look_up(type, interned::__getnewargs__);
    }
    if (!known_class::inherits_from_object(type, interned::__reduce__)) {
        return false;
    }
    known.offsets[kArity] = -1;
    if (base == &PyTuple_Type) {
        if (look_up(type, interned::__del__)) {
            return false;
        }
        if (makes_like(type, base)) {
            return inherits(type, base, interned::__getnewargs__);
        }
        known.offsets[kArity] = fields_of_named_tuple(type, evidence);
        return known.offsets[kArity] >= 0 && iterates_like(type, base);
    }
    if (!makes_like(type, base) || look_up(type, interned::__getnewargs__)
        || type->tp_iter != base->tp_iter) {
        return false;
    }
    if (base == &PyList_Type) {
        return inherits(type, base, interned::append);
    }
    return inherits(type, base, interned::items)
        && type->tp_as_mapping->mp_ass_subscript == base->tp_as_mapping->mp_ass_subscript;
}

bool recognise(PyTypeObject* type, Evidence& evidence, Known& known) noexcept {
    PyTypeObject* base = base_of(type);
    if (base == nullptr || !protocol_is_default(type)) {
        return false;
    }
    if (!leaves_copying_to_base(type, base, evidence, known)) {
        return false;
    }
    known.copy = leave;
    known.shallow = copy_shallowly;
    const bool slots_count = CALQUE_SETS_HAVE_GETSTATE || (base != &PySet_Type && base != &PyFrozenSet_Type);
    if (slots_count) {
        known.object = known_class::slot_names(type).get();
    }
    return !slots_count || known.object != nullptr;
}

class CopyContainerSubclass {
public:
    Step begin(CopyContext& context, Frame& frame) noexcept {
        PyTypeObject* type = frame.original().type();
        constexpr unsigned long kContainers =
            Py_TPFLAGS_LIST_SUBCLASS | Py_TPFLAGS_DICT_SUBCLASS | Py_TPFLAGS_TUPLE_SUBCLASS;
        const bool is_set = PyAnySet_Check(frame.original().get());
        if (!is_set && (type->tp_flags & kContainers) == 0) {
            return Step::decline();
        }
        const Known* known = known_class::find(type, primitives::head(context).python_runs);
        if (known == nullptr || known->copy != leave || has_slots(*known)) {
            return Step::decline();
        }
        if (is_set) {
            return how_.emplace<CopySetSubclass>().begin(context, frame);
        }
        if (PyTuple_Check(frame.original().get())) {
            return how_.emplace<CopyTupleSubclass>().begin(context, frame, known->offsets[kArity]);
        }
        if (PyList_Check(frame.original().get())) {
            return how_.emplace<CopyListSubclass>().begin(context, frame);
        }
        return how_.emplace<CopyDictSubclass>().begin(context, frame);
    }

    Step resume(CopyContext& context, Frame& frame, Ref child) noexcept {
        if (auto* list = std::get_if<CopyListSubclass>(&how_)) {
            return list->resume(context, frame, std::move(child));
        }
        if (auto* dict = std::get_if<CopyDictSubclass>(&how_)) {
            return dict->resume(context, frame, std::move(child));
        }
        if (auto* tuple = std::get_if<CopyTupleSubclass>(&how_)) {
            return tuple->resume(context, frame, std::move(child));
        }
        return std::get_if<CopySetSubclass>(&how_)->resume(context, frame, std::move(child));
    }

    void unwind(Frame& frame) noexcept {
        const bool copies_arguments =
            std::holds_alternative<CopyTupleSubclass>(how_) || std::holds_alternative<CopySetSubclass>(how_);
        if (copies_arguments && !frame.copy()) {
            reconstruct::leave_generator();
        }
    }

private:
    std::variant<CopyListSubclass, CopyDictSubclass, CopyTupleSubclass, CopySetSubclass> how_;
};

}  // namespace

void register_container_subclasses() noexcept { known_class::add(recognise); }

const HandlerSpec container_subclass_handler = frame_handler<CopyContainerSubclass>(
    "subclasses of containers", nullptr, CALQUE_PURE | CALQUE_STANDS_FOR_REDUCE);

}  // namespace calque
