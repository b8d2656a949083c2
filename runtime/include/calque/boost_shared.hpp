// calque/boost_shared.hpp: C++ objects that shared pointers lead to, copied once per copy. Part of boost_members.hpp.
//
// Within one copy there is one copy per C++ object, whoever leads to it: members of C++ objects, and any number of Python objects
// that hold it. For each such object there is a Python object of ours, its IDENTITY, found by address as long as it lives.
// calque is asked to copy that one: so calque's own memo knows whether there is a copy yet (also in copies that hooks begin with
// the memo they were given), keeps the identity alive, and checks the C stack at each level. The copy of an identity CARRIES
// the new C++ object.
//
// A C++ object is made by its copy constructor first, and its members are copied when whoever asked for it has put it where they
// may lead back to it. Else a cycle would find a Python object without a C++ object.
//
// The class that counts is the dynamic one. register_copyable<> makes it known, and a pointer to a base finds it. A class that is
// not known is refused with a TypeError, for its copy would be a slice.
//
// A shared pointer that Boost.Python has made of a Python object keeps that object alive, and gives it back when it is
// converted. So the Python object is what is copied, with its attributes, and the pointer is made anew of the copy.
#pragma once

#include <calque/registry.hpp>

#include <boost/core/demangle.hpp>
#include <boost/python/converter/shared_ptr_from_python.hpp>
#include <boost/python/errors.hpp>
#include <boost/python/extract.hpp>
#include <boost/python/wrapper.hpp>
#include <boost/shared_ptr.hpp>

#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <typeindex>
#include <typeinfo>
#include <unordered_map>
#include <utility>

#pragma GCC visibility push(hidden)
namespace calque {

class DeepCopy;

namespace detail {

/// How deep() treats an X (boost_members.hpp). This one: not at all.
template <class X>
struct Deep {
    static constexpr bool needed = false;
};

template <class X>
concept HasOwnMembers = requires(DeepCopy& deep, X& made) {
    copy_members(deep, made);
};

/// Is there anything in an X that its copy constructor does not copy?
template <class X>
concept NeedsDeep = HasOwnMembers<X> || Deep<X>::needed;

[[noreturn]] inline void throw_python_error() {
    boost::python::throw_error_already_set();
    __builtin_unreachable();
}

inline std::string name_of(const std::type_info& type) { return boost::core::demangle(type.name()); }

[[noreturn]] inline void refuse_slice(const std::type_info& dynamic, const std::type_info& known) {
    const std::string name = name_of(dynamic);
    PyErr_Format(PyExc_TypeError,
                 "calque does not copy a C++ object of class %s as a %s, which would slice it: "
                 "calque::register_copyable<%s>() is missing",
                 name.c_str(), name_of(known).c_str(), name.c_str());
    throw_python_error();
}

}  // namespace detail

/// Copies members deeply: boost_members.hpp. It is lent to copy_members(), and not to be kept.
/// Everything here throws boost::python::error_already_set when a copy fails; let it pass.
class DeepCopy {
public:
    explicit DeepCopy(CopyContext& context) noexcept : context_(context) {}
    DeepCopy(const DeepCopy&) = delete;
    DeepCopy& operator=(const DeepCopy&) = delete;

    /// Replaces x by its deep copy.
    template <class X>
    void operator()(X& x) {
        if constexpr (detail::HasOwnMembers<X>) {
            copy_members(*this, x);
        } else if constexpr (detail::NeedsDeep<X>) {
            detail::Deep<X>::copy(*this, x);
        }
    }

    /// The deep copy of a Python object.
    Ref copy(Borrowed object) {
        if (context_.is_atomic(object)) {
            return Ref::share(object);
        }
        Ref made = context_.copy(object);
        if (!made) {
            detail::throw_python_error();
        }
        return made;
    }

    CopyContext& context() noexcept { return context_; }

private:
    CopyContext& context_;
};

namespace detail {

/// How objects of one class are copied.
template <template <class> class Shared>
struct Cloner {
    Shared<void> (*clone)(const void* original);                         // the copy constructor
    void (*members)(DeepCopy& deep, void* made);                         // null: that is all
    Shared<void> (*lend)(DeepCopy& deep, const Shared<void>& original);  // instead of both: see Lent
};

template <class T, template <class> class Shared>
inline constexpr Cloner<Shared> cloner_of = {
    [](const void* original) -> Shared<void> {
        Shared<T> made(new T(*static_cast<const T*>(original)));
        if constexpr (std::derived_from<T, boost::python::detail::wrapper_base>) {
            // It has no Python object yet, and its original's is not its own.
            boost::python::detail::initialize_wrapper(nullptr, made.get());
        }
        return made;
    },
    NeedsDeep<T> ? +[](DeepCopy& deep, void* made) { deep(*static_cast<T*>(made)); } : nullptr,
    nullptr,
};

/// The classes that register_copyable<> has made known in this extension module. Never destroyed: the interpreter ends first.
template <template <class> class Shared>
std::unordered_map<std::type_index, const Cloner<Shared>*>& known_cloners() {
    static auto* const known = new std::unordered_map<std::type_index, const Cloner<Shared>*>;
    return *known;
}

/// A C++ object: where it begins, and as what it was made.
struct Whole {
    const void* address;
    const std::type_info* type;

