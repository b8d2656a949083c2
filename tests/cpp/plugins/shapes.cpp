// tests/cpp/plugins/shapes.cpp: classes wrapped with Boost.Python, of each kind that calque/boost_python.hpp speaks of.
#include <calque/boost_python.hpp>

#include <boost/python.hpp>

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <unordered_map>

namespace bp = boost::python;

namespace {

// -- values

struct Point {
    double x = 0, y = 0;
};

struct Mesh {
    Mesh() { ++living; }
    explicit Mesh(const std::string& named) : name(named) { ++living; }
    Mesh(const Mesh& other) : name(other.name), heights(other.heights) {
        if (name == "unlucky") {
            throw std::runtime_error("an unlucky mesh");
        }
        if (name == "curious") {
            // Python code in a copy constructor, as a handler that is not pure allows.
            bp::import("gc").attr("collect")();
        }
        ++living;
    }
    Mesh& operator=(const Mesh&) = default;
    virtual ~Mesh() { --living; }

    std::string name;
    std::vector<double> heights;
    static inline long living = 0;
};

struct Solid : Mesh {
    explicit Solid(const std::string& named) : Mesh(named) {}
    int faces = 6;
};

struct Pickled : Mesh {
    explicit Pickled(const std::string& named) : Mesh(named) {}
};
struct PicklePickled : bp::pickle_suite {
    static bp::tuple getinitargs(const Pickled& x) { return bp::make_tuple(x.name + ", pickled"); }
};

// Aligned beyond what instances are.
struct alignas(64) Wide {
    double values[8] = {};
    bool is_aligned() const;
};
// The compiler believes that `this` is aligned, and would not look.
[[gnu::noinline]] bool divides(std::uintptr_t address, std::size_t alignment) {
    return address % alignment == 0;
}
bool Wide::is_aligned() const {
    volatile std::uintptr_t address = reinterpret_cast<std::uintptr_t>(this);
    return divides(address, alignof(Wide));
}

struct Lock {
    Lock() = default;
    Lock(const Lock&) = delete;
};

struct Owner {
    Mesh mesh{"inner"};
};

// -- a graph of shared pointers, with Python objects in it

struct Node {
    explicit Node(const std::string& named) : name(named) { ++living; }
    Node(const Node& other)
        : name(other.name),
          payload(other.payload),
          children(other.children),
          parent(other.parent),
          twin(other.twin) {
        ++living;
    }
    ~Node() { --living; }

