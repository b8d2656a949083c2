"""The plugins of tests/cpp/plugins, compiled once for all tests of the SDK."""

import pytest

from support.plugins import NodesPlugin, OddPlugin, PointPlugin, ShapesPlugin, Workshop, boost_arguments, load


@pytest.fixture(scope="session")
def workshop(tmp_path_factory):
    try:
        import calque
    except ImportError as error:
        pytest.fail(f"calque cannot be imported, so nothing about its SDK can be tested: {error}", pytrace=False)
    return Workshop(calque, tmp_path_factory.mktemp("plugins"))


@pytest.fixture(scope="session")
def compiled(workshop):
    return {name: workshop.compile(source) for name, source in
            (("point", "point.c"), ("odd", "odd.c"), ("nodes", "nodes.cpp"))}


def plugin_fixture(name, wrapper):
    @pytest.fixture(scope="session", name=f"loaded_{name}")
    def loaded(compiled):
        return load(compiled[name], name)

    def fixture(request):
        plugin = wrapper(request.getfixturevalue(f"loaded_{name}"))
        yield plugin
        plugin.undo()

    return loaded, pytest.fixture(name=name)(fixture)


loaded_point, point_plugin = plugin_fixture("point", PointPlugin)
loaded_nodes, nodes_plugin = plugin_fixture("nodes", NodesPlugin)
loaded_odd, odd_plugin = plugin_fixture("odd", OddPlugin)


@pytest.fixture(scope="session")
def compiled_shapes(workshop):
    flags, libraries = boost_arguments(workshop)
    return workshop.compile("shapes.cpp", flags=["-Wall", "-Wextra", "-Werror", *flags], libraries=libraries)


@pytest.fixture(scope="session")
def loaded_shapes(compiled_shapes):
    return load(compiled_shapes, "shapes")


@pytest.fixture
def shapes(loaded_shapes):
    plugin = ShapesPlugin(loaded_shapes)
    yield plugin
    plugin.undo()


@pytest.fixture(params=[False, True], ids=["running Python", "pure"])
def pure(request):
    return request.param
