"""Tasks: Spawn, Gather, Race, Cancel, Await, semaphores; run by `Tasks(program)` or `await run_async(program)`.

The scheduler is a handler that never resumes. A task that performs one of the effects here ends its WithHandler, for the handler returns; the continuation
is kept, in the task, and the loop below goes on with the next one that is ready, by a Resume of what it kept. So nothing is nested in anything, and a
switch costs what an effect costs.

    ready     [(task, what to resume it with), ...]          a deque: put at the end, taken from the front
    parked    a task in no queue: whoever it waits for has it in a list of waiters

A wait is an object (`_Wait`) that counts down and is over once. A task that is cancelled while it waits leaves its wait behind, which
then settles for nobody: so nothing is ever searched for and removed. Gathering n tasks costs n.

Each task has *stores of its own*: it runs under the handlers in force where it was spawned, and of those, State, Reader and Writer are
deep-copied, with one memo. Handlers in Python are shared.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Generator
from typing import Any

from .._effects import (
    Continuation,
    Effect,
    GetHandlers,
    Resume,
    ResumeThrow,
    State,
    Transfer,
    TypedHandler,
    WithHandler,
    do,
    run,
)
from ._choices import copies_of_native


class Cancelled(BaseException):
    """Raised in a task at the effect it waits for, when it is cancelled; and in those that gather it."""


class Deadlock(RuntimeError):
    """All tasks wait, and nothing can happen that would wake one."""


class Spawn(Effect):
    """Effect: a new Task that runs `program` from now on, beside the task that performs this.

    isolated: State, Reader and Writer in force here are deep-copied for it; else it has the same ones.
    """

    program: Any
    isolated: bool = True


class Gather(Effect):
    """Effect: the results of the tasks, a list in their order, when all have ended. The first one that fails raises here; the others go on."""

    tasks: Any

    def __init__(self, *tasks: Task) -> None:
        self.tasks = tasks


class Race(Effect):
    """Effect: the result of the task that ends first, or its exception; the others are cancelled."""

    tasks: Any

    def __init__(self, *tasks: Task) -> None:
        self.tasks = tasks


class Cancel(Effect):
    """Effect: the task is cancelled: it raises Cancelled where it waits. Evaluates to whether it had not ended yet."""

    task: Any


class Pause(Effect):
    """Effect: the other tasks that are ready have their turn."""


class Await(Effect):
    """Effect: what an awaitable of asyncio comes to. Other tasks run meanwhile."""

    awaitable: Any


class Acquire(Effect):
    """Effect: one of the semaphore's places, when there is one. First come, first served."""

    semaphore: Any


class Release(Effect):
    """Effect: gives a place of the semaphore back."""

    semaphore: Any


class Semaphore:
    """So many places; tasks perform Acquire(semaphore) and Release(semaphore)."""

    def __init__(self, places: int) -> None:
        if places < 0:
            raise ValueError(f"expected places >= 0, got {places}")
        self.places = places
        self._waits: deque[_Wait] = deque()

    def __repr__(self) -> str:
        return f"<Semaphore with {self.places} places free>"


class _Wait:
    """What a task waits for."""

    __slots__ = ("abandon", "missing", "task")

    def __init__(self, task: Task, missing: int = 1) -> None:
        self.task = task
        self.missing = missing
        self.abandon: Callable[[], object] | None = None  # to be called when the task is cancelled

    @property
    def over(self) -> bool:
        return self.task._wait is not self


class Task:
    """A program that runs beside others. `Gather(task)` waits for it."""

    def __init__(self, program: Any, stores: list[State]) -> None:
        self._start: Any = program
        self._k: Continuation | None = None
        self._wait: _Wait | None = None
        self._cancelled = False
        self._give_back: Callable[[], None] | None = None  # what it was woken with, if it is cancelled before it has its turn
        self._on_end: list[Callable[[Task], None]] = []
        self._stores = stores
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None

    def items(self) -> dict[Any, Any]:
        """What the task's own State holds: where there are several, the inner ones win."""
        found: dict[Any, Any] = {}
        for store in self._stores:
            found.update(store.items())
        return found

    def __repr__(self) -> str:
        state = "running" if not self.done else "done" if self.error is None else f"failed: {self.error!r}"
        return f"<Task, {state}>"


_PARKED = object()
_LAST_TURNS = 100  # of a cancelled task, when the main one has ended


