// handlers/namespace.cpp: types.SimpleNamespace. Semantics: SimpleNamespace.__reduce__
// (Objects/namespaceobject.c), then Lib/copy.py, _reconstruct: `SimpleNamespace()`, then the copy of its dict
// (which is the state even when empty), then `y.__dict__.update(state)`.
//
// The copy is bare, and in the memo, while its state is copied. If Python code ran meanwhile, the end is the
// protocol's own.
// Left to the protocol: a namespace whose attributes are hooks; a dict that somebody else refers to (it is an
// object of the graph, to be found in the memo) or that has other keys than plain strings.
#include "dict_slots.hpp"
#include "handlers.hpp"
#include "primitives.hpp"

#include "attributes.hpp"
#include "reconstruct.hpp"

#include <calque/registry.hpp>

namespace calque {

namespace {

PyObject* no_arguments = nullptr;

class CopyNamespace {
public:
    Step begin(CopyContext& context, Frame& frame) noexcept {
        const Borrowed x = frame.original();
        const Borrowed source = attributes_of(x);
        bool flat = true;
        if (!source || Py_REFCNT(source.get()) > 1
            || !attributes_are_plain(context, source,
                                     {interned::__deepcopy__, interned::__reduce_ex__, interned::__reduce__},
                                     flat)) {
            return Step::decline();
        }
        Ref y = Ref::steal(x.type()->tp_new(x.type(), no_arguments, nullptr));
        if (!y) {
            return Step::error();
        }
        frame.set_copy(std::move(y));
        if (flat) {
            return dict_slots::fill_compactly(attributes_of(frame.copy()), source) ? Step::done()
                                                                                   : Step::error();
        }
        return attributes_.start(Ref::share(source)) ? next(context, frame) : Step::error();
    }

    Step resume(CopyContext& context, Frame& frame, Ref child) noexcept {
        return attributes_.resume(context, frame, child) ? next(context, frame) : Step::error();
    }

private:
    Step next(CopyContext& context, Frame& frame) noexcept {
        Step step = attributes_.next(context, frame);
        return step.raw().outcome == CALQUE_DONE ? finish(context, frame) : step;
    }

    Step finish(CopyContext& context, Frame& frame) noexcept {
        Ref state = attributes_.take();
        const Borrowed y = frame.copy();
        if (primitives::python_ran_since_visit(context, frame)) {
            PythonScope scope(context);
            const bool set = scope && reconstruct::set_state(y, state);
            state = {};
            return set ? Step::done() : Step::error();
        }
        Ref empty = Ref::steal(std::exchange(attributes_at(y, y.type()->tp_dictoffset), state.release()));
        return Step::done();
    }

    CopyAttributes attributes_;
};

}  // namespace

bool register_namespace() noexcept {
    Ref types = Ref::steal(PyImport_ImportModule("types"));
    Ref type = types ? Ref::steal(PyObject_GetAttrString(types.get(), "SimpleNamespace")) : Ref();
    if (!type || (no_arguments = PyTuple_New(0)) == nullptr) {
        return false;
    }
    auto* raw = reinterpret_cast<PyTypeObject*>(type.release());
    if (raw->tp_dictoffset <= 0) {
        return true;  // another SimpleNamespace than we know: its own protocol will do
    }
    return add_handler(
        frame_handler<CopyNamespace>("SimpleNamespace", raw, CALQUE_PURE | CALQUE_STANDS_FOR_REDUCE));
}

}  // namespace calque
