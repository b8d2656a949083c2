// perf/cpp/extension/floor_compile.cpp: turns a graph into a program of floor_program.hpp.
//
// Two walks. The first counts how often each object that will be copied is met, for those met again need a register; the
// second emits. Which objects are their own copies is decided here, so that the program does not have to.
#include "floor_program.hpp"
#include "layouts.hpp"

#if PERF_HAVE_FLOOR

# include <datetime.h>
# include <structmember.h>

# include <algorithm>
# include <unordered_map>
# include <utility>

namespace perf {
namespace {

using calque::Borrowed;
using calque::Ref;

// A child, and where in its parent's storage it belongs.
struct Child {
    Word at;
    PyObject* object;
};
using Children = std::vector<Child>;

Word word(const void* address) { return reinterpret_cast<Word>(address); }

bool no_floor(PyObject* x, const char* why) {
    PyErr_Format(PyExc_TypeError, "no floor for %.200s: %s", Py_TYPE(x)->tp_name, why);
    return false;
}

bool is_atom(PyObject* x) {
    PyTypeObject* type = Py_TYPE(x);
    return x == Py_None || type == &PyLong_Type || type == &PyUnicode_Type || type == &PyFloat_Type
        || type == &PyBool_Type || type == &PyBytes_Type || type == &PyComplex_Type
        || type == &PyFunction_Type || type == &PyCFunction_Type || PyType_Check(x);
}

// Its own copy: an atom, or a tuple of such.
bool is_constant(PyObject* x) {
    if (!PyTuple_CheckExact(x)) {
        return is_atom(x);
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(x); ++i) {
        if (!is_constant(PyTuple_GET_ITEM(x, i))) {
            return false;
        }
    }
    return true;
}

enum class Shape {
    kList,
    kTuple,
    kDict,
    kSet,
    kFrozenset,
    kBytearray,
    kDatetime,
    kInstance,
    kDictInstance,
    kSlots,
    kNone
};

// A graph, its shapes and children; what the two walks share.
class Graph {
public:
    explicit Graph(Program& program) : program_(program) {}

    bool count(PyObject* x) {
        if (is_constant(x)) {
            return true;
        }
        if (met_[x]++ > 0) {
            return true;
        }
        Children children;
        Extra extra;
        if (look(x, children, extra) == Shape::kNone) {
            return false;
        }
        for (const Child& child : children) {
            if (!count(child.object)) {
                return false;
            }
        }
        return true;
    }

    bool emit(PyObject* x) { return emit_all({{0, x}}, 0) && (words().push_back(kHalt), true); }

private:
    struct Extra {
        PyObject* dict = nullptr;         // a dict, or that of an instance
        std::vector<std::uint8_t> order;  // of an instance's attributes
    };

    std::vector<Word>& words() { return program_.words; }

    // What x is, and what is in it; kNone with an exception set.
    Shape look(PyObject* x, Children& children, Extra& extra) {
        PyTypeObject* type = Py_TYPE(x);
        if (PyList_CheckExact(x)) {
            for (Py_ssize_t i = 0; i < PyList_GET_SIZE(x); ++i) {
                children.push_back({static_cast<Word>(i) * sizeof(PyObject*), PyList_GET_ITEM(x, i)});
            }
            return Shape::kList;
        }
        if (PyTuple_CheckExact(x)) {
            for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(x); ++i) {
                children.push_back({static_cast<Word>(i) * sizeof(PyObject*), PyTuple_GET_ITEM(x, i)});
            }
            return Shape::kTuple;
        }
        if (PyDict_CheckExact(x)) {
            return look_dict(x, children, extra) ? Shape::kDict : Shape::kNone;
        }
        if (PyAnySet_CheckExact(x)) {
            return look_set(x) ? (PySet_CheckExact(x) ? Shape::kSet : Shape::kFrozenset) : Shape::kNone;
        }
        if (PyByteArray_CheckExact(x)) {
            return Shape::kBytearray;
        }
        if (PyDateTime_CheckExact(x) && _PyDateTime_HAS_TZINFO(x) == 0) {
            return Shape::kDatetime;
        }
        if (PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) && type->tp_base == &PyBaseObject_Type
            && type->tp_itemsize == 0) {
            return PyType_HasFeature(type, Py_TPFLAGS_MANAGED_DICT) ? look_instance(x, children, extra)
                                                                    : look_slots(x, children);
        }
        no_floor(x, "its type is unknown to perf/cpp/extension/floor_compile.cpp");
        return Shape::kNone;
    }

