// runtime/error_path.cpp: see error_path.hpp.
#include "error_path.hpp"

#include "cpython/exception_slot.hpp"
#include "graph_path.hpp"
#include "pod_vector.hpp"
#include "primitives/interned.hpp"

#include <cstring>
#include <new>
#include <utility>

namespace calque::error_path {

namespace {

constexpr const char* kName = "calque.error_path";

struct Path : FromMalloc {
    graph_path::Steps steps;
    std::uint64_t gathered = 0;   // Context::stretches
    const void* begin = nullptr;  // the object at its beginning; not looked into
    bool raised_natively = false;
    bool partial = false;  // of a copy in a hook of another, which has the rest
    Ref note;              // the one that was added
};

// The exception in flight, set aside.
class InFlight {
public:
    InFlight() noexcept {
        PyErr_Fetch(&type_, &value_, &traceback_);
        if (type_ != nullptr && (value_ == nullptr || PyExceptionInstance_Check(value_) == 0)
            && is_made_natively()) {
            make();
        }
    }
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;
    ~InFlight() {
        PyErr_Clear();
        PyErr_Restore(type_, value_, traceback_);
    }

    /// Empty: it is no object yet, or not for us.
    Borrowed exception() const noexcept {
        if (value_ == nullptr || PyExceptionInstance_Check(value_) == 0) {
            return {};
        }
        const auto* const raw = reinterpret_cast<PyBaseExceptionObject*>(value_);
        const bool of_the_interpreter = Py_IS_TYPE(value_, reinterpret_cast<PyTypeObject*>(PyExc_MemoryError))
                                     && PyTuple_GET_SIZE(raw->args) == 0;
        return of_the_interpreter ? nullptr : value_;
    }
    bool came_through_python() const noexcept { return traceback_ != nullptr; }

private:
    bool is_made_natively() const noexcept {
        const auto* const type = reinterpret_cast<PyTypeObject*>(type_);
        const auto* const plain = reinterpret_cast<PyTypeObject*>(PyExc_Exception);
        return PyType_CheckExact(type_)
            && (!PyType_HasFeature(const_cast<PyTypeObject*>(type), Py_TPFLAGS_HEAPTYPE)
                || (type->tp_new == plain->tp_new && type->tp_init == plain->tp_init));
    }

    // As the interpreter does it where an `except` waits. Where it fails, another exception comes of it.
    void make() noexcept {
        Ref type = Ref::share(type_), value = Ref::share(value_), traceback = Ref::share(traceback_);
        PyErr_NormalizeException(&type_, &value_, &traceback_);
        if (type_ != type.get()) {
            const Ref other_type = Ref::steal(std::exchange(type_, type.release()));
            const Ref other_value = Ref::steal(std::exchange(value_, value.release()));
            const Ref other_traceback = Ref::steal(std::exchange(traceback_, traceback.release()));
        }
    }

