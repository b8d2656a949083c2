// runtime/explain/trace.hpp: what an explained copy writes down about itself.
//
// An explained copy (explain_walk.hpp) is a deepcopy whose walk reads a clock around each move and tells a TRACE what it
// visits. A trace adds up: it keeps no list of objects, but
//
//   nodes_   the tree of PATHS. A path is a pattern: `$.rows[*].tags`; all elements of a list have one. A dict's values have one each,
//            up to kMostKeys, then one for all the others. Below kDeepest steps everything is one node.
//   cells_   per node, class and handler: how many objects, how long, how many bytes
//   edges_   from the path where an object was met again to the one where it was met first
//   types_   per class: time, what it is made of included; the path of its first instance
//   first_   object -> node, for edges_: 16 to 70 bytes per object until the copy ends
//
// With at most kMostNodes nodes (and one more below each of them, for the rest) the tree, and so the report, has a bound that
// does not depend on the graph. What is above a limit is counted under a node or class that stands for "others".
//
// A LEVEL is one walk of the copy: the outermost, and one for each copy that a hook asks for with the memo it was given. Objects
// being copied lie in a level as in the walk's work stack, with the step that led to each: together
// they say at any time where the copy is, index and all. That is the path of what fails.
//   Levels are on the heap, in a list of their trace: a greenlet that is suspended takes its C stack with it, and with the walk
// on it all that other walks of the same copy would have looked at.
//
// Time. `exclusive`: in handlers and hooks of the object itself, moves of the walk included; looking up what is met again, or
// is its own copy as a number is, counts for the object that asked. Reading the clock takes a while (clock_ns()), which is taken
// off. What the trace itself does is not counted.
//
// Guarded by the GIL.
#pragma once

#include "graph_step.hpp"
#include "memo_table.hpp"
#include "pod_vector.hpp"

#include <calque/abi.h>
#include <calque/ref.hpp>

#include <cstddef>
#include <cstdint>

namespace calque::explain {

class Level;

/// Nanoseconds of a clock that never goes back.
std::uint64_t now() noexcept;

class Trace : public FromMalloc {
public:
    static constexpr std::int32_t kMostNodes = 4096;
    static constexpr std::int32_t kMostCells = 16384;
    static constexpr std::int32_t kMostEdges = 4096;
    static constexpr std::int32_t kMostTypes = 2048;
    static constexpr std::int32_t kMostKeys = 32;
    static constexpr std::int32_t kDeepest = 64;
    static constexpr std::size_t kMostSteps = 16;  // of a path of one object, at either end

    /// Null with MemoryError set. Given up by release().
    static Trace* make() noexcept;
    Trace(const Trace&) = delete;
    Trace& operator=(const Trace&) = delete;

    void acquire() noexcept { ++users_; }
    /// May run finalizers.
    void release() noexcept {
        if (--users_ == 0) {
            delete this;
        }
    }

    /// The report's raw material, as described in module/calque/_explain.py. Empty with an exception set.
    Ref report() const noexcept;
    /// Where `error`, which has ended the copy, came from: (a list of steps, class of the object, the object), each None if it is
    /// not known. The object only with hold_what_fails.
    Ref path_of(Borrowed error) const noexcept;

    /// A hook has written to the memo in a way that makes its dict the memo for good (memo.hpp).
    bool memo_taken_over = false;

    /// Who asks for what failed: it is wanted after the copy, so it is kept alive until then.
    bool hold_what_fails = false;

    static inline std::size_t in_use = 0;  // copies being explained

private:
    friend class Level;

    struct Node {
        std::int32_t parent, first_child, next, last_found, first_cell, first_edge;
        std::int32_t depth, keys;
        PyObject* key;  // owned; null: any
        Py_ssize_t index;
        StepKind kind;
        std::uint64_t shared;  // objects first met here, and met again
    };
    struct Cell {
        std::int32_t next, type;
        const calque_handler* handler;  // null: not known by a frame
        PyObject* name;                 // owned: the handler's
        std::uint64_t objects, itself, exclusive, bytes;
    };
    struct Edge {
        std::int32_t next, to;
        std::uint64_t count, cyclic;
    };
    struct Type {
        PyObject* type;   // owned; null: the others
        PyObject* first;  // owned: a list of steps; null: none yet
        std::uint64_t inclusive, open;
    };

    Trace() noexcept = default;
    ~Trace();

