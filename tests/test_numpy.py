"""numpy's arrays and scalars: calque.plugins.numpy beside the standard library, with the same numpy.

What an array without objects comes to; those with objects are in test_numpy_objects.py.
"""

import collections
import copy
import gc
import os
import subprocess
import sys
import tracemalloc
import warnings

import pytest

np = pytest.importorskip("numpy")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from support import arrays, isolated  # noqa: E402
from support.arrays import DTYPES, LAYOUTS, PLAIN_BYTES, described, filled  # noqa: E402
from support.numpy_plugin import plugin  # noqa: E402, F401
from support.probes import Hook, outcome, raised  # noqa: E402

pytestmark = pytest.mark.usefixtures("plugin")

SCALARS_ARE_THEIR_OWN_COPIES = tuple(map(int, np.__version__.split(".")[:2])) >= (2, 4)
SCALARS = [
    np.bool_(True), np.int8(-1), np.uint8(1), np.int16(2), np.uint16(3), np.intc(4), np.uintc(5), np.int_(6), np.uint(7), np.longlong(8),
    np.ulonglong(9), np.float16(0.5), np.float32(1.5), np.float64(2.5), np.longdouble(3.5), np.complex64(1j), np.complex128(2j),
    np.clongdouble(3j), np.str_("text"), np.bytes_(b"bytes"), np.datetime64("2000-01-02"), np.datetime64("NaT", "D"), np.timedelta64(5, "D"),
]


def made(dtype, name):
    return LAYOUTS[name](lambda shape: filled(shape, dtype))


# ---- arrays --------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_layout_flags_and_elements_are_numpys(copier, dtype, name):
    x = made(dtype, name)
    before = described(x)
    for function, numpys in ((copier.deepcopy, copy.deepcopy), (copier.copy, copy.copy)):
        expected = numpys(x)
        y = function(x)
        assert described(y) == described(expected)
        assert y.flags.owndata and y.base is None and y.flags.writeable
        assert x.size == 0 or not np.shares_memory(x, y)
    assert described(x) == before


def test_in_containers_as_alone(copier):
    x = {name: [made("f8", name), (made("i4", name), name)] for name in LAYOUTS}
    y = copier.deepcopy(x)
    assert list(y) == list(x)
    for name, (first, (second, label)) in y.items():
        assert label == name
        assert described(first) == described(copy.deepcopy(x[name][0]))
        assert described(second) == described(copy.deepcopy(x[name][1][0]))


@pytest.mark.parametrize("dtype", ["S0", "U0", "V0", [], np.dtype([("a", "U0"), ("b", "i4")])], ids=str)
@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3)], ids=str)
def test_dtypes_without_size(copier, dtype, shape):
    x = np.ndarray(shape, dtype, bytearray(64))
    for function, numpys in ((copier.deepcopy, copy.deepcopy), (copier.copy, copy.copy)):
        assert outcome(lambda function=function: described(function(x))) == outcome(lambda numpys=numpys: described(numpys(x)))


@pytest.mark.parametrize("size", [PLAIN_BYTES - 1, PLAIN_BYTES, PLAIN_BYTES + 1, 5_000_000])
@pytest.mark.parametrize("order", "CF")
def test_large_arrays(copier, size, order):
    x = filled((1, size), "B").copy(order)
    y = copier.deepcopy([x])[0]
    assert described(y) == described(copy.deepcopy(x))
    assert not np.shares_memory(x, y)


def test_a_dtype_with_metadata_is_shared(copier):
    dtype = np.dtype("f8", metadata={"unit": "m"})
    x = np.zeros(3, dtype)
    assert (copier.deepcopy(x).dtype is x.dtype) == (copy.deepcopy(x).dtype is x.dtype)
    assert copier.deepcopy(x).dtype.metadata == {"unit": "m"}


def test_counts_of_references_to_what_arrays_share_stay(copier):
    dtype = np.dtype("f8", metadata={"unit": "m"})
    x = [np.zeros((2, 2), dtype) for _ in range(20)]
    shared = dtype, arrays.default_allocator()
    before = [sys.getrefcount(each) for each in shared]
    copies = [copier.deepcopy(x) for _ in range(20)]
    assert [sys.getrefcount(each) for each in shared] == [count + 400 for count in before]
    del copies
    assert [sys.getrefcount(each) for each in shared] == before


