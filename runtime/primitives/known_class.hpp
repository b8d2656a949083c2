// runtime/primitives/known_class.hpp: classes of which it is known what their own hooks would do.
//
// decimal.Decimal, fractions.Fraction, enumerations, uuid.UUID ... are copied by methods of their own. To
// call these costs many times what they do. So handlers RECOGNISE such classes: a recogniser looks at a
// class met for the first time, proves from its attributes what a copy of an instance comes to, and leaves
// a function that does it. The decision is kept per class, together with the EVIDENCE it rests on, and is
// made again when one of these has changed:
//
//   the class, its bases, its metaclass   version tags, as for a plan (type_plan.hpp)
//   functions                             their __code__, which can be set without touching the class
//   globals they use, tables they read    the stamp of the dict (dict_version.hpp)
//   other classes they use                version tags
//   tables of copy and copyreg, handlers  the generation that stdlib_tables counts up
//
// Without it, a method patched after the first copy would be passed over. What is not of the class but of
// the instance (an entry of its dict that hides a method) is looked at for each copy. Twin: the hooks.
//
// PASSING OVER. Most of these hooks return the object itself and leave nothing in the memo. Such objects
// can be passed over like atoms, without asking the memo, as long as no entry for them can be in it: until
// Python code has run in this copy (ContextHead::pristine). Then they are visited like everything else.
// In a stretch without Python code nothing changes, so the evidence is examined once per stretch and
// class, and an instance that has a dict once per stretch. A stretch is known by its number, which is
// never given twice (ContextHead::python_runs).
#pragma once

#include "hashed_place.hpp"
#include "original_code.hpp"

#include <calque/handler.hpp>
#include <calque/ref.hpp>

#include <cstddef>
#include <cstdint>

namespace calque::known_class {

struct Known;
/// begin() of a handler, for an instance of a known class. Asks for no child.
using Copy = Step (*)(CopyContext& context, Frame& frame, const Known& known) noexcept;

/// What a recogniser says of a class. Objects named here are kept alive by the evidence.
struct Known {
    Copy copy = nullptr;           // null: the class is not known
    bool passes = false;           // `copy` gives the object itself and leaves nothing in the memo ...
    PyObject* in_class = nullptr;  // ... if x.__deepcopy__ comes to this; null: instances have no dict
    // The copy of x is x, though it enters the memo: enough for a copy of x alone. Null: never.
    bool (*returns_itself)(Borrowed x, const Known& known) noexcept = nullptr;
    Py_ssize_t offsets[2] = {};  // the recogniser's own
    PyObject* object = nullptr;  // the recogniser's own
    // copy.copy(x), for a class without __copy__; empty without an exception: by the protocol. Null: always.
    Ref (*shallow)(Borrowed x, const Known& known) noexcept = nullptr;
};

/// Collects what a decision rests on. Nothing here runs Python code.
class Evidence {
public:
    Evidence() noexcept = default;
    Evidence(const Evidence&) = delete;
    Evidence& operator=(const Evidence&) = delete;

    /// `function` is the one we know.
    bool is(Borrowed function, OriginalCode& original) noexcept;
    /// The same for a function whose text is made for it.
    bool is(Borrowed function, const char* source, const char* name) noexcept;
    /// What `name` means to the code of `function`: a global or a builtin; empty if neither.
    Borrowed global(Borrowed function, PyObject* name) noexcept;
    /// The contents of a dict count. False if it is no exact dict.
    bool depends_on_dict(Borrowed dict) noexcept;
    /// The attributes of another class and of its metaclass count.
    bool depends_on_class(Borrowed cls) noexcept;