    std::int32_t child_node(std::int32_t parent, const GraphStep& step) noexcept;
    std::int32_t add_node(std::int32_t parent, StepKind kind, Borrowed key, Py_ssize_t index) noexcept;
    Cell* cell(std::int32_t node, std::int32_t type, const calque_handler* handler) noexcept;
    std::int32_t type_number(PyTypeObject* type) noexcept;
    void add_edge(std::int32_t from, std::int32_t to, bool cyclic) noexcept;
    Ref steps_to_here() const noexcept;
    // The numbers are not complete; the copy goes on.
    void lacks_memory() noexcept { incomplete_ = true; }

    std::size_t users_ = 1;
    Level* current_ = nullptr;
    bool incomplete_ = false;
    std::uint64_t began_ = 0;
    std::uint64_t clock_ = 0;
    std::uint64_t total_ = 0;  // of all exclusive times
    std::uint64_t moves_ = 0;
    std::uint64_t levels_ = 0;
    PodVector<Node> nodes_;
    PodVector<Cell> cells_;
    PodVector<Edge> edges_;
    PodVector<Type> types_;
    MemoTable first_;    // object -> node << 2 | state
    MemoTable numbers_;  // class -> number
    Ref failed_at_;      // steps
    // Addresses, for a reference would keep alive what hooks let go. So of two exceptions of one class in one hook the second,
    // where the first was, can be taken for it.
    const PyObject* failed_with_ = nullptr;
    const PyObject* failed_as_ = nullptr;
    std::int32_t failed_in_ = 0;  // a class
    // With hold_what_fails. Nothing is given back before the copy has ended: finalizers would find it unfit to be seen. Of a copy in
    // which hooks swallow more errors than there is room for, what failed in the end is not known.
    static constexpr std::size_t kMostHeld = 32;
    Ref held_[kMostHeld];
    std::size_t held_count_ = 0;
    PyObject* failed_object_ = nullptr;  // in held_; null: not known
};

/// One walk. Its owner is the walk on the C stack: see above.
class Level : public FromMalloc {
public:
    /// Null: no memory, no exception set.
    static Level* begin(Trace& trace) noexcept;
    void end() noexcept;
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

    /// What is known of an object that is visited next.
    struct Visited {
        Borrowed x;
        bool known;     // it has its copy
        bool atomic;    // and is its own copy
        StepKind part;  // of its parent, where it is not found there
    };
    /// As far as this trace has seen.
    bool has_copy(Borrowed x) const noexcept {
        const std::uintptr_t* const first = trace_.first_.find(x.get());
        return first != nullptr && *first != 0;
    }
    /// False: no memory.
    [[nodiscard]] bool enter(const Visited& next) noexcept;
    void start_clock() noexcept {
        nested_ = 0;
        started_ = now();
    }
    void stop_clock() noexcept;

    /// The visit has left a frame, of this handler.
    void begun(const calque_handler& handler) noexcept;
    /// The same object is visited once more.
    void come_again() noexcept { again_ = true; }
    /// The visit found `copy`, which was there.
    void met_again() noexcept;
    /// The object on top is complete. `handler`: null if not known.
    void finished(const calque_handler* handler, Borrowed copy) noexcept;
    const calque_handler* handler() noexcept { return open_.back().handler; }
    /// A move has not failed: if walks below did, a hook has seen to it.
    void went_on() noexcept { trace_.failed_with_ = nullptr; }
    /// An exception is set, and ends this walk.
    void failed() noexcept;

private:
    friend class Trace;

    enum State : std::uintptr_t { in_progress = 1, done = 2, met = 3 };
    struct Open {
        PyObject* original;
        PyObject* key;  // of the step, owned
        Py_ssize_t index;
        const calque_handler* handler;
        std::uint64_t exclusive, start;
        Cursor cursor;
        std::int32_t node, type;
        StepKind kind;
        bool known, atomic;
    };

    explicit Level(Trace& trace) noexcept : trace_(trace) {}
    ~Level() = default;

    Open* parent_of_next() noexcept;
    static GraphStep step_to(const Visited& next, Open* parent) noexcept;
    void note(Borrowed x, std::int32_t node, State state) noexcept;
    void give_up() noexcept;
    void pop() noexcept;

    Trace& trace_;
    Level* outer_ = nullptr;
    Level* inner_ = nullptr;
    PodVector<Open> open_;
    std::uint64_t started_ = 0;
    std::uint64_t begun_ = 0;
    std::uint64_t nested_ = 0;  // spent in walks below this one, since the clock was started
    bool again_ = false;
};

}  // namespace calque::explain
