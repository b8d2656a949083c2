// handlers/dunder_deepcopy.cpp: objects with a __deepcopy__. Semantics: Lib/copy.py, deepcopy:
// `copier = getattr(x, "__deepcopy__", None)`, an ordinary attribute look-up, None counting as absent;
// called with the memo. An exception it raises is the caller's; it is called once. Where the class has a plain
// function that nothing hides, the walker calls it itself (known_class.hpp, own_hook).
#include "handlers.hpp"
#include "primitives.hpp"

#include <calque/compat.hpp>

namespace calque {

namespace {

class CallHook {
public:
    Step begin(CopyContext& context, Frame& frame) noexcept {
        const Borrowed x = frame.original();
        PyObject* raw = nullptr;
        if (PyObject_GetOptionalAttr(x.get(), interned::__deepcopy__, &raw) < 0) {
            return Step::error();
        }
        Ref hook = Ref::steal(raw);
        if (!hook || hook.get() == Py_None) {
            return Step::decline();
        }
        Ref memo = context.memo();
        if (!memo) {
            return Step::error();
        }
        Ref copy = Ref::steal(PyObject_CallOneArg(hook.get(), memo.get()));
        return copy ? Step::done(std::move(copy)) : Step::error();
    }
    Step resume(CopyContext&, Frame&, Ref) noexcept { return Step::error(); }  // asks for no child
};

}  // namespace

const HandlerSpec dunder_deepcopy_handler = frame_handler<CallHook>("__deepcopy__", nullptr);

}  // namespace calque
