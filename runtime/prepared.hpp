// runtime/prepared.hpp: a snapshot of an object, and a faster way of copying it again and again.
//
// A SNAPSHOT is a deep copy that nobody else has. A copy of it is a copy as any other, with one difference: calque knows
// beforehand what it will find. So the first copy is watched from outside: if everything in the snapshot is native and
// runs no Python code (atoms; lists, dicts, tuples, sets; instances by plan; leaves like datetimes), it is written down as a RECIPE: what to allocate, in which order, and
// what belongs where. Following it asks for no types and reference counts, keeps no memo, and takes no context.
//
//   nodes_     the objects that have copies, each before its children, the root first
//   children_  for each node with children, one number per place (element, entry, attribute, slot): the child's node, or
//              kAsItIs for what is its own copy. The objects themselves are read where they lie, in the snapshot.
//   copies_    while a copy is made: of nodes that are met again, by number. Borrowed.
//
// A recipe holds as long as a copy of the snapshot would find the same: copy's tables and the registry are as they were (their
// generation), and each class still has its plan. That is asked at every call, before the first allocation. If not, or if there
// never was a recipe, deepcopy copies the snapshot: hooks run on every call, as under copy.deepcopy. So do large
// snapshots, in which others must get their turn (safepoint.hpp), and those with tuples on cycles, of which copy.deepcopy may
// make two.
//   What would go wrong otherwise: a recipe that outlives a change of the class would make instances that the class does not know.
//
// Nobody can change a snapshot who has not gone and found it among the collector's objects. A recipe may also be written for an
// object that everybody knows (look_at), by somebody who knows when Python code has run: it is worth nothing from then on.
//
// Guarded by the GIL; following a recipe runs no Python code, so it is not entered twice.
#pragma once

#include "pod_vector.hpp"
#include "primitives/dict_slots.hpp"
#include "primitives/type_plan.hpp"

#include <calque/ref.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace calque {

class Prepared {
public:
    Prepared() noexcept = default;
    Prepared(const Prepared&) = delete;
    Prepared& operator=(const Prepared&) = delete;

    /// Takes the snapshot: deepcopy(x), with all that this may raise. False with an exception set.
    [[nodiscard]] bool take(Borrowed x) noexcept;
    /// A copy of the snapshot. Empty with an exception set.
    Ref copy() noexcept;

    /// Instead of take(): x itself is the snapshot. The recipe may be followed until Python code runs.
    void look_at(Borrowed x) noexcept {
        snapshot_ = Ref::share(x);
        write_recipe();
    }
    /// A copy by the recipe: runs no Python code. Empty without an exception: there is none, or it does not hold.
    Ref copy_by_recipe() noexcept;

    /// Gives up the snapshot.
    void drop() noexcept {
        usable_ = false;
        nodes_.clear(0);
        const Ref snapshot = std::move(snapshot_);
    }

    /// Empty before take(), and after drop().
    Borrowed snapshot() const noexcept { return snapshot_; }
    /// How many objects each copy consists of, by the recipe; 0 without one.
    std::size_t objects() const noexcept { return nodes_.size(); }
    /// The next copy follows a recipe, if that still holds.
    bool has_recipe() const noexcept { return usable_; }

private:
    enum class Kind : std::uint8_t {
        itself,
        list,
        flat_list,
        tuple,
        dict,
        flat_dict,
        set,
        frozenset,
        leaf,
        instance,            // attributes in an array
        instance_with_dict,  // in a dict of its own
    };
    struct Node {
        PyObject* original;
        Kind kind;
        std::int32_t children;  // the first of them
        std::int32_t number;    // of its copy in copies_, or -1
    };
    static constexpr std::int32_t kAsItIs = -1;
    static constexpr std::size_t kMostNodes = 10'000;  // about half a millisecond
    static constexpr int kDeepest = 64;

    class Writer;

    void write_recipe() noexcept;
    bool holds() noexcept;
    Ref follow() noexcept;
    PyObject* make(const Node& node) noexcept;
    PyObject* make_list(const Node& node) noexcept;
    PyObject* make_tuple(const Node& node) noexcept;
    PyObject* make_dict(const Node& node) noexcept;
    PyObject* make_instance(const Node& node) noexcept;
    PyObject* make_instance_with_dict(const Node& node) noexcept;
    bool fill_dict(Borrowed copy, Borrowed like, const dict_slots::Entries& from,
                   const dict_slots::Entries& to, const std::int32_t* children) noexcept;
    bool fill_slots(Borrowed copy, Borrowed like, const type_plan::Plan& plan,
                    const std::int32_t* children) noexcept;
    PyObject* child(std::int32_t node, PyObject* original) noexcept;
    void note(const Node& node, PyObject* copy) noexcept {
        if (node.number >= 0) {
            copies_[static_cast<std::size_t>(node.number)] = copy;
        }
    }

    Ref snapshot_;
    bool usable_ = false;
    std::uint64_t generation_ = 0;
    PodVector<Node> nodes_;
    PodVector<std::int32_t> children_;
    PodVector<PyTypeObject*> classes_;  // of instances, kept alive by them
    PodVector<PyObject*> copies_;
};

}  // namespace calque
