"""Which test suites are run, and how to come by them."""

import dataclasses

# Modules of CPython's `test` package whose subject copies, or is copied. Those that turn out never to call copy are listed apart.
CPYTHON = """
    test_argparse test_array test_ast test_bytes test_collections test_configparser test_copy test_copyreg test_coroutines test_csv
    test_dataclasses test_datetime test_decimal test_defaultdict test_deque test_descr test_dict test_dictviews test_email test_enum
    test_exceptions test_fractions test_functools test_generators test_genericalias test_http_cookies test_importlib test_ipaddress
    test_itertools test_list test_logging test_mailcap test_memoryview test_minidom test_optparse test_ordered_dict test_pathlib
    test_pickle test_platform test_plistlib test_random test_re test_sched test_set test_site test_slice test_statistics
    test_sysconfig test_types test_typing test_urllib2 test_uuid test_weakref test_weakset test_xml_dom_minicompat test_xml_etree
    test_xml_etree_c test_zlib test_zoneinfo
    test_unittest.testmock unittest.test.testmock
""".split()

# What the part of `make stress` runs: those that copy the most, or that look at copy itself.
QUICK = """
    test_argparse test_ast test_collections test_copy test_copyreg test_dataclasses test_datetime test_decimal test_defaultdict
    test_deque test_descr test_email test_enum test_fractions test_functools test_http_cookies test_itertools test_memoryview
    test_minidom test_optparse test_ordered_dict test_re test_set test_statistics test_types test_typing test_uuid test_weakref
    test_xml_etree test_xml_etree_c test_zoneinfo test_unittest.testmock unittest.test.testmock
""".split()


@dataclasses.dataclass(frozen=True)
class Package:
    """A distribution, and those of its tests that copy, or all where that takes seconds.

    tests: modules of the installed package if `installed`, else paths in its source distribution. requires: what the tests need
    beside it. arguments: for pytest, e.g. what to leave out because it needs more than the distribution has. django: run by Django's own runner.
    """

    name: str
    version: str
    tests: str
    installed: bool = False
    requires: str = ""
    arguments: tuple = ()
    django: bool = False
    needs: tuple = (3, 11)


PACKAGES = [
    Package("attrs", "26.1.0", "tests", requires="hypothesis cloudpickle"),
    Package("dask", "2026.8.0", "dask.tests", installed=True),
    Package("deap", "1.4.4", "tests"),
    Package("Django", "5.2.19", """queries expressions aggregation annotations forms_tests model_forms model_fields template_tests
            utils_tests select_related prefetch_related migrations modeladmin admin_changelist generic_relations middleware""",
            django=True),
    Package("marshmallow", "4.4.0", "tests", requires="simplejson"),
    Package("networkx", "3.6.1", "networkx.classes networkx.generators networkx.readwrite networkx.utils", installed=True),
    Package("numpy", "2.4.6", "numpy.ma.tests numpy._core.tests.test_regression numpy._core.tests.test_stringdtype", installed=True),
    Package("omegaconf", "2.4.0", "tests", requires="pytest-mock", arguments=(
        "--ignore-glob=tests/test_dependency_audit*", "--ignore-glob=tests/test_*_workflow.py", "--ignore-glob=tests/test_website*")),
    Package("pandas", "3.1.1", "pandas.tests.copy_view pandas.tests.generic pandas.tests.frame.test_api pandas.tests.indexes.multi.test_copy",
            installed=True),
    Package("pydantic", "2.14.3", "tests", requires="dirty-equals jsonschema", arguments=(
        "-o", "filterwarnings=", "-o", "strict_markers=false", "-o", "markers=thread_unsafe", "--ignore=tests/benchmarks",
        "--ignore=tests/test_docs.py")),
    Package("python-box", "8.0.0", "test", requires="ruamel.yaml toml msgpack"),
    Package("SQLAlchemy", "2.0.43", """test/base test/sql/test_external_traversal.py test/sql/test_selectable.py
            test/orm/declarative test/orm/test_mapper.py"""),
    Package("sympy", "1.14.0", "sympy.utilities.tests.test_pickling sympy.combinatorics.tests.test_permutations sympy.tensor.array",
            installed=True),
    Package("traitlets", "5.16.1", "tests", arguments=("--ignore=tests/test_typing.py",)),
    Package("Werkzeug", "3.1.9", "tests", requires="ephemeral-port-reserve", arguments=("--ignore=tests/test_serving.py",)),
]
TOOLS = "pytest==9.2.0 setuptools>=77 wheel hatchling hatch-vcs hatch-fancy-pypi-readme flit_core poetry-core cython"
