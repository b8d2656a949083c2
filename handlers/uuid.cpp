// handlers/uuid.cpp: uuid.UUID. Semantics: object.__reduce_ex__ with UUID.__getstate__ and __setstate__
// (Lib/uuid.py, 3.10 to 3.14), then Lib/copy.py, _reconstruct: a new UUID with the same int, and is_safe
// looked up again by its value. Served here: is_safe is SafeUUID.unknown, as it is in every UUID but those
// that uuid1() has from the system; the others, and an `int` that is none, go by the protocol.
//
// Where a caller watches the memo, the state dict shows there: by the protocol as well.
#include "handlers.hpp"
#include "known_class.hpp"
#include "primitives.hpp"

#include "type_plan.hpp"

namespace calque {

namespace {

using known_class::Evidence;
using known_class::Known;
using known_class::look_up;

OriginalCode uuid_getstate(R"(
class UUID:
    def __getstate__(self):
        d = {'int': self.int}
        if self.is_safe != SafeUUID.unknown:
            d['is_safe'] = self.is_safe.value
        return d
)",
                           "__getstate__");

OriginalCode uuid_setstate(R"(
class UUID:
    def __setstate__(self, state):
        object.__setattr__(self, 'int', state['int'])
        object.__setattr__(self, 'is_safe',
                           SafeUUID(state['is_safe'])
                           if 'is_safe' in state else SafeUUID.unknown)
)",
                           "__setstate__");

// How a class gives a member that is not simply an attribute: 3.11, 3.12 and later, 3.10.
OriginalCode enum_property_get(R"(
class property:
    def __get__(self, instance, ownerclass=None):
        if instance is None:
            try:
                return ownerclass._member_map_[self.name]
            except KeyError:
                raise AttributeError(
                        '%r has no attribute %r' % (ownerclass, self.name)
                        )
        else:
            if self.fget is None:
                raise AttributeError(
                        '%r member has no attribute %r' % (ownerclass, self.name)
                        )
            else:
                return self.fget(instance)
)",
                               "__get__");

// The same in later releases of 3.11.
OriginalCode enum_property_get_by_name(R"(
class property:
    def __get__(self, instance, ownerclass=None):
        if instance is None:
            try:
                return ownerclass._member_map_[self.name]
            except KeyError:
                raise AttributeError(
                        '%r has no attribute %r' % (ownerclass, self.name)
                        )
        else:
            if self.fget is None:
                try:
                    return ownerclass._member_map_[self.name]
                except KeyError:
                    raise AttributeError(
                            '%r has no attribute %r' % (ownerclass, self.name)
                            ) from None
            else:
                return self.fget(instance)
)",
                                       "__get__");

OriginalCode enum_getattr(R"(
class EnumMeta:
    def __getattr__(cls, name):
        """documented"""
        if _is_dunder(name):
            raise AttributeError(name)
        try:
            return cls._member_map_[name]
        except KeyError:
            raise AttributeError(name) from None
)",
                          "__getattr__");

Borrowed as_object(PyTypeObject* type) noexcept { return reinterpret_cast<PyObject*>(type); }

OriginalCode enum_property_get_member(R"(
class property:
    def __get__(self, instance, ownerclass=None):
        if instance is None:
            if self.member is not None:
                return self.member
            else:
                raise AttributeError(
                        '%r has no attribute %r' % (ownerclass, self.name)
                        )
        if self.fget is not None:
            return self.fget(instance)
        elif self._attr_type == 'attr':
            return getattr(self._cls_type, self.name)
        elif self._attr_type == 'desc':
            return getattr(instance._value_, self.name)
        try:
            return ownerclass._member_map_[self.name]
        except KeyError:
            raise AttributeError(
                    '%r has no attribute %r' % (ownerclass, self.name)
                    ) from None
)",
                                      "__get__");

