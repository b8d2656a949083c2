// handlers/method.cpp: bound methods. Semantics: Lib/copy.py, _deepcopy_method:
// `type(x)(x.__func__, deepcopy(x.__self__, memo))`. The function is shared, the object it is bound to
// is copied; the copy of the method exists, and is memoized, only after it.
#include "handlers.hpp"
#include "primitives.hpp"

namespace calque {

namespace {

class CopyMethod {
public:
    Step begin(CopyContext&, Frame& frame) noexcept {
        return Step::child(PyMethod_GET_SELF(frame.original().get()));
    }

    Step resume(CopyContext& context, Frame& frame, Ref self) noexcept {
        if (self.get() == Py_None) {
            return refuse(context, frame, self);
        }
        Ref copy = Ref::steal(PyMethod_New(PyMethod_GET_FUNCTION(frame.original().get()), self.get()));
        return copy ? Step::done(std::move(copy)) : Step::error();
    }

private:
    // The type itself has the words for a method bound to None.
    static Step refuse(CopyContext& context, Frame& frame, Borrowed self) noexcept {
        PythonScope scope(context);
        Ref copy = scope
                     ? Ref::steal(PyObject_CallFunctionObjArgs(reinterpret_cast<PyObject*>(&PyMethod_Type),
                                                               PyMethod_GET_FUNCTION(frame.original().get()),
                                                               self.get(), nullptr))
                     : Ref();
        return copy ? Step::done(std::move(copy)) : Step::error();
    }
};

}  // namespace

const HandlerSpec method_handler =
    mirroring("_deepcopy_method", frame_handler<CopyMethod>("method", &PyMethod_Type, CALQUE_PURE));

}  // namespace calque
