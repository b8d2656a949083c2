"""Time zones of the standard library, and times with and without them."""

import copy
import copyreg
import datetime
import sys

import pytest

from support.probes import Hook, outcome

HOUR = datetime.timedelta(hours=1)


class Offset(datetime.timedelta):
    def __deepcopy__(self, memo):
        return self.result


class Name(str):
    def __deepcopy__(self, memo):
        return self.result


def odd(kind, value, result):
    x = kind(value) if kind is Name else kind(hours=value)
    x.result = result
    return x


ZONES = {
    "utc": lambda: datetime.timezone.utc,
    "offset": lambda: datetime.timezone(HOUR),
    "negative": lambda: datetime.timezone(-HOUR),
    "named": lambda: datetime.timezone(HOUR, "name"),
    "named zero": lambda: datetime.timezone(datetime.timedelta(0), "zero"),
}


@pytest.mark.parametrize("make", ZONES.values(), ids=ZONES)
def test_a_zone_and_what_it_leaves_in_a_memo(copier, make):
    x = make()
    y, again = copier.deepcopy([x, x])
    assert y is again and y == x and y.__getinitargs__() == x.__getinitargs__()
    assert (y is x) == (x is datetime.timezone.utc)
    assert repr(y) == repr(x)
    mine, theirs = {}, {}
    copier.deepcopy([x], mine)
    copy.deepcopy([x], theirs)
    assert [type(value) for value in mine.values()] == [type(value) for value in theirs.values()]


def test_the_offset_of_a_zone_is_shared_like_any_object(copier):
    offset = datetime.timedelta(hours=3)
    for x in ([datetime.timezone(offset, "n"), offset], [offset, datetime.timezone(offset)]):
        y = copier.deepcopy(x)
        zone, copied = sorted(y, key=lambda item: isinstance(item, datetime.timedelta))
        assert zone.utcoffset(None) is copied and copied is not offset


@pytest.mark.parametrize("result", [HOUR, None, 5, datetime.timedelta(days=2), datetime.timedelta(0)], ids=repr)
def test_offsets_with_a_hook_of_their_own(copier, result):
    x = datetime.timezone(odd(Offset, 2, result))
    named = datetime.timezone(odd(Offset, 2, result), "n")
    for zone in (x, named):
        assert outcome(copier.deepcopy, [zone]) == outcome(copy.deepcopy, [zone])
    if result == datetime.timedelta(0):
        assert copier.deepcopy(x) is datetime.timezone.utc


@pytest.mark.parametrize("result", ["other", None, 5], ids=repr)
def test_names_with_a_hook_of_their_own(copier, result):
    x = datetime.timezone(HOUR, odd(Name, "n", result))
    mine, theirs = outcome(copier.deepcopy, [x]), outcome(copy.deepcopy, [x])
    assert mine == theirs
    if mine[0] == "result":
        assert mine[1][0].tzname(None) == result


def test_a_hook_that_ends_the_iteration(copier):
    class Ends(datetime.timedelta):
        def __deepcopy__(self, memo):
            raise StopIteration

    assert outcome(copier.deepcopy, datetime.timezone(Ends(hours=1))) == ("raised", RuntimeError, "generator raised StopIteration")


@pytest.mark.parametrize("make", ZONES.values(), ids=ZONES)
def test_moments_share_their_zone(copier, make):
    zone = make()
    x = [datetime.datetime(2024, 5, 6, 7, 8, 9, 10, tzinfo=zone, fold=1), datetime.time(1, 2, 3, 4, tzinfo=zone, fold=1)]
    y = copier.deepcopy(x)
    assert y == x and y[0] is not x[0] and y[1] is not x[1]
    assert y[0].tzinfo is y[1].tzinfo and (y[0].fold, y[1].fold) == (1, 1)


def test_moments_without_a_zone(copier):
    for x in (datetime.datetime.min, datetime.datetime.max, datetime.datetime(2024, 5, 6, fold=1), datetime.time.max,
              datetime.time(0, fold=1), datetime.datetime(2024, 5, 6, 7, 8, 9, 123456)):
        hash(x)
        y, again = copier.deepcopy([x, x])
        assert y is again and y is not x
        assert (y, y.fold, y.tzinfo, hash(y), repr(y)) == (x, x.fold, None, hash(x), repr(x))
        assert sys.getsizeof(y) == sys.getsizeof(x)
        assert y.replace(tzinfo=datetime.timezone.utc).tzinfo is datetime.timezone.utc


def test_utc_does_not_hide_what_is_shared(copier):
    shared = [1]
    x = (datetime.timezone.utc, [shared, datetime.timezone.utc], (datetime.timezone.utc, shared), (datetime.timezone.utc,))
    y = copier.deepcopy([x, x])
    assert y[0] is y[1] and y[0][1][0] is y[0][2][1] and y[0][3] is x[3]


def test_a_hook_sees_the_zone_in_the_memo(copier):
    seen = []
    zone = datetime.timezone(HOUR)
    y = copier.deepcopy([zone, datetime.timezone.utc, Hook("h", [], lambda self, memo: seen.append(dict(memo)) or self)])
    assert seen[0][id(zone)] is y[0]
    assert seen[0][id(datetime.timezone.utc)] is datetime.timezone.utc


def test_copyreg_entries_of_zones_count(copier, monkeypatch):
    x = datetime.timezone(HOUR)
    assert copier.deepcopy([x]) == [x]
    monkeypatch.setitem(copyreg.dispatch_table, datetime.timezone, lambda x: (str, ("copyreg",)))
    assert copier.deepcopy([x]) == ["copyreg"]
