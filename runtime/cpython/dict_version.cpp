// runtime/cpython/dict_version.cpp: the watcher strategy; see dict_version.hpp.
#include "cpython/dict_version.hpp"

#if CALQUE_DICT_STAMP_WATCHER

# include "pod_vector.hpp"

namespace calque {

namespace {

// The dicts watched: half a dozen tables, and the memos that hooks were given in copies under way.
struct Watch {
    PyObject* dict;
    std::uint64_t writes;
};

PodVector<Watch> watches;
int watcher = -1;

Watch* find(PyObject* dict) noexcept {
    for (Watch& watch : watches) {
        if (watch.dict == dict) {
            return &watch;
        }
    }
    return nullptr;
}

void drop(PyObject* dict) noexcept {
    if (Watch* watch = find(dict)) {
        *watch = watches.back();
        watches.pop_back();
    }
}

int on_write(PyDict_WatchEvent event, PyObject* dict, PyObject*, PyObject*) {
    if (event == PyDict_EVENT_DEALLOCATED) {
        drop(dict);
    } else if (Watch* watch = find(dict)) {
        watch->writes = DictStamp::next_write();
    }
    return 0;
}

}  // namespace

std::uint64_t DictStamp::writes_to(PyObject* dict) noexcept {
    if (Watch* watch = find(dict)) {
        return watch->writes;
    }
    if (watcher < 0 && (watcher = PyDict_AddWatcher(on_write)) < 0) {
        PyErr_Clear();  // all eight are taken by others
        return 0;
    }
    if (PyDict_Watch(watcher, dict) != 0) {
        PyErr_Clear();
        return 0;
    }
    if (!watches.push_back({dict, ++all_writes})) {
        return 0;
    }
    return watches.back().writes;
}

void DictStamp::forget(PyObject* dict) noexcept {
    if (find(dict) != nullptr) {
        drop(dict);
        if (PyDict_Unwatch(watcher, dict) != 0) {
            PyErr_Clear();
        }
    }
}

}  // namespace calque

#endif