@pytest.mark.skipif(not hasattr(np, "dtypes") or not hasattr(np.dtypes, "StringDType"), reason="numpy 2 has strings of any length")
def test_strings_of_any_length(copier):
    x = np.array(["a", "b" * 100, ""], np.dtypes.StringDType())
    for function in (copier.deepcopy, copier.copy):
        y = function(x)
        assert y.dtype == x.dtype and y.tolist() == x.tolist()
        x[1] = "c" * 50
        assert y[1] == "b" * 100
        x[1] = "b" * 100


def test_writes_to_one_do_not_reach_the_other(copier):
    x = [np.zeros(4), np.zeros((2, 2))[:, 0]]
    y = copier.deepcopy(x)
    for array in y:
        array[...] = 1
    assert [array.sum() for array in x] == [0, 0]
    assert [array.sum() for array in y] == [4, 2]


def test_a_copy_can_be_resized_and_pickled_and_exports_its_buffer(copier):
    x = filled((3,), "f8")
    y = copier.deepcopy(x)
    assert bytes(memoryview(y)) == bytes(memoryview(x))
    y.resize((5,), refcheck=False)
    assert y[3:].tolist() == [0, 0]
    again = copier.deepcopy(y)
    y.resize((100_000,), refcheck=False)
    y.resize((2,), refcheck=False)
    assert y.tolist() == x[:2].tolist() and again.shape == (5,)


# ---- the memo ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("dtype", ["f8", "V3", "O"])
def test_an_array_met_twice_has_one_copy(copier, dtype):
    x = filled((3,), dtype)
    y = copier.deepcopy([x, {"again": x}, (x,)])
    assert y[0] is y[1]["again"] is y[2][0] is not x


def test_views_of_one_base_are_copied_apart(copier):
    base = filled((4, 4), "f8")
    x = [base, base[1:], base[1:], base.T]
    y = copier.deepcopy(x)
    assert all(array.base is None for array in y)
    assert not any(np.shares_memory(a, b) for i, a in enumerate(y) for b in y[i + 1:])
    assert [array.tolist() for array in y] == [array.tolist() for array in x]


@pytest.mark.parametrize("dtype", ["f8", "V3", "O"])
@pytest.mark.parametrize("make_memo", [dict, lambda: {1: "one"}, collections.UserDict, type("Sub", (dict,), {})],
                         ids=["dict", "preset", "UserDict", "subclass"])
def test_a_memo_of_the_callers_holds_what_stdlibs_holds(copier, dtype, make_memo):
    x = [filled((2,), dtype)]
    x.append(x[0])

    def entries(deepcopy):
        memo = make_memo()
        y = deepcopy(x, memo)
        names = {id(x): "x", id(x[0]): "array", id(memo): "memo", 1: 1, **({id(child): "child" for child in x[0]} if dtype == "O" else {})}
        assert memo[id(x[0])] is y[0] is y[1]
        assert memo[id(memo)][-1] is x
        return [(names[key], type(value)) for key, value in memo.items()], [names[id(kept)] for kept in memo[id(memo)]]

    assert entries(copier.deepcopy) == entries(copy.deepcopy)


def test_a_memo_that_knows_the_array_has_its_copy(copier):
    x = np.zeros(3)
    assert copier.deepcopy([x], {id(x): "known"}) == ["known"]
    assert copier.deepcopy(x, {id(x): "known"}) == "known"


def test_hooks_see_arrays_in_the_memo(copier):
    x = [np.zeros(3), np.zeros((2, 2))[::2, ::2], Hook("hook", [], lambda self, memo: [memo[id(x[0])], memo[id(x[1])]])]
    y = copier.deepcopy(x)
    assert y[2][0] is y[0] and y[2][1] is y[1]


