// runtime/work_stack.hpp: the frames of one walk. Depth of a graph is depth of this stack, so heap.
//
// Frames lie in chunks that double in size and never move: a handler may keep the address of its
// frame's data across anything. A walk that goes deep and comes back keeps the chunk above the top,
// so that going up and down around a border does not allocate; the rest is given back on the way.
//
//   chunk 0: 128 frames inside the object (no allocation for ordinary depths), chunk n: 128 * 2^n.
//
// Frames may be written above the top and put on the stack later, all at once (room, above, grow): for callers that
// nearly always find out that they need not be there at all.
#pragma once

#include <calque/abi.h>

#include <cstddef>
#include <cstdlib>
#include <utility>

namespace calque {

class WorkStack {
public:
    WorkStack() noexcept = default;
    WorkStack(const WorkStack&) = delete;
    WorkStack& operator=(const WorkStack&) = delete;
    ~WorkStack() {
        enter(nullptr);
        release_above();
    }

    /// Names how many frames there are: two marks are equal if as many frames lie below them.
    using Mark = const calque_frame*;
    Mark mark() const noexcept { return next_; }

    std::size_t depth() const noexcept {
        auto count = static_cast<std::size_t>(next_ - begin_);
        for (const Chunk* chunk = chunk_; chunk != nullptr; chunk = chunk->below) {
            count += chunk->below == nullptr ? kInline : chunk->below->capacity;
        }
        return count;
    }

    bool empty() const noexcept { return next_ == inline_; }

    calque_frame& top() noexcept { return next_[-1]; }

    /// A new frame on top, its fields undefined; null when memory is exhausted.
    [[gnu::always_inline]] calque_frame* push() noexcept {
        if (next_ == end_ && !next_chunk()) [[unlikely]] {
            return nullptr;
        }
        return next_++;
    }

    [[gnu::always_inline]] void pop() noexcept {
        // Never at the beginning of a chunk but the first: equal depths have equal marks.
        if (--next_ == begin_ && chunk_ != nullptr) [[unlikely]] {
            previous_chunk();
        }
    }

    /// How many frames may be written from above() on, at least one; 0: memory is exhausted.
    [[gnu::always_inline]] std::size_t room() noexcept {
        if (next_ != end_) [[likely]] {
            return static_cast<std::size_t>(end_ - next_);
        }
        return chunk_above() != nullptr ? chunk_above()->capacity : 0;
    }
    /// Where they are to be written, if there is room().
    calque_frame* above() noexcept { return next_ != end_ ? next_ : chunk_above()->frames(); }
    /// Puts on the stack, as the uppermost, `count` frames that were written from above() on.
    void grow(std::size_t count) noexcept {
        if (next_ == end_ && count > 0) {
            enter(link_above());
            next_ = begin_;
        }
        next_ += count;
    }

    /// Shows the frames to `look_at` from the top down, until it returns false or there are none left.
    template <class LookAt>
    void from_top(LookAt look_at) noexcept {
        Chunk* chunk = chunk_;
        for (calque_frame* next = next_;;) {
            if (next == (chunk == nullptr ? inline_ : chunk->frames())) {
                if (chunk == nullptr) {
                    return;
                }
                chunk = chunk->below;
                next = chunk == nullptr ? inline_ + kInline : chunk->frames() + chunk->capacity;
            }
            if (!look_at(*--next)) {
                return;
            }
        }
    }

private:
    static constexpr std::size_t kInline = 128;

    struct Chunk {
        Chunk* below;
        Chunk* above;
        std::size_t capacity;
        calque_frame* frames() noexcept { return reinterpret_cast<calque_frame*>(this + 1); }
    };

    Chunk*& link_above() noexcept { return chunk_ == nullptr ? first_ : chunk_->above; }

    // Null when memory is exhausted.
    Chunk* chunk_above() noexcept {
        Chunk*& above = link_above();
        if (above == nullptr) {
            const std::size_t capacity = (chunk_ == nullptr ? kInline : chunk_->capacity) * 2;
            auto* fresh = static_cast<Chunk*>(std::malloc(sizeof(Chunk) + capacity * sizeof(calque_frame)));
            if (fresh == nullptr) {
                return nullptr;
            }
            *fresh = {chunk_, nullptr, capacity};
            above = fresh;
        }
        return above;
    }

    bool next_chunk() noexcept {
        if (chunk_above() == nullptr) {
            return false;
        }
        enter(link_above());
        next_ = begin_;
        return true;
    }

    void previous_chunk() noexcept {
        release_above();
        enter(chunk_->below);
        next_ = end_;
    }

    void enter(Chunk* chunk) noexcept {
        chunk_ = chunk;
        begin_ = chunk == nullptr ? inline_ : chunk->frames();
        end_ = begin_ + (chunk == nullptr ? kInline : chunk->capacity);
    }

    // Frees the chunks above the current one.
    void release_above() noexcept {
        for (Chunk* chunk = std::exchange(link_above(), nullptr); chunk != nullptr;) {
            std::free(std::exchange(chunk, chunk->above));
        }
    }

    calque_frame inline_[kInline];
    calque_frame* next_ = inline_;  // one above the top
    calque_frame* begin_ = inline_;
    calque_frame* end_ = inline_ + kInline;
    Chunk* chunk_ = nullptr;  // the chunk of next_; null: inline_
    Chunk* first_ = nullptr;
};

}  // namespace calque
