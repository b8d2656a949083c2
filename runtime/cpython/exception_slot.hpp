// runtime/cpython/exception_slot.hpp: one object that belongs to an exception and that nobody sees: the path at which a copy
// failed (error_path.hpp).
//
// It must live as long as the exception and no longer, be the exception's and not that of the next one at the same address, and
// not show: not in `vars()`, not in a pickle. Exceptions built into the interpreter take no weak references, so a table beside
// them cannot learn that one has gone; and a table that kept them would keep their tracebacks, and with them the graph.
//   From 3.11 on every exception has a reference that nothing uses: PyBaseExceptionObject.notes. Notes came to be kept
// in the attribute `__notes__`; the field stayed, and is visited, cleared and released with the others
// (Objects/exceptions.c, BaseException_clear; the same in 3.14). It stands in a public header.
//   Twin, and 3.10: the last few exceptions, each with evidence that it is still the one: a weak reference where its class
// has those, else its tuple of arguments, if that is not empty and holds nothing but atoms. Others are not remembered.
#pragma once

#include "cpython/strategies.hpp"
#include "pod_vector.hpp"

#include <calque/ref.hpp>

#include <new>
#include <utility>

namespace calque::exception_slot {

#if CALQUE_USE_EXCEPTION_SLOT

namespace detail {
inline PyObject*& slot_of(Borrowed exception) noexcept {
    return reinterpret_cast<PyBaseExceptionObject*>(exception.get())->notes;
}
}  // namespace detail

/// What put() has given this exception; empty if nothing.
inline Borrowed get(Borrowed exception, const char* name) noexcept {
    PyObject* const there = detail::slot_of(exception);
    return there != nullptr && PyCapsule_IsValid(there, name) != 0 ? there : nullptr;
}

/// A capsule of this name. False: the exception takes none; no Python exception is set.
[[nodiscard]] inline bool put(Borrowed exception, Ref capsule, const char* name) noexcept {
    PyObject*& there = detail::slot_of(exception);
    if (there != nullptr && PyCapsule_IsValid(there, name) == 0) {
        return false;
    }
    const Ref before = Ref::steal(std::exchange(there, capsule.release()));
    return true;
}

#else

namespace detail {

struct Entry {
    PyObject* exception = nullptr;  // not looked into
    Ref evidence;
    Ref capsule;
};
constexpr int kEntries = 8;
struct Table : FromMalloc {
    Entry entries[kEntries];
    int next = 0;
};
/// Guarded by the GIL. Never destroyed: the interpreter is gone by then. Null: there was no memory.
inline Table* table() noexcept {
    static Table* const only = new (std::nothrow) Table;
    return only;
}

inline Borrowed arguments(Borrowed exception) noexcept {
    return reinterpret_cast<PyBaseExceptionObject*>(exception.get())->args;
}

inline bool is_atom(Borrowed x) noexcept {
    PyObject* const object = x.get();
    return object == Py_None || PyUnicode_CheckExact(object) || PyLong_CheckExact(object)
        || PyFloat_CheckExact(object) || PyBytes_CheckExact(object) || PyBool_Check(object);
}

inline Ref evidence_of(Borrowed exception) noexcept {
    if (exception.type()->tp_weaklistoffset != 0) {
        Ref weak = Ref::steal(PyWeakref_NewRef(exception.get(), nullptr));
        PyErr_Clear();
        return weak;
    }
    const Borrowed args = arguments(exception);
    if (!args || !PyTuple_CheckExact(args.get()) || PyTuple_GET_SIZE(args.get()) == 0) {
        return {};
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args.get()); ++i) {
        if (!is_atom(PyTuple_GET_ITEM(args.get(), i))) {
            return {};
        }
    }
    return Ref::share(args);
}

inline bool is_still(const Entry& entry, Borrowed exception) noexcept {
    if (entry.exception != exception.get()) {
        return false;
    }
    if (!PyWeakref_CheckRef(entry.evidence.get())) {
        return entry.evidence.get() == arguments(exception).get();
    }
    const Ref there = Ref::steal(PyObject_CallNoArgs(entry.evidence.get()));
    PyErr_Clear();
    return there.get() == exception.get();
}

}  // namespace detail

inline Borrowed get(Borrowed exception, const char*) noexcept {
    detail::Table* const table = detail::table();
    for (int i = 0; table != nullptr && i < detail::kEntries; ++i) {
        if (detail::is_still(table->entries[i], exception)) {
            return table->entries[i].capsule;
        }
    }
    return {};
}

[[nodiscard]] inline bool put(Borrowed exception, Ref capsule, const char*) noexcept {
    Ref evidence = detail::evidence_of(exception);
    detail::Table* const table = detail::table();
    if (!evidence || table == nullptr) {
        return false;
    }
    detail::Entry& place = table->entries[table->next];
    table->next = (table->next + 1) % detail::kEntries;
    const Ref before = std::exchange(place.evidence, std::move(evidence));
    const Ref path_before = std::exchange(place.capsule, std::move(capsule));
    place.exception = exception.get();
    return true;
}

#endif

}  // namespace calque::exception_slot
