// module/bind_memo.cpp: calque.Memo.
//
// A Memo belongs to one copy and answers mapping questions about it: {id(original): copy}. Reading by
// id, copying a child, keeping an object alive and entering the copy of the object being handled work
// on the native memo. Everything else (iterating, other writes) works on the exact dict that a
// __deepcopy__ hook of the same copy would receive, which is made when first needed.
// When the copy ends the Memo is disconnected: any use raises ReferenceError.
#include "bind_memo.hpp"

#include "context.hpp"
#include "engine.hpp"

#include <boost/python.hpp>

#include <cxxabi.h>
#include <unistd.h>
#include <utility>

namespace bp = boost::python;

namespace calque::module {

namespace {

// Takes over a new reference; throws the Python exception that its absence means.
bp::object own(Ref object) { return bp::object(bp::handle<>(object.release())); }

void require(bool good) {
    if (!good) {
        bp::throw_error_already_set();
    }
}

// Runs what may run Python code. Up to 3.13 a daemon thread that asks for the GIL when the interpreter has ended is
// ended by unwinding its stack (CMakeLists.txt, calque_no_exceptions). Boost.Python's frames would take that for an exception to
// swallow, which aborts the process, and drop references without the GIL. So it ends here: the thread waits
// for the process to exit, as 3.14 has such threads do.
template <class F>
auto running_python(F f) {
#ifdef __GLIBC__
    try {
        return f();
    } catch (const abi::__forced_unwind&) {
        for (;;) {
            pause();
        }
    }
#else
    return f();
#endif
}

class MemoProxy {
public:
    MemoProxy(std::shared_ptr<Memo::Link> link, Borrowed original) noexcept
        : link_(std::move(link)), original_(original) {}

    /// The proxy that a Python object holds, which the caller keeps alive. Throws TypeError for others.
    static MemoProxy& proxy_in(const bp::object& holder) {
        bp::extract<MemoProxy&> found(holder);
        return found();
    }

    /// The handler has returned: its object may end.
    void leave_handler() noexcept { original_ = {}; }

    bp::object copy(const bp::object& child) const {
        Memo& m = memo();
        // Through a pointer that does not say noexcept: around a call that does the compiler leaves out what catches.
        Ref (*volatile deepcopy)(Memo&, Borrowed) = engine::deepcopy_on;
        return own(running_python([&] { return deepcopy(m, child.ptr()); }));
    }

    void keep_alive(const bp::object& object) const { require(memo().keep_alive(object.ptr())); }

    bp::object get(const bp::object& key, const bp::object& absent) const {
        bp::object found;
        return find(key, found) ? found : absent;
    }

    bool contains(const bp::object& key) const {
        bp::object found;
        return find(key, found);
    }

    bp::object getitem(const bp::object& key) const {
        bp::object found;
        if (!find(key, found)) {
            PyErr_SetObject(PyExc_KeyError, key.ptr());
            bp::throw_error_already_set();
        }
        return found;
    }

    void setitem(const bp::object& key, const bp::object& value) {
        Memo& m = memo();
        if (original_ && m.native() && PyLong_CheckExact(key.ptr()) && address(key) == original_.get()) {
            m.notice_writes();
            require(m.publish(original_, value.ptr(), false) && m.secure());
            return;
        }
        const bp::object d = dict();
        require(running_python([&] { return PyObject_SetItem(d.ptr(), key.ptr(), value.ptr()); }) == 0);
    }

    void delitem(const bp::object& key) const {
        const bp::object d = dict();
        require(running_python([&] { return PyObject_DelItem(d.ptr(), key.ptr()); }) == 0);
    }

    Py_ssize_t length() const {
        const Py_ssize_t size = PyObject_Length(dict().ptr());
        require(size >= 0);
        return size;
    }

    bp::object iterate() const { return own(Ref::steal(PyObject_GetIter(dict().ptr()))); }
    bp::object keys() const { return dict().attr("keys")(); }
    bp::object values() const { return dict().attr("values")(); }
    bp::object items() const { return dict().attr("items")(); }
    bp::object setdefault(const bp::object& key, const bp::object& value) const {
        const bp::object of_dict = dict().attr("setdefault");
        return running_python([&] { return of_dict(key, value); });
    }
    static bp::object pop(const bp::tuple& args, const bp::dict&) {
        const bp::object of_dict = proxy_in(bp::object(args[0])).dict().attr("pop");
        const bp::tuple rest(args.slice(1, bp::_));
        return running_python([&] { return of_dict(*rest); });
    }
    void clear() const {
        const bp::object d = dict();
        running_python([&] { PyDict_Clear(d.ptr()); });
    }

    std::string repr() const {
        return link_->memo == nullptr ? "<calque.Memo of a copy that has ended>"
                                      : "<calque.Memo of a copy in progress>";
    }

private:
    Memo& memo() const {
        if (link_->memo == nullptr) {
            PyErr_SetString(PyExc_ReferenceError, "this calque.Memo belongs to a copy that has ended");
            bp::throw_error_already_set();
        }
        return *link_->memo;
    }

    bp::object dict() const {
        Memo& m = memo();
        m.notice_writes();
        return own(m.object());
    }

