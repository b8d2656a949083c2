// runtime/prepared.cpp: see prepared.hpp.
#include "prepared.hpp"

#include "context.hpp"
#include "cpython/gc_hold.hpp"
#include "engine.hpp"
#include "memo_table.hpp"
#include "primitives/dict_slots.hpp"
#include "primitives/instance_values.hpp"
#include "primitives/interned.hpp"
#include "primitives/list_slots.hpp"
#include "primitives/set_slots.hpp"
#include "primitives/type_plan.hpp"
#include "stdlib_tables.hpp"

#include <cstring>

namespace calque {

namespace {

using primitives::Native;

bool is_atom(Borrowed x) noexcept { return primitives::known_types.atomic(x.type()); }

// Its own copy: an atom, or a tuple of such.
bool is_constant(Borrowed x, int depth = 8) noexcept {
    if (!PyTuple_CheckExact(x.get())) {
        return is_atom(x);
    }
    if (primitives::known_types.kind(x.type()) != Native::tuple || depth == 0) {
        return false;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(x.get()); ++i) {
        if (!is_constant(PyTuple_GET_ITEM(x.get(), i), depth - 1)) {
            return false;
        }
    }
    return true;
}

bool is_hook_name(Borrowed name) noexcept {
    for (PyObject* hook : {interned::__deepcopy__, interned::__reduce_ex__, interned::__getstate__}) {
        if (name.get() == hook || PyUnicode_Compare(name.get(), hook) == 0) {
            return true;
        }
    }
    return false;
}

// Nobody can have changed the set since its members were looked at, for the recipe: nothing is asked of them here.
template <set_slots::NewSet new_set>
PyObject* copy_of_set(Borrowed x) noexcept {
    return set_slots::copy_if<new_set>(x, [](Borrowed) noexcept { return true; }).release();
}

}  // namespace

// Writes the nodes down in the order in which they will be made. Any failure, also of memory, means: no recipe.
class Prepared::Writer {
public:
    explicit Writer(Prepared& to) noexcept : to_(to) {}

    bool write(Borrowed x) noexcept {
        if (is_constant(x) || node_of(x, 0) != 0) {
            return false;
        }
        for (std::int32_t i = 0; i < shared_; ++i) {
            if (!to_.copies_.push_back(nullptr)) {
                return false;
            }
        }
        return true;
    }

private:
    // The number of the node of x, which is no constant; or -1.
    std::int32_t node_of(Borrowed x, int depth) noexcept {
        if (const std::uintptr_t* known = met_.find(x.get())) {
            return again(static_cast<std::int32_t>(*known));
        }
        const auto number = static_cast<std::int32_t>(to_.nodes_.size());
        if (depth == kDeepest || to_.nodes_.size() == kMostNodes
            || !to_.nodes_.push_back({x.get(), Kind::itself, 0, kAsItIs})
            || !met_.insert(x.get(), static_cast<std::uintptr_t>(number))) {
            return -1;
        }
        return look(x, number, depth + 1) ? number : -1;
    }

    std::int32_t again(std::int32_t number) noexcept {
        Node& known = node(number);
        if (known.kind == Kind::itself) {
            return -1;  // a tuple that is being looked at: on a cycle
        }
        if (known.number == kAsItIs) {
            known.number = shared_++;
        }
        return number;
    }

    Node& node(std::int32_t number) noexcept { return to_.nodes_[static_cast<std::size_t>(number)]; }

    bool look(Borrowed x, std::int32_t number, int depth) noexcept {
        switch (primitives::known_types.kind(x.type())) {
        case Native::list: return look_list(x, number, depth);
        case Native::tuple: return look_tuple(x, number, depth);
        case Native::dict: return look_dict(x, number, depth);
        case Native::set: return look_set(x, number, Kind::set);
        case Native::frozenset: return look_set(x, number, Kind::frozenset);
        case Native::leaf: return is(number, Kind::leaf);
        case Native::none: return look_instance(x, number, depth);
        default: return false;
        }
    }

    bool is(std::int32_t number, Kind kind) noexcept {
        node(number).kind = kind;
        return true;
    }

    // Room for so many places, in a row; what is below them comes after.
    bool places(std::int32_t number, std::size_t count) noexcept {
        node(number).children = static_cast<std::int32_t>(to_.children_.size());
        for (std::size_t i = 0; i < count; ++i) {
            if (!to_.children_.push_back(kAsItIs)) {
                return false;
            }
        }
        return true;
    }

