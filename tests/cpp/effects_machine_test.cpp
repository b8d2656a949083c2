// tests/cpp/effects_machine_test.cpp: the step machine of calque.effects, a step at a time. No Python code runs: generators are
// objects that the test says have yielded, returned or raised.
#include "continuation.hpp"
#include "errors.hpp"
#include "machine.hpp"
#include "native_handlers.hpp"
#include "program.hpp"

#include "check.hpp"

#include <initializer_list>

namespace {

using namespace calque::effects;
using calque::Borrowed;
using calque::Ref;

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
        CHECK(create_effect_type() && create_node_types() && create_program_types()
              && create_continuation_type());
        CHECK(create_handler_types() && create_state_type() && create_errors());
    }
    Interpreter(const Interpreter&) = delete;
    Interpreter& operator=(const Interpreter&) = delete;
};

Ref number(long value) { return Ref::steal(PyLong_FromLong(value)); }

bool is_number(const Ref& object, long value) {
    return PyLong_Check(object.get()) != 0 && PyLong_AsLong(object.get()) == value;
}

Ref node(Kind kind, std::initializer_list<Borrowed> fields) {
    PyObject* arguments[kFields] = {nullptr, nullptr};
    std::size_t count = 0;
    for (const Borrowed one : fields) {
        arguments[count++] = one.get();
    }
    Ref made = Ref::steal(PyObject_Vectorcall(
        reinterpret_cast<PyObject*>(&node_types[static_cast<std::size_t>(kind)]), arguments, count, nullptr));
    CHECK(made);
    return made;
}

// A callable that is never called.
Ref callable() {
    return Ref::steal(PyObject_GetAttrString(reinterpret_cast<PyObject*>(&PyList_Type), "append"));
}

Ref effect() { return Ref::steal(PyObject_CallNoArgs(reinterpret_cast<PyObject*>(&effect_type))); }

void steps(Machine& machine, std::initializer_list<StepEvent> events) {
    for (const StepEvent event : events) {
        CHECK(machine.step() == event);
    }
}

constexpr StepEvent Continue = StepEvent::Continue;
constexpr StepEvent NeedsPython = StepEvent::NeedsPython;

// A machine that runs WithHandler(handler, program), with the program's "generator" waiting: two fibers.
void begin_under(Machine& machine, Borrowed handler) {
    const Ref program = Ref::steal(PyObject_CallNoArgs(make_do_function(callable()).get()));
    machine.begin(node(Kind::with_handler, {handler, program}));
    steps(machine, {Continue, NeedsPython});
    CHECK(machine.request() == Request::start_program && machine.value() == Borrowed(program));
    machine.receive_generator(number(100));
    steps(machine, {NeedsPython});
    CHECK(machine.request() == Request::send && machine.value().get() == Py_None);
}

}  // namespace

TEST(a_value_delivered_to_an_empty_root_is_the_result) {
    const Interpreter python;
    Machine machine;
    CHECK(machine.good());
    machine.begin(node(Kind::pure, {number(42)}));
    steps(machine, {Continue});
    CHECK(machine.mode() == Mode::Deliver);
    steps(machine, {Continue});
    CHECK(machine.mode() == Mode::Return);
    steps(machine, {StepEvent::Done});
    CHECK(is_number(machine.take_result(), 42));
}

TEST(a_fiber_that_ends_delivers_to_its_parent) {
    const Interpreter python;
    Machine machine;
    begin_under(machine, callable());
    const Fiber* const root = machine.current()->parent;
    CHECK(root != nullptr && root->parent == nullptr && machine.current()->handler != nullptr);
    machine.receive_return(number(42));
    steps(machine, {Continue, Continue});
    CHECK(machine.current() == root && machine.mode() == Mode::Deliver);
    steps(machine, {Continue, StepEvent::Done});
    CHECK(is_number(machine.take_result(), 42));
}

TEST(a_program_is_a_frame_on_the_same_fiber) {
    const Interpreter python;
    Machine machine;
    begin_under(machine, callable());
    const Fiber* const fiber = machine.current();
    const Ref program = Ref::steal(PyObject_CallNoArgs(make_do_function(callable()).get()));
    for (std::uint32_t depth = 2; depth < 200; ++depth) {
        machine.receive_yield(Ref::share(program));
        steps(machine, {NeedsPython});
        CHECK(machine.request() == Request::start_program);
        machine.receive_generator(number(depth));
        steps(machine, {NeedsPython});
        CHECK(machine.current() == fiber && fiber->size == depth);
    }
    for (long depth = 199; depth >= 2; --depth) {
        machine.receive_return(number(depth));
        steps(machine, {NeedsPython});
        CHECK(is_number(Ref::share(machine.value()), depth));
        CHECK(is_number(Ref::share(machine.generator()), depth == 2 ? 100 : depth - 1));
    }
    CHECK(fiber->size == 1);
}