def test_an_array_that_only_the_list_held_is_kept_alive(copier):
    x = [np.zeros(3), None, Hook("hook", [], lambda self, memo: x.clear()), None]
    x[1] = Hook("first", [], lambda self, memo: memo[id(memo)][:])
    y = copier.deepcopy(x)
    assert type(y[0]) is np.ndarray and len(y) == 3
    assert len(y[1]) == 1 and type(y[1][0]) is np.ndarray


# ---- subclasses ----------------------------------------------------------------------------------------------------------

class Finalized(np.ndarray):
    log = []

    def __array_finalize__(self, obj):
        self.log.append(type(obj))
        self.info = getattr(obj, "info", None)


class WithHook(np.ndarray):
    def __deepcopy__(self, memo):
        return "from the hook"

    def __copy__(self):
        return "from the shallow hook"


class Bare(np.ndarray):
    pass


def finalized():
    x = np.zeros(3).view(Finalized)
    x.info = ["attribute"]
    return x


SUBCLASSES = {
    "bare": lambda: filled((2, 3), "f8").view(Bare),
    "finalized": finalized,
    "hook": lambda: np.zeros(3).view(WithHook),
    "recarray": lambda: np.rec.array([(1, "a"), (2, "b")], dtype=[("n", "i4"), ("s", "U1")]),
    "record": lambda: np.rec.array([(1, "a")], dtype=[("n", "i4"), ("s", "U1")])[0],
    "masked": lambda: np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0]),
    "masked objects": lambda: np.ma.array(filled((2,), "O"), mask=[0, 1]),
    "nothing masked": lambda: np.ma.zeros(3),
    "masked constant": lambda: np.ma.masked,
}


def as_text(x):
    return (x if isinstance(x, str) else
            (type(x), repr(x), getattr(x, "dtype", None), getattr(x, "__dict__", {}).get("info"), getattr(x, "flags", {"W": None})["W"]))


@pytest.mark.parametrize("name", SUBCLASSES)
def test_subclasses_are_copied_by_their_own_methods(copier, name):
    for function, numpys in ((copier.deepcopy, copy.deepcopy), (copier.copy, copy.copy)):
        x = SUBCLASSES[name]()
        Finalized.log.clear()
        expected, calls = as_text(numpys(x)), list(Finalized.log)
        Finalized.log.clear()
        y = function(x)
        assert (as_text(y), Finalized.log) == (expected, calls)
        assert (y is x) == (numpys(x) is x)


def test_matrix(copier):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x = np.matrix([[1, 2], [3, 4]])
        y = copier.deepcopy([x])[0]
    assert type(y) is np.matrix and y.tolist() == x.tolist() and not np.shares_memory(x, y)


def test_memmap(copier, tmp_path):
    x = np.memmap(tmp_path / "file", "f8", "w+", shape=(4,))
    x[:] = 1, 2, 3, 4
    y, expected = copier.deepcopy([x])[0], copy.deepcopy(x)
    assert type(y) is type(expected) and y.tolist() == [1, 2, 3, 4] and y.flags.owndata == expected.flags.owndata
    y[0] = 5
    assert x[0] == 1


# ---- scalars -------------------------------------------------------------------------------------------------------------

def value_of(scalar):
    """Its bytes; of a long double, which has some that mean nothing, the shortest text that says it exactly."""
    return repr(scalar) if scalar.dtype.char in "gG" else scalar.tobytes()


@pytest.mark.parametrize("x", SCALARS, ids=lambda x: type(x).__name__)
def test_scalars_are_copied_to_equal_ones(copier, x):
    for y in (copier.deepcopy(x), copier.copy(x), copier.deepcopy([x, x])[0]):
        assert type(y) is type(x) and value_of(y) == value_of(x) and y.dtype == x.dtype


@pytest.mark.parametrize("x", SCALARS, ids=lambda x: type(x).__name__)
def test_deviation_scalars_are_their_own_copies(calque, x):
    """As numpy's since 2.4; before, stdlib makes new ones, which no program can tell from the old but by `is`."""
    assert calque.deepcopy(x) is x and calque.copy(x) is x
    y = calque.deepcopy([x, (x,), {"k": x}])
    assert y[0] is x and y[1][0] is x and y[2]["k"] is x
    if SCALARS_ARE_THEIR_OWN_COPIES:
        assert copy.deepcopy(x) is x and copy.copy(x) is x


