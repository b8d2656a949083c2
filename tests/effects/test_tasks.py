"""Tasks: Spawn, Gather, Race, Cancel, Await, Semaphore."""

import asyncio

import pytest

from calque import effects as fx

log = []  # of what runs in the test


@fx.do
def work(name, steps=2, fails=None):
    for i in range(steps):
        log.append((name, i))
        yield fx.Pause()
    if fails is not None:
        raise fails
    return name


def run_tasks(body, *handlers):
    return fx.run(fx.with_handlers(handlers, fx.Tasks(body)))


async def in_asyncio(body):
    return await fx.run_async(body)


@pytest.fixture(params=["Tasks", "run_async"])
def run(request):
    def cleared(body):  # the leak check runs each test several times
        log.clear()
        return run_tasks(body) if request.param == "Tasks" else asyncio.run(in_asyncio(body))

    return cleared


def test_tasks_take_turns_and_are_gathered_in_order(run):
    @fx.do
    def main():
        tasks = []
        for name in "abc":
            tasks.append((yield fx.Spawn(work(name))))
        return (yield fx.Gather(*tasks))

    assert run(main()) == ["a", "b", "c"]
    assert log == [("a", 0), ("b", 0), ("c", 0), ("a", 1), ("b", 1), ("c", 1)]


def test_gathering_what_has_ended_and_nothing(run):
    @fx.do
    def main():
        task = yield fx.Spawn(fx.Pure(5))
        first = yield fx.Gather(task, task)
        return first, (yield fx.Gather(task)), (yield fx.Gather()), task.done, task.result

    assert run(main()) == ([5, 5], [5], [], True, 5)


def test_the_first_failure_is_raised_where_it_is_gathered(run):
    error = ValueError("no")

    @fx.do
    def main():
        bad = yield fx.Spawn(work("bad", 1, error))
        good = yield fx.Spawn(work("good", 3))
        try:
            yield fx.Gather(good, bad)
        except ValueError as caught:
            again = yield fx.Try(fx.Gather(bad))
            return caught is error, again.error is error, (yield fx.Gather(good))

    assert run(main()) == (True, True, ["good"])


def test_a_failure_nobody_gathers_is_the_tasks_own(run):
    @fx.do
    def main():
        task = yield fx.Spawn(work("bad", 0, ValueError()))
        yield work("main")
        return type(task.error)

    assert run(main()) is ValueError


def test_what_main_raises_is_raised(run):
    with pytest.raises(ValueError, match="main"):
        run(work("main", 1, ValueError("main")))


def test_race_gives_the_first_and_cancels_the_others(run):
    closed = []

    @fx.do
    def slow():
        try:
            yield work("slow", 50)
        except fx.Cancelled:
            closed.append("cancelled")
            raise

    @fx.do
    def main():
        first, second = (yield fx.Spawn(slow())), (yield fx.Spawn(work("quick", 1)))
        winner = yield fx.Race(first, second)
        yield fx.Pause()
        return winner, closed, first.done, type(first.error), (yield fx.Race(second, first))

    assert run(main()) == ("quick", ["cancelled"], True, fx.Cancelled, "quick")


def test_a_race_that_is_over_when_it_begins_cancels_too(run):
    @fx.do
    def main():
        first, second = (yield fx.Spawn(fx.Pure(1))), (yield fx.Spawn(work("slow", 50)))
        yield fx.Gather(first)
        won = yield fx.Race(second, first)
        yield fx.Pause()
        return won, type(second.error)

    assert run(main()) == (1, fx.Cancelled)


def test_a_race_may_be_lost_by_an_error(run):
    @fx.do
    def main():
        a, b = (yield fx.Spawn(work("a", 1, KeyError("a")))), (yield fx.Spawn(work("b", 9)))
        try:
            yield fx.Race(a, b)
        except KeyError:
            yield fx.Pause()
            return b.done
        finally:
            log.append("over")

    assert run(main()) is True
    with pytest.raises(ValueError, match="no tasks"):
        run(fx.Race())


