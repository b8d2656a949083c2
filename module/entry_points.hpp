// module/entry_points.hpp: deepcopy, copy and replace as Python calls them.
#pragma once

#include <Python.h>

namespace calque::module {

/// METH_FASTCALL | METH_KEYWORDS; the first argument is not used.
namespace entry {
PyObject* deepcopy(PyObject*, PyObject* const* args, Py_ssize_t nargs, PyObject* keywords) noexcept;
/// The same for copy.deepcopy under the patch, which has no share=, and adds notes to errors only if copy_adds_notes.
PyObject* deepcopy_of_copy(PyObject*, PyObject* const* args, Py_ssize_t nargs, PyObject* keywords) noexcept;
PyObject* copy(PyObject*, PyObject* const* args, Py_ssize_t nargs, PyObject* keywords) noexcept;
PyObject* replace(PyObject*, PyObject* const* args, Py_ssize_t nargs, PyObject* keywords) noexcept;
/// calque.patch.enable(notes=True)
inline bool copy_adds_notes = false;
}  // namespace entry

/// A table for PyModule_AddFunctions.
PyMethodDef* entry_points() noexcept;
/// entry::deepcopy_of_copy, for PyCFunction_NewEx.
PyMethodDef* deepcopy_of_copy() noexcept;

}  // namespace calque::module
