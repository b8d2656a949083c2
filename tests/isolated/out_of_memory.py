"""Fails the n-th allocation of a copy, for every n until it succeeds: MemoryError, never a crash. Run in a child process."""

import datetime

import _testcapi

import calque


class Plain:
    pass


class SetSub(set):
    pass


class Slots:
    __slots__ = ("a", "b")


class Hook:
    def __deepcopy__(self, memo):
        made = Hook()
        memo[id(self)] = made
        made.value = calque.deepcopy(self.value, memo)
        return made


class Reduced:
    def __reduce__(self):
        return list, ([1, [2]],), None, iter([[3]])


def shapes():
    plain, slots, hook, cycle = Plain(), Slots(), Hook(), []
    plain.a, plain.me = [1], plain
    slots.a, slots.b = [1], 2
    hook.value = [1]
    cycle.append((cycle, [1]))
    yield [1, [2, [3]]]
    yield {"a": [1], (1,): {}}
    yield ([1], (2, [3]))
    yield {1, (1, 2)}
    yield set(range(3))
    yield frozenset(range(100))
    yield {*range(100), (1, (2,))}
    yield SetSub(range(100))
    yield [plain, plain]
    yield [slots, slots]
    yield cycle
    yield [hook, hook]
    yield [Reduced(), [1]]
    yield [[[i] for i in range(100)]]
    yield {frozenset([(1, 2)]): [Plain()]}
    yield [datetime.datetime.now(datetime.timezone.utc)]


for function, shape in [*((calque.deepcopy, shape) for shape in shapes()), (calque.copy, set(range(3))), (calque.copy, set(range(100)))]:
    function(shape)
    for last in (False, True):
        n, copied = 0, False
        while not copied:
            n += 1
            assert n < 5000, "no end"
            _testcapi.set_nomemory(n) if last else _testcapi.set_nomemory(n, n + 1)
            try:
                function(shape)
                copied = True
            except MemoryError:
                pass
            finally:
                _testcapi.remove_mem_hooks()
        function(shape)
print("done")
