// handlers/class_object.cpp: classes are their own copies. Semantics: Lib/copy.py, deepcopy:
// `if issubclass(cls, type): y = x`, before any hook is looked at, so hooks that a metaclass defines
// never count.
#include "handlers.hpp"

namespace calque {

namespace {

class TakeClass {
public:
    Step begin(CopyContext&, Frame& frame) noexcept {
        return PyType_Check(frame.original().get()) ? Step::done(Ref::share(frame.original()))
                                                    : Step::decline();
    }
    Step resume(CopyContext&, Frame&, Ref) noexcept { return Step::error(); }  // asks for no child
};

}  // namespace

const HandlerSpec class_handler = frame_handler<TakeClass>("classes", nullptr, CALQUE_PURE);

}  // namespace calque
