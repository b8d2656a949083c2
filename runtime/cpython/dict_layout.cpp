// runtime/cpython/dict_layout.cpp: see dict_layout.hpp and primitives/dict_slots.hpp.
#include "cpython/dict_layout.hpp"

#include "cpython/strategies.hpp"

#include "primitives/dict_slots.hpp"

#include <calque/ref.hpp>

namespace calque {

#if CALQUE_USE_DICT_SLOTS

namespace {

// `pairs` pairs of (key, itself), and what find() would say of them.
bool is_laid_out(Borrowed first_key, int pairs) noexcept {
    Ref dict = Ref::steal(PyDict_New());
    bool good = bool(dict);
    for (int i = 0; good && i < pairs; ++i) {
        Ref key = i == 0 ? Ref::share(first_key) : Ref::steal(PyUnicode_FromFormat("%d", i));
        good = key && PyDict_SetItem(dict.get(), key.get(), key.get()) == 0;
    }
    dict_slots::Entries entries;
    if (good) {
        const dict_layout::Keys* keys = dict_layout::keys_of(dict.get());
        good = reinterpret_cast<PyDictObject*>(dict.get())->ma_values == nullptr && keys->nentries == pairs
            && keys->index_bytes() <= 4096 && dict_slots::find(dict, entries);
    }
    if (good) {
        PyObject *key = nullptr, *value = nullptr;
        Py_ssize_t position = 0;
        for (std::uint32_t i = 0; good && PyDict_Next(dict.get(), &position, &key, &value); ++i) {
            good = i < entries.count && entries.key(i) == key && entries.value(i) == value;
        }
    }
    return good;
}

}  // namespace

void dict_layout::look() noexcept {
    known = true;  // for find(), while we look
    const Ref name = Ref::steal(PyUnicode_InternFromString("__name__"));
    const Ref number = Ref::steal(PyLong_FromLong(1));
    known = name && number && is_laid_out(name, 1) && is_laid_out(name, 300) && is_laid_out(number, 5);
    PyErr_Clear();
}

#else

void dict_layout::look() noexcept {}

#endif

}  // namespace calque
