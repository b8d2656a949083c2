// perf/cpp/bench_memo_table.cpp: the memo's hash table beside boost::unordered_flat_map.
//
// Keys are addresses as a copy meets them: objects of 64 bytes, in order of allocation ("in order"), or in random
// order as in a graph that was built over a long time ("shuffled"). Each benchmark's n is the number of entries.
//
//   fill_and_clear    one copy's life: for each key a miss and an insert, then forget everything
//   hit               look up keys that are there
//   clear             forgetting alone; a clock call, some 20 ns, is in it
//   small_after_huge  4 entries and clear, in a table that once held 10^6
#include "memo_table.hpp"

#include <benchmark/benchmark.h>
#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>
#include <vector>

namespace {

class Calque {
public:
    bool has(const void* key) const noexcept { return table_.find(key) != nullptr; }
    void insert(const void* key, std::uintptr_t value) noexcept {
        benchmark::DoNotOptimize(table_.insert(key, value));
    }
    void clear() noexcept { table_.clear(); }

private:
    calque::MemoTable table_;
};

class FlatMap {
public:
    bool has(const void* key) const { return table_.find(key) != table_.end(); }
    void insert(const void* key, std::uintptr_t value) { table_.insert_or_assign(key, value); }
    void clear() { table_.clear(); }

private:
    boost::unordered_flat_map<const void*, std::uintptr_t> table_;
};

std::vector<const void*> make_keys(std::size_t n, bool shuffled) {
    constexpr std::uintptr_t kHeap = 0x7f12'3456'0010;
    std::vector<const void*> keys(n);
    for (std::size_t i = 0; i < n; ++i) {
        keys[i] = reinterpret_cast<const void*>(kHeap + 64 * i);
    }
    if (shuffled) {
        std::shuffle(keys.begin(), keys.end(), std::mt19937_64(n));
    }
    return keys;
}

template <class Table>
void fill(Table& table, const std::vector<const void*>& keys) {
    for (const void* key : keys) {
        if (!table.has(key)) {
            table.insert(key, 1);
        }
    }
}

std::vector<const void*> keys_of(const benchmark::State& state) {
    return make_keys(static_cast<std::size_t>(state.range(0)), state.range(1) != 0);
}

void per_entry(benchmark::State& state) {
    const auto entries = static_cast<double>(state.range(0)) * static_cast<double>(state.iterations());
    state.counters["per_entry"] =
        benchmark::Counter(entries, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
    state.SetLabel(state.range(1) != 0 ? "shuffled" : "in order");
}

template <class Table>
void fill_and_clear(benchmark::State& state) {
    const std::vector<const void*> keys = keys_of(state);
    Table table;
    for (auto _ : state) {
        fill(table, keys);
        table.clear();
    }
    per_entry(state);
}

template <class Table>
void hit(benchmark::State& state) {
    const std::vector<const void*> keys = keys_of(state);
    Table table;
    fill(table, keys);
    for (auto _ : state) {
        for (const void* key : keys) {
            benchmark::DoNotOptimize(table.has(key));
        }
    }
    per_entry(state);
}

template <class Table>
void clear(benchmark::State& state) {
    using Clock = std::chrono::steady_clock;
    const std::vector<const void*> keys = keys_of(state);
    Table table;
    for (auto _ : state) {
        fill(table, keys);
        const Clock::time_point start = Clock::now();
        table.clear();
        benchmark::ClobberMemory();
        state.SetIterationTime(std::chrono::duration<double>(Clock::now() - start).count());
    }
    per_entry(state);
}

template <class Table>
void small_after_huge(benchmark::State& state) {
    Table table;
    fill(table, make_keys(1'000'000, false));
    table.clear();
    const std::vector<const void*> keys = make_keys(4, false);
    for (auto _ : state) {
        fill(table, keys);
        table.clear();
    }
}

void sizes(benchmark::internal::Benchmark* which) {
    which->ArgNames({"n", "shuffled"})->ArgsProduct({{100, 10'000, 1'000'000}, {0, 1}});
}

}  // namespace

BENCHMARK_TEMPLATE(fill_and_clear, Calque)->Apply(sizes);
BENCHMARK_TEMPLATE(fill_and_clear, FlatMap)->Apply(sizes);
BENCHMARK_TEMPLATE(hit, Calque)->Apply(sizes);
BENCHMARK_TEMPLATE(hit, FlatMap)->Apply(sizes);
// A fixed number of iterations: the filling in between is not counted, and would go on for minutes.
BENCHMARK_TEMPLATE(clear, Calque)->Apply(sizes)->UseManualTime()->Iterations(20);
BENCHMARK_TEMPLATE(clear, FlatMap)->Apply(sizes)->UseManualTime()->Iterations(20);
BENCHMARK_TEMPLATE(small_after_huge, Calque);
BENCHMARK_TEMPLATE(small_after_huge, FlatMap);

BENCHMARK_MAIN();
