"""Threads for tests: begun together, ended together, their errors brought home."""

import os
import threading
import time

# Seconds for each test that goes on until its time is up; `make stress` gives it more.
SECONDS = float(os.environ.get("CALQUE_TEST_SECONDS", "0.1"))


def in_threads(count, function):
    """Runs function(i) in `count` threads that begin together; the first error is raised here."""
    barrier = threading.Barrier(count)
    results, errors = [None] * count, []

    def work(i):
        barrier.wait()
        try:
            results[i] = function(i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


class Meanwhile:
    """with Meanwhile(f, g): f() and g() are called again and again in threads of their own while the block runs."""

    def __init__(self, *functions):
        self.stop = threading.Event()
        self.errors = []
        self.calls = 0
        self.threads = [threading.Thread(target=self.repeat, args=(function,)) for function in functions]

    def repeat(self, function):
        try:
            while not self.stop.is_set():
                function()
                self.calls += 1
        except BaseException as error:
            self.errors.append(error)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        if self.errors:
            raise self.errors[0]


def for_a_while(seconds=None):
    """Yields 0, 1, 2 ... until the time is up, twice at least."""
    end = time.monotonic() + (SECONDS if seconds is None else seconds)
    i = 0
    while i < 2 or time.monotonic() < end:
        yield i
        i += 1
