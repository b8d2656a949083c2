// handlers/enum_member.cpp: members of enumerations where Enum has no __deepcopy__ yet (it came with 3.11.4).
// Semantics: Lib/enum.py, Enum.__reduce_ex__, then Lib/copy.py, _reconstruct; the member is looked up again:
//
//   3.10               T(value): EnumMeta.__call__, Enum.__new__: T._value2member_map_[value]
//   3.11.0 to 3.11.3   getattr(T, name)
//
// What comes out is the member itself, and enters the memo as its own copy. Served here: the look-up finds
// it at once. A value that hashes by Python code, a member of several flags without a name, one with a
// hook of its own: by the protocol.
#include "handlers.hpp"
#include "known_class.hpp"
#include "primitives.hpp"

#include "pairs.hpp"

#include <calque/compat.hpp>

#include <cstring>

namespace calque {

namespace {

using known_class::Evidence;
using known_class::Known;
using known_class::look_up;

OriginalCode reduce_by_value(R"(
class Enum:
    def __reduce_ex__(self, proto):
        return self.__class__, (self._value_, )
)",
                             "__reduce_ex__");

OriginalCode reduce_by_name(R"(
class Enum:
    def __reduce_ex__(self, proto):
        return getattr, (self.__class__, self._name_)
)",
                            "__reduce_ex__");

OriginalCode call_class(R"(
class EnumMeta:
    def __call__(cls, value, names=None, *, module=None, qualname=None, type=None, start=1):
        """documented"""
        if names is None:
            return cls.__new__(cls, value)
        return cls._create_(
                value,
                names,
                module=module,
                qualname=qualname,
                type=type,
                start=start,
                )
)",
                        "__call__");

OriginalCode new_member(R"(
class Enum:
    def __new__(cls, value):
        if type(value) is cls:
            return value
        try:
            return cls._value2member_map_[value]
        except KeyError:
            pass
        except TypeError:
            for member in cls._member_map_.values():
                if member._value_ == value:
                    return member
        try:
            exc = None
            result = cls._missing_(value)
        except Exception as e:
            exc = e
            result = None
        try:
            if isinstance(result, cls):
                return result
            else:
                ve_exc = ValueError("%r is not a valid %s" % (value, cls.__qualname__))
                if result is None and exc is None:
                    raise ve_exc
                elif exc is None:
                    exc = TypeError(
                            'error in %s._missing_: returned %r instead of None or a valid member'
                            % (cls.__name__, result)
                            )
                if not isinstance(exc, ValueError):
                    exc.__context__ = ve_exc
                raise exc
        finally:
            exc = None
            ve_exc = None
)",
                        "__new__");

// `x.name`, an attribute of the instance; empty if there is none.
Ref attribute(Borrowed x, PyObject* name) noexcept {
    PyObject* raw = nullptr;
    if (PyObject_GetOptionalAttr(x.get(), name, &raw) < 0) {
        PyErr_Clear();
    }
    return Ref::steal(raw);
}

bool has_no_hook_of_its_own(Borrowed x, const Known& known) noexcept {
    return known_class::comes_to(x, interned::__reduce_ex__, known.in_class)
        && !attribute(x, interned::__deepcopy__);
}

bool is_found_by_value(Borrowed x, const Known& known) noexcept {
    if (!has_no_hook_of_its_own(x, known)) {
        return false;
    }
    const Ref value = attribute(x, interned::_value_);
    return value && primitives::hashes_natively(value)
        && primitives::known_types.atomic(Borrowed(value).type())
        && PyDict_GetItemWithError(known.object, value.get()) == x.get();
}

bool is_found_by_name(Borrowed x, const Known& known) noexcept {
    if (!has_no_hook_of_its_own(x, known)) {
        return false;
    }
    const Ref name = attribute(x, interned::_name_);
    return name && PyUnicode_CheckExact(name.get()) && look_up(x.type(), name.get()) == x
        && !look_up(Py_TYPE(x.type()), name.get());
}

Step copy_member(CopyContext& context, Frame& frame, const Known& known) noexcept {
    if (!primitives::head(context).native_memo || !known.returns_itself(frame.original(), known)) {
        return Step::decline();
    }
    frame.set_copy(Ref::share(frame.original()));
    known_class::pass_from_now(frame.original(), primitives::head(context).python_runs);
    return Step::done();
}

bool calls_by_value(PyTypeObject* type, Evidence& evidence, Known& known) noexcept {
    Ref maker = Ref::share(look_up(type, interned::__new__));
    if (maker && Borrowed(maker).type() == &PyStaticMethod_Type) {
        maker = Ref::steal(PyObject_GetAttrString(maker.get(), "__func__"));
    }
    const Borrowed members = look_up(type, interned::_value2member_map_);
    if (!maker || !evidence.is(maker, new_member)
        || !evidence.is(look_up(Py_TYPE(type), interned::__call__), call_class)
        || evidence.global(maker, interned::type) != Borrowed(reinterpret_cast<PyObject*>(&PyType_Type))
        || look_up(Py_TYPE(type), interned::_value2member_map_) || !evidence.depends_on_dict(members)
        || !keys_hash_natively(members)) {
        return false;
    }
    known.object = members.get();
    known.returns_itself = is_found_by_value;
    return true;
}

bool is_builtin_getattr(Borrowed function) noexcept {
    return function && PyCFunction_CheckExact(function.get())
        && std::strcmp(reinterpret_cast<PyCFunctionObject*>(function.get())->m_ml->ml_name, "getattr") == 0
        && PyModule_Check(PyCFunction_GET_SELF(function.get()))
        && std::strcmp(PyModule_GetName(PyCFunction_GET_SELF(function.get())), "builtins") == 0;
}

bool recognise(PyTypeObject* type, Evidence& evidence, Known& known) noexcept {
    PyTypeObject* const metaclass = Py_TYPE(type);
    const Borrowed hook = look_up(type, interned::__reduce_ex__);
    if (metaclass == &PyType_Type || look_up(type, interned::__deepcopy__)
        || look_up(metaclass, interned::__getattribute__) != look_up(&PyType_Type, interned::__getattribute__)
        || !known_class::inherits_from_object(type, interned::__class__)
        || !known_class::reduces_natively(type)) {
        return false;
    }
    known.in_class = hook.get();
    known.copy = copy_member;
    if (evidence.is(hook, reduce_by_value)) {
        return !look_up(type, interned::_value_) && calls_by_value(type, evidence, known);
    }
    known.returns_itself = is_found_by_name;
    return evidence.is(hook, reduce_by_name) && !look_up(type, interned::_name_)
        && type->tp_descr_get == nullptr && is_builtin_getattr(evidence.global(hook, interned::getattr));
}

}  // namespace

void register_enum_members() noexcept { known_class::add(recognise); }

}  // namespace calque
