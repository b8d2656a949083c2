// runtime/mutants.cpp: see primitives/mutants.hpp.
#include "primitives/mutants.hpp"

#ifdef CALQUE_MUTANTS

# include <Python.h>

# include <cstdlib>
# include <cstring>

namespace calque::mutants {

bool choose() noexcept {
    const char* safepoints = std::getenv("CALQUE_SAFEPOINTS");
    all_safepoints = safepoints != nullptr && std::strcmp(safepoints, "all") == 0;
    const char* wanted = std::getenv("CALQUE_MUTANT");
    if (wanted == nullptr || *wanted == '\0') {
        return true;
    }
# define CALQUE_MATCH(name, what)        \
  if (std::strcmp(wanted, #name) == 0) { \
   chosen = Mutant::name;                \
   return true;                          \
  }
    CALQUE_MUTANT_LIST(CALQUE_MATCH)
# undef CALQUE_MATCH
    PyErr_Format(PyExc_ImportError,
                 "CALQUE_MUTANT=%s: expected one of the names in runtime/primitives/mutants.hpp", wanted);
    return false;
}

}  // namespace calque::mutants

#endif
