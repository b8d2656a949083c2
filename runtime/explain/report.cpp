// runtime/explain/report.cpp: a trace as Python objects, which module/calque/_explain.py makes a report of.
#include "trace.hpp"

namespace calque::explain {

namespace {

// What tells one step from others of its kind: a number or a key; `...`: any of them.
Ref told_by(PyObject* key, Py_ssize_t index) noexcept {
    return key != nullptr ? Ref::share(key)
         : index >= 0     ? Ref::steal(PyLong_FromSsize_t(index))
                          : Ref::share(Py_Ellipsis);
}

Ref step(StepKind kind, PyObject* key, Py_ssize_t index) noexcept {
    const Ref which = told_by(key, index);
    return which ? Ref::steal(Py_BuildValue("(sO)", name_of(kind), which.get())) : Ref();
}

bool append(Borrowed list, const Ref& item) noexcept {
    return item && PyList_Append(list.get(), item.get()) == 0;
}

PyObject* or_none(PyObject* object) noexcept { return object != nullptr ? object : Py_None; }

}  // namespace

// [(kind, which), ...] from the root to the object that is being visited; (None, n) stands for n that were left out.
Ref Trace::steps_to_here() const noexcept {
    const Level* level = current_;
    std::size_t count = 0;
    for (const Level* inner = level; inner != nullptr; inner = inner->outer_) {
        count += inner->open_.size();
        level = inner;
    }
    Ref steps = Ref::steal(PyList_New(0));
    std::size_t place = 0;
    bool good = bool(steps);
    for (; good && level != nullptr; level = level->inner_) {
        for (std::size_t i = 0; good && i < level->open_.size(); ++i, ++place) {
            const Level::Open& open = level->open_[i];
            const bool left_out = place > kMostSteps && count - place > kMostSteps;
            if (left_out && place == kMostSteps + 1) {
                const auto omitted = static_cast<Py_ssize_t>(count - 2 * kMostSteps - 1);
                good = append(steps, Ref::steal(Py_BuildValue("(On)", Py_None, omitted)));
            } else if (!left_out && open.kind != StepKind::root) {
                good = append(steps, step(open.kind, open.key, open.index));
            }
        }
    }
    if (!good) {
        PyErr_Clear();
        return {};
    }
    return steps;
}

Ref Trace::path_of(Borrowed error) const noexcept {
    const bool known = failed_at_ && error.get() == failed_with_;
    PyObject* const type = known ? types_[static_cast<std::size_t>(failed_in_)].type : nullptr;
    return Ref::steal(PyTuple_Pack(3, known ? failed_at_.get() : Py_None, or_none(type),
                                   or_none(known ? failed_object_ : nullptr)));
}

Ref Trace::report() const noexcept {
    const std::uint64_t wall = now() - began_;
    Ref nodes = Ref::steal(PyList_New(0));
    Ref cells = Ref::steal(PyList_New(0));
    Ref edges = Ref::steal(PyList_New(0));
    Ref types = Ref::steal(PyList_New(0));
    bool good = nodes && cells && edges && types;
    for (std::size_t n = 0; good && n < nodes_.size(); ++n) {
        const Node& node = nodes_[n];
        const Ref own = step(node.kind, node.key, node.index);
        good = own
            && append(nodes, Ref::steal(Py_BuildValue("(iOK)", node.parent, own.get(),
                                                      static_cast<unsigned long long>(node.shared))));
        for (std::int32_t i = node.first_cell; good && i >= 0;) {
            const Cell& cell = cells_[static_cast<std::size_t>(i)];
            good = append(cells, Ref::steal(Py_BuildValue("(niOKKKK)", static_cast<Py_ssize_t>(n), cell.type,
                                                          or_none(cell.name),
                                                          static_cast<unsigned long long>(cell.objects),
                                                          static_cast<unsigned long long>(cell.itself),
                                                          static_cast<unsigned long long>(cell.exclusive),
                                                          static_cast<unsigned long long>(cell.bytes))));
            i = cell.next;
        }
        for (std::int32_t i = node.first_edge; good && i >= 0;) {
            const Edge& edge = edges_[static_cast<std::size_t>(i)];
            good = append(edges, Ref::steal(Py_BuildValue("(niKK)", static_cast<Py_ssize_t>(n), edge.to,
                                                          static_cast<unsigned long long>(edge.count),
                                                          static_cast<unsigned long long>(edge.cyclic))));
            i = edge.next;
        }
    }
    for (const Type& type : types_) {
        good = good
            && append(types, Ref::steal(Py_BuildValue("(OOK)", or_none(type.type), or_none(type.first),
                                                      static_cast<unsigned long long>(type.inclusive))));
    }
    return !good ? Ref()
                 : Ref::steal(Py_BuildValue(
                     "{sOsOsOsOsKsKsKsKsOsO}", "nodes", nodes.get(), "cells", cells.get(), "references",
                     edges.get(), "types", types.get(), "wall_ns", static_cast<unsigned long long>(wall),
                     "clock_ns", static_cast<unsigned long long>(clock_), "visits",
                     static_cast<unsigned long long>(moves_), "walks",
                     static_cast<unsigned long long>(levels_), "complete", incomplete_ ? Py_False : Py_True,
                     "memo_taken_over", memo_taken_over ? Py_True : Py_False));
}

}  // namespace calque::explain