class _Scheduler:
    def __init__(self, program: Any) -> None:
        self.ready: deque[tuple[Task, Any, BaseException | None]] = deque()
        self.awaited: set[asyncio.Future[Any]] = set()
        self.woken: Callable[[], None] | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.running: Task | None = None
        self.parked: dict[Task, None] = {}
        self.handler = TypedHandler((Spawn, Gather, Race, Cancel, Pause, Await, Acquire, Release), self.serve)
        self.main = self.add(program, [])

    # -- tasks

    def add(self, program: Any, stores: list[State]) -> Task:
        task = Task(WithHandler(self.handler, program), stores)
        self.ready.append((task, None, None))
        return task

    def wake(self, wait: _Wait, value: Any, error: BaseException | None = None) -> None:
        task = wait.task
        task._wait = None
        self.parked.pop(task, None)
        self.ready.append((task, value, error))
        if self.woken is not None:
            self.woken()

    def park(self, k: Continuation, missing: int = 1) -> _Wait:
        task = self.running
        assert task is not None
        task._k = k
        task._wait = _Wait(task, missing)
        self.parked[task] = None
        return task._wait

    def end(self, task: Task, result: Any, error: BaseException | None) -> None:
        task.done, task.result, task.error = True, result, error
        on_end, task._on_end = task._on_end, []
        for tell in on_end:
            tell(task)

    @do
    def step(self) -> Generator[Any, Any, None]:
        """The first task that is ready, up to where it waits or ends."""
        task, value, error = self.ready.popleft()
        self.running = task
        give_back, task._give_back = task._give_back, None
        if task._cancelled:
            task._cancelled, value, error = False, None, Cancelled()
            if give_back is not None:
                give_back()
        start, k = task._start, task._k
        task._start = task._k = None
        try:
            if k is not None:
                result = yield Resume(k, value) if error is None else ResumeThrow(k, error)
            elif error is not None:
                raise error
            else:
                result = yield start
        except (Exception, Cancelled) as failure:
            self.end(task, None, failure)
        else:
            if result is not _PARKED:
                self.end(task, result, None)
        finally:
            self.running = None

    @do
    def burst(self) -> Generator[Any, Any, None]:
        """Until no task is ready, or the main one has ended."""
        while self.ready and not self.main.done:
            yield self.step()

    @do
    def cancel_the_rest(self) -> Generator[Any, Any, None]:
        """Each task that has not ended is cancelled, once, and has some turns to end. One that goes on all the same is dropped."""
        tasks = [*self.parked, *(task for task, _, _ in self.ready)]
        for task in tasks:
            self.cancel(task)
        turns = _LAST_TURNS * len(tasks)
        while self.ready and turns > 0:
            yield self.step()
            turns -= 1
        self.drop()

    def drop(self) -> None:
        """Gives all tasks up: their generators are closed."""
        tasks = [*self.parked, *(task for task, _, _ in self.ready)]
        self.parked.clear()
        self.ready.clear()
        for task in tasks:
            task._k = task._start = None
            if task._wait is not None and task._wait.abandon is not None:
                task._wait.abandon()

    def wake_main(self, error: BaseException) -> None:
        wait = self.main._wait
        assert wait is not None
        self.wake(wait, None, error)

    def outcome(self) -> Any:
        if self.main.error is not None:
            raise self.main.error
        return self.main.result

    # -- effects

    def serve(self, effect: Any, k: Continuation) -> Any:
        if isinstance(effect, Spawn):
            return self.spawn(effect, k)
        if isinstance(effect, Gather):
            return self.gather(effect, k)
        if isinstance(effect, Race):
            return self.race(effect, k)
        if isinstance(effect, Cancel):
            return Transfer(k, self.cancel(_task(effect.task)))
        if isinstance(effect, Pause):
            self.wake(self.park(k), None)
            return _PARKED
        if isinstance(effect, Await):
            return self.wait_for(effect, k)
        if isinstance(effect, Acquire):
            return self.acquire(effect.semaphore, k)
        self.release(effect.semaphore)
        return Transfer(k)

    @do
    def spawn(self, effect: Spawn, k: Continuation) -> Generator[Any, Any, Any]:
        handlers = (yield GetHandlers(k))[:-1]  # the last one is the scheduler's
        if effect.isolated:
            handlers = copies_of_native(handlers)
        program = effect.program
        for handler in handlers:
            program = WithHandler(handler, program)
        stores = [handler for handler in handlers if isinstance(handler, State)]
        return (yield Resume(k, self.add(program, stores[::-1])))

    def gather(self, effect: Gather, k: Continuation) -> Any:
        tasks = [_task(task) for task in effect.tasks]
        failed = next((task for task in tasks if task.done and task.error is not None), None)
        if failed is not None:
            raise failed.error  # type: ignore[misc]
        left = [task for task in tasks if not task.done]
        if not left:
            return Transfer(k, [task.result for task in tasks])
        wait = self.park(k, len(left))

        def ended(task: Task) -> None:
            if wait.over:
                return
            wait.missing -= 1
            if task.error is not None:
                self.wake(wait, None, task.error)
            elif wait.missing == 0:
                self.wake(wait, [task.result for task in tasks])

        for task in left:
            task._on_end.append(ended)
        return _PARKED

    def race(self, effect: Race, k: Continuation) -> Any:
        tasks = list(dict.fromkeys(_task(task) for task in effect.tasks))
        if not tasks:
            raise ValueError("Race() of no tasks would wait for ever")

        def cancel_others(winner: Task) -> None:
            for task in tasks:
                if task is not winner:
                    self.cancel(task)

        winner = next((task for task in tasks if task.done), None)
        if winner is not None:
            cancel_others(winner)
            if winner.error is not None:
                raise winner.error
            return Transfer(k, winner.result)
        wait = self.park(k)

        def ended(task: Task) -> None:
            if not wait.over:
                self.wake(wait, task.result, task.error)
                cancel_others(task)

        for task in tasks:
            task._on_end.append(ended)
        return _PARKED

    def cancel(self, task: Task) -> bool:
        if task.done:
            return False
        wait = task._wait
        if wait is not None:
            self.wake(wait, None, Cancelled())
            if wait.abandon is not None:
                wait.abandon()
        else:
            task._cancelled = True  # it is ready, or runs and will wait
        return True

    def wait_for(self, effect: Await, k: Continuation) -> Any:
        if self.loop is None:
            self.loop = asyncio.new_event_loop()
        future = asyncio.ensure_future(effect.awaitable, loop=self.loop)
        wait = self.park(k)
        wait.abandon = future.cancel
        self.awaited.add(future)

        def ended(future: asyncio.Future[Any]) -> None:
            self.awaited.discard(future)
            if wait.over:
                return
            if future.cancelled():
                self.wake(wait, None, Cancelled())
            else:
                error = future.exception()
                self.wake(wait, None if error is not None else future.result(), error)

        future.add_done_callback(ended)
        return _PARKED

    def acquire(self, semaphore: Semaphore, k: Continuation) -> Any:
        if semaphore.places > 0:
            semaphore.places -= 1
            return Transfer(k)
        semaphore._waits.append(self.park(k))
        return _PARKED

    def release(self, semaphore: Semaphore) -> None:
        waits = semaphore._waits
        while waits:
            wait = waits.popleft()
            if not wait.over:
                wait.task._give_back = lambda: self.release(semaphore)
                self.wake(wait, None)
                return
        semaphore.places += 1

    # -- asyncio

    async def end_awaits(self) -> None:
        """What was cancelled has its time to end."""
        await asyncio.gather(*self.awaited, return_exceptions=True)

    def deadlock(self) -> Deadlock:
        return Deadlock(f"{len(self.parked)} tasks wait for each other, and nothing else is under way")

    async def sleep(self) -> None:
        """Until a task is ready."""
        woken = asyncio.Event()
        self.woken = woken.set
        try:
            if not self.ready:
                await woken.wait()
        finally:
            self.woken = None


