// handlers/dunder_deepcopy.cpp: objects with a __deepcopy__. Semantics: Lib/copy.py, deepcopy:
// `copier = getattr(x, "__deepcopy__", None)`, an ordinary attribute look-up, None counting as absent;
// called with the memo. An exception it raises is the caller's; it is called once.
#include "handlers.hpp"
#include "known_class.hpp"
#include "primitives.hpp"

#include <calque/compat.hpp>

namespace calque {

namespace {

class CallHook {
public:
    Step begin(CopyContext& context, Frame& frame) noexcept {
        const Borrowed x = frame.original();
        // The usual case, a function of the class that nothing hides, needs no bound method.
        const Borrowed function = known_class::look_up(x.type(), interned::__deepcopy__);
        if (function && PyFunction_Check(function.get()) && x.type()->tp_getattro == PyObject_GenericGetAttr
            && known_class::comes_to(x, interned::__deepcopy__, function)) {
            return call(context, Ref::share(function), x);
        }
        PyObject* raw = nullptr;
        if (PyObject_GetOptionalAttr(x.get(), interned::__deepcopy__, &raw) < 0) {
            return Step::error();
        }
        Ref hook = Ref::steal(raw);
        if (!hook || hook.get() == Py_None) {
            return Step::decline();
        }
        return call(context, std::move(hook), {});
    }
    Step resume(CopyContext&, Frame&, Ref) noexcept { return Step::error(); }  // asks for no child

private:
    // `hook(memo)`, or `hook(self, memo)`.
    static Step call(CopyContext& context, Ref hook, Borrowed self) noexcept {
        Ref memo = context.memo();
        if (!memo) {
            return Step::error();
        }
        PyObject* const args[] = {self.get(), memo.get()};
        Ref copy = Ref::steal(self ? PyObject_Vectorcall(hook.get(), args, 2, nullptr)
                                   : PyObject_CallOneArg(hook.get(), memo.get()));
        return copy ? Step::done(std::move(copy)) : Step::error();
    }
};

}  // namespace

const HandlerSpec dunder_deepcopy_handler = frame_handler<CallHook>("__deepcopy__", nullptr);

}  // namespace calque