def test_cancel_raises_where_the_task_waits(run):
    @fx.do
    def patient():
        try:
            yield work("patient", 50)
        finally:
            log.append("closed")

    @fx.do
    def main():
        task = yield fx.Spawn(patient())
        yield fx.Pause()
        first = yield fx.Cancel(task)
        waited = yield fx.Try(catching(task))
        return first, (yield fx.Cancel(task)), waited

    @fx.do
    def catching(task):
        try:
            yield fx.Gather(task)
        except fx.Cancelled:
            return "cancelled"

    assert run(main()) == (True, False, fx.Ok("cancelled")) and log[-1] == "closed"


def test_a_task_may_outlive_its_cancellation(run):
    @fx.do
    def stubborn():
        try:
            yield work("stubborn", 50)
        except fx.Cancelled:
            yield fx.Pause()
            return "anyway"

    @fx.do
    def main():
        task = yield fx.Spawn(stubborn())
        yield fx.Pause()
        yield fx.Cancel(task)
        return (yield fx.Gather(task))

    assert run(main()) == ["anyway"]


def test_a_task_cancelled_before_it_began_never_begins(run):
    @fx.do
    def main():
        task = yield fx.Spawn(work("never"))
        yield fx.Cancel(task)
        yield fx.Pause()
        return task.done, type(task.error)

    assert run(main()) == (True, fx.Cancelled) and log == []


def test_a_cancelled_task_has_turns_to_end(run):
    @fx.do
    def tidy():
        try:
            yield work("tidy", 50)
        finally:
            yield work("tidying", 10)
            log.append("tidied")

    @fx.do
    def main():
        yield fx.Spawn(tidy())
        yield fx.Pause()

    run(main())
    assert log[-1] == "tidied"


def test_who_is_cancelled_while_it_gathers_leaves_the_others_alone(run):
    @fx.do
    def waiting(task):
        yield fx.Gather(task)

    @fx.do
    def main():
        other = yield fx.Spawn(work("other", 3))
        waiter = yield fx.Spawn(waiting(other))
        yield fx.Pause()
        yield fx.Cancel(waiter)
        return (yield fx.Gather(other)), type(waiter.error)

    assert run(main()) == (["other"], fx.Cancelled)


def test_when_main_ends_the_rest_is_cancelled(run):
    closed = []

    @fx.do
    def endless(name):
        try:
            while True:
                yield fx.Pause()
        except BaseException as error:
            closed.append((name, type(error)))

    @fx.do
    def main():
        for name in "ab":
            yield fx.Spawn(endless(name))
        yield fx.Pause()
        return "main"

    assert run(main()) == "main" and sorted(closed) == [("a", fx.Cancelled), ("b", fx.Cancelled)]


def test_a_task_that_does_not_end_when_it_is_cancelled_is_closed_in_the_end(run):
    closed = []

    @fx.do
    def stubborn():
        while True:
            try:
                yield fx.Pause()
            except fx.Cancelled:
                closed.append("cancelled")
            except GeneratorExit:
                closed.append("closed")
                raise

    @fx.do
    def main():
        yield fx.Spawn(stubborn())
        yield fx.Pause()

    run(main())
    assert closed == ["cancelled", "closed"]


def test_stores_are_the_tasks_own():
    state, told = fx.State({"n": [0]}), fx.Writer()

    @fx.do
    def count(n):
        (yield fx.Get("n")).append(n)
        yield fx.Tell(n)
        yield fx.Pause()
        return list((yield fx.Get("n")))

    @fx.do
    def inside():
        tasks = [(yield fx.Spawn(count(1))), (yield fx.Spawn(count(2)))]
        shared = yield fx.Spawn(count(3), isolated=False)
        found = yield fx.Gather(*tasks, shared)
        return found, [task.items() for task in tasks], (yield fx.Get("n"))

    result = fx.run(fx.Tasks(fx.with_handlers([state, told], inside())))
    assert result == ([[0, 1], [0, 2], [0, 3]], [{"n": [0, 1]}, {"n": [0, 2]}], [0, 3])
    assert told.logs() == [3] and state.items() == {"n": [0, 3]}


