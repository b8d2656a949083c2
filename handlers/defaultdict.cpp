// handlers/defaultdict.cpp: collections.defaultdict. Semantics: defaultdict.__reduce__
// (Modules/_collectionsmodule.c), then Lib/copy.py, _reconstruct: the iterator over x.items() is made, then
// the factory is copied, which is an argument (an object that can be called may well be copied to another
// one), then `defaultdict(factory)`, then the pairs (pairs.hpp).
#include "dict_slots.hpp"
#include "handlers.hpp"
#include "primitives.hpp"

#include "pairs.hpp"
#include "reconstruct.hpp"

#include <calque/registry.hpp>

#include <structmember.h>

namespace calque {

namespace {

PyTypeObject* defaultdict_type = nullptr;
PyObject* no_arguments = nullptr;
Py_ssize_t factory_offset = 0;

PyObject*& factory_in(Borrowed x) noexcept {
    return *reinterpret_cast<PyObject**>(reinterpret_cast<char*>(x.get()) + factory_offset);
}

class CopyDefaultdict {
public:
    Step begin(CopyContext& context, Frame& frame) noexcept {
        const Borrowed x = frame.original();
        pairs_.start(x);
        const Borrowed factory = factory_in(x);
        if (!factory || factory.get() == Py_None) {
            return make(context, frame, {});
        }
        if (!primitives::is_atomic(context, factory)) {
            copying_factory_ = true;
            return Step::child(factory);
        }
        return make(context, frame, Ref::share(factory));
    }

    Step resume(CopyContext& context, Frame& frame, Ref child) noexcept {
        if (!copying_factory_) {
            return pairs_.resume(context, frame, std::move(child));
        }
        copying_factory_ = false;
        return make(context, frame, std::move(child));
    }

    void unwind(Frame&) noexcept {
        if (copying_factory_) {
            reconstruct::leave_generator();
        }
    }

private:
    Step make(CopyContext& context, Frame& frame, Ref factory) noexcept {
        if (factory && factory.get() != Py_None && !PyCallable_Check(factory.get())) {
            return refuse(context, factory);
        }
        Ref y = Ref::steal(defaultdict_type->tp_new(defaultdict_type, no_arguments, nullptr));
        if (!y) {
            return Step::error();
        }
        if (factory.get() != Py_None) {
            factory_in(y) = factory.release();
        }
        frame.set_copy(std::move(y));
        if (!primitives::python_ran_since_visit(context, frame)
            && pairs_are_flat(context, frame.original())) {
            return dict_slots::fill_compactly(frame.copy(), frame.original()) ? Step::done() : Step::error();
        }
        return frame.publish(context) ? pairs_.next(context, frame) : Step::error();
    }

    // In the words of the constructor.
    static Step refuse(CopyContext& context, Borrowed factory) noexcept {
        PythonScope scope(context);
        Ref accepted = scope ? Ref::steal(
                           PyObject_CallOneArg(reinterpret_cast<PyObject*>(defaultdict_type), factory.get()))
                             : Ref();
        if (accepted) {
            PyErr_SetString(PyExc_TypeError, "first argument must be callable or None");
        }
        return Step::error();
    }

    CopyPairs pairs_;
    bool copying_factory_ = false;
};

}  // namespace

bool register_defaultdict() noexcept {
    Ref module = Ref::steal(PyImport_ImportModule("_collections"));
    Ref type = module ? Ref::steal(PyObject_GetAttrString(module.get(), "defaultdict")) : Ref();
    Ref member = type ? Ref::steal(PyObject_GetAttrString(type.get(), "default_factory")) : Ref();
    if (!member || (no_arguments = PyTuple_New(0)) == nullptr) {
        return false;
    }
    if (Py_TYPE(member.get()) != &PyMemberDescr_Type) {
        return true;  // another defaultdict than we know: its own protocol will do
    }
    factory_offset = reinterpret_cast<PyMemberDescrObject*>(member.get())->d_member->offset;
    defaultdict_type = reinterpret_cast<PyTypeObject*>(type.release());
    return add_handler(frame_handler<CopyDefaultdict>("defaultdict", defaultdict_type,
                                                      CALQUE_PURE | CALQUE_STANDS_FOR_REDUCE));
}

}  // namespace calque
