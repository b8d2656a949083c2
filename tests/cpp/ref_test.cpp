// tests/cpp/ref_test.cpp: Ref and Borrowed in an embedded interpreter: counts are exact after each move, and a
// finalizer that looks at the Ref whose object just died finds it in order.
#include <calque/ref.hpp>

#include "check.hpp"

#include <functional>
#include <type_traits>
#include <utility>

namespace {

using calque::Borrowed;
using calque::Ref;

// Ownership is said by the type, so these hold without running anything.
static_assert(!std::is_copy_constructible_v<Ref> && !std::is_copy_assignable_v<Ref>);
static_assert(std::is_nothrow_move_constructible_v<Ref> && std::is_nothrow_move_assignable_v<Ref>);
static_assert(std::is_nothrow_default_constructible_v<Ref> && std::is_nothrow_destructible_v<Ref>);
static_assert(!std::is_convertible_v<PyObject*, Ref> && !std::is_constructible_v<Ref, PyObject*>);
static_assert(!std::is_convertible_v<Ref, PyObject*> && !std::is_convertible_v<Borrowed, Ref>);
static_assert(!std::is_convertible_v<Ref, bool> && !std::is_convertible_v<Borrowed, bool>);
static_assert(std::is_convertible_v<PyObject*, Borrowed> && std::is_convertible_v<const Ref&, Borrowed>);
static_assert(std::is_trivially_copyable_v<Borrowed>);
static_assert(sizeof(Ref) == sizeof(PyObject*) && sizeof(Borrowed) == sizeof(PyObject*));

// An object that counts its kind and calls back when it dies.
struct Mortal {
    PyObject_HEAD
    std::function<void()>* last_words;
};

int living = 0;

void mortal_dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    std::function<void()>* last_words = std::exchange(reinterpret_cast<Mortal*>(self)->last_words, nullptr);
    --living;
    if (last_words != nullptr) {
        (*last_words)();
        delete last_words;
    }
    type->tp_free(self);
    Py_DECREF(reinterpret_cast<PyObject*>(type));
}

class Interpreter {
public:
    Interpreter() {
        PyConfig config;
        PyConfig_InitIsolatedConfig(&config);
        config.site_import = 0;
        PyStatus status = PyConfig_SetBytesString(&config, &config.program_name, CALQUE_TEST_PYTHON);
        CHECK(!PyStatus_Exception(status));
        status = Py_InitializeFromConfig(&config);
        CHECK(!PyStatus_Exception(status));
        PyConfig_Clear(&config);
        PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(mortal_dealloc)}, {0, nullptr}};
        PyType_Spec spec = {"Mortal", sizeof(Mortal), 0, Py_TPFLAGS_DEFAULT, slots};
        type_ = PyType_FromSpec(&spec);
        CHECK(type_ != nullptr);
    }
    Interpreter(const Interpreter&) = delete;
    Interpreter& operator=(const Interpreter&) = delete;
    ~Interpreter() {
        CHECK(living == 0);
        CHECK(PyErr_Occurred() == nullptr);
        Py_DECREF(type_);
        CHECK(Py_FinalizeEx() == 0);
    }

    // A new reference.
    PyObject* make(std::function<void()> last_words = {}) {
        auto* type = reinterpret_cast<PyTypeObject*>(type_);
        auto* made = reinterpret_cast<Mortal*>(type->tp_alloc(type, 0));
        CHECK(made != nullptr);
        made->last_words = last_words ? new std::function<void()>(std::move(last_words)) : nullptr;
        ++living;
        return reinterpret_cast<PyObject*>(made);
    }

private:
    PyObject* type_;
};

}  // namespace

TEST(an_empty_ref_is_false_and_owns_nothing) {
    Interpreter python;
    Ref empty;
    CHECK(!empty);
    CHECK(empty.get() == nullptr);
    CHECK(empty.release() == nullptr);
    CHECK(!Ref::steal(nullptr));
    CHECK(!Ref::share(nullptr));
    Ref moved = std::move(empty);
    CHECK(!moved);
    empty = std::move(moved);
    CHECK(!empty);
    CHECK(!Borrowed());
    CHECK(Borrowed() == Borrowed(empty));
}

TEST(steal_takes_the_reference_it_is_given_over) {
    Interpreter python;
    PyObject* raw = python.make();
    {
        Ref owner = Ref::steal(raw);
        CHECK(owner);
        CHECK(owner.get() == raw);
        CHECK(Py_REFCNT(raw) == 1);
    }
    CHECK(living == 0);
}

TEST(share_makes_a_reference_of_its_own) {
    Interpreter python;
    Ref owner = Ref::steal(python.make());
    {
        Ref second = Ref::share(owner);
        CHECK(second.get() == owner.get());
        CHECK(Py_REFCNT(owner.get()) == 2);
        Ref third = Ref::share(second.get());
        CHECK(Py_REFCNT(owner.get()) == 3);
    }
    CHECK(Py_REFCNT(owner.get()) == 1);
    CHECK(living == 1);
}

