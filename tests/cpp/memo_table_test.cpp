// tests/cpp/memo_table_test.cpp: MemoTable against std::unordered_map, at its borders, and without memory.
#include "memo_table.hpp"

#include "allocations.hpp"
#include "check.hpp"

#include <cstdint>
#include <memory>
#include <random>
#include <unordered_map>
#include <vector>

namespace {

using calque::MemoTable;
using Keys = std::vector<std::uintptr_t>;
using Model = std::unordered_map<std::uintptr_t, std::uintptr_t>;

// What memo_table.hpp promises to keep of a table that was cleared: 4096 slots, and as many numbers of slots.
constexpr std::size_t kKeptBytes = 4096 * (sizeof(MemoTable::Slot) + sizeof(std::uint32_t)) + 64;

const void* address(std::uintptr_t key) { return reinterpret_cast<const void*>(key); }

// Objects of one size class, side by side as an allocator hands them out.
Keys neighbours(std::size_t count) {
    Keys keys;
    for (std::size_t i = 0; i < count; ++i) {
        keys.push_back(0x7f3a'5c00'1000u + 16 * i);
    }
    return keys;
}

Keys scattered(std::size_t count) {
    std::mt19937_64 random(count);
    Keys keys;
    while (keys.size() < count) {
        keys.push_back(((random() >> 17) & ~std::uintptr_t{15}) + 16);
    }
    return keys;
}

// Keys that have the last slot for a home, whatever the capacity: the products with the table's multiplier differ in
// their lowest bits only. Each probe but the first goes around the end of the array.
Keys colliding(std::size_t count) {
    constexpr std::uint64_t multiplier = 0x9E3779B97F4A7C15u;
    std::uint64_t inverse = multiplier;  // modulo 2^64, by Newton: each step doubles the number of right bits
    for (int i = 0; i < 6; ++i) {
        inverse *= 2 - multiplier * inverse;
    }
    CHECK(inverse * multiplier == 1);
    Keys keys;
    for (std::size_t i = 0; i < count; ++i) {
        keys.push_back((UINT64_MAX - i) * inverse);
    }
    return keys;
}

void insert_all(MemoTable& table, const Keys& keys) {
    for (std::uintptr_t key : keys) {
        CHECK(table.insert(address(key), key + 1));
    }
}

void check_all_found(const MemoTable& table, const Keys& keys) {
    CHECK(table.size() == keys.size());
    for (std::uintptr_t key : keys) {
        const std::uintptr_t* value = table.find(address(key));
        CHECK(value != nullptr);
        CHECK(*value == key + 1);
    }
}

void check_none_found(const MemoTable& table, const Keys& keys) {
    for (std::uintptr_t key : keys) {
        CHECK(table.find(address(key)) == nullptr);
    }
}

void check_equals(const MemoTable& table, const Model& model, const Keys& keys) {
    CHECK(table.size() == model.size());
    for (std::uintptr_t key : keys) {
        const std::uintptr_t* value = table.find(address(key));
        const auto expected = model.find(key);
        CHECK((value == nullptr) == (expected == model.end()));
        CHECK(value == nullptr || *value == expected->second);
    }
}

void run_random_operations(const Keys& keys, unsigned seed) {
    std::mt19937_64 random(seed);
    MemoTable table;
    Model model;
    for (int round = 0; round < 6; ++round) {
        // Short and long lives between two clears, so that kept and returned arrays are both reused.
        const std::size_t operations = round % 2 == 0 ? keys.size() / 50 : keys.size() * 2;
        for (std::size_t i = 0; i < operations; ++i) {
            const std::uintptr_t key = keys[random() % keys.size()];
            if (random() % 3 == 0) {
                const std::uintptr_t* value = table.find(address(key));
                const auto expected = model.find(key);
                CHECK((value == nullptr) == (expected == model.end()));
                CHECK(value == nullptr || *value == expected->second);
            } else {
                const std::uintptr_t value = random() % 4;  // 0 is a value like any other
                CHECK(table.insert(address(key), value));
                model[key] = value;
            }
        }
        check_equals(table, model, keys);
        table.clear();
        model.clear();
        check_equals(table, model, keys);
    }
}

}  // namespace

TEST(a_new_table_is_empty_and_has_allocated_nothing) {
    const std::size_t before = allocations::made();
    MemoTable table;
    CHECK(table.size() == 0);
    CHECK(table.find(address(16)) == nullptr);
    table.clear();
    CHECK(table.size() == 0);
    CHECK(allocations::made() == before);
}

TEST(an_inserted_key_is_found_and_its_neighbours_are_not) {
    MemoTable table;
    CHECK(table.insert(address(0x1000), 7));
    CHECK(table.size() == 1);
    CHECK(table.find(address(0x1000)) != nullptr);
    CHECK(*table.find(address(0x1000)) == 7);
    CHECK(table.find(address(0x1010)) == nullptr);
    CHECK(table.find(address(0x0ff0)) == nullptr);
}