    // The object a key would be the id of; null for ints no object can have.
    static void* address(const bp::object& key) {
        void* const found = PyLong_AsVoidPtr(key.ptr());
        if (found == nullptr && PyErr_Occurred() != nullptr) {
            PyErr_Clear();
        }
        return found;
    }

    bool find(const bp::object& key, bp::object& found) const {
        Memo& m = memo();
        m.notice_writes();
        if (m.has_dict() || !PyLong_CheckExact(key.ptr())) {
            const bp::object d = dict();
            Ref value = Ref::steal(running_python([&] { return PyObject_GetItem(d.ptr(), key.ptr()); }));
            if (!value) {
                require(PyErr_ExceptionMatches(PyExc_KeyError) != 0);
                PyErr_Clear();
                return false;
            }
            found = own(std::move(value));
            return true;
        }
        void* const id = address(key);
        Ref copy;
        const Memo::Found result = id == nullptr ? Memo::Found::miss : m.get_by_id(id, copy);
        require(result != Memo::Found::error);
        if (result == Memo::Found::hit) {
            found = own(std::move(copy));
            return true;
        }
        return false;
    }

    std::shared_ptr<Memo::Link> link_;
    Borrowed original_;
};

PyTypeObject* proxy_type = nullptr;

// Attributes that a program sets on a Memo, seen by the collector. Boost.Python keeps them in a dict of its own, which it does
// not show: a Memo kept by the copy that it has an attribute for would never be freed. Nothing else in a Memo owns an object.
PyObject*& attributes_of(PyObject* self) noexcept {
    return reinterpret_cast<bp::objects::instance<>*>(self)->dict;
}

int traverse_proxy(PyObject* self, visitproc visit, void* arg) noexcept {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(attributes_of(self));
    return 0;
}

int clear_proxy(PyObject* self) noexcept {
    const Ref attributes = Ref::steal(std::exchange(attributes_of(self), nullptr));
    return 0;
}

constexpr const char* kDoc =
    "The memo of a copy in progress, as a handler registered with calque.register receives it.\n\n"
    "A mapping {id(original): copy}, with copy(child) and keep_alive(object). Disconnected when the\n"
    "copy ends: any use then raises ReferenceError. Not made by hand.";

}  // namespace

void bind_memo() {
    using bp::arg;
    bp::class_<MemoProxy> memo("Memo", kDoc, bp::no_init);
    memo.def("copy", &MemoProxy::copy, (arg("self"), arg("child")),
             "The deep copy of child within this copy: what was copied already is found again.\n"
             "Raises what copying child raises; RecursionError when nested too deeply.")
        .def("keep_alive", &MemoProxy::keep_alive, (arg("self"), arg("object")),
             "Keeps object alive until the copy ends, so that its id is not given to another object.")
        .def("get", &MemoProxy::get, (arg("self"), arg("key"), arg("default") = bp::object()),
             "The copy of the object with id key, or default.")
        .def("keys", &MemoProxy::keys, "Ids of the originals copied so far.")
        .def("values", &MemoProxy::values, "Their copies, and the list of originals kept alive.")
        .def("items", &MemoProxy::items, "Pairs (id, copy).")
        .def("setdefault", &MemoProxy::setdefault, (arg("self"), arg("key"), arg("default") = bp::object()),
             "The entry for key, which becomes default if there is none.")
        .def("pop", bp::raw_function(&MemoProxy::pop, 2),
             "pop(key[, default]): takes the entry out; KeyError without one and without default.")
        .def("clear", &MemoProxy::clear, "Forgets all copies made so far.")
        .def("__getitem__", &MemoProxy::getitem)
        .def("__setitem__", &MemoProxy::setitem)
        .def("__delitem__", &MemoProxy::delitem)
        .def("__contains__", &MemoProxy::contains)
        .def("__len__", &MemoProxy::length)
        .def("__iter__", &MemoProxy::iterate)
        .def("__repr__", &MemoProxy::repr);
    memo.attr("__module__") = "calque";
    proxy_type = reinterpret_cast<PyTypeObject*>(memo.ptr());
    proxy_type->tp_traverse = traverse_proxy;
    proxy_type->tp_clear = clear_proxy;
}

bool is_memo_proxy(Borrowed object) noexcept { return object.type() == proxy_type; }

Ref copy_through_proxy(Borrowed proxy, Borrowed x) noexcept {
    try {
        const bp::object memo{bp::handle<>(bp::borrowed(proxy.get()))};
        const bp::object child{bp::handle<>(bp::borrowed(x.get()))};
        return Ref::share(MemoProxy::proxy_in(memo).copy(child).ptr());
    } catch (const bp::error_already_set&) {
        return {};
    }
}

Ref call_python_handler(CopyContext& context, Borrowed original, void* fn) noexcept {
    try {
        bp::object proxy(MemoProxy(Context::of(context.raw()).memo->link(), original));
        Ref copy = Ref::steal(running_python([&] {
            return PyObject_CallFunctionObjArgs(static_cast<PyObject*>(fn), original.get(), proxy.ptr(),
                                                nullptr);
        }));
        MemoProxy::proxy_in(proxy).leave_handler();
        return copy;
    } catch (const bp::error_already_set&) {
        return {};
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return {};
    }
}

}  // namespace calque::module