TEST(borrowed_never_touches_the_count) {
    Interpreter python;
    Ref owner = Ref::steal(python.make());
    {
        Borrowed look = owner;
        Borrowed again = look;
        CHECK(again == look);
        CHECK(again == Borrowed(owner.get()));
        CHECK(look.get() == owner.get());
        CHECK(look.type() == Py_TYPE(owner.get()));
        CHECK(Py_REFCNT(owner.get()) == 1);
    }
    CHECK(Py_REFCNT(owner.get()) == 1);
}

TEST(a_moved_ref_leaves_its_source_empty) {
    Interpreter python;
    Ref first = Ref::steal(python.make());
    PyObject* raw = first.get();
    Ref second = std::move(first);
    CHECK(!first);
    CHECK(second.get() == raw);
    CHECK(Py_REFCNT(raw) == 1);
    Ref third;
    third = std::move(second);
    CHECK(!second);
    CHECK(third.get() == raw);
    CHECK(Py_REFCNT(raw) == 1);
}

TEST(a_ref_moved_onto_itself_keeps_its_object) {
    Interpreter python;
    Ref owner = Ref::steal(python.make());
    Ref& alias = owner;
    owner = std::move(alias);
    CHECK(living == 1);
    CHECK(owner);
    CHECK(Py_REFCNT(owner.get()) == 1);
}

TEST(assignment_gives_the_old_object_up_once) {
    Interpreter python;
    Ref owner = Ref::steal(python.make());
    owner = Ref::steal(python.make());
    CHECK(living == 1);
    CHECK(Py_REFCNT(owner.get()) == 1);
    owner = {};
    CHECK(living == 0);
    CHECK(!owner);
}

TEST(assigning_another_reference_to_the_same_object_keeps_it) {
    Interpreter python;
    Ref owner = Ref::steal(python.make());
    owner = Ref::share(owner);
    CHECK(living == 1);
    CHECK(Py_REFCNT(owner.get()) == 1);
}

TEST(release_gives_the_reference_away_without_touching_the_count) {
    Interpreter python;
    PyObject* raw = python.make();
    Ref owner = Ref::steal(raw);
    CHECK(owner.release() == raw);
    CHECK(!owner);
    CHECK(Py_REFCNT(raw) == 1);
    owner = Ref::steal(raw);
}

TEST(swapping_exchanges_the_objects_and_no_counts) {
    Interpreter python;
    Ref a = Ref::steal(python.make());
    Ref b = Ref::steal(python.make());
    PyObject* first = a.get();
    PyObject* second = b.get();
    std::swap(a, b);
    CHECK(a.get() == second);
    CHECK(b.get() == first);
    CHECK(Py_REFCNT(first) == 1);
    CHECK(Py_REFCNT(second) == 1);
}

TEST(a_finalizer_that_looks_at_the_assigned_ref_sees_the_new_object) {
    Interpreter python;
    Ref target;
    PyObject* seen = nullptr;
    Py_ssize_t count = 0;
    target = Ref::steal(python.make([&] {
        seen = target.get();
        Ref shared = Ref::share(target);
        count = Py_REFCNT(seen);
    }));
    PyObject* fresh = python.make();
    target = Ref::steal(fresh);
    CHECK(seen == fresh);
    CHECK(count == 2);
    CHECK(target.get() == fresh);
    CHECK(Py_REFCNT(fresh) == 1);
    CHECK(living == 1);
}

TEST(a_finalizer_may_assign_to_the_ref_that_is_being_assigned) {
    Interpreter python;
    Ref target;
    target = Ref::steal(python.make([&] { target = Ref::steal(python.make()); }));
    target = Ref::steal(python.make());
    CHECK(living == 1);
    CHECK(target);
    CHECK(Py_REFCNT(target.get()) == 1);
}

TEST(a_finalizer_may_empty_the_ref_that_is_being_assigned) {
    Interpreter python;
    Ref target;
    target = Ref::steal(python.make([&] { target = {}; }));
    target = Ref::steal(python.make());
    CHECK(living == 0);
    CHECK(!target);
}

TEST(a_finalizer_run_by_assigning_nothing_finds_the_ref_empty) {
    Interpreter python;
    Ref target;
    bool ran = false;
    target = Ref::steal(python.make([&] {
        ran = true;
        CHECK(!target);
    }));
    target = {};
    CHECK(ran);
}

TEST(the_source_of_a_move_is_empty_before_a_finalizer_runs) {
    Interpreter python;
    Ref target;
    Ref source = Ref::steal(python.make());
    bool ran = false;
    target = Ref::steal(python.make([&] {
        ran = true;
        CHECK(!source);
    }));
    target = std::move(source);
    CHECK(ran);
    CHECK(living == 1);
}

int main(int argc, char** argv) { return check::main(argc, argv); }
