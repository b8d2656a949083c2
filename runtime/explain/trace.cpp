// runtime/explain/trace.cpp: what is written down while a copy is explained. See trace.hpp; report.cpp makes the report of it.
#include "trace.hpp"

#include "copy_size.hpp"

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

namespace calque::explain {

namespace {

// What it takes to read the clock: the least of many readings.
std::uint64_t clock_ns() noexcept {
    std::uint64_t least = ~std::uint64_t{0};
    for (int i = 0; i < 200; ++i) {
        const std::uint64_t before = now();
        least = std::min(least, now() - before);
    }
    return least;
}

bool same_key(PyObject* a, PyObject* b) noexcept {
    if (a == b) {
        return true;
    }
    if (a == nullptr || b == nullptr || Py_TYPE(a) != Py_TYPE(b) || PyType_Check(a)) {
        return false;
    }
    if (PyUnicode_CheckExact(a)) {
        return PyUnicode_Compare(a, b) == 0;
    }
    const int equal = PyObject_RichCompareBool(a, b, Py_EQ);  // int, float, bytes
    if (equal < 0) {
        PyErr_Clear();
    }
    return equal > 0;
}

// What tells the children of a path apart: the patterns of trace.hpp.
struct Pattern {
    StepKind kind;
    PyObject* key;
    Py_ssize_t index;
};

Pattern pattern_of(const GraphStep& step) noexcept {
    switch (step.kind) {
    case StepKind::attribute:
    case StepKind::key: return {step.kind, step.key.get(), -1};
    case StepKind::index: return {step.kind, nullptr, step.few ? step.index : -1};
    case StepKind::argument:
        return {step.kind, nullptr, step.index < graph_step::kFewItems ? step.index : -1};
    default: return {step.kind, nullptr, -1};
    }
}

}  // namespace

std::uint64_t now() noexcept {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                          std::chrono::steady_clock::now().time_since_epoch())
                                          .count());
}

// -- the trace

Trace* Trace::make() noexcept {
    auto* trace = new (std::nothrow) Trace;
    if (trace == nullptr || trace->add_node(-1, StepKind::root, {}, -1) != 0
        || !trace->types_.push_back({nullptr, nullptr, 0, 0})) {
        delete trace;
        PyErr_NoMemory();
        return nullptr;
    }
    trace->clock_ = clock_ns();
    trace->began_ = now();
    return trace;
}

Trace::~Trace() {
    for (const Node& node : nodes_) {
        const Ref key = Ref::steal(node.key);
    }
    for (const Cell& cell : cells_) {
        const Ref name = Ref::steal(cell.name);
    }
    for (const Type& type : types_) {
        const Ref cls = Ref::steal(type.type);
        const Ref first = Ref::steal(type.first);
    }
}

// -1: no memory.
std::int32_t Trace::add_node(std::int32_t parent, StepKind kind, Borrowed key, Py_ssize_t index) noexcept {
    const auto number = static_cast<std::int32_t>(nodes_.size());
    const std::int32_t depth = parent < 0 ? 0 : nodes_[static_cast<std::size_t>(parent)].depth + 1;
    if (!nodes_.push_back(
            {parent, -1, -1, -1, -1, -1, depth, 0, Ref::share(key).release(), index, kind, 0})) {
        const Ref given_up = Ref::steal(key.get());
        lacks_memory();
        return -1;
    }
    if (parent >= 0) {
        Node& above = nodes_[static_cast<std::size_t>(parent)];
        nodes_.back().next = above.first_child;
        above.first_child = number;
        above.last_found = number;
        above.keys += key ? 1 : 0;
    }
    return number;
}

std::int32_t Trace::child_node(std::int32_t parent, const GraphStep& step) noexcept {
    if (nodes_[static_cast<std::size_t>(parent)].kind == StepKind::deeper) {
        return parent;
    }
    Pattern wanted = pattern_of(step);
    for (int attempt = 0;; ++attempt) {
        const Node& above = nodes_[static_cast<std::size_t>(parent)];
        const auto is_wanted = [&](std::int32_t i) noexcept {
            const Node& node = nodes_[static_cast<std::size_t>(i)];
            return node.kind == wanted.kind && node.index == wanted.index && same_key(node.key, wanted.key);
        };
        if (above.last_found >= 0 && is_wanted(above.last_found)) {
            return above.last_found;
        }
        for (std::int32_t i = above.first_child; i >= 0; i = nodes_[static_cast<std::size_t>(i)].next) {
            if (is_wanted(i)) {
                return nodes_[static_cast<std::size_t>(parent)].last_found = i;
            }
        }
        if (attempt == 0
            && (above.depth >= kDeepest || nodes_.size() >= static_cast<std::size_t>(kMostNodes))) {
            wanted = {StepKind::deeper, nullptr, -1};
        } else if (attempt == 0 && wanted.key != nullptr
                   && above.keys >= (wanted.kind == StepKind::key ? kMostKeys : 4 * kMostKeys)) {
            wanted.key = nullptr;
        } else {
            const std::int32_t made = add_node(parent, wanted.kind, wanted.key, wanted.index);
            return made >= 0 ? made : parent;
        }
    }
}

