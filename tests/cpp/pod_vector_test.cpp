// tests/cpp/pod_vector_test.cpp: PodVector against std::vector, its memory, and life without memory.
#include "pod_vector.hpp"

#include "allocations.hpp"
#include "check.hpp"

#include <cstdint>
#include <random>
#include <vector>

namespace {

using calque::PodVector;

struct Pair {
    std::uint64_t first;
    std::uint32_t second;
};

void check_equals(PodVector<std::uint64_t>& vector, const std::vector<std::uint64_t>& model) {
    CHECK(vector.size() == model.size());
    CHECK(vector.empty() == model.empty());
    CHECK(static_cast<std::size_t>(vector.end() - vector.begin()) == model.size());
    for (std::size_t i = 0; i < model.size(); ++i) {
        CHECK(vector[i] == model[i]);
    }
    CHECK(model.empty() || vector.back() == model.back());
    CHECK(vector.capacity() >= vector.size());
}

}  // namespace

TEST(a_new_vector_is_empty_and_has_allocated_nothing) {
    const std::size_t before = allocations::made();
    PodVector<int> vector;
    CHECK(vector.empty());
    CHECK(vector.size() == 0);
    CHECK(vector.capacity() == 0);
    CHECK(vector.begin() == vector.end());
    vector.clear(0);
    CHECK(allocations::made() == before);
}

TEST(values_keep_their_places_while_the_vector_grows) {
    PodVector<Pair> vector;
    for (std::uint32_t i = 0; i < 10'000; ++i) {
        CHECK(vector.push_back({std::uint64_t{i} << 40, i}));
        CHECK(vector.back().second == i);
    }
    for (std::uint32_t i = 0; i < 10'000; ++i) {
        CHECK(vector[i].first == std::uint64_t{i} << 40);
        CHECK(vector[i].second == i);
    }
}

TEST(random_operations_behave_as_those_of_a_standard_vector) {
    for (unsigned seed = 1; seed <= 10; ++seed) {
        std::mt19937_64 random(seed);
        PodVector<std::uint64_t> vector;
        PodVector<std::uint64_t> other;
        std::vector<std::uint64_t> model;
        std::vector<std::uint64_t> other_model;
        for (int i = 0; i < 2000; ++i) {
            switch (random() % 16) {
            case 0:
                vector.clear(random() % 2 == 0 ? 0 : 64);
                model.clear();
                break;
            case 1:
                vector.swap(other);
                model.swap(other_model);
                break;
            case 2: {
                const std::size_t kept = random() % (model.size() + 1);
                vector.truncate(kept);
                model.resize(kept);
                break;
            }
            case 3:
                if (!model.empty()) {
                    vector.pop_back();
                    model.pop_back();
                }
                break;
            default:
                for (int k = 0; k < 7; ++k) {
                    const std::uint64_t value = random();
                    CHECK(vector.push_back(value));
                    model.push_back(value);
                }
            }
            check_equals(vector, model);
            check_equals(other, other_model);
        }
    }
}

TEST(clear_gives_back_more_than_it_was_told_to_keep) {
    const std::size_t before = allocations::live_blocks();
    PodVector<int> vector;
    for (int i = 0; i < 1000; ++i) {
        CHECK(vector.push_back(i));
    }
    const std::size_t capacity = vector.capacity();
    vector.clear(capacity);
    CHECK(vector.empty());
    CHECK(vector.capacity() == capacity);
    CHECK(allocations::live_blocks() == before + 1);
    vector.clear(capacity - 1);
    CHECK(vector.capacity() == 0);
    CHECK(allocations::live_blocks() == before);
    CHECK(vector.push_back(5));
    CHECK(vector.back() == 5);
}

TEST(a_destroyed_vector_releases_its_memory) {
    const std::size_t before = allocations::live_blocks();
    {
        PodVector<int> vector;
        PodVector<int> other;
        CHECK(vector.push_back(1));
        vector.swap(other);
        CHECK(allocations::live_blocks() == before + 1);
    }
    CHECK(allocations::live_blocks() == before);
}

TEST(a_push_without_memory_changes_nothing) {
    PodVector<int> vector;
    {
        allocations::FailAfter limit(0);
        CHECK(!vector.push_back(1));
        CHECK(vector.empty());
        CHECK(vector.capacity() == 0);
    }
    while (vector.size() != vector.capacity() || vector.empty()) {
        CHECK(vector.push_back(static_cast<int>(vector.size())));
    }
    const std::size_t full = vector.size();
    {
        allocations::FailAfter limit(0);
        CHECK(!vector.push_back(-1));
    }
    CHECK(vector.size() == full);
    CHECK(vector.capacity() == full);
    CHECK(vector.push_back(-1));
    for (std::size_t i = 0; i < full; ++i) {
        CHECK(vector[i] == static_cast<int>(i));
    }
    CHECK(vector.back() == -1);
}

int main(int argc, char** argv) { return check::main(argc, argv); }
