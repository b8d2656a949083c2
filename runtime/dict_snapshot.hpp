// runtime/dict_snapshot.hpp: what a dict held, to see that one entry was added and nothing else happened.
//
// Version numbers (cpython/dict_version.hpp) tell that a dict was written once only as long as no other dict was
// written between. Hooks that call a constructor before `memo[id(self)] = made` write others. So the entries are
// compared as they lie in memory: hash, key and value of each, and a new one behind them. If all are the same
// addresses, the dict is in the same state whatever happened meanwhile. Without the hashes an int freed and made
// again at the same address, for another object, would pass for the old key.
//
// The snapshot grows with the dict: 24 bytes per entry, copied once; comparing reads all of them, so there is an end
// at kMost entries, where a look-up in the dict by its own means has become cheaper. Twin: never the same.
#pragma once

#include "pod_vector.hpp"
#include "primitives/dict_slots.hpp"

#include <calque/ref.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace calque {

class DictSnapshot {
public:
    /// Takes in what was added. The caller knows that nothing else has happened to the dict.
    void extend(Borrowed dict) noexcept {
        dict_slots::Entries entries;
        if (!find(dict, entries) || entries.count > kMost || entries.count < pairs_.size()) {
            forget();
            return;
        }
        const Pair* const all = first(entries);
        if (!pairs_.append(all + pairs_.size(), entries.count - pairs_.size())) {
            forget();
        }
    }

    /// The dict holds what it held at the last extend(), and one entry more, behind all others.
    [[nodiscard]] bool has_one_more(Borrowed dict, PyObject*& key, PyObject*& value) const noexcept {
        dict_slots::Entries entries;
        if (pairs_.empty() || !find(dict, entries) || entries.count != pairs_.size() + 1
            || std::memcmp(pairs_.begin(), first(entries), pairs_.size() * sizeof(Pair)) != 0) {
            return false;
        }
        key = entries.key(entries.count - 1);
        value = entries.value(entries.count - 1);
        return true;
    }

    /// Entries taken in: an older snapshot than the caller thinks is none.
    Py_ssize_t size() const noexcept { return static_cast<Py_ssize_t>(pairs_.size()); }

    void forget() noexcept { pairs_.clear(kMost); }

private:
    static constexpr std::size_t kMost = 512;

    struct Pair {
        Py_hash_t hash;
        PyObject* key;
        PyObject* value;
    };

    // A table of this kind, and without holes.
    static bool find(Borrowed dict, dict_slots::Entries& entries) noexcept {
        return dict_slots::find(dict, entries) && entries.stride == sizeof(Pair)
            && PyDict_GET_SIZE(dict.get()) == Py_ssize_t{entries.count};
    }
    static const Pair* first(const dict_slots::Entries& entries) noexcept {
        return reinterpret_cast<const Pair*>(entries.first - offsetof(Pair, key));
    }

    PodVector<Pair> pairs_;
};

}  // namespace calque
