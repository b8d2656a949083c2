// runtime/cpython/dict_version.hpp: has anybody written to this dict since we looked?
//
// Three strategies behind one type, DictStamp; equal stamps of a dict mean: not written in between.
//   version tag (up to 3.13)   PyDictObject.ma_version_tag (PEP 509), a process-wide counter that every
//                              write stores into the dict. One load. Public in layout, not in name.
//   watcher (3.12 and later)   PyDict_Watch calls us at each write, and we count. Public API. Used where
//                              there is no tag (3.14), or where internals are not wanted.
//   none (before 3.12, as a twin)   no stamp equals another: callers take their careful way.
//
// Stamps are numbers given one by one, to whatever dict is written next (watcher: to whatever watched dict).
// So they also tell that there was exactly one write since a moment: the dict has the number that was next.
#pragma once

#include "strategies.hpp"

#include <cstdint>

#define CALQUE_DICT_STAMP_WATCHER (!CALQUE_USE_DICT_VERSION && CALQUE_HAVE_DICT_WATCHERS)

namespace calque {

class DictStamp {
public:
    constexpr DictStamp() noexcept = default;

#if CALQUE_USE_DICT_VERSION
    static DictStamp of(PyObject* dict) noexcept {
# pragma GCC diagnostic push
# pragma GCC diagnostic ignored "-Wdeprecated-declarations"
        return DictStamp(reinterpret_cast<PyDictObject*>(dict)->ma_version_tag);
# pragma GCC diagnostic pop
    }
    static void forget(PyObject*) noexcept {}
    static DictStamp now() noexcept {
        static PyObject* const own = PyDict_New();  // a write to it takes a number
        static bool value = false;
        value = !value;
        if (own == nullptr || PyDict_SetItem(own, Py_None, value ? Py_True : Py_False) != 0) {
            PyErr_Clear();
            return {};
        }
        return of(own);
    }
#elif CALQUE_DICT_STAMP_WATCHER
    /// Watches the dict from now on.
    static DictStamp of(PyObject* dict) noexcept { return DictStamp(writes_to(dict)); }
    /// Ends that; a dict that is freed ends it itself.
    static void forget(PyObject* dict) noexcept;
    static DictStamp now() noexcept { return DictStamp(all_writes); }
    /// A new dict at an old address gets no old stamp.
    static std::uint64_t next_write() noexcept { return ++all_writes; }
#else
    static DictStamp of(PyObject*) noexcept { return {}; }
    static void forget(PyObject*) noexcept {}
    static DictStamp now() noexcept { return {}; }
#endif

    // now(): the number given last. The stamp of a dict that was written once since is_next_after() it.
    bool is_next_after(DictStamp before) const noexcept {
        return before.number_ != 0 && number_ == before.number_ + kStep;
    }

    /// A stamp that says nothing, like that of a dict that cannot be watched, equals none.
    friend bool operator==(DictStamp a, DictStamp b) noexcept {
        return a.number_ == b.number_ && a.number_ != 0;
    }

private:
    template <int count>
    friend class DictStamps;

    constexpr explicit DictStamp(std::uint64_t number) noexcept : number_(number) {}

    // The low bits of a version tag: who watches the dict (3.12), and how often it changed under watch (3.13).
#if CALQUE_USE_DICT_VERSION && PY_VERSION_HEX >= 0x030D0000
    static constexpr std::uint64_t kStep = 1u << 12;
#elif CALQUE_USE_DICT_VERSION && PY_VERSION_HEX >= 0x030C0000
    static constexpr std::uint64_t kStep = 1u << 8;
#else
    static constexpr std::uint64_t kStep = 1;
#endif

#if CALQUE_DICT_STAMP_WATCHER
    static std::uint64_t writes_to(PyObject* dict) noexcept;
    static inline std::uint64_t all_writes = 1;  // to any watched dict; never reused
#endif

    std::uint64_t number_ = 0;
};

/// Several dicts, all of them unchanged or not: the question that every call of deepcopy asks.
template <int count>
class DictStamps {
public:
    void note(PyObject* const (&dicts)[count], const DictStamp (&stamps)[count]) noexcept {
#if CALQUE_DICT_STAMP_WATCHER
        // One counter for all that is watched. A dict that is written by others rarely is.
        bool known = true;
        for (int i = 0; i < count; ++i) {
            known = known && DictStamp::of(dicts[i]) == stamps[i];
        }
        writes_ = known ? DictStamp::all_writes : 0;
#else
        known_ = true;
        for (int i = 0; i < count; ++i) {
            dicts_[i] = dicts[i];
            stamps_[i] = stamps[i];
            known_ = known_ && stamps[i].number_ != 0;
        }
#endif
    }

    bool unchanged() const noexcept { return first_unchanged(count); }

    /// Only the first `wanted`; false when in doubt.
    bool first_unchanged(int wanted) const noexcept {
#if CALQUE_DICT_STAMP_WATCHER
        static_cast<void>(wanted);
        return writes_ == DictStamp::all_writes;
#else
        if (!known_) {
            return false;
        }
        std::uint64_t differences = 0;
        for (int i = 0; i < wanted; ++i) {
            differences |= DictStamp::of(dicts_[i]).number_ ^ stamps_[i].number_;
        }
        return differences == 0;
#endif
    }

private:
#if CALQUE_DICT_STAMP_WATCHER
    std::uint64_t writes_ = 0;
#else
    bool known_ = false;
    PyObject* dicts_[count] = {};
    DictStamp stamps_[count];
#endif
};

}  // namespace calque
