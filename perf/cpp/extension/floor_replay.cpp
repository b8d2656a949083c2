// perf/cpp/extension/floor_replay.cpp: runs a program of floor_program.hpp.
//
// Running out of memory ends the process: a check per allocation is not part of a floor.
#include "floor_program.hpp"
#include "layouts.hpp"

#if PERF_HAVE_FLOOR

namespace perf {
namespace {

template <class T>
T* made(T* object) {
    if (object == nullptr) [[unlikely]] {
        Py_FatalError("calque_perf: out of memory");
    }
    return object;
}

template <class T>
T* as(Word word) {
    return reinterpret_cast<T*>(word);
}

inline void store(char* base, Word at, PyObject* object) {
    *reinterpret_cast<PyObject**>(base + at) = object;
}

// A dict whose keys object is a copy of an image; what the image points to is not yet increfed.
inline PyObject* dict_from(PyObject* original, Word image, char*& base) {
    PyObject* dict = made(PyDict_New());
    auto* fields = reinterpret_cast<PyDictObject*>(dict);
# if PY_VERSION_HEX < 0x030C0000
    --reinterpret_cast<Keys*>(fields->ma_keys)->refcount;  // the empty keys, immortal since 3.12
# endif
    const auto* keys = as<const Keys>(image);
    base = static_cast<char*>(made(allocate_keys(keys->allocated())));
    std::memcpy(base, keys, keys->used());
    fields->ma_keys = reinterpret_cast<PyDictKeysObject*>(base);
    fields->ma_used = reinterpret_cast<PyDictObject*>(original)->ma_used;
    PyObject_GC_Track(dict);
    return dict;
}

inline void incref_all(const Word* objects, Word n) {
    for (const Word* end = objects + n; objects != end; ++objects) {
        Py_INCREF(as<PyObject>(*objects));
    }
}

inline void store_all(PyObject** to, const Word* objects, Word n) {
    for (Word i = 0; i < n; ++i) {
        auto* object = as<PyObject>(objects[i]);
        Py_INCREF(object);
        to[i] = object;
    }
}

}  // namespace

PyObject* replay(const Program& program, PyObject** registers, char** bases) {
    PyObject* root = nullptr;
    char* base = reinterpret_cast<char*>(&root);
    const Word* word = program.words.data();

    // Puts a new object where its parent wants it.
    const auto put = [&](PyObject* object) {
        store(base, word[1], object);
        if (word[2] != kNoRegister) {
            registers[word[2]] = object;
        }
    };
    const auto open = [&](void* inside) {
        *bases++ = base;
        base = static_cast<char*>(inside);
    };

    for (;;) {
        switch (*word) {
        case kHalt: return root;
        case kEnd:
            base = *--bases;
            word += 1;
            break;
        case kAtoms:
            store_all(reinterpret_cast<PyObject**>(base + word[1]), word + 3, word[2]);
            word += 3 + word[2];
            break;
        case kIncref:
            incref_all(word + 2, word[1]);
            word += 2 + word[1];
            break;
        case kAgain: {
            PyObject* object = registers[word[2]];
            Py_INCREF(object);
            store(base, word[1], object);
            word += 3;
            break;
        }
        case kList: {
            PyObject* list = made(PyList_New(static_cast<Py_ssize_t>(word[3])));
            put(list);
            open(reinterpret_cast<PyListObject*>(list)->ob_item);
            word += 4;
            break;
        }
        case kListOfAtoms: {
            PyObject* list = made(PyList_New(static_cast<Py_ssize_t>(word[3])));
            put(list);
            store_all(reinterpret_cast<PyListObject*>(list)->ob_item, word + 4, word[3]);
            word += 4 + word[3];
            break;
        }
        case kTuple: {
            PyObject* tuple = made(PyTuple_New(static_cast<Py_ssize_t>(word[3])));
            put(tuple);
            open(reinterpret_cast<PyTupleObject*>(tuple)->ob_item);
            word += 4;
            break;
        }
        case kFlatDict:
            put(made(PyDict_Copy(as<PyObject>(word[3]))));
            word += 4;
            break;
        case kDict: {
            char* inside = nullptr;
            put(dict_from(as<PyObject>(word[3]), word[4], inside));
            open(inside);
            incref_all(word + 6, word[5]);
            word += 6 + word[5];
            break;
        }
        case kSet:
            put(made(PySet_New(as<PyObject>(word[3]))));
            word += 4;
            break;
        case kFrozenset:
            put(made(PyFrozenSet_New(as<PyObject>(word[3]))));
            word += 4;
            break;
        case kBytearray: {
            auto* original = as<PyObject>(word[3]);
            put(made(PyByteArray_FromStringAndSize(PyByteArray_AS_STRING(original),
                                                   PyByteArray_GET_SIZE(original))));
            word += 4;
            break;
        }
        case kValue: {
            auto* original = as<PyObject>(word[3]);
            PyTypeObject* type = Py_TYPE(original);
            PyObject* object = made(type->tp_alloc(type, 0));
            std::memcpy(reinterpret_cast<char*>(object) + word[4],
                        reinterpret_cast<char*>(original) + word[4], word[5]);
            put(object);
            word += 6;
            break;
        }
        case kInstance: {
            auto* type = as<PyTypeObject>(word[3]);
            PyObject* object = made(type->tp_alloc(type, 0));
            put(object);
            PyObject** values = add_values(object);
            set_order(values, as<const std::uint8_t>(word[5]), word[4]);
            open(values);
            word += 6;
            break;
        }
        case kDictInstance: {
            auto* type = as<PyTypeObject>(word[3]);
            PyObject* object = made(type->tp_alloc(type, 0));
            put(object);
            char* inside = nullptr;
            set_dict(object, dict_from(as<PyObject>(word[4]), word[5], inside));
            open(inside);
            incref_all(word + 7, word[6]);
            word += 7 + word[6];
            break;
        }
        case kSlots: {
            auto* type = as<PyTypeObject>(word[3]);
            PyObject* object = made(type->tp_alloc(type, 0));
            put(object);
            open(object);
            word += 4;
            break;
        }
        default: Py_UNREACHABLE();
        }
    }
}

}  // namespace perf

#endif