Trace::Cell* Trace::cell(std::int32_t node, std::int32_t type, const calque_handler* handler) noexcept {
    const bool full = cells_.size() >= static_cast<std::size_t>(kMostCells);
    for (int attempt = 0; attempt < 2; ++attempt) {
        for (std::int32_t i = nodes_[static_cast<std::size_t>(node)].first_cell; i >= 0;) {
            Cell& here = cells_[static_cast<std::size_t>(i)];
            if (here.type == type && here.handler == handler) {
                return &here;
            }
            i = here.next;
        }
        if (!full) {
            break;
        }
        type = 0;
        handler = nullptr;
    }
    Ref name = handler == nullptr ? Ref() : Ref::steal(PyUnicode_FromString(handler->name));
    if (handler != nullptr && !name) {
        PyErr_Clear();
    }
    std::int32_t& first = nodes_[static_cast<std::size_t>(node)].first_cell;
    if (!cells_.push_back({first, type, handler, name.get(), 0, 0, 0, 0})) {
        lacks_memory();
        return nullptr;
    }
    static_cast<void>(name.release());
    first = static_cast<std::int32_t>(cells_.size() - 1);
    return &cells_.back();
}

std::int32_t Trace::type_number(PyTypeObject* type) noexcept {
    if (const std::uintptr_t* known = numbers_.find(type)) {
        return static_cast<std::int32_t>(*known);
    }
    if (types_.size() >= static_cast<std::size_t>(kMostTypes)) {
        return 0;
    }
    const auto number = static_cast<std::int32_t>(types_.size());
    Ref cls = Ref::share(reinterpret_cast<PyObject*>(type));
    if (!types_.push_back({cls.get(), nullptr, 0, 0})) {
        lacks_memory();
        return 0;
    }
    static_cast<void>(cls.release());
    if (!numbers_.insert(type, static_cast<std::uintptr_t>(number))) {
        lacks_memory();
    }
    return number;
}

void Trace::add_edge(std::int32_t from, std::int32_t to, bool cyclic) noexcept {
    std::int32_t& first = nodes_[static_cast<std::size_t>(from)].first_edge;
    Edge* found = nullptr;
    for (std::int32_t i = first; i >= 0 && found == nullptr; i = edges_[static_cast<std::size_t>(i)].next) {
        Edge& here = edges_[static_cast<std::size_t>(i)];
        found = here.to == to ? &here : nullptr;
    }
    if (found == nullptr) {
        if (edges_.size() >= static_cast<std::size_t>(kMostEdges)) {
            to = -1;
            for (Edge& edge : edges_) {
                found = edge.to < 0 ? &edge : found;
            }
        }
        if (found == nullptr) {
            if (!edges_.push_back({first, to, 0, 0})) {
                return lacks_memory();
            }
            first = static_cast<std::int32_t>(edges_.size() - 1);
            found = &edges_.back();
        }
    }
    ++found->count;
    found->cyclic += cyclic ? 1 : 0;
}

// -- a level

Level* Level::begin(Trace& trace) noexcept {
    auto* level = new (std::nothrow) Level(trace);
    if (level == nullptr) {
        trace.lacks_memory();
        return nullptr;
    }
    trace.acquire();
    ++trace.levels_;
    level->begun_ = now();
    level->outer_ = trace.current_;
    if (level->outer_ != nullptr) {
        level->outer_->inner_ = level;
    }
    trace.current_ = level;
    return level;
}

void Level::end() noexcept {
    while (!open_.empty()) {
        give_up();
    }
    if (outer_ != nullptr) {
        outer_->inner_ = inner_;
        outer_->nested_ += now() - begun_;
    }
    (inner_ != nullptr ? inner_->outer_ : trace_.current_) = outer_;
    Trace& trace = trace_;
    delete this;
    trace.release();
}

// The object on top has no copy.
void Level::give_up() noexcept {
    const Open& open = open_.back();
    if (!open.atomic && !open.known) {
        note(open.original, 0, State{});
    }
    if (Trace::Cell* const cell = trace_.cell(open.node, open.type, open.handler)) {
        cell->exclusive += open.exclusive;
    }
    Trace::Type& type = trace_.types_[static_cast<std::size_t>(open.type)];
    if (--type.open == 0) {
        type.inclusive += trace_.total_ - open.start;
    }
    pop();
}

void Level::note(Borrowed x, std::int32_t node, State state) noexcept {
    if (!trace_.first_.insert(x.get(),
                              state == State{} ? 0 : (static_cast<std::uintptr_t>(node) << 2) | state)) {
        trace_.lacks_memory();
    }
}

Level::Open* Level::parent_of_next() noexcept {
    if (!open_.empty()) {
        return &open_.back();
    }
    for (Level* level = outer_; level != nullptr; level = level->outer_) {
        if (!level->open_.empty()) {
            return &level->open_.back();
        }
    }
    return nullptr;
}

