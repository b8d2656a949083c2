// calque/boost_python.hpp: C++ classes that Python sees through Boost.Python, copied by calque.
//
//     BOOST_PYTHON_MODULE(meshes) {
//         class_<Mesh>("Mesh").def_readwrite("name", &Mesh::name);
//         calque::register_copyable<Mesh>();
//     }
//
// From then on calque.deepcopy(mesh) makes a mesh by the copy constructor, and copies the attributes that Python has put on it. What the C++
// object itself holds of Python and shared pointers is copied where the class says so: boost_members.hpp. copy.deepcopy
// refuses such objects; it takes what has __reduce__ or pickling of its own, and knows nothing of the rest.
//
// What is copied
//   Holders       class_<T>; class_<T, std::shared_ptr<T>> and boost::shared_ptr; what a function returns as such a pointer. An
//                 instance that only refers to an object of somebody else's (return_internal_reference) is refused: a
//                 copy of it would have no owner.
//   Attributes    the instance's __dict__, deeply, through the memo: cycles through attributes and shared values are kept. The
//                 C++ object exists before they are copied, so what they lead back to is a mesh. Weak references to the
//                 original stay with the original. (The collector does not look into instances of Boost.Python:
//                 who makes cycles of them has to break them, in the copy as well.)
//   Subclasses    in Python: the copy has the class and the attributes; __init__ is not called.
//   Same object   Python objects that hold the same C++ object have copies that hold the same C++ object.
//
// What is refused, with a TypeError
//   A slice. A class derived in C++ has a Python class derived from T's, so calque would find T's handler for it. Unless it has one
//   of its own it is not copied, but left to the standard library's protocol if it can be pickled; the same for a
//   pointer to T that leads to a derived object. A base behind whose pointers a T may lie is named:
//   register_copyable<Ball, Shape>().
//   An instance whose class forgot to call super().__init__(): it holds no C++ object. One that holds several.
//   At compile time: a T without copy constructor.
//
// What it costs. The handler's steps count as running Python code, because copy constructors may; calque prepares for that at
// each step (abi.h). {.pure = true} promises that T's copy constructor and destructor run none. It is the default for
// trivially copyable classes.
//
// Only what is declared in abi.h crosses the border to calque. So a plugin's Boost need not be calque's, and calque's may be built in.
#pragma once

#include <calque/boost_members.hpp>

#include <boost/align/align.hpp>
#include <boost/python/class.hpp>
#include <boost/python/object/instance.hpp>

#pragma GCC visibility push(hidden)
namespace calque {

/// How the instances of a class are copied.
template <class T>
struct CopyOptions {
    /// Also instances of Python subclasses.
    bool subclasses = true;
    /// copy.copy as well: a C++ object by the copy constructor, the attributes shared.
    bool shallow = true;
    /// T's copy constructor and destructor run no Python code. Ignored if T has members that are copied deeply.
    bool pure = std::is_trivially_copyable_v<T>;
};

namespace detail {

using Instance = boost::python::objects::instance<>;
inline Instance& instance_of(Borrowed object) noexcept { return *reinterpret_cast<Instance*>(object.get()); }

inline bool is_pure(const Frame& frame) noexcept { return (frame.raw()->handler->flags & CALQUE_PURE) != 0; }

// An instance and the holder in it, as Boost.Python's make_instance makes them. (Its instance_new looks for an attribute that
// may not be there: four times as slow.)
template <class Holder>
Ref allocate(PyTypeObject* type) {
    Ref made =
        Ref::steal(type->tp_alloc(type, boost::python::objects::additional_instance_size<Holder>::value));
    if (!made) {
        throw_python_error();
    }
    return made;
}

template <class Holder, class... Arguments>
void install(Borrowed made, Arguments&&... arguments) {
    auto* const instance = reinterpret_cast<boost::python::objects::instance<Holder>*>(made.get());
    std::size_t room = boost::python::objects::additional_instance_size<Holder>::value;
    void* place = instance->storage.bytes;
    place = boost::alignment::align(alignof(Holder), sizeof(Holder), place, room);
    auto* const holder = ::new (place) Holder(std::forward<Arguments>(arguments)...);
    holder->install(made.get());
    // Where the holder begins: for its end.
    Py_SET_SIZE(reinterpret_cast<PyVarObject*>(made.get()),
                reinterpret_cast<char*>(holder) - reinterpret_cast<char*>(made.get()));
}

// The ways in which an instance may hold its C++ object.

template <class T>
struct ByValue {
    using Holder = boost::python::objects::value_holder<T>;

    /// Puts the new instance into the frame; published before its C++ members are copied.
    static void copy(CopyContext& context, Frame& frame, boost::python::instance_holder& holder) {
        frame.set_copy(shallow(frame.original(), holder));
        if constexpr (NeedsDeep<T>) {
            if (!frame.publish(context)) {
                throw_python_error();
            }
            DeepCopy deep(context);
            deep(held(*instance_of(frame.copy()).objects));
        }
    }