def _task(x: Any) -> Task:
    if not isinstance(x, Task):
        raise TypeError(f"expected a Task, got {type(x).__name__}")
    return x


@do
def Tasks(program: Any) -> Generator[Any, Any, Any]:
    """Run a program that performs Spawn, Gather and the like, and the tasks it spawns, in turn, in this thread.

    Effects that are not a scheduler's leave it. While all tasks wait for awaitables, an event loop of its own runs; where one runs
    already, use `run_async`.

    Returns:
        What the program returns. Tasks that have not ended by then are cancelled.

    Raises:
        What the program raises.
        Deadlock: raised in the program, where all wait for each other.
    """
    scheduler = _Scheduler(program)
    try:
        while not scheduler.main.done:
            yield scheduler.burst()
            if scheduler.main.done:
                break
            if not scheduler.awaited:
                scheduler.wake_main(scheduler.deadlock())
            else:
                scheduler.loop.run_until_complete(scheduler.sleep())  # type: ignore[union-attr]
        yield scheduler.cancel_the_rest()
    finally:
        scheduler.drop()  # what is left when this is given up, or an interrupt comes
        if scheduler.loop is not None:
            scheduler.loop.run_until_complete(scheduler.end_awaits())
            scheduler.loop.run_until_complete(scheduler.loop.shutdown_asyncgens())
            scheduler.loop.close()
    return scheduler.outcome()


async def run_async(program: Any) -> Any:
    """The same from a coroutine: Await is for awaitables of the event loop that runs. The program has to bring its handlers.

    Cancelling the coroutine cancels the program.
    """
    scheduler = _Scheduler(program)
    scheduler.loop = asyncio.get_running_loop()
    try:
        while not scheduler.main.done:
            run(scheduler.burst())
            if scheduler.main.done:
                break
            if not scheduler.awaited:
                scheduler.wake_main(scheduler.deadlock())
            else:
                await scheduler.sleep()
    finally:
        run(scheduler.cancel_the_rest())
        await scheduler.end_awaits()
    return scheduler.outcome()