    bool look_dict(PyObject* x, Children& children, Extra& extra) {
        extra.dict = x;
        auto* fields = reinterpret_cast<PyDictObject*>(x);
        if (fields->ma_values != nullptr) {
            // A split one: only the dict of an instance. Its copy is combined.
            Ref combined = Ref::steal(PyDict_New());
            if (!combined || PyDict_Update(combined.get(), x) != 0) {
                return false;
            }
            extra.dict = x = combined.get();
            program_.kept.push_back(std::move(combined));
        }
        const Keys* keys = keys_of(x);
        for (Py_ssize_t i = 0; i < keys->entries; ++i) {
            if (keys->value(i) == nullptr) {
                return no_floor(x, "it has had deletions");
            }
            if (!is_constant(keys->key(i))) {
                return no_floor(x, "a key is not its own copy");
            }
            children.push_back({keys->value_offset(i), keys->value(i)});
        }
        return true;
    }

    static bool look_set(PyObject* x) {
        Ref members = Ref::steal(PySequence_List(x));
        if (!members) {
            return false;
        }
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(members.get()); ++i) {
            if (!is_constant(PyList_GET_ITEM(members.get(), i))) {
                return no_floor(x, "a member is not its own copy");
            }
        }
        return true;
    }

    // The copy keeps its attributes without a dict if the class knows all the names; else it has a dict of its own.
    Shape look_instance(PyObject* x, Children& children, Extra& extra) {
        Ref dict = Ref::steal(PyObject_GenericGetDict(x, nullptr));
        if (!dict) {
            return Shape::kNone;
        }
        const Keys* shared = cached_keys(Py_TYPE(x));
        Py_ssize_t position = 0;
        PyObject* name = nullptr;
        PyObject* value = nullptr;
        while (shared != nullptr && PyDict_Next(dict.get(), &position, &name, &value) != 0) {
            Py_ssize_t index = 0;
            while (index < shared->entries && shared->key(index) != name) {
                ++index;
            }
            if (index == shared->entries) {
                children.clear();
                shared = nullptr;
                break;
            }
            children.push_back({static_cast<Word>(index) * sizeof(PyObject*), value});
            extra.order.push_back(static_cast<std::uint8_t>(index));
        }
        Shape shape = Shape::kInstance;
        if (shared == nullptr) {
            shape = look_dict(dict.get(), children, extra) ? Shape::kDictInstance : Shape::kNone;
        }
        program_.kept.push_back(std::move(dict));
        return shape;
    }

    static Shape look_slots(PyObject* x, Children& children) {
        Ref names = Ref::steal(PyObject_GetAttrString(reinterpret_cast<PyObject*>(Py_TYPE(x)), "__slots__"));
        if (!names || !PyTuple_CheckExact(names.get())) {
            PyErr_Clear();
            no_floor(x, "its __slots__ are not a tuple");
            return Shape::kNone;
        }
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names.get()); ++i) {
            PyObject* slot = PyDict_GetItem(Py_TYPE(x)->tp_dict, PyTuple_GET_ITEM(names.get(), i));
            if (slot == nullptr || !PyObject_TypeCheck(slot, &PyMemberDescr_Type)) {
                no_floor(x, "a slot has no descriptor");
                return Shape::kNone;
            }
            const auto at = static_cast<Word>(reinterpret_cast<PyMemberDescrObject*>(slot)->d_member->offset);
            PyObject* value = nullptr;
            std::memcpy(&value, reinterpret_cast<char*>(x) + at, sizeof value);
            if (value != nullptr) {
                children.push_back({at, value});
            }
        }
        return Shape::kSlots;
    }

    // Operations that fill an open container.
    bool emit_all(const Children& children, std::size_t depth) {
        program_.depth = std::max(program_.depth, depth + 1);
        for (std::size_t i = 0; i < children.size();) {
            std::size_t end = i;
            while (end < children.size() && is_constant(children[end].object)
                   && children[end].at == children[i].at + (end - i) * sizeof(PyObject*)) {
                ++end;
            }
            if (end == i) {
                if (!emit_one(children[i], depth)) {
                    return false;
                }
                ++i;
                continue;
            }
            words().insert(words().end(), {kAtoms, children[i].at, end - i});
            push_addresses(children, i, end);
            i = end;
        }
        return true;
    }

    // A dict's image holds the atoms already.
    bool emit_mutable(const Children& children, std::size_t depth) {
        program_.depth = std::max(program_.depth, depth + 1);
        for (const Child& child : children) {
            if (!is_constant(child.object) && !emit_one(child, depth)) {
                return false;
            }
        }
        return true;
    }

    void push_addresses(const Children& children, std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            words().push_back(word(children[i].object));
        }
    }

    bool emit_one(const Child& child, std::size_t depth) {
        PyObject* x = child.object;
        if (const auto found = registers_.find(x); found != registers_.end()) {
            words().insert(words().end(), {kAgain, child.at, found->second});
            return true;
        }
        Word number = kNoRegister;
        if (met_[x] > 1) {
            registers_[x] = number = program_.registers++;
        }
        Children children;
        Extra extra;
        switch (look(x, children, extra)) {
        case Shape::kNone: return false;
        case Shape::kList: return emit_list(child.at, number, children, depth);
        case Shape::kTuple:
            words().insert(words().end(), {kTuple, child.at, number, children.size()});
            return emit_all(children, depth + 1) && end();
        case Shape::kDict: return emit_dict(child.at, number, children, extra, depth);
        case Shape::kSet: words().insert(words().end(), {kSet, child.at, number, word(x)}); return true;
        case Shape::kFrozenset: {
            Ref twin = Ref::steal(PySet_New(x));
            if (!twin) {
                return false;
            }
            words().insert(words().end(), {kFrozenset, child.at, number, word(twin.get())});
            program_.kept.push_back(std::move(twin));
            return true;
        }
        case Shape::kBytearray:
            words().insert(words().end(), {kBytearray, child.at, number, word(x)});
            return true;
        case Shape::kDatetime: {
            const Word begin = sizeof(PyObject);
            const Word size = offsetof(PyDateTime_DateTime, tzinfo) - begin;
            words().insert(words().end(), {kValue, child.at, number, word(x), begin, size});
            return true;
        }
        case Shape::kInstance: {
            const std::vector<char>& order =
                program_.images.emplace_back(extra.order.begin(), extra.order.end());
            words().insert(words().end(),
                           {kInstance, child.at, number, word(Py_TYPE(x)), order.size(), word(order.data())});
            return emit_all(children, depth + 1) && end();
        }
        case Shape::kDictInstance:
            words().insert(words().end(), {kDictInstance, child.at, number, word(Py_TYPE(x))});
            return emit_image(children, extra) && emit_mutable(children, depth + 1) && end();
        case Shape::kSlots:
            words().insert(words().end(), {kSlots, child.at, number, word(Py_TYPE(x))});
            return emit_all(children, depth + 1) && end();
        }
        Py_UNREACHABLE();
    }

    bool end() {
        words().push_back(kEnd);
        return true;
    }

    bool emit_list(Word at, Word number, const Children& children, std::size_t depth) {
        bool flat = true;
        for (const Child& child : children) {
            flat = flat && is_constant(child.object);
        }
        words().insert(words().end(), {flat ? kListOfAtoms : kList, at, number, children.size()});
        if (flat) {
            push_addresses(children, 0, children.size());
            return true;
        }
        return emit_all(children, depth + 1) && end();
    }

    bool emit_dict(Word at, Word number, const Children& children, const Extra& extra, std::size_t depth) {
        bool flat = true;
        for (const Child& child : children) {
            flat = flat && is_constant(child.object);
        }
        words().insert(words().end(), {flat ? kFlatDict : kDict, at, number});
        if (flat) {
            words().push_back(word(extra.dict));
            return true;
        }
        return emit_image(children, extra) && emit_mutable(children, depth + 1) && end();
    }

    // The operands dict, image, n, p...
    bool emit_image(const Children& children, const Extra& extra) {
        const Keys* keys = keys_of(extra.dict);
        const auto* bytes = reinterpret_cast<const char*>(keys);
        std::vector<char>& image = program_.images.emplace_back(bytes, bytes + keys->used());
        auto* copy = reinterpret_cast<Keys*>(image.data());
        copy->refcount = 1;
        copy->version = 0;
        words().insert(words().end(), {word(extra.dict), word(image.data())});
        const std::size_t count_at = words().size();
        words().push_back(0);
        for (Py_ssize_t i = 0; i < keys->entries; ++i) {
            words().push_back(word(keys->key(i)));
            if (is_constant(children[static_cast<std::size_t>(i)].object)) {
                words().push_back(word(keys->value(i)));
            }
        }
        words()[count_at] = words().size() - count_at - 1;
        return true;
    }

    Program& program_;
    std::unordered_map<PyObject*, int> met_;
    std::unordered_map<PyObject*, Word> registers_;
};

}  // namespace

bool compile(Borrowed x, Program& program) {
    if (PyDateTimeAPI == nullptr) {
        PyDateTime_IMPORT;
        if (PyDateTimeAPI == nullptr) {
            return false;
        }
    }
    program.kept.push_back(Ref::share(x));
    Graph graph(program);
    return graph.count(x.get()) && graph.emit(x.get());
}

}  // namespace perf

#endif