    static Ref shallow(Borrowed original, boost::python::instance_holder& holder) {
        Ref made = allocate<Holder>(original.type());
        install<Holder>(made, made.get(), boost::ref(std::as_const(held(holder))));
        return made;
    }

private:
    static T& held(boost::python::instance_holder& holder) {
        return *static_cast<T*>(holder.holds(boost::python::type_id<T>(), false));
    }
};

template <class T, template <class> class Shared>
struct ByPointer {
    using Holder = boost::python::objects::pointer_holder<Shared<T>, T>;

    static void copy(CopyContext& context, Frame& frame, boost::python::instance_holder& holder) {
        std::optional<PythonScope> python;  // other objects are copied, and identities go
        if (is_pure(frame) && !python.emplace(context)) {
            throw_python_error();
        }
        const Shared<T> original = held(holder);
        if (!original) {
            frame.set_copy(make(frame.original(), original, {}));
            return;
        }
        DeepCopy deep(context);
        SharedCopy<T, Shared> copied(deep, original);
        frame.set_copy(make(frame.original(), original, copied.pointer()));
        if (copied.unfinished()) {
            if (!frame.publish(context)) {
                throw_python_error();
            }
            copied.finish(deep);
        }
    }

    static Ref shallow(Borrowed original, boost::python::instance_holder& holder) {
        const Shared<T>& pointer = held(holder);
        return make(original, pointer, pointer ? SharedCopy<T, Shared>::shallow(pointer) : pointer);
    }

private:
    static Shared<T>& held(boost::python::instance_holder& holder) {
        return *static_cast<Shared<T>*>(holder.holds(boost::python::type_id<Shared<T>>(), false));
    }

    static Ref make(Borrowed original, const Shared<T>& from, Shared<T> to) {
        Ref made = allocate<Holder>(original.type());
        if constexpr (std::derived_from<T, boost::python::detail::wrapper_base>) {
            // A class whose virtual functions Python overrides knows its Python object.
            if (from && boost::python::detail::wrapper_base_::get_owner(*from) == original.get()) {
                boost::python::detail::initialize_wrapper(made.get(), to.get());
            }
        }
        install<Holder>(made, std::move(to));
        return made;
    }
};

/// Calls `use(way)` with the way in which `holder` holds a T. False: in none that is known, so a copy would be a slice, or
/// have no owner.
template <class T, class... Bases, class Use>
bool with_way(boost::python::instance_holder& holder, Use use) {
    const std::type_info& kind = typeid(holder);
    const auto is = [&]<class Way>(Way way) {
        if (kind != typeid(typename Way::Holder)) {
            return false;
        }
        use(way);
        return true;
    };
    return is(ByValue<T>()) || is(ByPointer<T, std::shared_ptr>())
        || (is(ByPointer<Bases, std::shared_ptr>()) || ...) || is(ByPointer<T, boost::shared_ptr>())
        || (is(ByPointer<Bases, boost::shared_ptr>()) || ...);
}

/// The one holder of an instance. Throws a TypeError if there is none, or several.
inline boost::python::instance_holder& sole_holder(Borrowed object) {
    auto* const holder = instance_of(object).objects;
    if (holder == nullptr || holder->next() != nullptr) {
        PyErr_Format(PyExc_TypeError,
                     holder == nullptr
                         ? "calque cannot copy this %s, which holds no C++ object: has __init__ been called?"
                         : "calque cannot copy this %s, which holds several C++ objects",
                     object.type()->tp_name);
        throw_python_error();
    }
    return *holder;
}

/// Boost.Python's mark of classes that can be pickled: the standard library can copy those. -1 with an exception set.
inline int can_be_pickled(Borrowed object) noexcept {
    Ref mark = Ref::steal(PyObject_GetAttrString(object.get(), "__safe_for_unpickling__"));
    if (!mark) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError)) {
            return -1;
        }
        PyErr_Clear();
        return 0;
    }
    return PyObject_IsTrue(mark.get());
}

template <class T>
void refuse(Borrowed object, boost::python::instance_holder& holder) {
    const PyTypeObject* const served = boost::python::converter::registered<T>::converters.m_class_object;
    if (typeid(holder) == typeid(boost::python::objects::pointer_holder<T*, T>)) {
        PyErr_Format(PyExc_TypeError,
                     "calque cannot copy this %s, which refers to a C++ object that something else owns",
                     object.type()->tp_name);
    } else {
        PyErr_Format(PyExc_TypeError,
                     "calque does not copy a %s as a %s, which would slice its C++ object: "
                     "calque::register_copyable<>() "
                     "is missing for its own class",
                     object.type()->tp_name, served->tp_name);
    }
    throw_python_error();
}

/// The handler of a class: a frame, so that chains of attributes may be of any length.
template <class T, class... Bases>
class CopyInstance {
public:
    Step begin(CopyContext& context, Frame& frame) noexcept {
        try {
            auto& holder = sole_holder(frame.original());
            if (!with_way<T, Bases...>(holder, [&](auto way) { way.copy(context, frame, holder); }))
                [[unlikely]] {
                return give_away(context, frame, holder);
            }
        } catch (...) {
            boost::python::handle_exception();
            return Step::error();
        }
        PyObject* const attributes = instance_of(frame.original()).dict;
        return attributes == nullptr || (PyDict_CheckExact(attributes) && PyDict_GET_SIZE(attributes) == 0)
                 ? Step::done()
                 : Step::child(attributes);
    }

