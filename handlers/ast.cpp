// handlers/ast.cpp: see ast.hpp. Which classes are nodes that ast.AST makes and reduces, and not the program.
//
// Asked of the class, by its version good until somebody changes it or a base: it is called by type.__call__, allocated and
// initialised by ast.AST, reduced by ast.AST, and no other hook comes between; `_fields` is a tuple of names; and setting such
// a name (3.13: to None, which ast.AST.__init__ does) sets an entry of the instance's dict.
#include "ast.hpp"
#include "handlers.hpp"
#include "known_class.hpp"
#include "primitives.hpp"

#include <cstring>

namespace calque {

namespace {

using known_class::look_up;

// A method in C whose owner is ast.AST: Python code cannot make one.
PyTypeObject* owner_of_reduce(PyTypeObject* type) noexcept {
    const Borrowed reduce = look_up(type, interned::__reduce__);
    if (!reduce || reduce.type() != &PyMethodDescr_Type) {
        return nullptr;
    }
    PyTypeObject* const owner = PyDescr_TYPE(reduce.get());
    return std::strcmp(owner->tp_name, "ast.AST") == 0 && PyDescr_NAME(reduce.get()) == interned::__reduce__
             ? owner
             : nullptr;
}

// The class has under this name what `owner` had when it was made.
bool is_still(PyTypeObject* type, PyObject* name, PyTypeObject* kind, PyTypeObject* owner) noexcept {
    const Borrowed found = look_up(type, name);
    return found && found.type() == kind && PyDescr_TYPE(found.get()) == owner
        && PyDescr_NAME(found.get()) == name;
}

bool are_names(Borrowed names) noexcept {
    if (!names || !PyTuple_CheckExact(names.get())) {
        return false;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names.get()); ++i) {
        PyObject* const name = PyTuple_GET_ITEM(names.get(), i);
        if (!PyUnicode_CheckExact(name) || !PyUnicode_CHECK_INTERNED(name) || name == interned::__deepcopy__
            || name == interned::__reduce_ex__ || name == interned::__reduce__
            || name == interned::__setstate__ || name == interned::__dict__ || name == interned::__class__) {
            return false;
        }
    }
    return true;
}

// Setting one makes an entry of the instance's dict, and nothing else.
bool are_no_descriptors(PyTypeObject* type, Borrowed names) noexcept {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names.get()); ++i) {
        const Borrowed in_class = look_up(type, PyTuple_GET_ITEM(names.get(), i));
        if (in_class && in_class.type()->tp_descr_set != nullptr) {
            return false;
        }
    }
    return true;
}

bool recognise(PyTypeObject* type, type_plan::Plan& plan) noexcept {
    PyTypeObject* const owner = owner_of_reduce(type);
    if (owner == nullptr || Py_TYPE(type) != &PyType_Type || type->tp_dictoffset <= 0
        || type->tp_itemsize != 0 || type->tp_getattro != PyObject_GenericGetAttr
        || type->tp_setattro != PyObject_GenericSetAttr || type->tp_new != PyType_GenericNew
        || type->tp_alloc != PyType_GenericAlloc || type->tp_init != owner->tp_init
        || !is_still(type, interned::__init__, &PyWrapperDescr_Type, owner)
        || !is_still(type, interned::__dict__, &PyGetSetDescr_Type, owner)
        || !known_class::inherits_from_object(type, interned::__reduce_ex__)
        || look_up(type, interned::__deepcopy__) || look_up(type, interned::__setstate__)) {
        return false;
    }
    const Borrowed fields = look_up(type, interned::_fields);
    const Borrowed attributes = look_up(type, interned::_attributes);
    plan.kind = CopyNode::kKind;
    plan.fields = fields.get();
    plan.attributes = attributes.get();
    return are_names(fields) && are_names(attributes) && are_no_descriptors(type, fields);
}

}  // namespace

const HandlerSpec ast_handler = primitives::native<CopyNode>(
    frame_handler<CopyNode>("ast nodes", nullptr, CALQUE_PURE | CALQUE_STANDS_FOR_REDUCE));

void register_ast() noexcept { type_plan::set_recogniser(recognise); }

}  // namespace calque