    template <class T>
    static Whole of(const T& object) noexcept {
        if constexpr (std::is_polymorphic_v<T>) {
            return {dynamic_cast<const void*>(std::addressof(object)), &typeid(object)};
        } else {
            return {std::addressof(object), &typeid(T)};
        }
    }

    bool operator==(const Whole& other) const noexcept {
        return address == other.address && *type == *other.type;
    }

    // Two objects at one address are rare, and the hash of a type is one of its name.
    struct Hash {
        std::size_t operator()(const Whole& whole) const noexcept {
            return std::hash<const void*>()(whole.address);
        }
    };
};

/// How `whole`, to which a pointer to T leads, is copied.
template <class T, template <class> class Shared>
const Cloner<Shared>& find_cloner(const Whole& whole) {
    if constexpr (std::copy_constructible<T>) {
        if (*whole.type == typeid(T)) {
            return cloner_of<T, Shared>;
        }
    }
    const auto found = known_cloners<Shared>().find(*whole.type);
    if (found == known_cloners<Shared>().end()) {
        refuse_slice(*whole.type, typeid(T));
    }
    return *found->second;
}

/// The Python objects that stand for C++ objects in calque's memo, and those that carry the copies.
template <template <class> class Shared>
class Identity {
public:
    /// Once per process and extension module.
    static void make_type() {
        if (type_ != nullptr) {
            return;
        }
        static PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(&dealloc)}, {0, nullptr}};
        static PyType_Spec spec = {"calque.cpp_object", sizeof(Object), 0,
                                   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
        Ref made = Ref::steal(PyType_FromSpec(&spec));
        auto* const type = reinterpret_cast<PyTypeObject*>(made.get());
        if (!made || !add_handler(simple_handler<copy>("C++ object behind shared pointers", type))) {
            throw_python_error();
        }
        type_ = type;
        static_cast<void>(made.release());
    }

    /// A copy, made or found.
    class Carried {
    public:
        explicit Carried(Ref carrier) noexcept : carrier_(std::move(carrier)) {}
        const Shared<void>& target() const noexcept { return Object::of(carrier_).target; }
        bool unfinished() const noexcept { return Object::of(carrier_).cloner != nullptr; }
        /// Copies its members, unless somebody has done so or is about it.
        void finish(DeepCopy& deep) {
            Object& carrier = Object::of(carrier_);
            if (const Cloner<Shared>* cloner = std::exchange(carrier.cloner, nullptr)) {
                cloner->members(deep, carrier.target.get());
            }
        }

    private:
        Ref carrier_;
    };

    /// `key` is found again as long as the copy is under way.
    static Carried copy_of(DeepCopy& deep, const Whole& key, const Shared<void>& original,
                           const Cloner<Shared>& cloner) {
        Ref identity = find(key);
        if (!identity) {
            identity = make(original, &cloner);
            living().emplace(key, identity.get());
            Object::of(identity).key = key;
        }
        Ref carrier = deep.context().copy(identity);
        if (carrier && Py_TYPE(carrier.get()) != type_) {
            PyErr_SetString(PyExc_TypeError, "the memo holds something else for the copy of a C++ object");
            carrier = {};
        }
        if (!carrier) {
            throw_python_error();
        }
        return Carried(std::move(carrier));
    }

private:
    struct Object {
        PyObject_HEAD
        Shared<void> target;
        const Cloner<Shared>* cloner;  // of a carrier: null, or it has members that nobody has begun to copy
        std::optional<Whole> key;      // of an identity

        static Object& of(Borrowed object) noexcept { return *reinterpret_cast<Object*>(object.get()); }
    };

    // Borrowed: an identity leaves when it ends.
    static std::unordered_map<Whole, PyObject*, Whole::Hash>& living() {
        static auto* const map = new std::unordered_map<Whole, PyObject*, Whole::Hash>;
        return *map;
    }

    static Ref find(const Whole& key) {
        const auto found = living().find(key);
        return found == living().end() ? Ref() : Ref::share(found->second);
    }

    static Ref make(Shared<void> target, const Cloner<Shared>* cloner) {
        Ref made = Ref::steal(type_->tp_alloc(type_, 0));
        if (!made) {
            throw_python_error();
        }
        Object& object = Object::of(made);
        ::new (&object.target) Shared<void>(std::move(target));
        ::new (&object.key) std::optional<Whole>;
        object.cloner = cloner;
        return made;
    }

