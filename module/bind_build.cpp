// module/bind_build.cpp: see bind_build.hpp.
#include "bind_build.hpp"

#include <calque/abi.h>

#include <boost/python.hpp>
#include <boost/version.hpp>

#include <string>

namespace bp = boost::python;

namespace calque::module {

namespace {

std::string compiler() {
#if defined(__clang__)
    return "clang " __clang_version__;
#elif defined(__GNUC__)
    return "gcc " __VERSION__;
#else
    return "unknown";
#endif
}

std::string boost() {
    return std::to_string(BOOST_VERSION / 100000) + '.' + std::to_string(BOOST_VERSION / 100 % 1000) + '.'
         + std::to_string(BOOST_VERSION % 100);
}

}  // namespace

void bind_build() {
    bp::dict facts;
    facts["compiler"] = compiler();
    facts["Python's headers"] = PY_VERSION;
    facts["Boost"] = boost();
#ifdef BOOST_PYTHON_STATIC_LIB
    facts["Boost.Python"] = "built in";
#else
    facts["Boost.Python"] = "a shared library";
#endif
    facts["plugins' ABI"] = std::to_string(CALQUE_ABI_MAJOR) + '.' + std::to_string(CALQUE_ABI_MINOR);
#ifdef CALQUE_DEV
    facts["assertions"] = true;
#else
    facts["assertions"] = false;
#endif
#ifdef CALQUE_MUTANTS
    facts["deliberate bugs"] = true;
#endif
    bp::scope().attr("_build") = facts;
}

}  // namespace calque::module
