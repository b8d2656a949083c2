// tests/cpp/plugins/cell_nanobind.cpp: both kinds of handlers for a class bound with nanobind; see cell_c.c.
// nanobind is compiled into the extension.
#include <nb_combined.cpp>

#include <calque/abi.h>
#include <nanobind/nanobind.h>

#include <cstring>
#include <new>

namespace nb = nanobind;

namespace {

const calque_api* calque;

struct Cell {
    nb::object value = nb::none();
    nb::object next = nb::none();
};

Cell& cell_in(PyObject* object) noexcept { return *nb::inst_ptr<Cell>(object); }

// A new cell with None in it, in memory that the instance holds; NULL with an exception set.
PyObject* new_cell() noexcept {
    try {
        nb::object made = nb::inst_alloc(nb::type<Cell>());
        new (nb::inst_ptr<Cell>(made)) Cell;
        nb::inst_mark_ready(made);
        return made.release().ptr();
    } catch (nb::python_error& error) {
        error.restore();
    } catch (...) {
        PyErr_NoMemory();
    }
    return nullptr;
}

PyObject* copy_cell(const calque_handler*, calque_context* context, PyObject* original) noexcept {
    nb::object copy = nb::steal(new_cell());
    if (!copy.is_valid() || calque->remember(context, original, copy.ptr()) < 0) {
        return nullptr;
    }
    for (auto part : {&Cell::value, &Cell::next}) {
        PyObject* made = calque->copy(context, (cell_in(original).*part).ptr());
        if (made == nullptr) {
            return nullptr;
        }
        cell_in(copy.ptr()).*part = nb::steal(made);
    }
    return copy.release().ptr();
}

calque_step begin_cell(const calque_handler*, calque_context*, calque_frame* frame) noexcept {
    frame->data[0] = 0;
    frame->copy = new_cell();
    if (frame->copy == nullptr) {
        return {nullptr, CALQUE_ERROR};
    }
    return {cell_in(frame->original).value.ptr(), CALQUE_CHILD};
}

calque_step resume_cell(const calque_handler*, calque_context*, calque_frame* frame,
                        PyObject* child_copy) noexcept {
    if (frame->data[0]++ == 0) {
        cell_in(frame->copy).value = nb::steal(child_copy);
        return {cell_in(frame->original).next.ptr(), CALQUE_CHILD};
    }
    cell_in(frame->copy).next = nb::steal(child_copy);
    return {nullptr, CALQUE_DONE};
}

void register_cell(const char* kind) {
    calque_handler handler{};
    handler.size = sizeof(handler);
    handler.name = "cell";
    handler.type = reinterpret_cast<PyTypeObject*>(nb::type<Cell>().ptr());
    if (std::strcmp(kind, "simple") == 0) {
        handler.copy = copy_cell;
    } else {
        handler.begin = begin_cell;
        handler.resume = resume_cell;
        handler.drop = [](const calque_handler*, calque_frame*) {};
    }
    if (calque->add(&handler) < 0) {
        throw nb::python_error();
    }
}

void unregister_cell() {
    if (calque->remove(reinterpret_cast<PyTypeObject*>(nb::type<Cell>().ptr())) < 0) {
        throw nb::python_error();
    }
}

}  // namespace

NB_MODULE(cell_nanobind, module) {
    calque = static_cast<const calque_api*>(PyCapsule_Import(CALQUE_CAPSULE_NAME, 0));
    if (calque == nullptr) {
        throw nb::python_error();
    }
    if (calque->major != CALQUE_ABI_MAJOR || calque->size < sizeof(calque_api)) {
        throw nb::import_error("cell_nanobind was built for another calque");
    }
    nb::class_<Cell>(module, "Cell")
        .def(
            "__init__",
            [](Cell* cell, nb::object value, nb::object next) {
                new (cell) Cell{value, next};
            },
            nb::arg("value") = nb::none(), nb::arg("next") = nb::none())
        .def_rw("value", &Cell::value, nb::arg().none())
        .def_rw("next", &Cell::next, nb::arg().none());
    module.def("register", &register_cell);
    module.def("unregister", &unregister_cell);
}