    std::string name;
    bp::object payload;
    std::vector<std::shared_ptr<Node>> children;
    std::weak_ptr<Node> parent;
    std::shared_ptr<const Node> twin;
    static inline long living = 0;
};

void copy_members(calque::DeepCopy& deep, Node& made) {
    deep(made.payload);
    deep(made.children);
    deep(made.parent);
    deep(made.twin);
}

void add_child(const std::shared_ptr<Node>& self, const std::shared_ptr<Node>& child) {
    self->children.push_back(child);
    child->parent = self;
}

// A chain that only C++ has made.
std::shared_ptr<Node> make_chain(int depth) {
    auto top = std::make_shared<Node>("node 0");
    for (std::shared_ptr<Node> node = top; --depth > 0;) {
        auto child = std::make_shared<Node>("node " + std::to_string(depth));
        add_child(node, child);
        node = child;
    }
    return top;
}

void cut_chain(std::shared_ptr<Node> node) {
    while (node) {
        auto below = node->children.empty() ? nullptr : node->children.front();
        node->children.clear();
        node = below;
    }
}

bp::list children_of(const Node& node) {
    bp::list children;
    for (const auto& child : node.children) {
        children.append(child);
    }
    return children;
}
std::shared_ptr<Node> parent_of(const Node& node) { return node.parent.lock(); }
void set_twin(Node& node, const std::shared_ptr<Node>& twin) { node.twin = twin; }
std::string twin_name(const Node& node) { return node.twin ? node.twin->name : ""; }
bool is_twin_of(const Node& node, const Node& other) { return node.twin.get() == &other; }
std::uintptr_t address_of(const Node& node) { return reinterpret_cast<std::uintptr_t>(&node); }
std::shared_ptr<Node> itself(Node& node) { return node.parent.lock()->children.front(); }

// -- a hierarchy behind pointers to its base, which is not at the beginning

struct Tag {
    virtual ~Tag() = default;
    long tag = 42;
};
struct Shape {
    virtual ~Shape() = default;
    virtual std::string kind() const = 0;
    std::string name = "shape";
};
struct Ball : Tag, Shape {
    std::string kind() const override { return "ball"; }
    double radius = 1;
};
struct Secret : Ball {
    std::string kind() const override { return "secret"; }
};
std::shared_ptr<Shape> make_shape(const std::string& kind) {
    return kind == "ball" ? std::make_shared<Ball>() : std::make_shared<Secret>();
}
std::shared_ptr<Ball> make_ball() { return std::make_shared<Ball>(); }
std::shared_ptr<Ball> secret_ball() { return std::make_shared<Secret>(); }

struct Group {
    std::vector<std::shared_ptr<Shape>> shapes;
};
void copy_members(calque::DeepCopy& deep, Group& made) { deep(made.shapes); }
void add_shape(Group& group, const std::shared_ptr<Shape>& shape) { group.shapes.push_back(shape); }
std::shared_ptr<Shape> shape_at(const Group& group, int i) { return group.shapes.at(i); }

// -- virtual functions that Python overrides

struct Animal {
    virtual ~Animal() = default;
    virtual std::string sound() const { return "..."; }
    int legs = 4;
};
struct PyAnimal : Animal, bp::wrapper<Animal> {
    PyAnimal() = default;
    std::string sound() const override {
        if (bp::override own = get_override("sound")) {
            return own();
        }
        return Animal::sound();
    }
    std::string plain_sound() const { return Animal::sound(); }
};
std::string hear(const Animal& animal) { return animal.sound(); }
// The same behind a shared pointer.
struct PyBird : PyAnimal {};

// -- containers of Python objects, and of everything else that is copied deeply

struct ByName {
    template <class X>
    bool operator()(const X& a, const X& b) const {
        return bp::extract<std::string>(bp::str(a))() < bp::extract<std::string>(bp::str(b))();
    }
};

struct Box {
    bp::list list;
    bp::handle<> handle;
    std::vector<bp::object> vector;
    std::map<std::string, bp::object> map;
    std::map<bp::object, int, ByName> keys;
    std::set<bp::object, ByName> set;
    std::unordered_map<int, std::vector<bp::object>> nested;
    std::deque<std::pair<int, bp::object>> pairs;
    std::optional<bp::object> optional;
    std::variant<int, bp::object> variant;
    std::tuple<int, bp::object> tuple;
    std::array<bp::object, 2> array;
    bp::object plain[2];
    std::vector<int> numbers{1, 2, 3};
};
void copy_members(calque::DeepCopy& deep, Box& made) {
    std::apply([&](auto&... members) { (deep(members), ...); },
               std::tie(made.list, made.handle, made.vector, made.map, made.keys, made.set, made.nested,
                        made.pairs, made.optional, made.variant, made.tuple, made.array, made.plain,
                        made.numbers));
}
// Every place of the box, filled with the same object, or taken out again.
void fill(Box& box, const bp::object& x) {
    box.list.append(x);
    box.handle = bp::handle<>(bp::borrowed(x.ptr()));
    box.vector = {x, x};
    box.map = {{"a", x}, {"b", bp::object(1)}};
    box.keys = {{x, 7}};
    box.set = {x};
    box.nested = {{1, {x}}};
    box.pairs = {{1, x}};
    box.optional = x;
    box.variant = x;
    box.tuple = {1, x};
    box.array = {x, x};
    box.plain[0] = box.plain[1] = x;
}
bp::list places(const Box& box) {
    bp::list all;
    all.append(box.list[0]);
    all.append(bp::object(box.handle));
    all.append(box.vector.at(0));
    all.append(box.vector.at(1));
    all.append(box.map.at("a"));
    all.append(box.keys.begin()->first);
    all.append(*box.set.begin());
    all.append(box.nested.at(1).at(0));
    all.append(box.pairs.at(0).second);
    all.append(*box.optional);
    all.append(std::get<1>(box.variant));
    all.append(std::get<1>(box.tuple));
    all.append(box.array[0]);
    all.append(box.array[1]);
    all.append(box.plain[0]);
    all.append(box.plain[1]);
    return all;
}
bool keeps_the_rest(const Box& box) {
    return box.numbers.size() == 3 && box.map.size() == 2 && box.keys.begin()->second == 7
        && box.set.size() == 1;
}
int vector_size(const Box& box) { return static_cast<int>(box.vector.size()); }
void push(Box& box, const bp::object& x) { box.vector.push_back(x); }

using Objects = std::vector<bp::object>;
void append(Objects& objects, const bp::object& x) { objects.push_back(x); }
bp::object at(const Objects& objects, int i) { return objects.at(i); }

// boost::shared_ptr
struct Old {
    bp::object payload;
};
void copy_members(calque::DeepCopy& deep, Old& made) { deep(made.payload); }
boost::shared_ptr<Old> again(const Old&, bp::object self) {
    return bp::extract<boost::shared_ptr<Old>&>(self)();
}

// -- what the tests register

const std::map<std::string, std::pair<std::function<void(bool, bool, bool)>, std::function<void()>>> classes =
    {
#define CLASS(name, ...)                                                                               \
 {#name,                                                                                               \
  {[](bool subclasses, bool shallow, bool pure) {                                                      \
 calque::register_copyable<__VA_ARGS__>({.subclasses = subclasses, .shallow = shallow, .pure = pure}); \
   },                                                                                                  \
   [] { calque::unregister_copyable<name>(); }}},
        CLASS(Point, Point) CLASS(Mesh, Mesh) CLASS(Solid, Solid) CLASS(Wide, Wide) CLASS(Node, Node)
            CLASS(Ball, Ball, Shape) CLASS(Group, Group) CLASS(PyAnimal, PyAnimal) CLASS(PyBird, PyBird)
                CLASS(Box, Box) CLASS(Objects, Objects) CLASS(Old, Old)
#undef CLASS
};

void register_class(const std::string& name, bool subclasses, bool shallow, bool pure) {
    classes.at(name).first(subclasses, shallow, pure);
}
void unregister_class(const std::string& name) { classes.at(name).second(); }
bp::tuple living() { return bp::make_tuple(Mesh::living, Node::living); }

}  // namespace