    PyObject* type_ = nullptr;
    PyObject* value_ = nullptr;
    PyObject* traceback_ = nullptr;
};

Path* path_in(Borrowed capsule) noexcept {
    return static_cast<Path*>(PyCapsule_GetPointer(capsule.get(), kName));
}

void free_path(PyObject* capsule) { delete path_in(capsule); }

// Null: none.
Path* path_of(Borrowed exception) noexcept {
    const Borrowed capsule = exception_slot::get(exception, kName);
    return capsule ? path_in(capsule) : nullptr;
}

// The same if an inner part of this copy is in it.
Path* part_of(Borrowed exception, const Context& context) noexcept {
    Path* const path = path_of(exception);
    return path != nullptr && path->gathered > context.begun() ? path : nullptr;
}

// Null: there is no memory, or it takes none.
Path* new_path(Borrowed exception) noexcept {
    Path* const path = new (std::nothrow) Path;
    if (path == nullptr) {
        return nullptr;
    }
    Ref capsule = Ref::steal(PyCapsule_New(path, kName, free_path));
    if (!capsule) {
        delete path;
        return nullptr;
    }
    return exception_slot::put(exception, std::move(capsule), kName) ? path : nullptr;
}

// Without parts of other copies.
Path* path_for(const InFlight& error, const Context& context) noexcept {
    const Borrowed exception = error.exception();
    if (!exception) {
        return nullptr;
    }
    Path* path = part_of(exception, context);
    if (path != nullptr) {
        return path;
    }
    path = path_of(exception);
    if (path == nullptr) {
        path = new_path(exception);
    }
    if (path != nullptr) {
        path->steps.clear();
        path->raised_natively = !error.came_through_python();
    }
    return path;
}

// Something that no reference of x leads to.
GraphStep step_through(const calque_handler* by) noexcept {
    GraphStep step;
    if (by != nullptr && by->type != nullptr) {
        step.kind = StepKind::handled;
        step.key = Ref::steal(PyUnicode_FromString(by->name));
        if (!step.key) {
            PyErr_Clear();
        }
    } else if (by != nullptr && std::strcmp(by->name, "__deepcopy__") != 0) {
        step.kind = StepKind::
            reduced;  // protocols have no type: __deepcopy__, and __reduce_ex__ for all that reduces
    }
    return step;
}

// What is met twice was copied at the first place, so that is the one; but a hook may give back its object at first and raise
// later. So the place is preferred that the number of elements of the unfinished copy points to.
bool find(Borrowed parent, const void* child, Py_ssize_t filled, GraphStep& found,
          graph_path::Steps& steps) noexcept {
    Cursor there = graph_step::at_element(parent, filled);
    const bool is_there = graph_step::find(parent, child, there, found);
    if (there.no_memory) {
        steps.spoil();
    }
    if (!is_there) {
        return false;
    }
    if (there.spent == 1 || filled == 0) {
        return true;
    }
    Cursor first;
    GraphStep earlier;
    if (graph_step::find(parent, child, first, earlier)) {
        found = std::move(earlier);
    }
    return true;
}

// -- the frames of a walk

struct Level {
    PyObject* object;
    const calque_handler* handler;
    Py_ssize_t filled;
};

Level level_of(const calque_frame& frame) noexcept {
    PyObject* const copy = frame.copy;
    const Py_ssize_t filled = copy == nullptr              ? 0
                            : PyList_CheckExact(copy) != 0 ? PyList_GET_SIZE(copy)
                            : PyDict_CheckExact(copy) != 0 ? PyDict_GET_SIZE(copy)
                                                           : 0;
    return {frame.original, frame.handler, filled};
}

// Levels between which there are temporaries of the reduce protocol (a state, a tuple of state and slots) are one step.
constexpr std::size_t kFurthest = 3;
constexpr std::size_t kWindow = graph_path::Steps::kShown * kFurthest + kFurthest;

// From the innermost level to the outermost: the first and the last of them.
class Levels {
public:
    void add(const calque_frame& frame) noexcept {
        if (count_ < kWindow) {
            inner_[count_] = level_of(frame);
        } else {
            outer_[count_ % kWindow] = level_of(frame);
        }
        ++count_;
    }

    /// The object at the beginning; null if there are none.
    PyObject* begin() const noexcept { return count_ == 0 ? nullptr : from_inner(count_ - 1).object; }

    void put_before(graph_path::Steps& steps, const void* child) const noexcept {
        const std::size_t near = count_ < kWindow ? count_ : kWindow;
        const bool all = count_ <= 2 * kWindow;
        put(steps, 0, all ? count_ : near, child);
        if (!all) {
            // From the last of the outer ones on, one step per level.
            steps.skip_before(count_ - 2 * kWindow + 1);
            put(steps, count_ - kWindow, count_, nullptr);
        }
    }

private:
    const Level& from_inner(std::size_t i) const noexcept {
        return i < kWindow ? inner_[i] : outer_[i % kWindow];
    }

    // The steps from level `end` - 1, the outermost, down to `begin`, and on to `child` if that is known.
    void put(graph_path::Steps& steps, std::size_t begin, std::size_t end, const void* child) const noexcept {
        GraphStep made[2 * kWindow];
        std::size_t count = 0;
        for (std::size_t i = end; i-- > begin;) {
            std::size_t reached = i;
            const bool found = next_step(i, begin, child, reached, made[count], steps);
            // A container that has lost it meanwhile; what a reducer gives need not be anywhere.
            if (!found && i == begin && (child == nullptr || from_inner(i).handler->type != nullptr)) {
                break;
            }
            if (!found) {
                made[count] = step_through(from_inner(i).handler);
            }
            ++count;
            if (reached == kChild) {
                break;
            }
            i = reached + 1;
        }
        while (count > 0) {
            steps.put_before(made[--count]);
        }
    }

