// perf/cpp/sdk/sdk.cpp: the module calque_perf_sdk: objects of extension types, handlers of each kind for them, and what the
// same objects cost when they are only allocated and filled.
//
// A KIND is a type and a handler. make(kind, n) is a list of n objects, bare(kind, list) builds the list that a copy is by a loop
// that does nothing else, serve(kind) registers the handler and serve(None) takes it back.
#include <calque/boost_python.hpp>

#include <boost/python.hpp>

#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace bp = boost::python;
using namespace calque;

namespace {

// -- a type in C: two numbers, no references

struct Pair {
    PyObject_HEAD
    double x, y;
};

PyTypeObject make_pair_type() noexcept {
    PyTypeObject type{};
    type.ob_base = {PyObject_HEAD_INIT(nullptr) 0};
    type.tp_name = "calque_perf_sdk.Pair";
    type.tp_basicsize = sizeof(Pair);
    type.tp_flags = Py_TPFLAGS_DEFAULT;
    type.tp_new = PyType_GenericNew;
    return type;
}
PyTypeObject Pair_Type = make_pair_type();

Ref bare_pair(Borrowed original) noexcept {
    Ref made = Ref::steal(Pair_Type.tp_alloc(&Pair_Type, 0));
    if (made) {
        const auto* from = reinterpret_cast<Pair*>(original.get());
        auto* to = reinterpret_cast<Pair*>(made.get());
        to->x = from->x;
        to->y = from->y;
    }
    return made;
}

Ref copy_pair(CopyContext&, Borrowed original) noexcept { return bare_pair(original); }

struct CopyPair {
    Step begin(CopyContext&, Frame& frame) noexcept {
        Ref made = bare_pair(frame.original());
        return made ? Step::done(std::move(made)) : Step::error();
    }
    Step resume(CopyContext&, Frame&, Ref) noexcept { return Step::done(); }
};

void serve_pair(HandlerSpec spec) {
    if (!add_handler(spec)) {
        bp::throw_error_already_set();
    }
}
void dismiss_pair() {
    if (!remove_handler(&Pair_Type)) {
        bp::throw_error_already_set();
    }
}

// -- classes with Boost.Python

struct Point {
    double x = 1, y = 2;
};
struct Mesh {
    std::string name = "a mesh";
    std::vector<double> heights{1, 2, 3};
};
struct Node {
    double x = 1, y = 2;
};

template <class Way>
Ref bare_instance(Borrowed original) {
    return Way::shallow(original, *detail::instance_of(original).objects);
}

template <class Way>
Ref bare_with_attribute(Borrowed original) {
    Ref made = bare_instance<Way>(original);
    detail::instance_of(made).dict = PyDict_Copy(detail::instance_of(original).dict);
    return made;
}

// -- the kinds

struct Kind {
    std::function<bp::object()> make;
    Ref (*bare)(Borrowed original);
    std::function<void()> serve;
    std::function<void()> dismiss;
};

bp::object new_pair() { return bp::object(bp::handle<>(Pair_Type.tp_alloc(&Pair_Type, 0))); }
bp::object new_node() { return bp::object(std::make_shared<Node>()); }
template <class T>
bp::object with_attribute() {
    bp::object made{T()};
    made.attr("mark") = 1;
    return made;
}

const std::vector<std::pair<std::string, Kind>> kinds = {
    {"C, SIMPLE",
     {new_pair, bare_pair, [] { serve_pair(simple_handler<copy_pair>("pair", &Pair_Type)); }, dismiss_pair}},
    {"C, SIMPLE and pure",
     {new_pair, bare_pair, [] { serve_pair(simple_handler<copy_pair>("pair", &Pair_Type, CALQUE_PURE)); },
      dismiss_pair}},
    {"C, FRAME",
     {new_pair, bare_pair, [] { serve_pair(frame_handler<CopyPair>("pair", &Pair_Type)); }, dismiss_pair}},
    {"C, FRAME and pure",
     {new_pair, bare_pair, [] { serve_pair(frame_handler<CopyPair>("pair", &Pair_Type, CALQUE_PURE)); },
      dismiss_pair}},
    {"Boost.Python, two numbers",
     {[] { return bp::object(Point()); }, bare_instance<detail::ByValue<Point>>,
      [] { register_copyable<Point>(); }, unregister_copyable<Point>}},
    {"the same, not pure",
     {[] { return bp::object(Point()); }, bare_instance<detail::ByValue<Point>>,
      [] { register_copyable<Point>({.pure = false}); }, unregister_copyable<Point>}},
    {"the same with an attribute",
     {with_attribute<Point>, bare_with_attribute<detail::ByValue<Point>>, [] { register_copyable<Point>(); },
      unregister_copyable<Point>}},
    {"Boost.Python, string and vector",
     {[] { return bp::object(Mesh()); }, bare_instance<detail::ByValue<Mesh>>,
      [] { register_copyable<Mesh>(); }, unregister_copyable<Mesh>}},
    {"the same, said to be pure",
     {[] { return bp::object(Mesh()); }, bare_instance<detail::ByValue<Mesh>>,
      [] { register_copyable<Mesh>({.pure = true}); }, unregister_copyable<Mesh>}},
    {"Boost.Python, shared_ptr",
     {new_node, bare_instance<detail::ByPointer<Node, std::shared_ptr>>, [] { register_copyable<Node>(); },
      unregister_copyable<Node>}},
};

const Kind& kind_named(const std::string& name) {
    for (const auto& [known, kind] : kinds) {
        if (known == name) {
            return kind;
        }
    }
    PyErr_SetString(PyExc_KeyError, name.c_str());
    bp::throw_error_already_set();
    __builtin_unreachable();
}

bp::list names() {
    bp::list all;
    for (const auto& [name, kind] : kinds) {
        all.append(name);
    }
    return all;
}

bp::list make(const std::string& name, int n) {
    const Kind& kind = kind_named(name);
    bp::list all;
    for (int i = 0; i < n; ++i) {
        all.append(kind.make());
    }
    return all;
}

void serve(const std::string& name) { kind_named(name).serve(); }
void dismiss(const std::string& name) { kind_named(name).dismiss(); }

// bare(kind): a function of a list, by the fast calling convention.
PyObject* bare_list(PyObject* capsule, PyObject* list) {
    const auto* kind = static_cast<const Kind*>(PyCapsule_GetPointer(capsule, nullptr));
    const Py_ssize_t size = PyList_GET_SIZE(list);
    Ref made = Ref::steal(PyList_New(size));
    for (Py_ssize_t i = 0; made && i < size; ++i) {
        Ref object = kind->bare(PyList_GET_ITEM(list, i));
        if (!object) {
            return nullptr;
        }
        PyList_SET_ITEM(made.get(), i, object.release());
    }
    return made.release();
}
PyMethodDef bare_method = {"bare", bare_list, METH_O, nullptr};

bp::object bare(const std::string& name) {
    const bp::handle<> capsule(PyCapsule_New(const_cast<Kind*>(&kind_named(name)), nullptr, nullptr));
    return bp::object(bp::handle<>(PyCFunction_New(&bare_method, capsule.get())));
}

}  // namespace

BOOST_PYTHON_MODULE(calque_perf_sdk) {
    if (!import_calque() || PyType_Ready(&Pair_Type) < 0) {
        bp::throw_error_already_set();
    }
    bp::class_<Point>("Point");
    bp::class_<Mesh>("Mesh");
    bp::class_<Node, std::shared_ptr<Node>>("Node");
    bp::def("names", &names);
    bp::def("make", &make);
    bp::def("bare", &bare);
    bp::def("serve", &serve);
    bp::def("dismiss", &dismiss);
}