BOOST_PYTHON_MODULE(shapes) {
    using namespace bp;

    class_<Point>("Point").def_readwrite("x", &Point::x).def_readwrite("y", &Point::y);
    class_<Mesh>("Mesh", init<optional<std::string>>())
        .def_readwrite("name", &Mesh::name)
        .def(
            "push", +[](Mesh& mesh, double height) { mesh.heights.push_back(height); })
        .def(
            "size", +[](const Mesh& mesh) { return mesh.heights.size(); });
    class_<Solid, bases<Mesh>>("Solid", init<std::string>()).def_readwrite("faces", &Solid::faces);
    class_<Pickled, bases<Mesh>>("Pickled", init<std::string>()).def_pickle(PicklePickled());
    class_<Wide>("Wide").def("is_aligned", &Wide::is_aligned);
    class_<Lock, boost::noncopyable>("Lock");
    class_<Owner>("Owner").def(
        "mesh", +[](Owner& owner) -> Mesh& { return owner.mesh; }, return_internal_reference<>());

    class_<Node, std::shared_ptr<Node>>("Node", init<std::string>())
        .def_readwrite("name", &Node::name)
        .def_readwrite("payload", &Node::payload)
        .def("add", &add_child)
        .def("children", &children_of)
        .def("parent", &parent_of)
        .def("set_twin", &set_twin)
        .def("twin_name", &twin_name)
        .def("is_twin_of", &is_twin_of)
        .def("address", &address_of)
        .def("again", &itself);
    def("make_chain", &make_chain);
    def("cut_chain", &cut_chain);

    class_<Shape, std::shared_ptr<Shape>, boost::noncopyable>("Shape", no_init)
        .def_readwrite("name", &Shape::name)
        .def("kind", &Shape::kind);
    class_<Ball, bases<Shape>, std::shared_ptr<Ball>>("Ball").def_readwrite("radius", &Ball::radius);
    class_<Group>("Group").def("add", &add_shape).def("at", &shape_at);
    def("make_shape", &make_shape);
    def("make_ball", &make_ball);
    def("secret_ball", &secret_ball);

    class_<PyAnimal, boost::noncopyable>("Animal")
        .def("sound", &Animal::sound, &PyAnimal::plain_sound)
        .def_readwrite("legs", &Animal::legs);
    class_<PyBird, std::shared_ptr<PyBird>, boost::noncopyable>("Bird")
        .def("sound", &Animal::sound, &PyAnimal::plain_sound)
        .def(
            "hear", +[](const PyBird& bird) { return hear(bird); })
        .def_readwrite("legs", &PyBird::legs);
    def("hear", &hear);

    class_<Box>("Box")
        .def("fill", &fill)
        .def("places", &places)
        .def(
            "list", +[](const Box& box) { return box.list; })
        .def("keeps_the_rest", &keeps_the_rest)
        .def("vector_size", &vector_size)
        .def("push", &push)
        .def(
            "clear", +[](Box& box) { box.vector.clear(); });
    class_<Objects>("Objects").def("append", &append).def("at", &at).def("clear", &Objects::clear);
    class_<Old, boost::shared_ptr<Old>>("Old").def_readwrite("payload", &Old::payload);
    def("again", &again);

    def("register", &register_class,
        (arg("name"), arg("subclasses") = true, arg("shallow") = true, arg("pure") = false));
    def("unregister", &unregister_class);
    def("living", &living);
}
