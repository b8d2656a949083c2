// tests/cpp/work_stack_test.cpp: WorkStack across the borders of its chunks, deep, and without memory.
#include <algorithm>
#include <utility>

#include "work_stack.hpp"

#include "allocations.hpp"
#include "check.hpp"

#include <cstdint>
#include <random>
#include <vector>

namespace {

using calque::WorkStack;

// The depths at which a chunk is full: 128 frames inside the object, then chunks of 256, 512, 1024 ...
const std::size_t kBorders[] = {128, 384, 896, 1920, 3968};

// What the test knows of a frame: where it lies, and what was written into it.
struct Expected {
    calque_frame* frame;
    std::uint64_t mark;
};

class Checked {
public:
    Checked() = default;
    Checked(const Checked&) = delete;
    Checked& operator=(const Checked&) = delete;
    ~Checked() { go_to(0); }  // every walk unwinds what it pushed

    WorkStack stack;

    void push() {
        calque_frame* frame = stack.push();
        CHECK(frame != nullptr);
        CHECK(frame == &stack.top());
        CHECK(reinterpret_cast<std::uintptr_t>(frame) % alignof(calque_frame) == 0);
        mark(*frame, ++marks_);
        expected_.push_back({frame, marks_});
        CHECK(stack.depth() == expected_.size());
    }

    // As many frames as `wanted`, if there is room, by grow().
    void grow(std::size_t wanted) {
        const std::size_t room = stack.room();
        CHECK(room > 0);
        const std::size_t count = std::min(wanted, room);
        calque_frame* const first = stack.above();
        const std::size_t depth = stack.depth();
        for (std::size_t i = 0; i < count; ++i) {
            mark(first[i], ++marks_);
        }
        CHECK(stack.depth() == depth);
        stack.grow(count);
        CHECK(stack.depth() == depth + count);
        for (std::size_t i = 0; i < count; ++i) {
            expected_.push_back({first + i, marks_ - count + 1 + i});
        }
    }

    void pop() {
        check_top();
        stack.pop();
        expected_.pop_back();
        CHECK(stack.depth() == expected_.size());
        if (!expected_.empty()) {
            check_top();
        }
    }

    void go_to(std::size_t depth) {
        while (stack.depth() < depth) {
            push();
        }
        while (stack.depth() > depth) {
            pop();
        }
    }

    void check_top() { check(&stack.top(), expected_.back()); }

    // Every frame lies where it lay when it was pushed, and holds what was written then.
    void check_every_frame() {
        for (const Expected& one : expected_) {
            check(one.frame, one);
        }
    }

private:
    static void mark(calque_frame& frame, std::uint64_t mark) {
        frame.walker = mark;
        for (std::uint64_t& word : frame.data) {
            word = ++mark;
        }
    }

    static void check(const calque_frame* frame, const Expected& expected) {
        CHECK(frame == expected.frame);
        CHECK(frame->walker == expected.mark);
        for (int i = 0; i < CALQUE_FRAME_WORDS; ++i) {
            CHECK(frame->data[i] == expected.mark + 1 + i);
        }
    }

    std::vector<Expected> expected_;
    std::uint64_t marks_ = 0;
};

}  // namespace

TEST(a_new_stack_is_empty) {
    WorkStack stack;
    CHECK(stack.depth() == 0);
}

TEST(ordinary_depths_allocate_nothing) {
    const std::size_t before = allocations::made();
    WorkStack stack;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 128; ++i) {
            CHECK(stack.push() != nullptr);
        }
        for (int i = 0; i < 128; ++i) {
            stack.pop();
        }
    }
    CHECK(stack.depth() == 0);
    CHECK(allocations::made() == before);
}

TEST(frames_never_move_while_the_stack_grows_over_borders) {
    Checked checked;
    for (std::size_t border : kBorders) {
        checked.go_to(border - 1);
        checked.check_every_frame();
        checked.go_to(border + 1);
        checked.check_every_frame();
    }
}

TEST(frames_written_above_the_top_are_on_the_stack_once_it_has_grown) {
    for (std::size_t border : kBorders) {
        for (std::size_t depth : {border - 2, border - 1, border, border + 1}) {
            Checked checked;
            checked.go_to(depth);
            checked.grow(0);
            checked.check_every_frame();
            checked.grow(3);
            checked.check_every_frame();
            checked.check_top();
            checked.push();
            checked.check_every_frame();
            checked.go_to(depth - 1);
            checked.check_every_frame();
        }
    }
}

