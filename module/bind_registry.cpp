// module/bind_registry.cpp: the registry as calque/_registry.py, which people use, needs it: handlers that are Python functions,
// classes that are shared, and what there is.
#include "bind_registry.hpp"

#include "bind_memo.hpp"

#include "plugins.hpp"
#include "pod_vector.hpp"
#include "registry.hpp"
#include "shared_classes.hpp"

#include <calque/registry.hpp>

#include <boost/python.hpp>

namespace bp = boost::python;

namespace calque::module {

namespace {

void require(bool good) {
    if (!good) {
        bp::throw_error_already_set();
    }
}

PyTypeObject* as_type(const bp::object& cls) noexcept { return reinterpret_cast<PyTypeObject*>(cls.ptr()); }

bp::object as_object(PyTypeObject* type) {
    return bp::object(bp::handle<>(bp::borrowed(reinterpret_cast<PyObject*>(type))));
}

// handler->user: a tuple (fn, shallow), where shallow may be None.
void release_functions(void* functions) { Ref owned = Ref::steal(static_cast<PyObject*>(functions)); }

PyObject* function_of(void* functions, Py_ssize_t which) noexcept {
    return PyTuple_GET_ITEM(static_cast<PyObject*>(functions), which);
}

Ref call_with_memo(CopyContext& context, Borrowed original, void* functions) noexcept {
    return call_python_handler(context, original, function_of(functions, 0));
}

Ref call_with_dict(CopyContext& context, Borrowed original, void* functions) noexcept {
    Ref memo = context.memo();
    return memo ? Ref::steal(
               PyObject_CallFunctionObjArgs(function_of(functions, 0), original.get(), memo.get(), nullptr))
                : Ref();
}

PyObject* call_shallow(const calque_handler* self, PyObject* original) noexcept {
    return PyObject_CallOneArg(function_of(self->user, 1), original);
}

// The arguments have been looked at.
void add(const bp::object& cls, const bp::object& fn, bool subclasses, const bp::object& shallow,
         bool exact_dict) {
    const bp::tuple functions = bp::make_tuple(fn, shallow);
    Ref owned = Ref::share(functions.ptr());
    const uint32_t flags = subclasses ? uint32_t{CALQUE_SUBCLASSES} : 0u;
    HandlerSpec spec = exact_dict ? simple_handler<call_with_dict>("Python function", as_type(cls), flags,
                                                                   owned.get(), release_functions)
                                  : simple_handler<call_with_memo>("Python function", as_type(cls), flags,
                                                                   owned.get(), release_functions);
    if (shallow.ptr() != Py_None) {
        spec.shallow = call_shallow;
    }
    require(add_handler(spec));
    static_cast<void>(owned.release());  // the registry's now
}

void remove(const bp::object& cls) { require(remove_handler(as_type(cls))); }

void share(const bp::tuple& classes) {
    require(shared_classes::claim(classes.ptr(), shared_classes::Wish::always));
}

void copy_again(const bp::tuple& classes) {
    require(shared_classes::disclaim(classes.ptr(), shared_classes::Wish::always));
}

bool is_python(const calque_handler& handler) noexcept { return handler.release == release_functions; }

const char* source_of(const calque_handler& handler, registry::Source source) noexcept {
    switch (source) {
    case registry::Source::builtin: return "builtin";
    case registry::Source::dispatch_table: return "copy._deepcopy_dispatch";
    default: return is_python(handler) ? "Python" : "C++ plugin";
    }
}

// (class, name, source, function or None, has CALQUE_SUBCLASSES, serves copy.copy as well)
bp::tuple describe(PyTypeObject* type, const calque_handler& handler, registry::Source source) {
    bp::object function;
    if (is_python(handler)) {
        function = bp::object(bp::handle<>(bp::borrowed(function_of(handler.user, 0))));
    } else if (source == registry::Source::dispatch_table && handler.user != nullptr) {
        function = bp::object(bp::handle<>(bp::borrowed(static_cast<PyObject*>(handler.user))));
    }
    const bool atomic = (handler.flags & CALQUE_ATOMIC) != 0;
    const char* name =
        atomic && source != registry::Source::dispatch_table ? "the object itself" : handler.name;
    return bp::make_tuple(as_object(type), name, source_of(handler, source), function,
                          (handler.flags & CALQUE_SUBCLASSES) != 0,
                          handler.shallow != nullptr || (atomic && source == registry::Source::registered));
}

// Gathered first: making objects may run finalizers, which may register. Readable while `in_use` lives.
class Rows {
public:
    struct Row {
        const calque_handler* handler;
        registry::Source source;
    };

    Rows() {
        const auto note = [](void* rows, const calque_handler& handler, registry::Source source) -> bool {
            return static_cast<PodVector<Row>*>(rows)->push_back({&handler, source});
        };
        if (!registry::each(note, &rows_)) {
            PyErr_NoMemory();
            bp::throw_error_already_set();
        }
    }
    const Row* begin() const noexcept { return rows_.begin(); }
    const Row* end() const noexcept { return rows_.end(); }

private:
    registry::InUse in_use_;
    PodVector<Row> rows_;
};

bp::list handlers() {
    bp::list found;
    const Rows rows;
    for (const auto& [handler, source] : rows) {
        found.append(describe(handler->type, *handler, source));
    }
    return found;
}

bp::list shared() {
    bp::list found;
    for (std::size_t i = 0; i < shared_classes::count(); ++i) {
        bool always = false;
        PyTypeObject* const type = shared_classes::claimed(i, always);
        if (always) {
            found.append(as_object(type));
        }
    }
    return found;
}

// The handler that a copy asks first for instances of exactly this class, as describe() does, or None: the protocols are asked.
bp::object effective(const bp::object& cls) {
    PyTypeObject* const type = as_type(cls);
    const Rows rows;
    const calque_handler* handler = registry::effective(type);
    if (handler != nullptr && shared_classes::handler_for(type) == handler) {
        handler = registry::behind_guest(type);
    }
    for (const auto& [one, source] : rows) {
        if (one == handler) {
            return describe(one->type, *one, source);
        }
    }
    return {};
}

void set_up_plugins(const bp::object& ignored, const bp::object& find) {
    require(plugins::set_up(ignored.ptr(), find.ptr()));
}

}  // namespace

void bind_registry() {
    using bp::arg;
    bp::def("_register", add, (arg("cls"), arg("fn"), arg("subclasses"), arg("shallow"), arg("exact_dict")));
    bp::def("_unregister", remove, (arg("cls")));
    bp::def("_share", share, (arg("classes")));
    bp::def("_copy_again", copy_again, (arg("classes")));
    bp::def("_handlers", handlers);
    bp::def("_set_up_plugins", set_up_plugins, (arg("ignored"), arg("find")));
    bp::def("_shared", shared);
    bp::def("_effective", effective, (arg("cls")));
}

}  // namespace calque::module
