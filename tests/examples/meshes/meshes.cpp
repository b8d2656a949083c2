// A small class library for Python, made with Boost.Python, whose objects calque copies.
//
//   Mesh   a value: vertices, and a Python object for each
//   Node   part of a scene: nodes below it, the node above it, and a mesh that many nodes may share
#include <calque/boost_python.hpp>

#include <boost/python.hpp>

#include <memory>
#include <string>
#include <vector>

namespace bp = boost::python;

struct Vertex {
    double x, y, z;
};

struct Mesh {
    std::string name;
    std::vector<Vertex> vertices;
    std::vector<bp::object> notes;  // what Python code says about each vertex

    void add(double x, double y, double z, const bp::object& note) {
        vertices.push_back({x, y, z});
        notes.push_back(note);
    }
    void move(double x, double y, double z) {
        for (Vertex& vertex : vertices) {
            vertex = {vertex.x + x, vertex.y + y, vertex.z + z};
        }
    }
    std::size_t size() const { return vertices.size(); }
    bp::tuple vertex(std::size_t i) const {
        return bp::make_tuple(vertices.at(i).x, vertices.at(i).y, vertices.at(i).z);
    }
    bp::object note(std::size_t i) const { return notes.at(i); }
};

// The copy constructor has copied the name and the vertices. The notes are references to the original's objects still.
void copy_members(calque::DeepCopy& deep, Mesh& made) { deep(made.notes); }

struct Node {
    std::string name;
    std::shared_ptr<Mesh> mesh;
    std::vector<std::shared_ptr<Node>> children;
    std::weak_ptr<Node> parent;

    explicit Node(const std::string& called) : name(called) {}

    bp::list list_of_children() const {
        bp::list all;
        for (const auto& child : children) {
            all.append(child);
        }
        return all;
    }
    std::shared_ptr<Node> living_parent() const { return parent.lock(); }
};

void add_child(const std::shared_ptr<Node>& node, const std::shared_ptr<Node>& child) {
    node->children.push_back(child);
    child->parent = node;
}

void copy_members(calque::DeepCopy& deep, Node& made) {
    deep(made.mesh);
    deep(made.children);
    deep(made.parent);
}

// A scene that no Python code has put together: `count` nodes that share one mesh.
std::shared_ptr<Node> make_scene(std::size_t count) {
    auto mesh = std::make_shared<Mesh>();
    mesh->name = "shared";
    auto root = std::make_shared<Node>("root");
    for (std::size_t i = 0; i < count; ++i) {
        auto child = std::make_shared<Node>("node " + std::to_string(i));
        child->mesh = mesh;
        add_child(root, child);
    }
    return root;
}

BOOST_PYTHON_MODULE(meshes) {
    bp::class_<Mesh, std::shared_ptr<Mesh>>("Mesh")
        .def_readwrite("name", &Mesh::name)
        .def("add", &Mesh::add, (bp::arg("x"), bp::arg("y"), bp::arg("z"), bp::arg("note") = bp::object()))
        .def("move", &Mesh::move)
        .def("__len__", &Mesh::size)
        .def("vertex", &Mesh::vertex)
        .def("note", &Mesh::note);
    bp::class_<Node, std::shared_ptr<Node>>("Node", bp::init<std::string>())
        .def_readwrite("name", &Node::name)
        .add_property("mesh", bp::make_getter(&Node::mesh, bp::return_value_policy<bp::return_by_value>()),
                      bp::make_setter(&Node::mesh))
        .add_property("children", &Node::list_of_children)
        .add_property("parent", &Node::living_parent)
        .def("add", &add_child);
    bp::def("make_scene", &make_scene);

    calque::register_copyable<Mesh>();
    calque::register_copyable<Node>();
}