    bool place(std::int32_t number, std::size_t i, Borrowed value, int depth) noexcept {
        if (!value || is_constant(value)) {
            return true;
        }
        const std::int32_t child = node_of(value, depth);
        if (child < 0) {
            return false;
        }
        to_.children_[static_cast<std::size_t>(node(number).children) + i] = child;
        return true;
    }

    bool look_list(Borrowed x, std::int32_t number, int depth) noexcept {
        const Py_ssize_t size = PyList_GET_SIZE(x.get());
        bool flat = true;
        for (Py_ssize_t i = 0; i < size && flat; ++i) {
            flat = is_constant(PyList_GET_ITEM(x.get(), i));
        }
        if (flat) {
            return is(number, Kind::flat_list);
        }
        // In case it is met below itself.
        is(number, Kind::list);
        bool good = places(number, static_cast<std::size_t>(size));
        for (Py_ssize_t i = 0; good && i < size; ++i) {
            good = place(number, static_cast<std::size_t>(i), PyList_GET_ITEM(x.get(), i), depth);
        }
        return good;
    }

    bool look_tuple(Borrowed x, std::int32_t number, int depth) noexcept {
        const Py_ssize_t size = PyTuple_GET_SIZE(x.get());
        bool good = places(number, static_cast<std::size_t>(size));
        for (Py_ssize_t i = 0; good && i < size; ++i) {
            good = place(number, static_cast<std::size_t>(i), PyTuple_GET_ITEM(x.get(), i), depth);
        }
        return good && is(number, Kind::tuple);
    }

    bool look_dict(Borrowed x, std::int32_t number, int depth) noexcept {
        bool flat = true;
        bool good = dict_slots::each(x, [&](PyObject* key, PyObject* value) noexcept {
            flat = flat && is_constant(value);
            return is_constant(key);
        });
        if (good && flat) {
            return is(number, Kind::flat_dict);
        }
        dict_slots::Entries entries;
        if (!good || !dict_slots::find(x, entries) || entries.count == 0
            || !dict_slots::is_tight(x, entries)) {
            return false;
        }
        is(number, Kind::dict);
        good = places(number, entries.count);
        for (std::uint32_t i = 0; good && i < entries.count; ++i) {
            good = place(number, i, entries.value(i), depth);
        }
        return good;
    }

    bool look_set(Borrowed x, std::int32_t number, Kind kind) noexcept {
        return set_slots::each(x, is_atom) && is(number, kind);
    }

    bool look_instance(Borrowed x, std::int32_t number, int depth) noexcept {
        const type_plan::Plan* const plan = type_plan::recall(x.type(), ++Context::stretches);
        if (plan == nullptr || plan->kind != Native::instance || !note_class(x.type())) {
            return false;
        }
        instance_values::View view;
        if (plan->has_dict && !instance_values::read(x, view)) {
            return look_at_dict_of(x, number, depth, *plan);
        }
        for (unsigned i = 0; i < view.size; ++i) {
            const Borrowed name = instance_values::name(x.type(), view.index(i));
            if (!PyUnicode_CheckExact(name.get()) || is_hook_name(name)) {
                return false;
            }
        }
        is(number, Kind::instance);
        bool good = places(number, view.size + static_cast<std::size_t>(plan->slot_count));
        for (unsigned i = 0; good && i < view.size; ++i) {
            good = place(number, i, view.values[view.index(i)], depth);
        }
        return good && look_at_slots(x, number, depth, *plan, view.size);
    }

    bool look_at_slots(Borrowed x, std::int32_t number, int depth, const type_plan::Plan& plan,
                       std::size_t first) noexcept {
        bool good = true;
        for (Py_ssize_t i = 0; good && i < plan.slot_count; ++i) {
            good = place(number, first + static_cast<std::size_t>(i), type_plan::slot_value(x, plan.slots[i]),
                         depth);
        }
        return good;
    }

    bool look_at_dict_of(Borrowed x, std::int32_t number, int depth, const type_plan::Plan& plan) noexcept {
        const Borrowed dict = instance_values::dict_of(x);
        dict_slots::Entries entries;
        if (!dict || Py_REFCNT(dict.get()) != 1 || !PyDict_CheckExact(dict.get())
            || !dict_slots::find(dict, entries) || entries.count == 0
            || !dict_slots::is_tight(dict, entries)) {
            return false;
        }
        is(number, Kind::instance_with_dict);
        bool good = places(number, entries.count + static_cast<std::size_t>(plan.slot_count));
        for (std::uint32_t i = 0; good && i < entries.count; ++i) {
            PyObject* const name = entries.key(i);
            good = PyUnicode_CheckExact(name) && !is_hook_name(name)
                && place(number, i, entries.value(i), depth);
        }
        return good && look_at_slots(x, number, depth, plan, entries.count);
    }

