// calque/boost_members.hpp: what a C++ object holds, copied deeply. Part of boost_python.hpp, which says what it is for.
//
// The copy constructor of a C++ class copies numbers and strings, and of a boost::python::object or a shared pointer it
// copies the reference: afterwards original and copy share what it leads to. A class that has such members says so, in its
// own namespace and right behind itself:
//
//     struct Scene {
//         std::string title;
//         std::vector<boost::python::object> tags;
//         std::shared_ptr<Node> root;
//     };
//     void copy_members(calque::DeepCopy& deep, Scene& made) {   // `made` comes from the copy constructor
//         deep(made.tags);
//         deep(made.root);
//     }
//
// deep(x) replaces x by its deep copy. It knows
//   boost::python::object, list, dict ..., handle<>
//   std::shared_ptr, std::weak_ptr, boost::shared_ptr, boost::weak_ptr, std::unique_ptr (whose target is `made`'s own already)
//   std::optional, pair, tuple, variant, array, and containers: of any of these, and of classes with copy_members()
// and does nothing for other types, because the copy constructor has done it. A raw pointer does not compile.
//
// While a container's elements are copied it is empty: Python code that meets the unfinished copy cannot change what is being gone
// through.
//
// Shared pointers
//   Within one copy there is one copy per C++ object, whoever leads to it (boost_shared.hpp). A weak pointer leads to the copy of
//   what it led to; if nothing else in the copy owns that, it expires when all is copied.
//   What is not kept: two extension modules know nothing of each other, so an object that both of them hold is copied once
//   for each. Shared pointers of std and of boost cannot own the same object, and their copies do not either. use_count() is the copy's own.
#pragma once

#include <calque/boost_shared.hpp>

#include <boost/python/handle.hpp>
#include <boost/python/object.hpp>
#include <boost/weak_ptr.hpp>

