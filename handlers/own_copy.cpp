// handlers/own_copy.cpp: objects whose __deepcopy__ returns the object itself, for all we know.
//
//   decimal.Decimal and subclasses   Modules/_decimal/_decimal.c, dec_copy
//   re.Pattern, re.Match             Modules/_sre/sre.c, pattern_copy, match_copy
//   functools.lru_cache(f)           Modules/_functoolsmodule.c, lru_cache_copy
//   fractions.Fraction               Lib/fractions.py, Fraction.__deepcopy__; not its subclasses
//   members of enumerations          Lib/enum.py, Enum.__deepcopy__ (3.11.4 and later)
//
// Nothing enters the memo, and no Python code runs. An instance with a dict may hide the method.
#include "handlers.hpp"
#include "known_class.hpp"
#include "primitives.hpp"

#include <cstring>

namespace calque {

namespace {

using known_class::Evidence;
using known_class::Known;

Step copy_itself(CopyContext& context, Frame& frame, const Known&) noexcept {
    return known_class::passes_now(frame.original(), primitives::head(context).python_runs)
             ? Step::done(Ref::share(frame.original()))
             : Step::decline();
}

bool is_its_own_copy(PyTypeObject* type, Known& known, Borrowed hook) noexcept {
    known.copy = copy_itself;
    known.passes = true;
    known.in_class = type->tp_dictoffset != 0 ? hook.get() : nullptr;
    return true;
}

// A method in C of a type that Python code can neither make nor change.
bool is_known_native_hook(Borrowed hook) noexcept {
    if (hook.type() != &PyMethodDescr_Type) {
        return false;
    }
    const PyTypeObject* owner = PyDescr_TYPE(hook.get());
    if (PyType_HasFeature(const_cast<PyTypeObject*>(owner), Py_TPFLAGS_HEAPTYPE)
        && !PyType_HasFeature(const_cast<PyTypeObject*>(owner), Py_TPFLAGS_IMMUTABLETYPE)) {
        return false;
    }
    for (const char* name : {"decimal.Decimal", "re.Pattern", "re.Match", "functools._lru_cache_wrapper"}) {
        if (std::strcmp(owner->tp_name, name) == 0) {
            return true;
        }
    }
    return false;
}

OriginalCode enum_deepcopy(R"(
class Enum:
    def __deepcopy__(self,memo):
        return self
)",
                           "__deepcopy__");

OriginalCode fraction_deepcopy(R"(
class Fraction:
    def __deepcopy__(self, memo):
        if type(self) == Fraction:
            return self
        return self.__class__(self._numerator, self._denominator)
)",
                               "__deepcopy__");

// `module` is what the function's globals say they are: a program's own function of this kind is called,
// because somebody may watch it (a tracer, a coverage tool).
bool is_of_module(Evidence& evidence, Borrowed function, const char* module) noexcept {
    const Borrowed name = evidence.global(function, interned::__name__);
    return name && PyUnicode_CheckExact(name.get())
        && PyUnicode_CompareWithASCIIString(name.get(), module) == 0;
}

bool recognise(PyTypeObject* type, Evidence& evidence, Known& known) noexcept {
    const Borrowed hook = known_class::look_up(type, interned::__deepcopy__);
    if (!hook) {
        return false;
    }
    if (is_known_native_hook(hook)) {
        return is_its_own_copy(type, known, hook);
    }
    if (evidence.is(hook, enum_deepcopy)) {
        return is_of_module(evidence, hook, "enum") && is_its_own_copy(type, known, hook);
    }
    if (evidence.is(hook, fraction_deepcopy)) {
        return evidence.global(hook, interned::Fraction) == Borrowed(reinterpret_cast<PyObject*>(type))
            && evidence.global(hook, interned::type) == Borrowed(reinterpret_cast<PyObject*>(&PyType_Type))
            && is_of_module(evidence, hook, "fractions") && is_its_own_copy(type, known, hook);
    }
    return false;
}

}  // namespace

void register_own_copies() noexcept { known_class::add(recognise); }

}  // namespace calque
