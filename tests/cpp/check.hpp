// tests/cpp/check.hpp: what the C++ tests need and nothing more: named cases, and checks that stay on in every build.
//
//     TEST(an_entry_is_found_until_the_table_is_cleared) { CHECK(table.find(key) != nullptr); }
//     int main(int argc, char** argv) { return check::main(argc, argv); }
//
// CMakeLists.txt reads the names from the source and registers each with ctest, which runs it in a process of its own.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace check {

struct Case {
    const char* name;
    void (*body)();
    Case* next;
};

inline Case* first = nullptr;

inline bool add(Case& added) {
    added.next = first;
    first = &added;
    return true;
}

inline void that(bool holds, const char* condition, const char* file, int line) {
    if (!holds) {
        std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
        std::exit(1);
    }
}

// Runs the case named by the argument. A name that no case has is a failure, so that a stale registration is seen.
inline int main(int argc, char** argv) {
    for (Case* one = first; one != nullptr && argc == 2; one = one->next) {
        if (std::strcmp(one->name, argv[1]) == 0) {
            one->body();
            return 0;
        }
    }
    std::fprintf(stderr, "%s: expected the name of one case:\n", argv[0]);
    for (Case* one = first; one != nullptr; one = one->next) {
        std::fprintf(stderr, "  %s\n", one->name);
    }
    return 2;
}

}  // namespace check

#define TEST(name)                                                          \
 static void name();                                                        \
 static check::Case case_##name{#name, name, nullptr};                      \
 [[maybe_unused]] static const bool added_##name = check::add(case_##name); \
 static void name()

#define CHECK(condition) check::that(static_cast<bool>(condition), #condition, __FILE__, __LINE__)