#include <array>
#include <concepts>
#include <memory>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#pragma GCC visibility push(hidden)
namespace calque::detail {

template <std::derived_from<boost::python::api::object> X>
struct Deep<X> {
    static constexpr bool needed = true;
    static void copy(DeepCopy& deep, X& x) {
        const boost::python::object made{boost::python::handle<>(deep.copy(x.ptr()).release())};
        boost::python::extract<X> typed(made);
        if (!typed.check()) {
            PyErr_Format(PyExc_TypeError, "the copy of a %s is a %s, which C++ cannot hold in its place",
                         Py_TYPE(x.ptr())->tp_name, Py_TYPE(made.ptr())->tp_name);
            throw_python_error();
        }
        x = typed();
    }
};

template <>
struct Deep<boost::python::handle<>> {
    static constexpr bool needed = true;
    static void copy(DeepCopy& deep, boost::python::handle<>& x) {
        if (x) {
            x = boost::python::handle<>(deep.copy(x.get()).release());
        }
    }
};

template <class T>
struct Deep<std::shared_ptr<T>> {
    static constexpr bool needed = true;
    static void copy(DeepCopy& deep, std::shared_ptr<T>& x) { copy_shared<T, std::shared_ptr>(deep, x); }
};

template <class T>
struct Deep<boost::shared_ptr<T>> {
    static constexpr bool needed = true;
    static void copy(DeepCopy& deep, boost::shared_ptr<T>& x) { copy_shared<T, boost::shared_ptr>(deep, x); }
};

template <class T>
struct Deep<std::weak_ptr<T>> {
    static constexpr bool needed = true;
    static void copy(DeepCopy& deep, std::weak_ptr<T>& x) {
        std::shared_ptr<T> target = x.lock();
        deep(target);
        x = target;
    }
};

template <class T>
struct Deep<boost::weak_ptr<T>> {
    static constexpr bool needed = true;
    static void copy(DeepCopy& deep, boost::weak_ptr<T>& x) {
        boost::shared_ptr<T> target = x.lock();
        deep(target);
        x = target;
    }
};

template <class X>
requires std::is_object_v<X> &&(!std::same_as<std::remove_const_t<X>, char>)struct Deep<X*> {
    static constexpr bool needed = true;
    static void copy(DeepCopy&, X*&) {
        static_assert(!sizeof(X*), "calque: a raw pointer does not say who owns what it leads to; copy it by "
                                   "hand in copy_members()");
    }
};

// What may come to an end while its parts are copied is taken out of the copy first.

template <class X, class D>
struct Deep<std::unique_ptr<X, D>> {
    static constexpr bool needed = NeedsDeep<X>;
    static void copy(DeepCopy& deep, std::unique_ptr<X, D>& x) {
        if (x) {
            auto taken = std::move(x);
            deep(*taken);
            x = std::move(taken);
        }
    }
};

template <class X>
struct Deep<std::optional<X>> {
    static constexpr bool needed = NeedsDeep<X>;
    static void copy(DeepCopy& deep, std::optional<X>& x) {
        if (x) {
            auto taken = std::exchange(x, std::nullopt);
            deep(*taken);
            x = std::move(taken);
        }
    }
};

template <class... X>
struct Deep<std::variant<X...>> {
    static constexpr bool needed = (NeedsDeep<X> || ...);
    static void copy(DeepCopy& deep, std::variant<X...>& x) {
        if (!x.valueless_by_exception()) {
            auto taken = std::move(x);
            std::visit([&](auto& held) { deep(held); }, taken);
            x = std::move(taken);
        }
    }
};

template <class First, class Second>
struct Deep<std::pair<First, Second>> {
    static constexpr bool needed = NeedsDeep<std::remove_const_t<First>> || NeedsDeep<Second>;
    static void copy(DeepCopy& deep, std::pair<First, Second>& x) {
        deep(x.first);
        deep(x.second);
    }
};

template <class... X>
struct Deep<std::tuple<X...>> {
    static constexpr bool needed = (NeedsDeep<X> || ...);
    static void copy(DeepCopy& deep, std::tuple<X...>& x) {
        std::apply([&](auto&... parts) { (deep(parts), ...); }, x);
    }
};

template <class X, std::size_t n>
struct Deep<X[n]> {
    static constexpr bool needed = NeedsDeep<X>;
    static void copy(DeepCopy& deep, X (&x)[n]) {
        for (X& part : x) {
            deep(part);
        }
    }
};

template <class X, std::size_t n>
struct Deep<std::array<X, n>> {
    static constexpr bool needed = NeedsDeep<X>;
    static void copy(DeepCopy& deep, std::array<X, n>& x) {
        for (X& part : x) {
            deep(part);
        }
    }
};

template <class C>
concept Container = std::ranges::input_range<C> && std::movable<C> && requires(C& container) {
    typename C::value_type;
    container.clear();
};

template <class C>
concept Map = requires {
    typename C::mapped_type;
};

/// Its elements are keys, which only leave it as nodes: std::set, std::map and their like.
template <class C>
concept HasDeepKeys = requires {
    typename C::key_type;
}
&&NeedsDeep<typename C::key_type>;

template <Container C>
struct Deep<C> {
    static constexpr bool needed = NeedsDeep<typename C::value_type>;
    static void copy(DeepCopy& deep, C& x) {
        C taken = std::move(x);
        x.clear();
        if constexpr (HasDeepKeys<C>) {
            copy_keys(deep, taken);
        } else if constexpr (Map<C>) {
            for (auto& [key, value] : taken) {
                deep(value);
            }
        } else {
            for (auto& element : taken) {
                deep(element);
            }
        }
        x = std::move(taken);
    }

private:
    static void copy_keys(DeepCopy& deep, C& taken) {
        std::vector<typename C::node_type> nodes;
        nodes.reserve(taken.size());
        while (!taken.empty()) {
            nodes.push_back(taken.extract(taken.begin()));
        }
        for (auto& node : nodes) {
            if constexpr (Map<C>) {
                deep(node.key());
                deep(node.mapped());
            } else {
                deep(node.value());
            }
            taken.insert(std::move(node));
        }
    }
};

}  // namespace calque::detail
#pragma GCC visibility pop
