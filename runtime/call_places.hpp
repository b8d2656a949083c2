// runtime/call_places.hpp: where the frames of calls go that leave (native_walk.hpp), and how deep calls may go.
//
// The calls of a walk are numbered by depth. Each has a place above the top of the work stack, in the order in which the
// frames will lie there, but writes nothing to it until it leaves. The deepest leaves first, so the place
// behind the first frame written is where the stack will end.
//
//   work stack  [ frames ... | first() ... left ... last() ]
//                            top           the deepest call there may be
#pragma once

#include "stack_guard.hpp"
#include "work_stack.hpp"

#include <cstddef>
#include <utility>

namespace calque::walker {

class CallPlaces {
public:
    explicit CallPlaces(WorkStack& stack) noexcept : stack_(stack) {}
    CallPlaces(const CallPlaces&) = delete;
    CallPlaces& operator=(const CallPlaces&) = delete;
    ~CallPlaces() = default;

    /// Before the loop calls. False: memory is exhausted.
    [[nodiscard, gnu::always_inline]] bool make_room() noexcept {
        const std::size_t room = stack_.room();
        const std::size_t calls = stack_guard::room_for(kMostCalls, kBytesOfCall);
        first_ = room != 0 ? stack_.above() : nullptr;
        last_ = first_ + (room < calls ? room : calls) - 1;
        return room != 0;
    }

    /// Of the call that the loop makes.
    calque_frame* first() const noexcept { return first_; }
    /// Of the deepest call there may be: it has to leave instead of calling.
    calque_frame* last() const noexcept { return last_; }

    /// The frame was written.
    void left(calque_frame* place) noexcept {
        if (end_ == nullptr) {
            end_ = place + 1;
        }
    }

    /// All have left: puts the frames on the stack.
    void take_frames() noexcept {
        if (end_ != nullptr) {
            stack_.grow(static_cast<std::size_t>(std::exchange(end_, nullptr) - first_));
        }
    }

private:
    // What a call takes of the C stack: by the disassembly 224 bytes for a list, 432 for an instance, 140 more for
    // what lies between two (CPython 3.11, g++ 12).
    static constexpr std::size_t kBytesOfCall = 640;
    static constexpr std::size_t kMostCalls = 128;

    WorkStack& stack_;
    calque_frame* first_ = nullptr;
    calque_frame* last_ = nullptr;
    calque_frame* end_ = nullptr;  // null: nobody has left
};

}  // namespace calque::walker