def test_a_task_under_two_stores_shows_what_the_inner_one_holds():
    @fx.do
    def main():
        task = yield fx.Spawn(work("task", 0))
        yield fx.Gather(task)
        return task.items()

    outer, inner = fx.State({"a": "outer", "b": "outer"}), fx.State({"a": "inner"})
    assert fx.run(fx.Tasks(fx.WithHandler(outer, fx.WithHandler(inner, main())))) == {"a": "inner", "b": "outer"}


def test_what_stores_share_the_tasks_stores_share():
    shared = []

    @fx.do
    def task():
        return (yield fx.Get("x")) is (yield fx.Ask("x")), (yield fx.Get("x")) is shared

    @fx.do
    def main():
        return (yield fx.Gather((yield fx.Spawn(task()))))

    handlers = [fx.State({"x": shared}), fx.Reader({"x": shared})]
    assert fx.run(fx.Tasks(fx.with_handlers(handlers, main()))) == [(True, False)]


def test_handlers_outside_answer_tasks():
    state = fx.State({"n": 0})

    @fx.do
    def add():
        yield fx.Modify("n", lambda n: n + 1)

    @fx.do
    def main():
        yield fx.Gather((yield fx.Spawn(add())), (yield fx.Spawn(add())))

    run_tasks(main(), state)
    assert state.items() == {"n": 2}


def test_await_is_for_whatever_asyncio_awaits(run):
    async def later(value, fails=False):
        await asyncio.sleep(0.001)
        if fails:
            raise LookupError(value)
        return value

    @fx.do
    def main():
        first = yield fx.Await(later("x"))
        caught = yield fx.Try(fx.Await(later("y", True)))
        return first, type(caught.error), caught.error.args

    assert run(main()) == ("x", LookupError, ("y",))


def test_awaits_overlap(run):
    @fx.do
    def meet(here, all_here):
        here.append(1)
        if len(here) == 20:
            all_here.set()
        yield fx.Await(asyncio.wait_for(all_here.wait(), 10))

    @fx.do
    def main():
        here, all_here, tasks = [], asyncio.Event(), []
        for _ in range(20):
            tasks.append((yield fx.Spawn(meet(here, all_here))))
        yield fx.Gather(*tasks)
        return len(here)

    assert run(main()) == 20


async def done_future():
    future = asyncio.get_running_loop().create_future()
    future.set_result("done")
    return [future]


async def cancelled_future():
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    return [future]


def test_await_of_what_is_over(run):
    @fx.do
    def main():
        (done,) = yield fx.Await(done_future())
        result = yield fx.Await(done)
        (cancelled,) = yield fx.Await(cancelled_future())
        try:
            yield fx.Await(cancelled)
        except fx.Cancelled:
            return result

    assert run(main()) == "done"


async def patient(name):
    try:
        await asyncio.sleep(60)
    finally:
        for _ in range(5):
            await asyncio.sleep(0)
        log.append(name)


def test_cancelling_a_task_cancels_what_it_awaits(run):
    @fx.do
    def waiting():
        yield fx.Await(patient("patient"))

    @fx.do
    def main():
        task = yield fx.Spawn(waiting())
        yield fx.Await(asyncio.sleep(0))
        yield fx.Cancel(task)
        for _ in range(9):
            yield fx.Await(asyncio.sleep(0))
        return list(log)

    assert run(main()) == ["patient"]


def test_what_is_awaited_when_main_ends_has_its_time_to_end(run):
    @fx.do
    def waiting():
        yield fx.Await(patient("late"))

    @fx.do
    def main():
        yield fx.Spawn(waiting())
        yield fx.Await(asyncio.sleep(0))

    run(main())
    assert log == ["late"]


def test_what_a_task_awaits_that_does_not_end_is_cancelled(run):
    @fx.do
    def stubborn():
        while True:
            try:
                yield fx.Await(patient("again"))
            except fx.Cancelled:
                pass

    @fx.do
    def main():
        yield fx.Spawn(stubborn())
        yield fx.Await(asyncio.sleep(0))

    run(main())
    assert log == ["again"]


