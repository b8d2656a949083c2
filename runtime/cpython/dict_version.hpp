// runtime/cpython/dict_version.hpp: has anybody written to this dict since we looked?
//
// PyDictObject.ma_version_tag (PEP 509, 3.6 to 3.13) is a process-wide counter that every write to a
// dict stores into it, so equal tags mean: not written. It is public in layout and deprecated in name.
// Without it a stamp never equals another, so callers take their careful way every time.
#pragma once

#include <calque/compat.hpp>

#include <cstdint>

namespace calque {

class DictStamp {
public:
    constexpr DictStamp() noexcept = default;

#if CALQUE_HAVE_DICT_VERSION
    static DictStamp of(PyObject* dict) noexcept {
# pragma GCC diagnostic push
# pragma GCC diagnostic ignored "-Wdeprecated-declarations"
        return DictStamp(reinterpret_cast<PyDictObject*>(dict)->ma_version_tag);
# pragma GCC diagnostic pop
    }
    friend bool operator==(DictStamp a, DictStamp b) noexcept { return a.version_ == b.version_; }

private:
    constexpr explicit DictStamp(std::uint64_t version) noexcept : version_(version) {}
    std::uint64_t version_ = 0;
#else
    static DictStamp of(PyObject*) noexcept { return {}; }
    friend bool operator==(DictStamp, DictStamp) noexcept { return false; }
#endif
};

}  // namespace calque
