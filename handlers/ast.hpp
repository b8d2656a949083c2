// handlers/ast.hpp: nodes of syntax trees: instances of ast.AST and of its subclasses, the program's as well.
// Semantics: ast_type_reduce and ast_type_init (Parser/asdl_c.py, 3.10 to 3.14), then Lib/copy.py, _reconstruct:
//
//   up to 3.12  (cls, (), x.__dict__): a bare node
//   since 3.13  (cls, (None, ...), x.__dict__): a node all of whose fields are None, in the order of cls._fields
//
// then `y.__dict__.update(state)`, with the state copied as a dict is. ast.cpp says which classes this is true of. Singletons
// like ast.Load() are objects like others. Nodes are the most of a syntax tree, and so they are native (native.hpp): the dict
// of the copy is a clone, whose values are replaced in place, and which the node has only when it is finished.
//
// Left to the protocol: a node with hooks of its own; a dict that somebody else refers to or that has other keys than plain
// strings; since 3.13 a node that lacks fields (missing ones get defaults, or a warning) or has them in another order, which
// its copy would not have; any copy whose memo somebody watches.
#pragma once

#include "dict_slots.hpp"
#include "primitives.hpp"

#include "attributes.hpp"
#include "dict_clone.hpp"
#include "reconstruct.hpp"
#include "type_plan.hpp"

#include <calque/compat.hpp>

namespace calque {

class CopyNode {
public:
    static constexpr primitives::Native kKind = primitives::Native::ast_node;

    // Not inlined: it would take registers from the loop, which is there for lists and dicts first.
    template <class Visit>
    [[gnu::noinline]] Step begin_natively(CopyContext& context, Frame& frame, Visit visit) noexcept {
        const Borrowed x = frame.original();
        const type_plan::Plan* const plan = primitives::head(context).plan;
        const Borrowed source = attributes_of(x);
        dict_slots::Entries entries;
        if ((source && !(is_ours(source) && dict_slots::find(source, entries)))
            || !are_plain(entries, *plan)) {
            return Step::decline();
        }
        Ref y = bare(x.type());
        if (!y) {
            return Step::error();
        }
        frame.set_copy(std::move(y));
        if (entries.count == 0) {
            return Step::done();
        }
        Ref clone = Ref::steal(PyDict_Copy(source.get()));
        if (!clone) {
            return Step::error();
        }
        attributes_.hold(std::move(clone));
        native_ = true;
        return next_natively(frame, visit);
    }

    template <class Visit>
    [[gnu::noinline]] Step resume(CopyContext& context, Frame& frame, Ref child, Visit visit) noexcept {
        if (!is_native()) {
            return resume(context, frame, std::move(child));
        }
        clone().value(place_++) = child.release();
        primitives::track_if_needed(attributes_.held());
        return next_natively(frame, visit);
    }

    /// The node stays as it is: bare, or since 3.13 with fields that are None. The copies go on one by one.
    bool deoptimize(calque_frame& frame) noexcept {
        if (!is_native()) {
            return true;
        }
        native_ = false;
        const dict_slots::Entries entries = clone();
        Ref key = Ref::share(entries.key(place_));
        const std::uint32_t pairs = dict_clone::pairs_up_to(entries, place_);
        const bool good = dict_clone::truncate(attributes_.held(), entries, place_);
        attributes_.go_on(Ref::share(attributes_of(frame.original)), std::move(key), pairs);
        return good && give_fields(frame.copy);
    }

    Step begin(CopyContext& context, Frame& frame) noexcept {
        const Borrowed x = frame.original();
        bool failed = false;
        const type_plan::Plan* plan = type_plan::find(context, x.type(), failed);
        if (plan == nullptr || plan->kind != kKind) {
            return failed ? Step::error() : Step::decline();
        }
        const Borrowed source = attributes_of(x);
        bool flat = true;
        if ((source
             && !(is_ours(source)
                  && attributes_are_plain(
                      context, source,
                      {interned::__deepcopy__, interned::__reduce_ex__, interned::__reduce__}, flat)))
            || !begins_with_fields(source, plan->fields)) {
            return Step::decline();
        }
        Ref y = bare(x.type());
        if (!y) {
            return Step::error();
        }
        frame.set_copy(std::move(y));
        if (!source) {
            return Step::done();
        }
        if (flat) {
            attributes_.hold(Ref::steal(PyDict_Copy(source.get())));
            return attributes_ ? finish(frame) : Step::error();
        }
        return give_fields(frame.copy()) && attributes_.start(Ref::share(source)) ? next(context, frame)
                                                                                  : Step::error();
    }