GraphStep Level::step_to(const Visited& next, Open* parent) noexcept {
    GraphStep step;
    if (parent == nullptr) {
        step.kind = StepKind::root;
    } else if (PyAnySet_Check(parent->original)) {
        step.kind = StepKind::member;  // not looked for: that would begin with the first one each time
        step.key = graph_step::showable(next.x);
    } else if (!graph_step::find(parent->original, next.x.get(), parent->cursor, step)) {
        step.kind = next.part;
        step.index = next.part == StepKind::argument ? Py_ssize_t{parent->cursor.asked} : -1;
    }
    return step;
}

bool Level::enter(const Visited& next) noexcept {
    ++trace_.moves_;
    if (std::exchange(again_, false)) {
        open_.back().known = next.known;
        return true;
    }
    Open open{};
    open.original = next.x.get();
    open.known = next.known;
    open.atomic = next.atomic;
    open.start = trace_.total_;
    open.type = trace_.type_number(next.x.type());
    Open* const parent = parent_of_next();
    const GraphStep step = next.atomic ? GraphStep() : step_to(next, parent);
    open.kind = step.kind;
    open.index = step.index;
    open.node = parent == nullptr || next.atomic ? 0 : trace_.child_node(parent->node, step);
    if (parent != nullptr) {
        ++parent->cursor.asked;
    }
    open.key = Ref::share(step.key).release();
    if (!open_.push_back(open)) {
        const Ref key = Ref::steal(open.key);
        return false;
    }
    Trace::Type& type = trace_.types_[static_cast<std::size_t>(open.type)];
    ++type.open;
    if (next.known || next.atomic) {
        return true;
    }
    if (type.first == nullptr) {
        type.first = trace_.steps_to_here().release();
    }
    const std::uintptr_t* const before = trace_.first_.find(open.original);
    if (before != nullptr && (*before & 3) == in_progress) {
        trace_.add_edge(open.node, static_cast<std::int32_t>(*before >> 2), true);
    }
    note(open.original, open.node, in_progress);
    return true;
}

void Level::stop_clock() noexcept {
    const std::uint64_t taken = now() - started_;
    const std::uint64_t elsewhere = nested_ + trace_.clock_;
    const std::uint64_t cost = taken > elsewhere ? taken - elsewhere : 0;
    open_.back().exclusive += cost;
    trace_.total_ += cost;
}

void Level::begun(const calque_handler& handler) noexcept {
    Open& open = open_.back();
    open.handler = &handler;
    open.cursor.asked = 0;
    if (std::exchange(open.known, false)) {
        note(open.original, open.node, in_progress);
    }
}

// Takes the object on top off; its time is its parent's.
void Level::met_again() noexcept {
    Open& open = open_.back();
    const std::uint64_t cost = open.exclusive;
    if (!open.atomic) {
        const std::uintptr_t* const first = trace_.first_.find(open.original);
        if (first != nullptr && *first != 0) {
            const auto node = static_cast<std::int32_t>(*first >> 2);
            const auto state = static_cast<State>(*first & 3);
            trace_.add_edge(open.node, node, state == in_progress);
            if (state == done) {
                ++trace_.nodes_[static_cast<std::size_t>(node)].shared;
                note(open.original, node, met);
            }
        }
    }
    --trace_.types_[static_cast<std::size_t>(open.type)].open;
    pop();
    if (Open* const parent = parent_of_next()) {
        parent->exclusive += cost;
    } else {
        trace_.total_ -= cost;
    }
}

void Level::finished(const calque_handler* handler, Borrowed copy) noexcept {
    Open& open = open_.back();
    const bool itself = copy.get() == open.original;
    if (open.known || (open.atomic && itself)) {
        return met_again();
    }
    Trace::Cell* const cell = trace_.cell(open.node, open.type, handler);
    if (cell != nullptr) {
        ++cell->objects;
        cell->itself += itself ? 1 : 0;
        cell->exclusive += open.exclusive;
        cell->bytes += itself ? 0 : copy_size(copy);
    }
    note(open.original, open.node, itself ? State{} : done);
    Trace::Type& type = trace_.types_[static_cast<std::size_t>(open.type)];
    if (--type.open == 0) {
        type.inclusive += trace_.total_ - open.start;
    }
    pop();
}

void Level::pop() noexcept {
    const Ref key = Ref::steal(open_.back().key);
    open_.pop_back();
}

void Level::failed() noexcept {
    PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (value != trace_.failed_with_ || type != trace_.failed_as_ || !trace_.failed_at_) {
        trace_.failed_with_ = value;
        trace_.failed_as_ = type;
        trace_.failed_at_ = trace_.steps_to_here();
        const Open* const last = parent_of_next();
        trace_.failed_in_ = last == nullptr ? 0 : last->type;
        trace_.failed_object_ = nullptr;
        if (trace_.hold_what_fails && last != nullptr && trace_.held_count_ < Trace::kMostHeld) {
            trace_.failed_object_ = last->original;
            trace_.held_[trace_.held_count_++] = Ref::share(last->original);
        }
    }
    PyErr_Restore(type, value, traceback);
}

}  // namespace calque::explain