TEST(no_room_without_memory) {
    Checked checked;
    checked.go_to(kBorders[0] - 1);
    allocations::FailAfter limit(0);
    CHECK(checked.stack.room() == 1);
    checked.grow(1);
    CHECK(checked.stack.room() == 0);
    checked.check_every_frame();
}

TEST(frames_come_back_in_reverse_order_over_borders) {
    Checked checked;
    checked.go_to(3000);
    checked.go_to(0);
    checked.go_to(3000);
    checked.check_every_frame();
    checked.go_to(0);
}

TEST(going_up_and_down_at_a_border_allocates_once) {
    for (std::size_t border : kBorders) {
        Checked checked;
        checked.go_to(border);
        checked.push();
        const std::size_t blocks = allocations::live_blocks();
        const std::size_t before = allocations::made();
        for (int i = 0; i < 100; ++i) {
            CHECK(checked.stack.depth() == border + 1);
            checked.stack.pop();
            CHECK(checked.stack.push() != nullptr);
        }
        CHECK(allocations::made() == before);
        CHECK(allocations::live_blocks() == blocks);
    }
}

TEST(walks_up_and_down_around_borders_keep_every_frame) {
    Checked checked;
    for (std::size_t border : kBorders) {
        for (std::size_t step : {1u, 2u, 3u, 40u}) {
            checked.go_to(border + step);
            checked.check_every_frame();
            checked.go_to(border - (step < border ? step : border));
            checked.check_every_frame();
        }
    }
}

TEST(random_pushes_and_pops_behave_as_a_stack_does) {
    for (unsigned seed = 1; seed <= 10; ++seed) {
        std::mt19937 random(seed);
        Checked checked;
        for (int i = 0; i < 200; ++i) {
            checked.go_to(random() % (random() % 8 == 0 ? 3000 : 120));
        }
        checked.check_every_frame();
        checked.go_to(0);
    }
}

TEST(a_million_frames_keep_what_was_written_and_are_released) {
    const std::size_t before = allocations::live_blocks();
    {
        Checked checked;
        checked.go_to(1'000'000);
        checked.check_every_frame();
        checked.go_to(0);
        // The chunk above the inline one is kept for the next time, the rest is given back.
        CHECK(allocations::live_blocks() <= before + 1);
    }
    CHECK(allocations::live_blocks() == before);
}

TEST(coming_down_gives_chunks_back_on_the_way) {
    WorkStack stack;
    const std::size_t before = allocations::live_bytes();
    while (stack.depth() < 100'000) {
        CHECK(stack.push() != nullptr);
    }
    const std::size_t deep = allocations::live_bytes();
    CHECK(deep > before + 100'000 * sizeof(calque_frame) / 2);
    while (stack.depth() > 10'000) {
        stack.pop();
    }
    CHECK(allocations::live_bytes() < deep / 2);
    while (stack.depth() > 0) {
        stack.pop();
    }
    CHECK(allocations::live_bytes() <= before + 256 * sizeof(calque_frame) + 64);
}

TEST(a_stack_that_came_home_releases_its_chunks) {
    const std::size_t before = allocations::live_blocks();
    for (std::size_t depth : {0u, 1u, 128u, 129u, 384u, 385u, 5000u}) {
        {
            Checked checked;
            checked.go_to(depth);
            checked.go_to(0);
        }
        CHECK(allocations::live_blocks() == before);
    }
}

TEST(a_push_without_memory_changes_nothing) {
    for (std::size_t border : kBorders) {
        Checked checked;
        checked.go_to(border);
        {
            allocations::FailAfter limit(0);
            CHECK(checked.stack.push() == nullptr);
            CHECK(checked.stack.push() == nullptr);
            CHECK(checked.stack.depth() == border);
            checked.check_every_frame();
            checked.check_top();
            checked.pop();
            checked.push();
        }
        checked.go_to(border + 10);
        checked.check_every_frame();
        checked.go_to(0);
    }
}

int main(int argc, char** argv) { return check::main(argc, argv); }