def test_scalars_that_can_change_are_copied(copier):
    x = np.array([(1, 2.5)], [("a", "i4"), ("b", "f8")])[0]
    y, z = copier.deepcopy([x, x])
    assert y is z is not x and type(y) is np.void
    y["a"] = 7
    assert x["a"] == 1
    assert copier.copy(x) is not x


def test_a_memo_knows_a_scalar(copier):
    x = np.float64(2.5)
    if sys.version_info < (3, 14):  # from there on calque's atoms, as stdlib's, are not looked up
        assert copier.deepcopy([x], {id(x): "known"}) == ["known"]


def test_scalars_of_subclasses_have_their_attributes(copier):
    Sub = type("Sub", (np.float64,), {})
    x = Sub(2.5)
    x.attribute = [1]
    expected, y = copy.deepcopy(x), copier.deepcopy(x)
    assert type(y) is type(expected) and y == 2.5
    assert hasattr(y, "attribute") == hasattr(expected, "attribute")


# ---- random arrays -------------------------------------------------------------------------------------------------------

ANY_SHAPE = st.lists(st.integers(0, 4), max_size=5).map(tuple)
ANY_DTYPE = st.sampled_from([np.dtype(dtype) for dtype in DTYPES])
SLICES = st.builds(slice, st.none() | st.integers(-4, 4), st.none() | st.integers(-4, 4), st.sampled_from([None, 1, 2, 3, -1, -2]))


@st.composite
def any_array(draw):
    x = filled(draw(ANY_SHAPE), draw(ANY_DTYPE))
    for step in draw(st.lists(st.sampled_from(["F", "C", "transpose", "slice", "broadcast", "unaligned", "read-only", "field", "reshape"]), max_size=4)):
        if step in "CF":
            x = x.copy(order=step)
        elif step == "transpose":
            x = x.transpose(draw(st.permutations(range(x.ndim))))
        elif step == "slice":
            x = x[(*(draw(SLICES) for _ in range(x.ndim)), ...)]
        elif step == "broadcast" and x.ndim < 6:
            x = np.broadcast_to(x, (draw(st.integers(0, 3)), *x.shape))
        elif step == "unaligned":
            x = arrays.unaligned(x)
        elif step == "read-only":
            x = arrays.read_only(x[...])
        elif step == "field" and x.dtype.names:
            x = x[x.dtype.names[draw(st.integers(0, len(x.dtype.names) - 1))]]
        elif step == "reshape":
            x = x.reshape(-1)
    return x


