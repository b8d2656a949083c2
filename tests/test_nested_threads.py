"""Copies in several threads: of one source, with one memo, and while another thread changes what is copied."""

import threading

import pytest
from support.memos import Plain
from support.threads import in_threads


@pytest.mark.no_leak_check(reason="each thread leaves memory of the C library behind")
def test_threads_that_copy_one_source_get_a_copy_each(copier, quick_switches):
    class Hook:
        def __deepcopy__(self, memo):
            for _ in range(20):
                pass
            return [copier.deepcopy(shared, memo)]

    shared = [[i] for i in range(100)]
    x = [shared, {"k": shared}, Hook(), (shared, [1]), Plain(), Hook()]
    x[4].a = shared
    results = in_threads(4, lambda i: [copier.deepcopy(x) for _ in range(20)])
    for copied in (copied for made in results for copied in made):
        assert copied[0] is copied[1]["k"] is copied[2][0] is copied[3][0] is copied[4].a is copied[5][0]
        assert copied[0] == shared
    assert len({id(copied[0]) for made in results for copied in made}) == 80


@pytest.mark.no_leak_check(reason="each thread leaves memory of the C library behind")
def test_a_memo_passed_to_another_thread_works_there(copier):
    shared, other = [1], [2]

    class Hook:
        def __deepcopy__(self, memo):
            results = []
            thread = threading.Thread(target=lambda: results.append(copier.deepcopy([shared, other], memo)))
            thread.start()
            thread.join()
            return results[0]

    copied = copier.deepcopy([shared, Hook(), other, shared])
    assert copied[1][0] is copied[0] is copied[3]
    assert copied[1][1] is copied[2]


@pytest.mark.no_leak_check(reason="each thread leaves memory of the C library behind")
def test_a_memo_kept_by_a_hook_is_used_by_another_thread_after_the_call(copier):
    kept = []

    class Hook:
        def __deepcopy__(self, memo):
            kept.append(memo)
            return None

    shared = [1]
    copied = copier.deepcopy([shared, Hook()])
    results = in_threads(1, lambda i: copier.deepcopy([shared], kept[0]))
    assert results[0][0] is copied[0]


@pytest.mark.no_leak_check(reason="each thread leaves memory of the C library behind")
def test_a_write_by_another_thread_while_a_hook_waits_is_honoured(copier):
    later = [2]

    class Hook:
        def __deepcopy__(self, memo):
            thread = threading.Thread(target=memo.__setitem__, args=(id(later), "instead"))
            thread.start()
            thread.join()
            return None

    assert copier.deepcopy([[1], Hook(), later]) == [[1], None, "instead"]


@pytest.mark.no_leak_check(reason="each thread leaves memory of the C library behind")
def test_copies_that_wait_for_each_other_in_hooks_end(copier):
    barrier = threading.Barrier(2, timeout=60)

    class Meets:
        def __reduce__(self):
            barrier.wait()
            return str, ("met",)

    def work(i):
        shared = [i]
        return copier.deepcopy([shared, Meets(), [shared], Meets(), shared])

    for i, copied in enumerate(in_threads(2, work)):
        assert copied == [[i], "met", [[i]], "met", [i]]
        assert copied[0] is copied[2][0] is copied[4]


@pytest.mark.no_leak_check(reason="each thread leaves memory of the C library behind")
def test_a_copy_begun_in_one_thread_with_a_memo_used_in_two(copier):
    """Two copies write to one dict by turns."""
    barrier = threading.Barrier(2, timeout=60)
    memo = {}

    class Meets:
        def __deepcopy__(self, memo):
            barrier.wait()
            return None

    shared = [1]
    results = in_threads(2, lambda i: copier.deepcopy([[shared] if i else shared, Meets(), [i], Meets()], memo))
    assert results[0][2:] == [[0], None]
    assert results[1][2:] == [[1], None]


@pytest.mark.no_leak_check(reason="each thread leaves memory of the C library behind")
def test_threads_with_big_copies_end_without_harm(copier, quick_switches):
    x = {i: [[i], {"k": (i, [i])}] for i in range(2000)}
    for copied in in_threads(4, lambda i: copier.deepcopy(x)):
        assert copied == x


@pytest.mark.no_leak_check(reason="each thread leaves memory of the C library behind")
def test_a_list_that_another_thread_changes_is_copied_without_harm(copier, quick_switches):
    x = [[i] for i in range(2000)]
    stop = threading.Event()

    def change():
        while not stop.is_set():
            x.append(x.pop(0))
            x[len(x) // 2] = [x[0][0]]

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(10):
            copied = copier.deepcopy(x)
            assert all(type(obj) is list and len(obj) == 1 for obj in copied)
    finally:
        stop.set()
        thread.join()


@pytest.mark.no_leak_check(reason="each thread leaves memory of the C library behind")
def test_a_daemon_thread_blocked_in_a_hook_does_not_stop_the_others(copier):
    release = threading.Event()
    done = []

    class Blocks:
        def __reduce__(self):
            started.set()
            release.wait(60)
            return str, ("released",)

    started = threading.Event()
    thread = threading.Thread(target=lambda: done.append(copier.deepcopy([[1], Blocks(), [2]])))
    thread.start()
    started.wait(60)
    for i in range(100):
        assert copier.deepcopy([[i], {"k": [i]}]) == [[i], {"k": [i]}]
    release.set()
    thread.join()
    assert done == [[[1], "released", [2]]]
