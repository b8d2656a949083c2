"""Remote: programs run by other processes."""

import asyncio
import concurrent.futures
import os
import pickle

import pytest

from calque import effects as fx
from calque.effects import _remote

from effects.bodies import counted


class Unpicklable(Exception):
    def __init__(self):
        super().__init__("cannot leave")

    def __reduce__(self):
        raise TypeError("no")


@fx.do
def raising_what_cannot_leave():
    raise Unpicklable
    yield


@fx.do
def returning_what_cannot_leave():
    yield fx.Pure(1)
    return lambda: 1


class Future:
    """As distributed's, as far as that is used."""

    def __init__(self, future):
        self.future = future

    def add_done_callback(self, tell):
        self.future.add_done_callback(lambda future: tell(self))

    def result(self):
        return self.future.result()

    def cancel(self):
        self.future.cancel()


class Client:
    def __init__(self, executor):
        self.executor = executor

    def submit(self, function, *args, pure):
        return Future(self.executor.submit(function, *args))


@pytest.fixture(scope="module")
def client():
    with concurrent.futures.ProcessPoolExecutor(2) as executor:
        yield Client(executor)


def test_a_program_runs_in_another_process(client):
    log = fx.Writer()
    (n, pid) = fx.run(fx.with_handlers([log, fx.dask(client)], fx.Remote(counted(2))))
    assert n == 3 and pid != os.getpid() and log.logs() == ["added 2"]


def test_a_failure_comes_back_with_what_was_told(client):
    log = fx.Writer()
    result = fx.run(fx.with_handlers([log, fx.dask(client)], fx.Try(fx.Remote(counted(2, fails=True)))))
    assert isinstance(result.error, LookupError) and result.error.args == (2,) and log.logs() == ["added 2"]


@pytest.mark.parametrize("program, words", [
    (raising_what_cannot_leave(), "the program raised Unpicklable: cannot leave"), (returning_what_cannot_leave(), "returned what cannot be pickled")])
def test_what_cannot_be_pickled_says_so(client, program, words):
    with pytest.raises(fx.RemoteError, match=words):
        fx.run(fx.WithHandler(fx.dask(client), fx.Remote(program)))


def test_a_program_that_cannot_be_sent_is_an_error_at_the_effect(client):
    with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
        fx.run(fx.WithHandler(fx.dask(client), fx.Remote(fx.do(lambda: 1)())))


@fx.do
def three():
    tasks = []
    for n in (1, 2, 3):
        tasks.append((yield fx.Spawn(fx.Remote(counted(n)))))
    return [n for n, _ in (yield fx.Gather(*tasks))]


def test_tasks_wait_for_it_side_by_side(client):
    assert fx.run(fx.with_handlers([fx.Writer()], fx.Tasks(fx.WithHandler(fx.dask(client), three())))) == [2, 3, 4]


def test_cancelling_a_task_cancels_what_has_not_begun():
    class Never:
        def __init__(self):
            self.cancelled = False

        def add_done_callback(self, tell):
            pass

        def cancel(self):
            self.cancelled = True

    class Idle:
        future = Never()

        def submit(self, function, *args, pure):
            return self.future

    @fx.do
    def main():
        task = yield fx.Spawn(fx.Remote(counted(1)))
        yield fx.Await(_nothing())
        yield fx.Cancel(task)
        yield fx.Await(_nothing())
        return type(task.error)

    assert fx.run(fx.Tasks(fx.WithHandler(fx.dask(Idle()), main()))) is fx.Cancelled and Idle.future.cancelled


async def _nothing():
    pass


def test_an_answer_to_who_was_cancelled_is_dropped():
    class Late:
        def add_done_callback(self, tell):
            self.tell = tell

        def cancel(self):
            self.tell(self)

    problems = []

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: problems.append(context))
        late = Late()
        waiting = asyncio.ensure_future(_remote._result_of(late))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.sleep(0)

    asyncio.run(main())
    assert problems == []


def test_a_client_is_what_is_expected():
    with pytest.raises(TypeError, match="expected a distributed.Client, got int"):
        fx.dask(1)


@pytest.mark.no_leak_check(reason="a cluster starts in seconds, and keeps what it likes")
def test_on_a_cluster_of_dask():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster, distributed.Client(cluster) as client:
        log = fx.Writer()
        program = fx.WithHandler(fx.dask(client), three())
        assert fx.run(fx.WithHandler(log, fx.Tasks(program))) == [2, 3, 4]
        assert sorted(log.logs()) == ["added 1", "added 2", "added 3"]
        failed = fx.run(fx.with_handlers([log, fx.dask(client)], fx.Try(fx.Remote(counted(2, fails=True)))))
        assert isinstance(failed.error, LookupError)


def test_run_there_is_what_is_sent():
    assert pickle.loads(_remote.run_there(pickle.dumps(fx.Pure(5)))) == (5, None, [])
