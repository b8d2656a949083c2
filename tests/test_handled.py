"""support.handled has something for every file of handlers/, and it is copied as by stdlib, alone and in everything."""

import copy
import pathlib

import pytest

from support.handled import HANDLED, holding
from support.probes import outcome
from tests.fuzz.fingerprint import fingerprint

SOURCES = pathlib.Path(__file__).parent.parent / "handlers"


def test_every_handler_has_its_objects_here():
    assert {path.stem for path in SOURCES.glob("*.cpp")} - {"catalog", "native_walk", "explain_walk"} == set(HANDLED)
    atomic = {type(x) for x in HANDLED["atomic"]()}
    if hasattr(copy, "_atomic_types"):
        assert copy._atomic_types <= atomic
    else:
        assert {cls for cls, function in copy._deepcopy_dispatch.items() if function is copy._deepcopy_atomic} <= atomic


@pytest.mark.parametrize("handler", HANDLED)
def test_what_a_handler_copies(copier, handler):
    for x in HANDLED[handler]():
        for around in (x, [x], [x, x], (x, [1]), {"k": x}, holding(a=x)):
            expected = outcome(copy.deepcopy, around)
            found = outcome(copier.deepcopy, around)
            assert found[0] == expected[0] and (found[0] == "raised" or fingerprint(around, found[1]) == fingerprint(around, expected[1]))
