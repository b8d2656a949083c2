// perf/cpp/bench_dispatcher.cpp: the cost of a copy without Python's own call, and that call's cost beside it.
//
// Embeds the interpreter the extension was built for, imports calque from the build, and copies what the table
// below names:
//   capsule     through the C ABI, as a C++ program would: calque_api.deepcopy(x, NULL)
//   vectorcall  through the Python function calque.deepcopy, as the interpreter would
// Freeing the copy is part of both.
#include <calque/abi.h>
#include <calque/ref.hpp>

#include <benchmark/benchmark.h>

#include <cstdio>
#include <string>

namespace {

using calque::Ref;

// A name for the table, and a Python expression that makes the object.
struct Sample {
    const char* name;
    const char* expression;
};

constexpr Sample kSamples[] = {
    {"int", "12345"},
    {"empty_list", "[]"},
    {"empty_dict", "{}"},
    {"empty_tuple", "()"},
    {"three_ints", "[1, 2, 3]"},
    {"pair_with_list", "(1, [])"},
    {"dict_of_three", "{'a': 1, 'b': 2.0, 'c': 'three'}"},
    {"object", "type('Thing', (), {})()"},
    {"object_with_two", "__import__('types').SimpleNamespace(a=1, b=[])"},
    {"same_list_1000", "[[]] * 1000"},
    {"lists_1000", "[[i] for i in range(1000)]"},
    {"dicts_1000", "[{'a': i} for i in range(1000)]"},
    {"tuples_1000", "[(i, []) for i in range(1000)]"},
    {"nested_1000", "__import__('functools').reduce(lambda x, _: [x], range(1000), [])"},
};

bool start_python() {
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    // The interpreter's own path, so that it finds its standard library.
    PyStatus status = PyConfig_SetBytesString(&config, &config.program_name, CALQUE_PYTHON);
    if (PyStatus_Exception(status) == 0) {
        status = Py_InitializeFromConfig(&config);
    }
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status) != 0) {
        std::fprintf(stderr, "Python does not start: %s\n", status.err_msg);
        return false;
    }
    PyObject* path = PySys_GetObject("path");  // borrowed
    Ref packages = Ref::steal(PyUnicode_FromString(CALQUE_PACKAGES));
    return path != nullptr && packages && PyList_Insert(path, 0, packages.get()) == 0;
}

void capsule(benchmark::State& state, const calque_api* api, PyObject* x) {
    for (auto _ : state) {
        Ref copy = Ref::steal(api->deepcopy(x, nullptr));
        if (!copy) {
            PyErr_Print();
            state.SkipWithError("the copy failed");
            return;
        }
    }
}

void vectorcall(benchmark::State& state, PyObject* function, PyObject* x) {
    for (auto _ : state) {
        Ref copy = Ref::steal(PyObject_CallOneArg(function, x));
        if (!copy) {
            PyErr_Print();
            state.SkipWithError("the copy failed");
            return;
        }
    }
}

// The objects live until the process ends.
bool register_benchmarks() {
    Ref module = Ref::steal(PyImport_ImportModule("calque"));
    PyObject* function = module ? PyObject_GetAttrString(module.get(), "deepcopy") : nullptr;
    const auto* api = function != nullptr
                        ? static_cast<const calque_api*>(PyCapsule_Import(CALQUE_CAPSULE_NAME, 0))
                        : nullptr;
    Ref globals = Ref::steal(PyDict_New());
    if (api == nullptr || !globals) {
        return false;
    }
    for (const Sample& sample : kSamples) {
        PyObject* x = PyRun_String(sample.expression, Py_eval_input, globals.get(), globals.get());
        if (x == nullptr) {
            return false;
        }
        const std::string name = sample.name;
        benchmark::RegisterBenchmark((name + "/capsule").c_str(), capsule, api, x);
        benchmark::RegisterBenchmark((name + "/vectorcall").c_str(), vectorcall, function, x);
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
        return 1;
    }
    if (!start_python()) {
        return 1;
    }
    if (!register_benchmarks()) {
        PyErr_Print();
        return 1;
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return Py_FinalizeEx();
}
