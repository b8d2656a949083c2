// handlers/datetime.cpp: date, time, datetime, timedelta. Semantics: their __reduce_ex__
// (Modules/_datetimemodule.c), then Lib/copy.py, _reconstruct: `T(state_bytes)`, and for an aware time or
// datetime `T(state_bytes, deepcopy(tzinfo, memo))`; nothing else in them can refer to anything. Where the
// interpreter keeps singletons (timedelta(0) from 3.13 on) its own constructor gives them back.
//
// The time zone is an argument: it is copied before the object exists, and what its hooks return must be
// a time zone or None, or the constructor refuses it in its own words.
#include "handlers.hpp"
#include "primitives.hpp"

#include "reconstruct.hpp"

#include <calque/registry.hpp>

#include <cstring>
#include <datetime.h>

namespace calque {

namespace {

Ref copy_date(CopyContext&, Borrowed x) noexcept {
    PyObject* raw = x.get();
    return Ref::steal(
        PyDate_FromDate(PyDateTime_GET_YEAR(raw), PyDateTime_GET_MONTH(raw), PyDateTime_GET_DAY(raw)));
}

// From 3.13 on timedelta(0) is a singleton: it comes out as itself, and yet enters the memo, because
// _reconstruct memoizes whatever the constructor gives.
class CopyTimedelta {
public:
    Step begin(CopyContext&, Frame& frame) noexcept {
        PyObject* x = frame.original().get();
        Ref copy = Ref::steal(PyDelta_FromDSU(PyDateTime_DELTA_GET_DAYS(x), PyDateTime_DELTA_GET_SECONDS(x),
                                              PyDateTime_DELTA_GET_MICROSECONDS(x)));
        if (!copy) {
            return Step::error();
        }
        frame.set_copy(std::move(copy));
        return Step::done();
    }
    Step resume(CopyContext&, Frame&, Ref) noexcept { return Step::error(); }  // asks for no child
};

// Without a zone there is nothing to check: the constructor would find valid again what was valid. tp_alloc
// gives the smaller layout, as for the constructor; both begin alike, and have `fold` behind `data`.
template <class T>
Ref naive_clone(PyObject* x, PyTypeObject* type) noexcept {
    Ref copy = Ref::steal(type->tp_alloc(type, 0));
    if (copy) {
        auto* to = reinterpret_cast<T*>(copy.get());
        const auto* from = reinterpret_cast<const T*>(x);
        to->hashcode = -1;
        to->hastzinfo = 0;
        std::memcpy(to->data, from->data, sizeof(from->data));
        to->fold = from->fold;
    }
    return copy;
}

Ref time_with_zone(PyObject* x, PyObject* zone) noexcept {
    if (zone == Py_None) {
        return naive_clone<PyDateTime_Time>(x, PyDateTimeAPI->TimeType);
    }
    return Ref::steal(PyDateTimeAPI->Time_FromTimeAndFold(
        PyDateTime_TIME_GET_HOUR(x), PyDateTime_TIME_GET_MINUTE(x), PyDateTime_TIME_GET_SECOND(x),
        PyDateTime_TIME_GET_MICROSECOND(x), zone, PyDateTime_TIME_GET_FOLD(x), PyDateTimeAPI->TimeType));
}

Ref datetime_with_zone(PyObject* x, PyObject* zone) noexcept {
    if (zone == Py_None) {
        return naive_clone<PyDateTime_DateTime>(x, PyDateTimeAPI->DateTimeType);
    }
    return Ref::steal(PyDateTimeAPI->DateTime_FromDateAndTimeAndFold(
        PyDateTime_GET_YEAR(x), PyDateTime_GET_MONTH(x), PyDateTime_GET_DAY(x), PyDateTime_DATE_GET_HOUR(x),
        PyDateTime_DATE_GET_MINUTE(x), PyDateTime_DATE_GET_SECOND(x), PyDateTime_DATE_GET_MICROSECOND(x),
        zone, PyDateTime_DATE_GET_FOLD(x), PyDateTimeAPI->DateTimeType));
}

Borrowed zone_of_time(Borrowed x) noexcept {
    const auto* raw = reinterpret_cast<PyDateTime_Time*>(x.get());
    return raw->hastzinfo ? raw->tzinfo : Py_None;
}

Borrowed zone_of_datetime(Borrowed x) noexcept {
    const auto* raw = reinterpret_cast<PyDateTime_DateTime*>(x.get());
    return raw->hastzinfo ? raw->tzinfo : Py_None;
}

// `type(x)(*x.__reduce_ex__(4)[1][:1], zone)`: the constructor's own refusal of a zone that is none.
void refuse_zone(CopyContext& context, Borrowed x, Borrowed zone) noexcept {
    PythonScope scope(context);
    Ref value = scope ? reconstruct::reduce(x, true) : Ref();
    Ref args = value ? Ref::steal(PySequence_GetItem(value.get(), 1)) : Ref();
    Ref state = args ? Ref::steal(PySequence_GetItem(args.get(), 0)) : Ref();
    if (state) {
        Ref accepted = Ref::steal(PyObject_CallFunctionObjArgs(reinterpret_cast<PyObject*>(x.type()),
                                                               state.get(), zone.get(), nullptr));
        if (accepted) {
            PyErr_SetString(PyExc_TypeError, "bad tzinfo state arg");
        }
    }
}

PyObject* copy_date_leaf(PyObject* x) noexcept {
    return PyDate_FromDate(PyDateTime_GET_YEAR(x), PyDateTime_GET_MONTH(x), PyDateTime_GET_DAY(x));
}

template <Borrowed (*zone_of)(Borrowed) noexcept, Ref (*with_zone)(PyObject*, PyObject*) noexcept>
PyObject* copy_naive(PyObject* x) noexcept {
    return zone_of(x).get() == Py_None ? with_zone(x, Py_None).release() : nullptr;
}

template <Borrowed (*zone_of)(Borrowed) noexcept, Ref (*with_zone)(PyObject*, PyObject*) noexcept>
class CopyMoment {
public:
    Step begin(CopyContext&, Frame& frame) noexcept {
        const Borrowed zone = zone_of(frame.original());
        return zone.get() == Py_None ? finish(frame, zone) : Step::child(zone);
    }