    void forget() noexcept;

private:
    friend struct Entry;
    bool depends_on_code(Borrowed function) noexcept;
    static constexpr int kFunctions = 4, kDicts = 6, kClasses = 2;
    PyObject* functions_[kFunctions] = {};
    Ref codes_[kFunctions];  // references: another code at the address would pass for this one
    PyObject* dicts_[kDicts] = {};
    PyTypeObject* classes_[kClasses] = {};
    int functions = 0, dicts = 0, classes = 0;
};

/// `x.name` as the class of x has it, before descriptors and instance dict; empty if it has none.
Borrowed look_up(PyTypeObject* type, PyObject* name) noexcept;
/// The class has what object has under this name.
bool inherits_from_object(PyTypeObject* type, PyObject* name) noexcept;
/// Nothing is registered or patched that would come into the way of the reduce protocol: not in copyreg, nor
/// for the classes, names and dicts it has copied.
bool reduces_natively(PyTypeObject* type) noexcept;
/// object.__reduce_ex__ comes to object.__new__(type), without arguments, and the state.
bool is_made_by_object_new(PyTypeObject* type) noexcept;
/// For a class with object's own attribute look-up: `x.name` comes to `function`, which the class has. False too where
/// only Python code could tell.
bool comes_to(Borrowed x, PyObject* name, Borrowed function) noexcept;
/// `type.__slotnames__`, found in the class itself, is a list (copyreg makes it at the first copy); or null.
Borrowed slot_names(PyTypeObject* type) noexcept;
/// The offset of the slot `name`, or -1.
Py_ssize_t slot_offset(PyTypeObject* type, PyObject* name) noexcept;

/// Fills in `known` if it can vouch for `type`. Asked only about classes with object's own attribute
/// look-up and a metaclass that neither compares nor hashes, for which nobody has registered anything.
using Recogniser = bool (*)(PyTypeObject* type, Evidence& evidence, Known& known) noexcept;
/// At import; eight at most.
void add(Recogniser recogniser) noexcept;

/// What is known of `type`, or null. Valid until Python code runs.
const Known* find(PyTypeObject* type) noexcept;

/// The same in a walk: `stretch` is ContextHead::python_runs.
const Known* find(PyTypeObject* type, std::uint64_t stretch) noexcept;

/// `x` is of a class that passes, and so does x.
bool passes_now(Borrowed x, std::uint64_t stretch) noexcept;

/// A copy of `x` alone, with no memo to be seen, is x.
bool is_its_own_copy_alone(Borrowed x) noexcept;

// The classes that pass, for the question that is asked for each element of a list: one multiplication, one
// load, one comparison for all that do not. An index over the entries of find(): may be out of date.
struct Passing {
    static constexpr int kBits = 6;
    struct Slot {
        PyTypeObject* type = nullptr;
        std::uint64_t stretch = 0;  // where the evidence was last examined
        bool by_object = false;     // instances have a dict: look them up in `objects`
    };
    struct Object {
        PyObject* object = nullptr;
        std::uint64_t stretch = 0;
    };
    Slot types[1u << kBits];
    Object objects[1u << kBits];

    static std::size_t place(const void* address) noexcept {
        return primitives::hashed_place(address, kBits);
    }
};
inline Passing passing;

/// For a handler that has entered `x` in the memo as its own copy: it need not be asked for it again in this
/// stretch. `x` is held by the copy in progress.
void pass_from_now(Borrowed x, std::uint64_t stretch) noexcept;

/// The slow half of passes().
bool examine(Borrowed x, std::uint64_t stretch) noexcept;

/// False: surely not.
[[gnu::always_inline]] inline bool may_pass(const PyTypeObject* type) noexcept {
    return passing.types[Passing::place(type)].type == type;
}

/// Was found so in this stretch: no more than a glance.
[[gnu::always_inline]] inline bool passed_before(Borrowed x, std::uint64_t stretch) noexcept {
    const Passing::Slot& slot = passing.types[Passing::place(x.type())];
    if (slot.type != x.type() || slot.stretch != stretch) {
        return false;
    }
    const Passing::Object& object = passing.objects[Passing::place(x.get())];
    return !slot.by_object || (object.object == x.get() && object.stretch == stretch);
}

/// `x` can be passed over in this stretch; to be asked only while the memo is pristine.
inline bool passes(Borrowed x, std::uint64_t stretch) noexcept {
    return passed_before(x, stretch) || (may_pass(x.type()) && examine(x, stretch));
}

}  // namespace calque::known_class