TEST(a_second_insert_overwrites_and_does_not_add) {
    MemoTable table;
    const Keys keys = neighbours(100);
    insert_all(table, keys);
    for (std::uintptr_t key : keys) {
        CHECK(table.insert(address(key), 0));
    }
    CHECK(table.size() == keys.size());
    for (std::uintptr_t key : keys) {
        CHECK(table.find(address(key)) != nullptr);
        CHECK(*table.find(address(key)) == 0);
    }
}

TEST(growing_keeps_every_entry) {
    for (std::size_t count : {31u, 32u, 33u, 64u, 65u, 2048u, 2049u, 5000u, 100'000u}) {
        MemoTable table;
        insert_all(table, neighbours(count));
        check_all_found(table, neighbours(count));
    }
}

TEST(a_large_table_grows_by_and_by) {
    const std::size_t before = allocations::live_bytes();
    MemoTable table;
    const Keys keys = neighbours(100'000);
    // 65,536 slots are enough for 24,576 entries, then have a successor of twice the size until they hold 32,768.
    const std::size_t both = before + 3 * 65'536 * sizeof(MemoTable::Slot);
    std::size_t with_both = 0;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        CHECK(table.insert(address(keys[i]), keys[i] + 1));
        if (i < 40'000) {
            with_both += allocations::live_bytes() >= both;
        }
        // An entry that has been moved already, one that has not, and the one that was just made.
        for (std::size_t changed : {std::size_t{0}, i / 2, i}) {
            CHECK(table.insert(address(keys[changed]), i));
            CHECK(*table.find(address(keys[changed])) == i);
            CHECK(table.insert(address(keys[changed]), keys[changed] + 1));
        }
    }
    CHECK(with_both >= 500);  // inserts that overwrite move entries, too
    check_all_found(table, keys);
}

TEST(keys_16_bytes_apart_behave_as_a_map_does) {
    for (unsigned seed = 1; seed <= 5; ++seed) {
        run_random_operations(neighbours(20'000), seed);
    }
}

TEST(scattered_keys_behave_as_a_map_does) {
    for (unsigned seed = 11; seed <= 15; ++seed) {
        run_random_operations(scattered(20'000), seed);
    }
}

TEST(keys_with_one_home_behave_as_a_map_does) {
    for (unsigned seed = 21; seed <= 25; ++seed) {
        run_random_operations(colliding(500), seed);
    }
}

TEST(keys_with_one_home_survive_growing) {
    MemoTable table;
    insert_all(table, colliding(1000));
    check_all_found(table, colliding(1000));
    check_none_found(table, neighbours(1000));
}

TEST(nothing_is_found_after_clear) {
    for (std::size_t count : {1u, 31u, 32u, 33u, 2047u, 2048u, 2049u, 4096u, 4097u, 100'000u}) {
        MemoTable table;
        const Keys keys = scattered(count);
        insert_all(table, keys);
        table.clear();
        CHECK(table.size() == 0);
        check_none_found(table, keys);
        // A stale number of a slot, or a key left behind, shows when the array is filled again.
        const Keys others = neighbours(count);
        insert_all(table, others);
        check_all_found(table, others);
        check_none_found(table, keys);
    }
}

TEST(clear_gives_a_huge_array_back_and_the_table_stays_usable) {
    const std::size_t before = allocations::live_bytes();
    auto table = std::make_unique<MemoTable>();
    for (int round = 0; round < 3; ++round) {
        insert_all(*table, neighbours(1'000'000));
        CHECK(allocations::live_bytes() > before + 32'000'000);
        table->clear();
        CHECK(allocations::live_bytes() <= before + kKeptBytes);
        insert_all(*table, scattered(100));
        check_all_found(*table, scattered(100));
        table->clear();
    }
    table.reset();
    CHECK(allocations::live_bytes() == before);
}

TEST(clear_keeps_a_small_array_for_the_next_copy) {
    MemoTable table;
    insert_all(table, neighbours(2048));
    table.clear();
    const std::size_t before = allocations::made();
    for (int round = 0; round < 10; ++round) {
        insert_all(table, scattered(2048));
        table.clear();
    }
    CHECK(allocations::made() == before);
}

TEST(an_insert_without_memory_changes_nothing) {
    const Keys keys = neighbours(300);
    bool failed = true;
    for (std::size_t successes = 0; failed; ++successes) {
        MemoTable table;
        failed = false;
        Keys inserted;
        {
            allocations::FailAfter limit(successes);
            for (std::uintptr_t key : keys) {
                if (!table.insert(address(key), key + 1)) {
                    failed = true;
                    CHECK(table.find(address(key)) == nullptr);
                    break;
                }
                inserted.push_back(key);
            }
            check_all_found(table, inserted);
        }
        insert_all(table, keys);
        check_all_found(table, keys);
        CHECK(successes < 20);
    }
}

int main(int argc, char** argv) { return check::main(argc, argv); }