def test_cancelling_the_coroutine_cancels_the_program():
    closed = []

    @fx.do
    def endless():
        try:
            yield fx.Await(asyncio.sleep(60))
        finally:
            closed.append(1)

    async def main():
        task = asyncio.ensure_future(fx.run_async(endless()))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert closed == [1]


def test_a_semaphore_lets_so_many_in_first_come_first_served(run):
    places, inside, most = fx.Semaphore(2), [], []

    @fx.do
    def visit(n):
        yield fx.Acquire(places)
        inside.append(n)
        most.append(len(inside))
        log.append(n)
        yield fx.Pause()
        inside.remove(n)
        yield fx.Release(places)

    @fx.do
    def main():
        tasks = []
        for n in range(7):
            tasks.append((yield fx.Spawn(visit(n))))
        yield fx.Gather(*tasks)

    run(main())
    assert max(most) == 2 and log == list(range(7)) and places.places == 2
    with pytest.raises(ValueError, match="expected places >= 0, got -1"):
        fx.Semaphore(-1)


def test_who_is_cancelled_in_the_queue_of_a_semaphore_takes_no_place(run):
    places = fx.Semaphore(0)

    @fx.do
    def enter(name):
        yield fx.Acquire(places)
        log.append(name)

    @fx.do
    def main():
        first, second = (yield fx.Spawn(enter("first"))), (yield fx.Spawn(enter("second")))
        yield fx.Pause()
        yield fx.Cancel(first)
        yield fx.Release(places)
        yield fx.Gather(second)

    run(main())
    assert log == ["second"] and places.places == 0


def test_a_place_given_to_a_task_that_is_cancelled_before_its_turn_goes_to_the_next(run):
    places = fx.Semaphore(0)

    @fx.do
    def enter():
        yield fx.Acquire(places)
        return "in"

    @fx.do
    def main():
        first, second = (yield fx.Spawn(enter())), (yield fx.Spawn(enter()))
        yield fx.Pause()
        yield fx.Release(places)
        yield fx.Cancel(first)
        return (yield fx.Gather(second)), type(first.error)

    assert run(main()) == (["in"], fx.Cancelled) and places.places == 0


def test_a_place_that_was_taken_is_not_given_back_by_a_cancellation(run):
    places = fx.Semaphore(0)

    @fx.do
    def enter():
        yield fx.Acquire(places)
        yield work("in", 50)

    @fx.do
    def main():
        task = yield fx.Spawn(enter())
        yield fx.Pause()
        yield fx.Release(places)
        yield fx.Pause()
        yield fx.Cancel(task)
        yield fx.Pause()
        return task.done

    assert run(main()) is True and places.places == 0


def test_a_deadlock_is_an_error_in_the_program(run):
    places = fx.Semaphore(0)

    @fx.do
    def main():
        task = yield fx.Spawn(fx.Acquire(places))
        try:
            yield fx.Gather(task)
        except fx.Deadlock as error:
            return str(error)

    assert run(main()) == "2 tasks wait for each other, and nothing else is under way"


def test_tasks_are_what_is_expected(run):
    for effect in (fx.Gather(1), fx.Race(None), fx.Cancel("x")):
        with pytest.raises(TypeError, match="expected a Task, got"):
            run(effect)


def test_ten_thousand_tasks():
    places = fx.Semaphore(100)

    @fx.do
    def one(n):
        yield fx.Acquire(places)
        yield fx.Release(places)
        return n

    @fx.do
    def main(n):
        tasks = []
        for i in range(n):
            tasks.append((yield fx.Spawn(one(i))))
        return sum((yield fx.Gather(*tasks)))

    live = fx.stats()["live_fibers"]
    assert run_tasks(main(10_000)) == sum(range(10_000))
    assert fx.stats()["live_fibers"] <= live


def test_an_interrupt_ends_them_all():
    closed = []

    @fx.do
    def interrupting():
        yield fx.Pause()
        raise KeyboardInterrupt

    @fx.do
    def main():
        try:
            yield fx.Gather((yield fx.Spawn(interrupting())))
        finally:
            closed.append("main")

    with pytest.raises(KeyboardInterrupt):
        run_tasks(main())
    assert closed == ["main"]