    Step resume(CopyContext& context, Frame& frame, Ref child) noexcept {
        return attributes_.resume(context, frame, child) ? next(context, frame) : Step::error();
    }

private:
    static Ref bare(PyTypeObject* type) noexcept { return Ref::steal(PyType_GenericAlloc(type, 0)); }

    // Nobody else refers to the dict of the node.
    static bool is_ours(Borrowed source) noexcept {
        return Py_REFCNT(source.get()) == 1 && PyDict_CheckExact(source.get());
    }

    // Names, none of which is that of a hook, and if need be the fields first. Nearly every node has its fields
    // and then its attributes, whose names ast.cpp has looked at.
    [[gnu::always_inline]] static bool are_plain(const dict_slots::Entries& entries,
                                                 const type_plan::Plan& plan) noexcept {
        bool in_fields = true;
        PyObject* const* next = names_in(plan.fields);
        PyObject* const* end = next + PyTuple_GET_SIZE(plan.fields);
        for (std::uint32_t i = 0; i < entries.count; ++i) {
            if (entries.value(i) == nullptr) {
                continue;
            }
            if (in_fields && next == end) {
                in_fields = false;
                next = names_in(plan.attributes);
                end = next + PyTuple_GET_SIZE(plan.attributes);
            }
            PyObject* const key = entries.key(i);
            if (next != end && key == *next) {
                ++next;
            } else if ((CALQUE_NODES_TAKE_FIELDS && in_fields) || !is_plain(key)) {
                return false;
            }
        }
        return !CALQUE_NODES_TAKE_FIELDS || !in_fields || next == end;
    }

    [[gnu::noinline]] static bool is_plain(PyObject* key) noexcept {
        return PyUnicode_CheckExact(key)
            && is_plain_name(key, {interned::__deepcopy__, interned::__reduce_ex__, interned::__reduce__});
    }

    static PyObject* const* names_in(PyObject* tuple) noexcept { return &PyTuple_GET_ITEM(tuple, 0); }

    static bool begins_with_fields(Borrowed source, PyObject* fields) noexcept {
        PyObject *key = nullptr, *value = nullptr;
        Py_ssize_t position = 0;
        for (Py_ssize_t i = 0; CALQUE_NODES_TAKE_FIELDS && i < PyTuple_GET_SIZE(fields); ++i) {
            if (!source || !PyDict_Next(source.get(), &position, &key, &value)
                || key != PyTuple_GET_ITEM(fields, i)) {
                return false;
            }
        }
        return true;
    }

    // What a node has when it has just been made.
    static bool give_fields(Borrowed y) noexcept {
        if (!CALQUE_NODES_TAKE_FIELDS) {
            return true;
        }
        const PyObject* fields = type_plan::in_use(y.type()).fields;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(fields); ++i) {
            if (PyObject_GenericSetAttr(y.get(), PyTuple_GET_ITEM(fields, i), Py_None) != 0) {
                return false;
            }
        }
        return true;
    }

    [[gnu::always_inline]] dict_slots::Entries clone() const noexcept {
        dict_slots::Entries entries;
        static_cast<void>(dict_slots::find(attributes_.held(), entries));  // a copy of a dict that had them
        return entries;
    }

    template <class Visit>
    [[gnu::always_inline]] Step next_natively(Frame& frame, Visit visit) noexcept {
        Step step = dict_clone::copy_values(clone(), place_, visit);
        return step.raw().outcome == CALQUE_DONE ? finish(frame) : step;
    }

    Step next(CopyContext& context, Frame& frame) noexcept {
        Step step = attributes_.next(context, frame);
        if (step.raw().outcome != CALQUE_DONE) {
            return step;
        }
        if (!primitives::python_ran_since_visit(context, frame)) {
            return finish(frame);
        }
        Ref state = attributes_.take();
        PythonScope scope(context);
        const bool set = scope && reconstruct::set_state(frame.copy(), state);
        state = {};
        return set ? Step::done() : Step::error();
    }

    [[gnu::always_inline]] Step finish(Frame& frame) noexcept {
        const Borrowed y = frame.copy();
        const Ref fields = Ref::steal(
            std::exchange(attributes_at(y, y.type()->tp_dictoffset), attributes_.take().release()));
        return Step::done();
    }

    bool is_native() const noexcept { return CALQUE_USE_DICT_SLOTS && native_; }

    CopyAttributes attributes_;  // while native_, it holds the clone
    std::uint32_t place_ = 0;    // native_: of the value being copied
    bool native_ = false;
};

}  // namespace calque
