// tests/cpp/reinitialise_test.cpp: a program that embeds Python, finalizes it, and begins again. calque's tables and
// Boost.Python's are static and name objects of the first life; the second import is refused in words.
#include <Python.h>

#include "check.hpp"

namespace {

// Python as in a virtual environment's or a pyenv's own process, with calque on the path.
class Interpreter {
public:
    Interpreter() {
        PyConfig config;
        PyConfig_InitPythonConfig(&config);
        CHECK(
            !PyStatus_Exception(PyConfig_SetBytesString(&config, &config.program_name, CALQUE_TEST_PYTHON)));
        CHECK(!PyStatus_Exception(Py_InitializeFromConfig(&config)));
        PyConfig_Clear(&config);
        run("import sys; sys.path.insert(0, '" CALQUE_TEST_PATH "')");
    }
    Interpreter(const Interpreter&) = delete;
    Interpreter& operator=(const Interpreter&) = delete;
    ~Interpreter() { CHECK(Py_FinalizeEx() == 0); }

    static void run(const char* code) { CHECK(PyRun_SimpleString(code) == 0); }
};

constexpr const char* kUse =
    "import calque, copy\n"
    "class A: pass\n"
    "a = A()\n"
    "a.x = [a, {'k': (1, [2], {3})}]\n"
    "b = calque.deepcopy(a)\n"
    "assert b.x[0] is b and b.x[1] == a.x[1]\n"
    "calque.register(complex)(lambda z, memo: z)\n"
    "calque.patch.enable()\n"
    "class AtExit:\n"
    "    def __del__(self, deepcopy=calque.deepcopy):\n"
    "        try: deepcopy([[self.__class__], {1: [a, {2}]}])\n"
    "        except ImportError: pass\n"  // object.__reduce_ex__ imports copyreg, which is gone, or will not be again
    "A.last, copy.last = AtExit(), AtExit()\n";

constexpr const char* kRefused = "try:\n"
                                 "    import calque\n"
                                 "except ImportError as error:\n"
                                 "    assert 'once in a process' in str(error), error\n"
                                 "else:\n"
                                 "    raise AssertionError('imported')\n"
                                 "import copy\n"
                                 "assert copy.deepcopy([[1]]) == [[1]]\n";

TEST(the_second_life_of_an_embedded_interpreter_is_refused_calque) {
    {
        const Interpreter first;
        Interpreter::run(kUse);
    }
    for (int life = 0; life < 2; ++life) {
        const Interpreter next;
        Interpreter::run(kRefused);
        Interpreter::run(kRefused);
    }
}

TEST(an_embedding_that_imports_in_its_second_life_only_works) {
    { const Interpreter first; }
    const Interpreter second;
    Interpreter::run(kUse);
}

}  // namespace

int main(int argc, char** argv) { return check::main(argc, argv); }