    static void dealloc(PyObject* self) noexcept {
        Object& object = Object::of(self);
        if (object.key) {
            living().erase(*object.key);
        }
        const Shared<void> last =
            std::move(object.target);  // goes when this is over: its end may be the end of anything
        std::destroy_at(&object.target);
        Ref type = Ref::steal(reinterpret_cast<PyObject*>(Py_TYPE(self)));
        Py_TYPE(self)->tp_free(self);
    }

    // The copy of an identity is a carrier. The identity is kept until all is copied: it is found by an address.
    static Ref copy(CopyContext& context, Borrowed identity) noexcept {
        try {
            if (!context.keep_alive(identity)) {
                return {};
            }
            DeepCopy deep(context);
            const Object& original = Object::of(identity);
            const Cloner<Shared>& cloner = *original.cloner;
            return cloner.lend != nullptr ? make(cloner.lend(deep, original.target), nullptr)
                                          : make(cloner.clone(original.target.get()),
                                                 cloner.members != nullptr ? &cloner : nullptr);
        } catch (...) {
            boost::python::handle_exception();
            return {};
        }
    }

    static inline PyTypeObject* type_ = nullptr;
};

/// The Python object that a shared pointer keeps alive; null if it is not of that kind.
template <class T>
PyObject* owner_of(const std::shared_ptr<T>& pointer) {
    const auto* deleter = std::get_deleter<boost::python::converter::shared_ptr_deleter>(pointer);
    return deleter != nullptr ? deleter->owner.get() : nullptr;
}
template <class T>
PyObject* owner_of(const boost::shared_ptr<T>& pointer) {
    const auto* deleter = boost::get_deleter<boost::python::converter::shared_ptr_deleter>(pointer);
    return deleter != nullptr ? deleter->owner.get() : nullptr;
}

/// A shared pointer that keeps a Python object alive. It has one copy per Python object, so that weak pointers to the copy live as
/// long as the others do.
template <class T, template <class> class Shared>
struct Lent {
    static constexpr Cloner<Shared> cloner = {
        nullptr, nullptr, [](DeepCopy& deep, const Shared<void>& original) -> Shared<void> {
            Ref owner = deep.copy(owner_of(original));
            boost::python::extract<Shared<T>> pointer(owner.get());
            if (!pointer.check()) {
                PyErr_Format(PyExc_TypeError,
                             "a shared pointer to %s cannot be made of the copy of its Python object, a %s",
                             name_of(typeid(T)).c_str(), Py_TYPE(owner.get())->tp_name);
                throw_python_error();
            }
            return Shared<T>(pointer());
        }};
};

/// The copy of what a shared pointer leads to.
template <class T, template <class> class Shared>
class SharedCopy {
    using Object = std::remove_const_t<T>;
    using Carried = typename Identity<Shared>::Carried;

public:
    /// `original` leads to something.
    SharedCopy(DeepCopy& deep, const Shared<T>& original) : carried_(carry(deep, original)) {
        if (owner_of(original) != nullptr) {
            pointer_ = Shared<T>(carried_.target(), static_cast<Object*>(carried_.target().get()));
        } else {
            pointer_ = same_part(carried_.target(), original);
        }
    }

    const Shared<T>& pointer() const noexcept { return pointer_; }
    bool unfinished() const noexcept { return carried_.unfinished(); }
    void finish(DeepCopy& deep) { carried_.finish(deep); }

    /// A new object by the copy constructor, whoever else holds the original.
    static Shared<T> shallow(const Shared<T>& original) {
        const Whole whole = Whole::of(*original);
        return same_part(find_cloner<Object, Shared>(whole).clone(whole.address), original);
    }

private:
    static Carried carry(DeepCopy& deep, const Shared<T>& original) {
        if (PyObject* owner = owner_of(original)) {
            return Identity<Shared>::copy_of(deep, {owner, &typeid(Lent<Object, Shared>)},
                                             Shared<void>(original, nullptr), Lent<Object, Shared>::cloner);
        }
        const Whole whole = Whole::of(*original);
        return Identity<Shared>::copy_of(deep, whole,
                                         Shared<void>(original, const_cast<void*>(whole.address)),
                                         find_cloner<Object, Shared>(whole));
    }

    // A pointer to a base leads into the middle of an object; so does the pointer to its copy.
    static Shared<T> same_part(const Shared<void>& made, const Shared<T>& original) {
        const auto offset = reinterpret_cast<const char*>(original.get())
                          - static_cast<const char*>(Whole::of(*original).address);
        return Shared<T>(made, reinterpret_cast<Object*>(static_cast<char*>(made.get()) + offset));
    }

    Carried carried_;
    Shared<T> pointer_;
};

template <class T, template <class> class Shared>
void copy_shared(DeepCopy& deep, Shared<T>& pointer) {
    if (pointer) {
        SharedCopy<T, Shared> copied(deep, pointer);
        pointer = copied.pointer();
        copied.finish(deep);
    }
}

}  // namespace detail
}  // namespace calque
#pragma GCC visibility pop
