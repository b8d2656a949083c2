// tests/cpp/plugins/cell_pybind11.cpp: both kinds of handlers for a class bound with pybind11; see cell_c.c.
#include <calque/abi.h>
#include <pybind11/pybind11.h>

#include <string>

namespace py = pybind11;

namespace {

const calque_api* calque;

struct Cell {
    py::object value;
    py::object next;
};

Cell& cell_in(PyObject* object) { return py::handle(object).cast<Cell&>(); }

// A new cell with None in it; NULL with an exception set.
PyObject* new_cell() noexcept {
    try {
        return py::cast(Cell{py::none(), py::none()}).release().ptr();
    } catch (py::error_already_set& error) {
        error.restore();
    } catch (...) {
        PyErr_NoMemory();
    }
    return nullptr;
}

// The copy of a part goes where it belongs. It is given to the cell before what was there goes.
void put(py::object& place, PyObject* part) noexcept { place = py::reinterpret_steal<py::object>(part); }

PyObject* copy_cell(const calque_handler*, calque_context* context, PyObject* original) noexcept {
    auto copy = py::reinterpret_steal<py::object>(new_cell());
    if (!copy || calque->remember(context, original, copy.ptr()) < 0) {
        return nullptr;
    }
    Cell &from = cell_in(original), &to = cell_in(copy.ptr());
    for (auto part : {&Cell::value, &Cell::next}) {
        PyObject* made = calque->copy(context, (from.*part).ptr());
        if (made == nullptr) {
            return nullptr;
        }
        put(to.*part, made);
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
    Cell &from = cell_in(frame->original), &to = cell_in(frame->copy);
    if (frame->data[0]++ == 0) {
        put(to.value, child_copy);
        return {from.next.ptr(), CALQUE_CHILD};
    }
    put(to.next, child_copy);
    return {nullptr, CALQUE_DONE};
}

void register_cell(const std::string& kind) {
    calque_handler handler{};
    handler.size = sizeof(handler);
    handler.name = "cell";
    handler.type = reinterpret_cast<PyTypeObject*>(py::type::of<Cell>().ptr());
    if (kind == "simple") {
        handler.copy = copy_cell;
    } else {
        handler.begin = begin_cell;
        handler.resume = resume_cell;
        handler.drop = [](const calque_handler*, calque_frame*) {};
    }
    if (calque->add(&handler) < 0) {
        throw py::error_already_set();
    }
}

void unregister_cell() {
    if (calque->remove(reinterpret_cast<PyTypeObject*>(py::type::of<Cell>().ptr())) < 0) {
        throw py::error_already_set();
    }
}

}  // namespace

PYBIND11_MODULE(cell_pybind11, module) {
    calque = static_cast<const calque_api*>(PyCapsule_Import(CALQUE_CAPSULE_NAME, 0));
    if (calque == nullptr) {
        throw py::error_already_set();
    }
    if (calque->major != CALQUE_ABI_MAJOR || calque->size < sizeof(calque_api)) {
        throw py::import_error("cell_pybind11 was built for another calque");
    }
    py::class_<Cell>(module, "Cell")
        .def(py::init([](py::object value, py::object next) {
                 return Cell{value, next};
             }),
             py::arg("value") = py::none(), py::arg("next") = py::none())
        .def_readwrite("value", &Cell::value)
        .def_readwrite("next", &Cell::next);
    module.def("register", &register_cell);
    module.def("unregister", &unregister_cell);
}