    static constexpr std::size_t kChild = static_cast<std::size_t>(-1);

    bool next_step(std::size_t i, std::size_t begin, const void* child, std::size_t& reached, GraphStep& step,
                   graph_path::Steps& steps) const noexcept {
        const Level& from = from_inner(i);
        for (std::size_t further = 1; further <= kFurthest && further <= i - begin + 1; ++further) {
            const bool is_child = further == i - begin + 1;
            const void* const to = is_child ? child : from_inner(i - further).object;
            if (to != nullptr && find(from.object, to, from.filled, step, steps)) {
                reached = is_child ? kChild : i - further;
                return true;
            }
        }
        reached = i - 1;
        return false;
    }

    Level inner_[kWindow];
    Level outer_[kWindow];  // a ring: the last ones added
    std::size_t count_ = 0;
};

bool may_have_notes(Borrowed exception) noexcept {
    const PyTypeObject* const type = exception.type();
    return PyObject_TypeCheck(exception.get(), reinterpret_cast<PyTypeObject*>(PyExc_Exception)) != 0
        && type->tp_getattro == PyObject_GenericGetAttr && type->tp_setattro == PyObject_GenericSetAttr;
}

// False: it is not there.
bool exchange_note(Borrowed exception, Borrowed before, Borrowed note) noexcept {
    const Ref notes = Ref::steal(PyObject_GetAttr(exception.get(), interned::__notes__));
    if (notes && PyList_CheckExact(notes.get())) {
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(notes.get()); ++i) {
            if (PyList_GET_ITEM(notes.get(), i) == before.get()) {
                return PyList_SetItem(notes.get(), i, Ref::share(note).release()) == 0;
            }
        }
    }
    return false;
}

}  // namespace

void hand_up(const Context& context, Borrowed x, const calque_handler* by) noexcept {
    const InFlight error;
    const Borrowed exception = error.exception();
    Path* const path = exception ? part_of(exception, context) : nullptr;
    if (path == nullptr || path->begin == x.get()) {
        return;
    }
    GraphStep step;
    if (!find(x, path->begin, 0, step, path->steps)) {
        step = step_through(by);
    }
    path->steps.put_before(step);
    path->begin = x.get();
}

void gather(Context& context, WorkStack::Mark base, const void* child, bool of_top) noexcept {
    const InFlight error;
    Path* const path = path_for(error, context);
    if (path == nullptr) {
        return;
    }
    Levels levels;
    context.stack.from_top([&](calque_frame& frame) noexcept {
        if (&frame + 1 == base) {
            return false;
        }
        if (!std::exchange(of_top, false)) {
            levels.add(frame);
        }
        return true;
    });
    levels.put_before(path->steps, child);
    path->begin = levels.begin() != nullptr ? levels.begin() : child;
    path->partial = context.is_nested();
    path->gathered = ++Context::stretches;
}

Ref text_of(Borrowed exception) noexcept {
    const Path* const path = path_of(exception);
    if (path == nullptr || !path->steps.complete()) {
        return Ref::share(Py_None);
    }
    Ref text = path->steps.text();
    return text ? std::move(text) : Ref::steal(PyErr_NoMemory());
}

void add_note() noexcept {
    const InFlight error;
    const Borrowed exception = error.exception();
    Path* const path = exception ? path_of(exception) : nullptr;
    if (path == nullptr || !path->raised_natively || path->partial || path->steps.count() == 0
        || !path->steps.complete() || !may_have_notes(exception)) {
        return;
    }
    const Ref text = path->steps.text();
    Ref note = text ? Ref::steal(PyUnicode_FromFormat("calque: at %U", text.get())) : Ref();
    if (!note) {
        return;
    }
    if (path->note) {
        if (exchange_note(exception, path->note, note)) {
            path->note = std::move(note);
        }
        return;
    }
    // The method of the interpreter; 3.10 has none.
    const Ref add = Ref::steal(PyObject_GetAttr(PyExc_BaseException, interned::add_note));
    const Ref done =
        add ? Ref::steal(PyObject_CallFunctionObjArgs(add.get(), exception.get(), note.get(), nullptr))
            : Ref();
    if (done) {
        path->note = std::move(note);
    }
}

}  // namespace calque::error_path