TEST(a_native_handler_answers_in_one_step_and_takes_nothing_off) {
    const Interpreter python;
    Machine machine;
    const Ref state = Ref::steal(PyObject_CallNoArgs(reinterpret_cast<PyObject*>(&state_type)));
    begin_under(machine, state);
    Fiber* const fiber = machine.current();
    const std::size_t live = fibers::stats().live;
    machine.receive_yield(node(Kind::put, {number(1), number(7)}));
    steps(machine, {Continue});
    CHECK(machine.mode() == Mode::Deliver && machine.value().get() == Py_None);
    steps(machine, {NeedsPython});
    machine.receive_yield(node(Kind::get, {number(1)}));
    steps(machine, {Continue, NeedsPython});
    CHECK(machine.request() == Request::send && is_number(Ref::share(machine.value()), 7));
    CHECK(machine.current() == fiber && fibers::stats().live == live);
}

TEST(a_python_handler_gets_everything_up_to_its_fiber) {
    const Interpreter python;
    Machine machine;
    const Ref handler = callable();
    begin_under(machine, handler);
    Fiber* const boundary = machine.current();
    Fiber* const root = boundary->parent;
    const Ref state = Ref::steal(PyObject_CallNoArgs(reinterpret_cast<PyObject*>(&state_type)));
    machine.receive_yield(node(Kind::with_handler, {state, effect()}));
    steps(machine, {Continue, NeedsPython});
    CHECK(machine.request() == Request::call_handler && machine.handler() == Borrowed(handler));
    CHECK(is_user_effect(machine.value()) && machine.current() == root);
    const Continuation& k = as_continuation(machine.continuation());
    CHECK(k.chain.head() != boundary && k.chain.head()->parent == boundary && k.chain.tail() == boundary);
    CHECK(boundary->parent == nullptr && k.effect == machine.value().get());
    CHECK(root->size == 1 && root->top().kind == FrameKind::activation);
}

TEST(resume_puts_the_chain_back_above_the_handler) {
    const Interpreter python;
    Machine machine;
    begin_under(machine, callable());
    Fiber* const body = machine.current();
    Fiber* const root = body->parent;
    machine.receive_yield(effect());
    steps(machine, {NeedsPython});
    const Ref k = Ref::share(machine.continuation());
    machine.receive_generator(number(200));
    steps(machine, {NeedsPython});
    CHECK(machine.current() == root && root->size == 2 && is_number(Ref::share(machine.generator()), 200));
    machine.receive_yield(node(Kind::resume, {k, number(5)}));
    steps(machine, {Continue, NeedsPython});
    CHECK(machine.current() == body && body->parent == root && is_number(Ref::share(machine.value()), 5));
    CHECK(as_continuation(k).chain.empty());
    // The body returns to the handler, and the handler to the root's end.
    machine.receive_return(number(6));
    steps(machine, {Continue, Continue, NeedsPython});
    CHECK(machine.current() == root && is_number(Ref::share(machine.generator()), 200)
          && is_number(Ref::share(machine.value()), 6));
    machine.receive_return(number(7));
    steps(machine, {Continue, Continue, StepEvent::Done});
    CHECK(is_number(machine.take_result(), 7));
}

TEST(transfer_leaves_no_frame_of_the_handler) {
    const Interpreter python;
    Machine machine;
    begin_under(machine, callable());
    Fiber* const body = machine.current();
    Fiber* const root = body->parent;
    for (int round = 0; round < 3; ++round) {
        machine.receive_yield(effect());
        steps(machine, {NeedsPython});
        const Ref k = Ref::share(machine.continuation());
        machine.receive_generator(number(200));
        steps(machine, {NeedsPython});
        machine.receive_yield(node(Kind::transfer, {k, number(5)}));
        steps(machine, {Continue, NeedsPython});
        CHECK(machine.current() == body && root->empty() && is_number(Ref::share(machine.generator()), 100));
    }
}

TEST(a_second_resume_is_thrown_at_the_yield) {
    const Interpreter python;
    Machine machine;
    begin_under(machine, callable());
    machine.receive_yield(effect());
    steps(machine, {NeedsPython});
    const Ref k = Ref::share(machine.continuation());
    machine.receive_generator(number(200));
    steps(machine, {NeedsPython});
    machine.receive_yield(node(Kind::resume, {k, number(5)}));
    steps(machine, {Continue, NeedsPython});
    machine.receive_yield(node(Kind::resume, {k, number(5)}));
    steps(machine, {Continue});
    CHECK(machine.mode() == Mode::Throw
          && machine.value().type() == reinterpret_cast<PyTypeObject*>(one_shot_error));
    steps(machine, {NeedsPython});
    CHECK(machine.request() == Request::raise && is_number(Ref::share(machine.generator()), 100));
}

TEST(an_exception_leaves_frame_by_frame_and_ends_the_run) {
    const Interpreter python;
    Machine machine;
    begin_under(machine, callable());
    Fiber* const root = machine.current()->parent;
    PyErr_SetString(PyExc_ValueError, "x");
    machine.receive_error();
    CHECK(machine.mode() == Mode::Throw && machine.current()->empty());
    steps(machine, {Continue});
    CHECK(machine.current() == root);
    steps(machine, {StepEvent::Error});
    CHECK(machine.take_result().get() != nullptr && PyErr_Occurred() == nullptr);
}