    // Like `y.__dict__.update(state)` in copy._reconstruct; where nobody has asked for the copy's __dict__ there is none to update.
    Step resume(CopyContext& context, Frame& frame, Ref attributes) noexcept {
        PyObject*& place = instance_of(frame.copy()).dict;
        if (place == nullptr && PyDict_Check(attributes.get())) {
            place = attributes.release();
            return Step::done();
        }
        std::optional<PythonScope> python;
        if (is_pure(frame) && !python.emplace(context)) {
            return Step::error();
        }
        Ref own = Ref::steal(PyObject_GenericGetDict(frame.copy().get(), nullptr));
        const bool good = own && PyDict_Update(own.get(), attributes.get()) == 0;
        attributes = {};
        return good ? Step::done() : Step::error();
    }

private:
    static Step give_away(CopyContext& context, Frame& frame, boost::python::instance_holder& holder) {
        std::optional<PythonScope> python;
        if (is_pure(frame) && !python.emplace(context)) {
            return Step::error();
        }
        const int pickled = can_be_pickled(frame.original());
        if (pickled > 0) {
            return Step::decline();
        }
        if (pickled == 0) {
            refuse<T>(frame.original(), holder);
        }
        return Step::error();
    }
};

/// copy.copy: the attributes are shared, their dict is not.
template <class T, class... Bases>
Ref copy_instance_shallowly(Borrowed original) noexcept {
    try {
        auto& holder = sole_holder(original);
        Ref made;
        if (!with_way<T, Bases...>(holder, [&](auto way) { made = way.shallow(original, holder); })) {
            refuse<T>(original, holder);
        }
        if (PyObject* const attributes = instance_of(original).dict) {
            instance_of(made).dict = PyDict_Copy(attributes);
            if (instance_of(made).dict == nullptr) {
                return {};
            }
        }
        return made;
    } catch (...) {
        boost::python::handle_exception();
        return {};
    }
}

}  // namespace detail

/// Makes calque copy instances of the class that Python knows T as; call it after class_<T>.
/// Bases: classes behind whose shared pointers a T may lie.
/// Throws error_already_set with ImportError (calque is missing, or another version), TypeError (T has no class_<>), ValueError (the
/// class has a handler already), MemoryError.
template <class T, class... Bases>
void register_copyable(const CopyOptions<T>& options = {}) {
    static_assert(std::copy_constructible<T>, "calque::register_copyable<T>(): T has no copy constructor; "
                                              "register a handler of your own (calque/handler.hpp)");
    static_assert((std::derived_from<T, Bases> && ...),
                  "calque::register_copyable<T, Bases...>(): a T is none of these");
    if constexpr (std::copy_constructible<T> && (std::derived_from<T, Bases> && ...)) {
        static const std::string name = "C++ class " + detail::name_of(typeid(T));
        PyTypeObject* const type = boost::python::converter::registered<T>::converters.m_class_object;
        if (type == nullptr) {
            PyErr_Format(PyExc_TypeError,
                         "calque::register_copyable: there is no boost::python::class_<> of %s yet",
                         name.c_str());
            detail::throw_python_error();
        }
        if (detail::api_in_use == nullptr && !import_calque()) {
            detail::throw_python_error();
        }
        detail::Identity<std::shared_ptr>::make_type();
        detail::Identity<boost::shared_ptr>::make_type();
        std::uint32_t flags = 0;
        flags |= options.subclasses ? std::uint32_t{CALQUE_SUBCLASSES} : 0;
        flags |= options.pure && !detail::NeedsDeep<T> ? std::uint32_t{CALQUE_PURE} : 0;
        HandlerSpec spec = frame_handler<detail::CopyInstance<T, Bases...>>(name.c_str(), type, flags);
        if (options.shallow) {
            spec = with_shallow<detail::copy_instance_shallowly<T, Bases...>>(spec);
        }
        if (!add_handler(spec)) {
            detail::throw_python_error();
        }
        detail::known_cloners<std::shared_ptr>()[typeid(T)] = &detail::cloner_of<T, std::shared_ptr>;
        detail::known_cloners<boost::shared_ptr>()[typeid(T)] = &detail::cloner_of<T, boost::shared_ptr>;
    }
}

/// Takes that back. Throws error_already_set with LookupError if there is nothing to take back.
template <class T>
void unregister_copyable() {
    detail::known_cloners<std::shared_ptr>().erase(typeid(T));
    detail::known_cloners<boost::shared_ptr>().erase(typeid(T));
    PyTypeObject* const type = boost::python::converter::registered<T>::converters.m_class_object;
    if (type == nullptr || detail::api_in_use == nullptr || !remove_handler(type)) {
        if (PyErr_Occurred() == nullptr) {
            PyErr_SetString(PyExc_LookupError, "nothing is registered for this C++ class");
        }
        detail::throw_python_error();
    }
}

}  // namespace calque
#pragma GCC visibility pop
