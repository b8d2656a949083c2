"""Programs as data: pickled and copied as the calls they are."""

import copy
import pickle

import pytest

from calque import effects as fx

from effects.bodies import counted, counting


class Class:
    @fx.do
    def method(self, n):
        return (yield fx.Pure(n)), type(self).__name__


def test_a_program_of_a_modules_function_is_pickled_as_a_call():
    program = pickle.loads(pickle.dumps(counted(2, fails=False)))
    assert fx.run(fx.WithHandler(fx.Writer(), program))[0] == 3
    assert pickle.loads(pickle.dumps(counting)) is counting
    assert fx.run(pickle.loads(pickle.dumps(Class().method(5)))) == (5, "Class")


def test_a_local_program_is_refused_by_pickle_and_copied():
    @fx.do
    def local(items, *, more):
        items.append(more)
        return items
        yield

    mine = [1]
    program = local(mine, more=2)
    with pytest.raises((AttributeError, pickle.PicklingError), match="local object"):
        pickle.dumps(program)
    assert fx.run(copy.deepcopy(program)) == [1, 2] and mine == [1]
    assert copy.deepcopy(local) is local


@fx.do
def renamed():
    return 1
    yield


def test_a_program_whose_name_means_another_function_now_is_refused(monkeypatch):
    program = renamed()
    monkeypatch.setitem(globals(), "renamed", fx.do(lambda: 2))
    with pytest.raises(pickle.PicklingError, match="not the same object"):
        pickle.dumps(program)