    bool note_class(PyTypeObject* type) noexcept {
        for (PyTypeObject* known : to_.classes_) {
            if (known == type) {
                return true;
            }
        }
        return to_.classes_.push_back(type);
    }

    Prepared& to_;
    MemoTable met_;
    std::int32_t shared_ = 0;
};

bool Prepared::take(Borrowed x) noexcept {
    snapshot_ = engine::deepcopy(x, {}, {});
    if (!snapshot_) {
        return false;
    }
    write_recipe();
    return true;
}

void Prepared::write_recipe() noexcept {
    nodes_.truncate(0);
    children_.truncate(0);
    classes_.truncate(0);
    copies_.truncate(0);
    generation_ = stdlib_tables::generation();
    Writer writer(*this);
    usable_ = writer.write(snapshot_);
    if (!usable_) {
        nodes_.clear(0);
        children_.clear(0);
    }
}

Ref Prepared::copy() noexcept {
    if (usable_) {
        offer_collection();  // may run Python code: only then is it asked whether the recipe holds
        Ref y = copy_by_recipe();
        if (y || PyErr_Occurred() != nullptr) {
            return y;
        }
    } else if (engine::is_atom(snapshot_)) {
        return Ref::share(snapshot_);
    }
    Ref y = engine::deepcopy_alone(snapshot_);
    if (y && generation_ != stdlib_tables::generation()) {
        write_recipe();
    }
    return y;
}

Ref Prepared::copy_by_recipe() noexcept {
    stdlib_tables::refresh_if_changed();
    return usable_ && holds() ? follow() : Ref();
}

bool Prepared::holds() noexcept {
    if (generation_ != stdlib_tables::generation()) {
        return false;
    }
    for (PyTypeObject* type : classes_) {
        const type_plan::Plan* const plan = type_plan::recall(type, ++Context::stretches);
        if (plan == nullptr || plan->kind != Native::instance) {
            return false;
        }
    }
    return true;
}

Ref Prepared::follow() noexcept {
    for (PyObject*& copy : copies_) {
        copy = nullptr;
    }
    GcHold gc;
    gc.hold();
    Ref copy = Ref::steal(make(nodes_[0]));
    gc.release();
    count_copied(nodes_.size());
    return copy;
}

// The copy of what is at some place: a new reference. Null without an exception: the recipe does not do after all.
[[gnu::always_inline]] inline PyObject* Prepared::child(std::int32_t number, PyObject* original) noexcept {
    if (number == kAsItIs) {
        return Ref::share(original).release();
    }
    const Node& node = nodes_[static_cast<std::size_t>(number)];
    if (node.number >= 0) {
        PyObject* const made = copies_[static_cast<std::size_t>(node.number)];
        if (made != nullptr) {
            return Ref::share(made).release();
        }
    }
    return make(node);
}

PyObject* Prepared::make(const Node& node) noexcept {
    PyObject* copy = nullptr;
    switch (node.kind) {
    case Kind::list: return make_list(node);
    case Kind::dict: return make_dict(node);
    case Kind::instance: return make_instance(node);
    case Kind::instance_with_dict: return make_instance_with_dict(node);
    case Kind::tuple: return make_tuple(node);
    case Kind::flat_list: copy = PyList_GetSlice(node.original, 0, PyList_GET_SIZE(node.original)); break;
    case Kind::flat_dict: copy = dict_slots::compact_copy(node.original).release(); break;
    case Kind::set: copy = copy_of_set<PySet_New>(node.original); break;
    case Kind::frozenset: copy = copy_of_set<PyFrozenSet_New>(node.original); break;
    case Kind::leaf: copy = primitives::known_types.leaf(Py_TYPE(node.original))(node.original); break;
    case Kind::itself: break;
    }
    note(node, copy);
    return copy;
}

PyObject* Prepared::make_list(const Node& node) noexcept {
    const Borrowed x = node.original;
    const Py_ssize_t size = PyList_GET_SIZE(x.get());
    Ref copy = list_slots::with_room(size);
    list_slots::Filling filling;
    if (!copy || !list_slots::fill_new(copy, x, filling)) {
        return nullptr;
    }
    note(node, copy.get());
    const std::int32_t* const children = children_.begin() + node.children;
    for (Py_ssize_t i = 0; i < size; ++i) {
        PyObject* const item = child(children[i], filling.from[i]);
        if (item == nullptr) {
            list_slots::show(copy, i);
            return nullptr;
        }
        filling.to[i] = item;
    }
    list_slots::show(copy, size);
    return copy.release();
}

PyObject* Prepared::make_tuple(const Node& node) noexcept {
    const Py_ssize_t size = PyTuple_GET_SIZE(node.original);
    Ref copy = Ref::steal(PyTuple_New(size));
    const std::int32_t* const children = children_.begin() + node.children;
    for (Py_ssize_t i = 0; copy && i < size; ++i) {
        PyObject* const item = child(children[i], PyTuple_GET_ITEM(node.original, i));
        if (item == nullptr) {
            return nullptr;
        }
        PyTuple_SET_ITEM(copy.get(), i, item);
    }
    note(node, copy.get());
    return copy.release();
}

// False: nothing is behind the places that were filled; somebody below may refer to the dict.
bool Prepared::fill_dict(Borrowed copy, Borrowed like, const dict_slots::Entries& from,
                         const dict_slots::Entries& to, const std::int32_t* children) noexcept {
    for (std::uint32_t i = 0; i < from.count; ++i) {
        PyObject* const value = child(children[i], from.value(i));
        if (value == nullptr) {
            dict_slots::end_at(copy, i, from.count);
            dict_slots::track_like(copy, like);
            return false;
        }
        to.share_key(i, from);
        to.value(i) = value;
    }
    dict_slots::show_like(copy, like);
    return true;
}

PyObject* Prepared::make_dict(const Node& node) noexcept {
    dict_slots::Entries from, to;
    if (!dict_slots::find(node.original, from)) {
        return nullptr;
    }
    Ref copy = dict_slots::new_like(node.original, from, to);
    if (!copy) {
        return nullptr;
    }
    note(node, copy.get());
    return fill_dict(copy, node.original, from, to, children_.begin() + node.children) ? copy.release()
                                                                                       : nullptr;
}

// False: the slots are empty again.
bool Prepared::fill_slots(Borrowed copy, Borrowed like, const type_plan::Plan& plan,
                          const std::int32_t* children) noexcept {
    for (Py_ssize_t i = 0; i < plan.slot_count; ++i) {
        const Borrowed value = type_plan::slot_value(like, plan.slots[i]);
        if (!value) {
            continue;
        }
        PyObject* const own = child(children[i], value.get());
        if (own == nullptr) {
            while (i-- > 0) {
                const Ref filled = type_plan::take_slot(copy, plan.slots[i]);
            }
            return false;
        }
        type_plan::fill_slot(copy, plan.slots[i], Ref::steal(own));
    }
    return true;
}

PyObject* Prepared::make_instance(const Node& node) noexcept {
    const Borrowed x = node.original;
    const type_plan::Plan& plan = type_plan::in_use(x.type());
    instance_values::View from, to;
    if (plan.has_dict && !instance_values::read(x, from)) {
        return nullptr;
    }
    Ref copy = type_plan::bare_instance(x.type());
    if (!copy || (from.size > 0 && !instance_values::open(copy, from, to))) {
        return nullptr;
    }
    note(node, copy.get());
    const std::int32_t* const children = children_.begin() + node.children;
    unsigned filled = 0;
    for (; filled < from.size; ++filled) {
        const std::uint8_t index = from.index(filled);
        PyObject* const value = child(children[filled], from.values[index]);
        if (value == nullptr) {
            break;
        }
        to.values[index] = value;
    }
    if (filled == from.size && fill_slots(copy, x, plan, children + from.size)) {
        if (from.size > 0) {
            instance_values::close(copy, to, from);
        }
        return copy.release();
    }
    // Bare again: somebody below may refer to it.
    while (filled-- > 0) {
        const Ref value = Ref::steal(std::exchange(to.values[from.index(filled)], nullptr));
    }
    return nullptr;
}

PyObject* Prepared::make_instance_with_dict(const Node& node) noexcept {
    const Borrowed x = node.original;
    const type_plan::Plan& plan = type_plan::in_use(x.type());
    const Borrowed like = instance_values::dict_of(x);
    dict_slots::Entries from, to;
    if (!like || !dict_slots::find(like, from)) {
        return nullptr;
    }
    Ref copy = type_plan::bare_instance_for_dict(x.type());
    Ref dict = copy ? dict_slots::new_like(like, from, to) : Ref();
    if (!dict) {
        return nullptr;
    }
    note(node, copy.get());
    const std::int32_t* const children = children_.begin() + node.children;
    return fill_dict(dict, like, from, to, children) && fill_slots(copy, x, plan, children + from.count)
                && instance_values::put_dict(copy, dict)
             ? copy.release()
             : nullptr;
}

}  // namespace calque
