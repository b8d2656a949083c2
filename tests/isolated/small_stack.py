"""Chains of containers, copied by hooks nested as deep as they can be, on a thread's stack of so many KiB: argv[1]."""

import sys
import threading

import calque


class Link:
    def __init__(self, next):
        self.next = next


class Hooked:
    def __deepcopy__(self, memo):
        for chain in CHAINS:
            calque.deepcopy(chain)
        return calque.deepcopy(Hooked())


def chain(make):
    x = []
    for _ in range(300):
        x = make(x)
    return x


CHAINS = [chain(Link), chain(lambda x: [x]), chain(lambda x: (x,)), chain(lambda x: {"next": x})]
for one in CHAINS:
    calque.deepcopy(one)  # plans are made


def run():
    try:
        calque.deepcopy(Hooked())
    except RecursionError:
        print("RecursionError")


sys.setrecursionlimit(1_000_000)
threading.stack_size(int(sys.argv[1]) * 1024)
thread = threading.Thread(target=run)
thread.start()
thread.join()