bool is_property_get(Borrowed function, Evidence& evidence) noexcept {
    return evidence.is(function, enum_property_get) || evidence.is(function, enum_property_get_by_name)
        || evidence.is(function, enum_property_get_member);
}

bool has_member_of_that_name(PyTypeObject* safe_uuid, Evidence& evidence, Borrowed attribute) noexcept {
    if (!attribute) {  // up to 3.10
        return evidence.is(look_up(Py_TYPE(safe_uuid), interned::__getattr__), enum_getattr);
    }
    return attribute.type() == safe_uuid  // or a descriptor, for the members of simple enumerations
        || (is_property_get(look_up(attribute.type(), interned::__get__), evidence)
            && evidence.depends_on_class(as_object(attribute.type())));
}

// The object that `SafeUUID.unknown` gives, if `!=` of it with itself is false, and runs no Python code.
Borrowed unknown_member(Borrowed cls, Evidence& evidence) noexcept {
    if (!cls || !PyType_Check(cls.get()) || !evidence.depends_on_class(cls)) {
        return {};
    }
    auto* const safe_uuid = reinterpret_cast<PyTypeObject*>(cls.get());
    const Borrowed members = look_up(safe_uuid, interned::_member_map_);
    if (safe_uuid->tp_richcompare != PyBaseObject_Type.tp_richcompare || !evidence.depends_on_dict(members)
        || look_up(Py_TYPE(safe_uuid), interned::unknown)
        || look_up(Py_TYPE(safe_uuid), interned::__getattribute__)
               != look_up(&PyType_Type, interned::__getattribute__)
        || !has_member_of_that_name(safe_uuid, evidence, look_up(safe_uuid, interned::unknown))) {
        return {};
    }
    const Borrowed member = PyDict_GetItemWithError(members.get(), interned::unknown);
    return member && member.type() == safe_uuid ? member : Borrowed();
}

Step copy_uuid(CopyContext& context, Frame& frame, const Known& known) noexcept {
    const Borrowed x = frame.original();
    const type_plan::Slot int_slot{nullptr, known.offsets[0]};
    const type_plan::Slot safe_slot{nullptr, known.offsets[1]};
    const Borrowed number = type_plan::slot_value(x, int_slot);
    if (!primitives::head(context).native_memo || !number || !PyLong_CheckExact(number.get())
        || !primitives::is_atomic(context, number)
        || type_plan::slot_value(x, safe_slot).get() != known.object) {
        return Step::decline();
    }
    Ref copy = Ref::steal(x.type()->tp_alloc(x.type(), 0));
    if (!copy) {
        return Step::error();
    }
    type_plan::fill_slot(copy, int_slot, Ref::share(number));
    type_plan::fill_slot(copy, safe_slot, Ref::share(known.object));
    return Step::done(std::move(copy));
}

bool recognise(PyTypeObject* type, Evidence& evidence, Known& known) noexcept {
    const Borrowed getstate = look_up(type, interned::__getstate__);
    const Borrowed setstate = look_up(type, interned::__setstate__);
    if (!setstate || !evidence.is(setstate, uuid_setstate) || !evidence.is(getstate, uuid_getstate)
        || type->tp_dictoffset != 0 || !known_class::is_made_by_object_new(type)
        || !known_class::reduces_natively(type)) {
        return false;
    }
    known.offsets[0] = known_class::slot_offset(type, interned::int_);
    known.offsets[1] = known_class::slot_offset(type, interned::is_safe);
    const Borrowed safe_uuid = evidence.global(getstate, interned::SafeUUID);
    known.object = unknown_member(safe_uuid, evidence).get();
    known.copy = copy_uuid;
    return known.offsets[0] > 0 && known.offsets[1] > 0 && known.object != nullptr
        && evidence.global(setstate, interned::SafeUUID) == safe_uuid
        && evidence.global(setstate, interned::object) == as_object(&PyBaseObject_Type);
}

}  // namespace

void register_uuid() noexcept { known_class::add(recognise); }

}  // namespace calque
