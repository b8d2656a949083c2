// perf/cpp/extension/floor_program.hpp: a graph as a straight-line program that builds it again.
//
// What a copier would have to do if it knew the graph by heart: allocate exactly the objects that a copy consists of, in
// the order a copier does, and fill them; no memo, no look at a type, no reference count tested. A copier's time over
// the program's, freeing included in both, is the "floor ratio". It is an estimate and no bound: the program reads its
// own words where a copier reads the original, and it uses the interpreter's allocators as they are.
//
// A program is a sequence of words: an operation, then its operands. Containers nest: an operation that opens one puts
// it where its parent wants it (`at`, a byte offset from the parent's base) and makes its own storage the base for what
// follows, until End. Objects that are met again have a register.
//
// Reference counts are changed raw here, as nowhere else outside ref.hpp: that is what is being measured.
#pragma once

#include <Python.h>

#include <calque/ref.hpp>

#include <cstdint>
#include <cstring>
#include <deque>
#include <vector>

namespace perf {

using Word = std::uintptr_t;

// Operands in brackets; `p...` are n addresses.
enum Op : Word {
    kHalt,
    kEnd,           // closes the innermost container
    kAtoms,         // [at, n, p...] stores n objects side by side
    kIncref,        // [n, p...] raises counts: the addresses came with a memcpy
    kAgain,         // [at, register]
    kList,          // [at, register, n] opens
    kListOfAtoms,   // [at, register, n, p...]
    kTuple,         // [at, register, n] opens
    kFlatDict,      // [at, register, dict] nothing in it is to be copied
    kDict,          // [at, register, dict, image, n, p...] opens; keys and atoms are increfed
    kSet,           // [at, register, set]
    kFrozenset,     // [at, register, set with the same members]
    kBytearray,     // [at, register, bytearray]
    kValue,         // [at, register, object, begin, size] an object of fixed size, its content copied
    kInstance,      // [at, register, type, n, order] opens the attributes
    kDictInstance,  // [at, register, type, dict, image, n, p...] opens the dict of a new instance
    kSlots,         // [at, register, type] opens the object itself
};

constexpr Word kNoRegister = ~Word{0};

struct Program {
    std::vector<Word> words;
    std::deque<std::vector<char>> images;  // what is copied by memcpy
    std::vector<calque::Ref> kept;         // everything the words point to lives as long as they do
    std::size_t registers = 0;
    std::size_t depth = 0;
};

// False with an exception set, a TypeError for what has no floor.
bool compile(calque::Borrowed x, Program& program);

// The graph anew.
PyObject* replay(const Program& program, PyObject** registers, char** bases);

}  // namespace perf
