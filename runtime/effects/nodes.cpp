// runtime/effects/nodes.cpp: see nodes.hpp. One table says what each kind is called and takes; all share their slots.
#include "nodes.hpp"

#include "continuation.hpp"
#include "handler.hpp"

#include <calque/compat.hpp>

#include <algorithm>
#include <utility>

#include <structmember.h>

namespace calque::effects {

PyTypeObject node_types[kKinds];

namespace {

struct NodeSpec {
    const char* name;
    std::size_t fields;
    std::size_t required;
    const char* names[kFields];
    const char* doc;
};

constexpr std::size_t kNodeKinds = static_cast<std::size_t>(Kind::program);

constexpr NodeSpec specs[kNodeKinds] = {
    {"calque.effects.Get",
     1,
     1,
     {"key", nullptr},
     "Get(key)\n--\n\nEffect: the value State has for a key, or None."},
    {"calque.effects.Put",
     2,
     2,
     {"key", "value"},
     "Put(key, value)\n--\n\nEffect: State remembers a value. Evaluates to None."},
    {"calque.effects.Modify",
     2,
     2,
     {"key", "function"},
     "Modify(key, function)\n--\n\nEffect: State replaces a value by function(value). Evaluates to the old "
     "value.\n\n"
     "A missing value is None. What the function raises is raised here, and the state is as before."},
    {"calque.effects.Ask",
     1,
     1,
     {"key", nullptr},
     "Ask(key)\n--\n\nEffect: the value Reader has for a key. Raises KeyError if there is none."},
    {"calque.effects.Tell",
     1,
     1,
     {"message", nullptr},
     "Tell(message)\n--\n\nEffect: Writer appends the message to its log. Evaluates to None."},
    {"calque.effects.Resume",
     2,
     1,
     {"k", "value"},
     "Resume(k, value=None)\n--\n\nResume k: the effect it waits for evaluates to value. Evaluates to what "
     "the body under\n"
     "the handler returns.\n\nRaises:\n    OneShotError: k was resumed before."},
    {"calque.effects.ResumeThrow",
     2,
     2,
     {"k", "exception"},
     "ResumeThrow(k, exception)\n--\n\nResume, but the effect raises the exception."},
    {"calque.effects.Transfer",
     2,
     1,
     {"k", "value"},
     "Transfer(k, value=None)\n--\n\nResume k in place of the handler, which is dropped and never continued: "
     "what the body\n"
     "returns is what WithHandler evaluates to. For a handler only."},
    {"calque.effects.TransferThrow",
     2,
     2,
     {"k", "exception"},
     "TransferThrow(k, exception)\n--\n\nTransfer, but the effect raises the exception."},
    {"calque.effects.Pass",
     2,
     2,
     {"effect", "k"},
     "Pass(effect, k)\n--\n\nNot mine: the next outer handler that accepts the effect answers it, with the "
     "same k. The\n"
     "handler is dropped, and stays installed for the body. For a handler only."},
    {"calque.effects.Delegate",
     0,
     0,
     {nullptr, nullptr},
     "Delegate()\n--\n\nPass(effect, k) with the effect and the continuation the handler was called with."},
    {"calque.effects.GetContinuation",
     0,
     0,
     {nullptr, nullptr},
     "GetContinuation()\n--\n\nEvaluates to the continuation the handler was called with. For a handler "
     "only."},
    {"calque.effects.GetHandlers",
     1,
     0,
     {"k", nullptr},
     "GetHandlers(k=None)\n--\n\nEvaluates to the list of handlers in force here, innermost first; those k "
     "has with it, if\n"
     "k is given."},
    {"calque.effects.GetTraceback",
     1,
     1,
     {"k", nullptr},
     "GetTraceback(k)\n--\n\nEvaluates to where k waits: a list of (function, file, line), innermost first. "
     "k stays as\n"
     "it is."},
    {"calque.effects.WithHandler",
     2,
     2,
     {"handler", "body"},
     "WithHandler(handler, body)\n--\n\nRun body with a handler in force. Evaluates to what body returns, or "
     "to what the\n"
     "handler returns if it ends without resuming.\n\nArgs:\n    handler: State, Reader, Writer, or any "
     "callable\n"
     "        handler(effect, k); @handles says which effects it wants.\n"
     "    body: a program, an effect or an instruction."},
    {"calque.effects.Pure", 1, 1, {"value", nullptr}, "Pure(value)\n--\n\nEvaluates to value."},
};

PyMemberDef members[kNodeKinds][kFields + 1];

// Freed nodes by their number of fields; the first field links them. Those without fields are not kept.
constexpr int kMostIdle = 32;
PyObject* idle[kFields + 1][kMostIdle];
int idle_count[kFields + 1];

const NodeSpec& spec_of(Borrowed object) noexcept { return specs[static_cast<std::size_t>(kind_of(object))]; }
PyObject** fields_of(Borrowed object) noexcept { return reinterpret_cast<Node*>(object.get())->fields; }

// What can be wrong about a field is said when the node is made: there the caller's line is in the traceback.
bool check(Kind kind, PyObject* const* fields) noexcept {
    switch (kind) {
    case Kind::resume:
    case Kind::resume_throw:
    case Kind::transfer:
    case Kind::transfer_throw:
    case Kind::get_traceback:
    case Kind::get_handlers:
    case Kind::pass: {
        const std::size_t which = kind == Kind::pass ? 1 : 0;
        if (!is_continuation(fields[which]) && !(kind == Kind::get_handlers && fields[which] == Py_None)) {
            PyErr_Format(PyExc_TypeError, "expected a continuation, got %s", Py_TYPE(fields[which])->tp_name);
            return false;
        }
        if (kind == Kind::pass && !is_native_effect(kind_of(fields[0])) && !is_user_effect(fields[0])) {
            PyErr_Format(PyExc_TypeError, "expected an effect to pass on, got %s",
                         Py_TYPE(fields[0])->tp_name);
            return false;
        }
        if ((kind == Kind::resume_throw || kind == Kind::transfer_throw)
            && !PyExceptionInstance_Check(fields[1])) {
            PyErr_Format(PyExc_TypeError, "expected an exception, got %s", Py_TYPE(fields[1])->tp_name);
            return false;
        }
        return true;
    }
    case Kind::with_handler:
        if (!is_native_handler_or_callable(fields[0])) {
            PyErr_Format(PyExc_TypeError, "handler must be callable, and %s is not",
                         Py_TYPE(fields[0])->tp_name);
            return false;
        }
        if (!is_yieldable(fields[1])) {
            refuse_yield(fields[1]);
            return false;
        }
        return true;
    default: return true;
    }
}

PyObject* make(Kind kind, PyObject* const* fields) noexcept {
    const std::size_t index = static_cast<std::size_t>(kind);
    const std::size_t count = specs[index].fields;
    if (!check(kind, fields)) {
        return nullptr;
    }
    PyObject* node;
    if (idle_count[count] > 0) {
        node = PyObject_Init(idle[count][--idle_count[count]], &node_types[index]);
    } else {
        node = reinterpret_cast<PyObject*>(PyObject_GC_New(Node, &node_types[index]));
        if (node == nullptr) {
            return nullptr;
        }
    }
    bool cycles = false;
    for (std::size_t i = 0; i < count; ++i) {
        fields_of(node)[i] = Ref::share(fields[i]).release();
        cycles |= PyObject_IS_GC(fields[i]) != 0;
    }
    if (cycles) {
        PyObject_GC_Track(node);
    }
    return node;
}

PyObject* wrong_count(const NodeSpec& spec, Py_ssize_t given) noexcept {
    PyErr_Format(PyExc_TypeError, "%s() takes %s%zu argument%s, %zd given", spec.name,
                 spec.required == spec.fields ? "" : "up to ", spec.fields, spec.fields == 1 ? "" : "s",
                 given);
    return nullptr;
}

PyObject* make_by_name(Kind kind, PyObject* const* args, Py_ssize_t nargs, PyObject* names) noexcept {
    const NodeSpec& spec = specs[static_cast<std::size_t>(kind)];
    const std::size_t count = std::min(spec.fields, kFields);
    PyObject* fields[kFields] = {nullptr, nullptr};
    if (nargs > static_cast<Py_ssize_t>(count)) {
        return wrong_count(spec, nargs);
    }
    for (Py_ssize_t i = 0; i < nargs; ++i) {
        fields[i] = args[i];
    }
    for (Py_ssize_t i = 0; names != nullptr && i < PyTuple_GET_SIZE(names); ++i) {
        PyObject* const name = PyTuple_GET_ITEM(names, i);
        std::size_t at = 0;
        while (at < count && PyUnicode_CompareWithASCIIString(name, spec.names[at]) != 0) {
            ++at;
        }
        if (at == count || fields[at] != nullptr) {
            PyErr_Format(PyExc_TypeError, "%s() got %s argument '%U'", spec.name,
                         at == count ? "an unexpected" : "two values for", name);
            return nullptr;
        }
        fields[at] = args[nargs + i];
    }
    for (std::size_t i = 0; i < count; ++i) {
        if (fields[i] == nullptr) {
            if (i < spec.required) {
                PyErr_Format(PyExc_TypeError, "%s() misses the argument '%s'", spec.name, spec.names[i]);
                return nullptr;
            }
            fields[i] = Py_None;
        }
    }
    return make(kind, fields);
}

PyObject* node_vectorcall(PyObject* type, PyObject* const* args, std::size_t nargsf,
                          PyObject* names) noexcept {
    const Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    const Kind kind = static_cast<Kind>(reinterpret_cast<PyTypeObject*>(type) - node_types);
    if (names == nullptr && nargs == static_cast<Py_ssize_t>(specs[static_cast<std::size_t>(kind)].fields)) {
        return make(kind, args);
    }
    return make_by_name(kind, args, nargs, names);
}

// For Get.__new__(Get, key), and what calls types in other old ways.
PyObject* node_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
    const Kind kind = static_cast<Kind>(type - node_types);
    if (keywords != nullptr && PyDict_GET_SIZE(keywords) > 0) {
        PyErr_Format(PyExc_TypeError, "%s.__new__() takes no keyword arguments", type->tp_name);
        return nullptr;
    }
    return make_by_name(kind, &PyTuple_GET_ITEM(args, 0), PyTuple_GET_SIZE(args), nullptr);
}

int node_init(PyObject*, PyObject*, PyObject*) { return 0; }

int node_traverse(PyObject* self, visitproc visit, void* arg) {
    const std::size_t count = spec_of(self).fields;
    for (std::size_t i = 0; i < count; ++i) {
        Py_VISIT(fields_of(self)[i]);
    }
    return 0;
}

void release_node(PyObject* self) noexcept {
    const std::size_t count = spec_of(self).fields;
    for (std::size_t i = 0; i < count; ++i) {
        const Ref dying = Ref::steal(std::exchange(fields_of(self)[i], nullptr));
    }
    if (count > 0 && idle_count[count] < kMostIdle) {
        idle[count][idle_count[count]++] = self;
    } else {
        PyObject_GC_Del(self);
    }
}

void node_dealloc(PyObject* self) {
    PyObject_GC_UnTrack(self);
    // A WithHandler in a WithHandler, 10^5 times: the interpreter's own guard. What is no node has its own.
    const std::size_t count = spec_of(self).fields;
    if (count > 0 && kind_of(fields_of(self)[count - 1]) != Kind::unknown) {
        Py_TRASHCAN_BEGIN(self, node_dealloc) release_node(self);
        Py_TRASHCAN_END return;
    }
    release_node(self);
}

PyObject* node_repr(PyObject* self) {
    const NodeSpec& spec = spec_of(self);
    const char* const name = spec.name + sizeof("calque.effects.") - 1;
    const int entered = Py_ReprEnter(self);
    if (entered != 0) {
        return entered > 0 ? PyUnicode_FromFormat("%s(...)", name) : nullptr;
    }
    PyObject** const fields = fields_of(self);
    PyObject* text;
    if (spec.fields == 0) {
        text = PyUnicode_FromFormat("%s()", name);
    } else if (spec.fields == 1) {
        text = PyUnicode_FromFormat("%s(%R)", name, fields[0]);
    } else {
        text = PyUnicode_FromFormat("%s(%R, %R)", name, fields[0], fields[1]);
    }
    Py_ReprLeave(self);
    return text;
}

PyObject* node_reduce(PyObject* self, PyObject*) {
    const std::size_t count = spec_of(self).fields;
    const Ref arguments = Ref::steal(PyTuple_New(static_cast<Py_ssize_t>(count)));
    if (!arguments) {
        return nullptr;
    }
    for (std::size_t i = 0; i < count; ++i) {
        PyTuple_SET_ITEM(arguments.get(), static_cast<Py_ssize_t>(i),
                         Ref::share(fields_of(self)[i]).release());
    }
    return PyTuple_Pack(2, Py_TYPE(self), arguments.get());
}

PyMethodDef node_methods[] = {
    {"__reduce__", node_reduce, METH_NOARGS, "Effects are copied and pickled by their fields."},
    {nullptr, nullptr, 0, nullptr},
};

bool create_node_type(std::size_t index) noexcept {
    const NodeSpec& spec = specs[index];
    PyTypeObject& type = node_types[index];
    type = {PyVarObject_HEAD_INIT(nullptr, 0)};
    for (std::size_t i = 0; i < spec.fields; ++i) {
        members[index][i] = {spec.names[i], T_OBJECT,
                             static_cast<Py_ssize_t>(offsetof(Node, fields) + i * sizeof(PyObject*)),
                             READONLY, nullptr};
    }
    type.tp_name = spec.name;
    type.tp_doc = spec.doc;
    type.tp_basicsize = static_cast<Py_ssize_t>(offsetof(Node, fields) + spec.fields * sizeof(PyObject*));
    type.tp_base = is_native_effect(static_cast<Kind>(index)) ? &effect_type : nullptr;
    type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC;
    type.tp_new = node_new;
    type.tp_init = type.tp_base != nullptr ? node_init : nullptr;  // Effect's would set the fields
    type.tp_vectorcall = node_vectorcall;
    type.tp_dealloc = node_dealloc;
    type.tp_traverse = node_traverse;
    type.tp_repr = node_repr;
    type.tp_members = members[index];
    type.tp_methods = node_methods;
    if (PyType_Ready(&type) < 0) {
        return false;
    }
    const Ref names = Ref::steal(PyTuple_New(static_cast<Py_ssize_t>(spec.fields)));
    if (!names) {
        return false;
    }
    for (std::size_t i = 0; i < spec.fields; ++i) {
        PyObject* const name = PyUnicode_InternFromString(spec.names[i]);
        if (name == nullptr) {
            return false;
        }
        PyTuple_SET_ITEM(names.get(), static_cast<Py_ssize_t>(i), name);
    }
    const Ref dict = Ref::steal(PyType_GetDict(&type));
    const bool good = PyDict_SetItemString(dict.get(), "__match_args__", names.get()) == 0;
    PyType_Modified(&type);
    return good;
}

}  // namespace

bool create_node_types() noexcept {
    for (std::size_t i = 0; i < kNodeKinds; ++i) {
        if (!create_node_type(i)) {
            return false;
        }
    }
    return true;
}

void refuse_yield(Borrowed object) noexcept {
    PyErr_Format(PyExc_TypeError, "expected a program, an effect or an instruction, got %s%s",
                 object.type()->tp_name,
                 PyGen_CheckExact(object.get()) ? ": the function that made it lacks @do" : "");
}

}  // namespace calque::effects