@pytest.mark.no_leak_check(reason="Hypothesis keeps what it has tried")
@settings(max_examples=int(os.environ.get("CALQUE_TEST_EXAMPLES", "0")) or 400, deadline=None, database=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(x=any_array(), again=st.booleans())
def test_any_array_is_copied_as_stdlib_copies_it(calque, x, again):
    source = described(x)
    y = calque.deepcopy([x, x] if again else [x])
    assert described(y[0]) == described(copy.deepcopy(x))
    assert described(calque.copy(x)) == described(copy.copy(x))
    assert described(x) == source
    assert y[-1] is y[0]
    if x.dtype.hasobject:
        assert not {id(child) for child in x.ravel().tolist()} & {id(child) for child in y[0].ravel().tolist()}


# ---- memory --------------------------------------------------------------------------------------------------------------

@pytest.mark.no_leak_check(reason="tracemalloc keeps what it has seen")
def test_tracemalloc_sees_the_same(copier):
    x = [filled((100,), "f8") for _ in range(50)]
    pool = [filled((100,), "f8") for _ in range(200)]  # what numpy keeps of freed memory is not traced a second time by all of its versions
    del pool

    def traced(deepcopy):
        deepcopy(x)
        gc.collect()
        tracemalloc.start()
        y = deepcopy(x)
        found = tracemalloc.take_snapshot().filter_traces([tracemalloc.DomainFilter(True, 389047)])
        tracemalloc.stop()
        del y
        return sorted(trace.size for trace in found.traces)

    assert traced(copier.deepcopy) == traced(copy.deepcopy) == [800] * 50


def test_memory_comes_from_the_allocator_that_the_program_has_chosen(copier):
    log = []
    allocator = arrays.Allocator.made(log.append)
    x = [filled((3,), "f8"), filled((4, 4), "i2")[:, ::2], filled((2,), "O")]
    with allocator:
        y = copier.deepcopy(x)
        z = copier.copy(x[0])
    assert log == [24, 16, 24]  # for objects it is asked for zeroes
    assert [described(array) for array in y] == [described(copy.deepcopy(array)) for array in x]
    assert arrays.umath.get_handler_name(y[0]) == arrays.umath.get_handler_name(z) == "allocator of the tests"
    assert arrays.umath.get_handler_name(copier.deepcopy(x)[0]) == "default_allocator"
    del y, z


def test_an_allocator_may_do_what_a_hook_may(copier):
    x = []
    allocator = arrays.Allocator.made(lambda size: size == 32 and x.clear())  # outlives the arrays

    def run(deepcopy):
        x[:] = [filled((3,), "f8"), [1], filled((4,), "f8"), {"k": 2}]
        with allocator:
            y = deepcopy([x, [3]])
        return [[getattr(child, "tolist", lambda child=child: child)() for child in part] for part in y]

    assert run(copier.deepcopy) == run(copy.deepcopy)


@pytest.mark.no_leak_check(reason="the copies run in processes of their own")
@pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="a sanitizer's allocator is preloaded")
def test_a_failed_allocation_anywhere_in_a_copy_is_a_memory_error(calque):
    status, said, complaints = isolated.failing("numpy_out_of_memory.py")
    assert status == 0 and said.startswith("done: "), complaints


# ---- registering ---------------------------------------------------------------------------------------------------------

def test_registering_again_and_taking_back(calque, plugin):  # noqa: F811
    plugin.register()
    assert calque.deepcopy(np.float64(1.5)) == 1.5
    plugin.unregister()
    plugin.unregister()
    try:
        x = filled((3,), "f8")
        assert described(calque.deepcopy([x])[0]) == described(copy.deepcopy(x))
        scalar = np.float64(1.5)
        assert (calque.deepcopy(scalar) is scalar) == SCALARS_ARE_THEIR_OWN_COPIES
    finally:
        plugin.register()
    calque.unregister(np.float64)
    plugin.unregister()
    plugin.register()
    assert calque.deepcopy(scalar) is scalar


def test_a_handler_of_the_programs_stays(calque, plugin):  # noqa: F811
    plugin.unregister()
    calque.register(np.ndarray)(lambda x, memo: "mine")
    try:
        plugin.register()
        assert calque.deepcopy([np.zeros(3)]) == ["mine"]
        plugin.unregister()
        assert calque.deepcopy([np.zeros(3)]) == ["mine"]
    finally:
        calque.unregister(np.ndarray)
        plugin.register()
    assert type(calque.deepcopy([np.zeros(3)])[0]) is np.ndarray


@pytest.mark.no_leak_check(reason="the import is tried in a process of its own")
@pytest.mark.parametrize("absent, sentence", [
    ("numpy", "calque.plugins.numpy needs numpy: pip install numpy"),
    ("calque.plugins._numpy", "this calque was built without numpy's headers: build it again where numpy is installed,"
                              " with CALQUE_NUMPY=ON in the environment of pip install"),
])
def test_an_import_that_fails_says_what_to_do(absent, sentence):
    script = f"""
import sys
sys.modules[{absent!r}] = None
try:
    import calque.plugins.numpy
except ImportError as error:
    print(error)
"""
    import calque

    path = os.path.dirname(os.path.dirname(calque.__file__))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})
    assert done.stdout.strip() == sentence, done.stderr


@pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="a sanitizer ends the process that asks for so much")
def test_raised_by_numpy(copier):
    """What numpy refuses is refused in its words: an array too large for any memory."""
    x = np.broadcast_to(np.zeros(1, "V1"), (2**62,))
    assert raised(copier.deepcopy, x) == raised(copy.deepcopy, x)