TEST(a_handlers_exception_goes_to_the_effect_unless_it_has_resumed) {
    const Interpreter python;
    for (const bool resumed : {false, true}) {
        Machine machine;
        begin_under(machine, callable());
        Fiber* const body = machine.current();
        Fiber* const root = body->parent;
        machine.receive_yield(effect());
        steps(machine, {NeedsPython});
        const Ref k = Ref::share(machine.continuation());
        machine.receive_generator(number(200));
        steps(machine, {NeedsPython});
        if (resumed) {
            machine.receive_yield(node(Kind::resume, {k, number(5)}));
            steps(machine, {Continue, NeedsPython});
            machine.receive_return(number(6));
            steps(machine, {Continue, Continue, NeedsPython});
        }
        PyErr_SetString(PyExc_ValueError, "x");
        machine.receive_error();
        steps(machine, {Continue});
        CHECK(machine.current() == (resumed ? root : body) && as_continuation(k).chain.empty());
        steps(machine, {resumed ? StepEvent::Error : NeedsPython});
        CHECK(resumed || machine.request() == Request::raise);
    }
}

TEST(junk_and_unhandled_effects_are_thrown) {
    const Interpreter python;
    Machine machine;
    begin_under(machine, Ref::steal(PyObject_CallNoArgs(reinterpret_cast<PyObject*>(&state_type))));
    machine.receive_yield(number(3));
    steps(machine, {Continue});
    CHECK(machine.mode() == Mode::Throw
          && machine.value().type() == reinterpret_cast<PyTypeObject*>(PyExc_TypeError));
    steps(machine, {NeedsPython});
    machine.receive_yield(effect());
    steps(machine, {Continue});
    CHECK(machine.value().type() == reinterpret_cast<PyTypeObject*>(unhandled_effect));
    steps(machine, {NeedsPython});
    machine.receive_yield(node(Kind::delegate, {}));
    steps(machine, {Continue});
    CHECK(machine.value().type() == reinterpret_cast<PyTypeObject*>(PyExc_RuntimeError));
}

TEST(a_machine_that_is_thrown_away_gives_all_fibers_back) {
    const Interpreter python;
    const std::size_t live = fibers::stats().live;
    {
        Machine machine;
        begin_under(machine, callable());
        machine.receive_yield(effect());
        steps(machine, {NeedsPython});
        CHECK(fibers::stats().live == live + 2);
    }
    CHECK(fibers::stats().live == live);
}

TEST(fibers_are_used_again_and_grow) {
    const Interpreter python;
    Fiber* const first = fibers::take();
    for (long i = 0; i < 1000; ++i) {
        CHECK(first->reserve());
        first->push(number(i), FrameKind::generator);
    }
    CHECK(first->size == 1000 && first->capacity >= 1000 && is_number(Ref::share(first->top().object), 999));
    CHECK(is_number(first->pop(), 999) && first->size == 999);
    fibers::give_back(first);
    const std::size_t idle = fibers::stats().idle;
    Fiber* const second = fibers::take();
    CHECK(second == first && second->empty() && second->capacity == Fiber::kInline
          && second->parent == nullptr);
    CHECK(fibers::stats().idle == idle - 1);
    fibers::give_back(second);
}

TEST(a_chain_owns_what_it_holds) {
    const Interpreter python;
    Fiber* const head = fibers::take();
    Fiber* const tail = fibers::take();
    head->parent = tail;
    tail->parent = head;  // as if it had one; a chain ends at its tail
    const std::size_t live = fibers::stats().live;
    {
        Chain chain(head, tail);
        CHECK(!chain.empty() && tail->parent == nullptr);
        Chain other(std::move(chain));
        CHECK(chain.empty() && other.head() == head && other.tail() == tail);
        CHECK(fibers::stats().live == live);
    }
    CHECK(fibers::stats().live == live - 2);
}

TEST(kinds_are_known_by_type) {
    const Interpreter python;
    CHECK(kind_of(node(Kind::get, {number(1)})) == Kind::get
          && kind_of(node(Kind::delegate, {})) == Kind::delegate);
    CHECK(kind_of(number(1)) == Kind::unknown && kind_of(effect()) == Kind::unknown
          && is_user_effect(effect()));
    CHECK(is_native_effect(Kind::tell) && !is_native_effect(Kind::resume));
    for (const Kind kind : {Kind::get, Kind::put, Kind::modify, Kind::ask, Kind::tell}) {
        const std::uint32_t state =
            std::uint32_t{kAcceptsGet} | std::uint32_t{kAcceptsPut} | std::uint32_t{kAcceptsModify};
        CHECK(((wanted_by(kind) & state) != 0) == (kind <= Kind::modify));
        CHECK((wanted_by(kind) & kAcceptsEverything) != 0);
    }
}

int main(int argc, char** argv) { return check::main(argc, argv); }
