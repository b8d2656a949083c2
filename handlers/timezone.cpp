// handlers/timezone.cpp: datetime.timezone. Semantics: tzinfo.__reduce__ with timezone.__getinitargs__
// (Modules/_datetimemodule.c), then Lib/copy.py, _reconstruct: `timezone(offset)` or `timezone(offset, name)`
// of copied arguments. The constructor gives back timezone.utc for an offset of zero without a name: it is
// its own copy, and yet enters the memo.
//
// Offset and name may be of subclasses with hooks of their own; what comes out of these and is neither a
// timedelta nor a string is refused by the type itself.
#include "handlers.hpp"
#include "primitives.hpp"

#include "reconstruct.hpp"

#include <calque/registry.hpp>

#include <datetime.h>

namespace calque {

namespace {

class CopyTimezone {
public:
    Step begin(CopyContext&, Frame& frame) noexcept {
        args_ = Ref::steal(PyObject_CallMethodNoArgs(frame.original().get(), interned::__getinitargs__));
        return args_ ? Step::child(PyTuple_GET_ITEM(args_.get(), 0)) : Step::error();
    }

    Step resume(CopyContext& context, Frame& frame, Ref child) noexcept {
        if (offset_) {
            return finish(context, frame, child);
        }
        offset_ = std::move(child);
        return PyTuple_GET_SIZE(args_.get()) > 1 ? Step::child(PyTuple_GET_ITEM(args_.get(), 1))
                                                 : finish(context, frame, {});
    }

    void unwind(Frame&) noexcept { reconstruct::leave_generator(); }

private:
    Step finish(CopyContext& context, Frame& frame, Borrowed name) noexcept {
        Ref copy = make(context, frame.original().type(), name);
        if (!copy) {
            return Step::error();
        }
        // utc does not hold the offset it was asked for, but the memo names it.
        if (copy.get() == PyDateTimeAPI->TimeZone_UTC && primitives::head(context).native_memo
            && !context.keep_alive(offset_)) {
            return Step::error();
        }
        frame.set_copy(std::move(copy));
        return Step::done();
    }

    Ref make(CopyContext& context, PyTypeObject* type, Borrowed name) noexcept {
        if (PyDelta_Check(offset_.get()) && (!name || PyUnicode_Check(name.get()))) {
            return Ref::steal(PyDateTimeAPI->TimeZone_FromTimeZone(offset_.get(), name.get()));
        }
        const PythonScope scope(context);
        return scope ? Ref::steal(PyObject_CallFunctionObjArgs(reinterpret_cast<PyObject*>(type),
                                                               offset_.get(), name.get(), nullptr))
                     : Ref();
    }

    Ref args_;
    Ref offset_;  // the copy
};

}  // namespace

bool register_timezone() noexcept {
    PyDateTime_IMPORT;
    return PyDateTimeAPI != nullptr
        && add_handler(frame_handler<CopyTimezone>("timezone", Py_TYPE(PyDateTimeAPI->TimeZone_UTC),
                                                   CALQUE_PURE | CALQUE_STANDS_FOR_REDUCE));
}

}  // namespace calque