    Step resume(CopyContext& context, Frame& frame, Ref zone) noexcept {
        if (zone.get() != Py_None && !PyTZInfo_Check(zone.get())) {
            refuse_zone(context, frame.original(), zone);
            return Step::error();
        }
        return finish(frame, zone);
    }

    void unwind(Frame&) noexcept { reconstruct::leave_generator(); }

private:
    static Step finish(Frame& frame, Borrowed zone) noexcept {
        Ref copy = with_zone(frame.original().get(), zone.get());
        return copy ? Step::done(std::move(copy)) : Step::error();
    }
};

}  // namespace

bool register_datetimes() noexcept {
    PyDateTime_IMPORT;
    if (PyDateTimeAPI == nullptr) {
        return false;
    }
    constexpr uint32_t kFlags = CALQUE_PURE | CALQUE_STANDS_FOR_REDUCE;
    return add_handler(primitives::leaf(simple_handler<copy_date>("date", PyDateTimeAPI->DateType, kFlags),
                                        &copy_date_leaf))
        && add_handler(frame_handler<CopyTimedelta>("timedelta", PyDateTimeAPI->DeltaType, kFlags))
        && add_handler(primitives::leaf(
            frame_handler<CopyMoment<zone_of_time, time_with_zone>>("time", PyDateTimeAPI->TimeType, kFlags),
            &copy_naive<zone_of_time, time_with_zone>))
        && add_handler(primitives::leaf(frame_handler<CopyMoment<zone_of_datetime, datetime_with_zone>>(
                                            "datetime", PyDateTimeAPI->DateTimeType, kFlags),
                                        &copy_naive<zone_of_datetime, datetime_with_zone>));
}

}  // namespace calque
