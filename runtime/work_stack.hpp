// runtime/work_stack.hpp: the frames of one walk. Depth of a graph is depth of this stack, so heap.
//
// Frames lie in chunks that double in size and never move: a handler may keep the address of its
// frame's data across anything. A walk that goes deep and comes back keeps the chunk above the top,
// so that going up and down around a border does not allocate; the rest is given back on the way.
//
//   chunk 0: 32 frames inside the object (no allocation for ordinary depths), chunk n: 32 * 2^n.
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

    std::size_t depth() const noexcept { return depth_; }
    calque_frame& top() noexcept { return *top_; }

    /// A new frame on top, its fields undefined; null when memory is exhausted.
    calque_frame* push() noexcept {
        calque_frame* next = top_ == nullptr ? inline_ : top_ + 1;
        if (next == end_) {
            next = next_chunk();
            if (next == nullptr) {
                return nullptr;
            }
        }
        ++depth_;
        return top_ = next;
    }

    void pop() noexcept {
        --depth_;
        if (top_ == begin_) {
            previous_chunk();
        } else {
            --top_;
        }
    }

private:
    static constexpr std::size_t kInline = 32;

    struct Chunk {
        Chunk* below;
        Chunk* above;
        std::size_t capacity;
        calque_frame* frames() noexcept { return reinterpret_cast<calque_frame*>(this + 1); }
    };

    calque_frame* next_chunk() noexcept {
        Chunk*& above = chunk_ == nullptr ? first_ : chunk_->above;
        if (above == nullptr) {
            const std::size_t capacity = (chunk_ == nullptr ? kInline : chunk_->capacity) * 2;
            auto* fresh = static_cast<Chunk*>(std::malloc(sizeof(Chunk) + capacity * sizeof(calque_frame)));
            if (fresh == nullptr) {
                return nullptr;
            }
            *fresh = {chunk_, nullptr, capacity};
            above = fresh;
        }
        enter(above);
        return begin_;
    }

    void previous_chunk() noexcept {
        if (chunk_ == nullptr) {
            top_ = nullptr;
            return;
        }
        release_above();
        enter(chunk_->below);
        top_ = end_ - 1;
    }

    void enter(Chunk* chunk) noexcept {
        chunk_ = chunk;
        begin_ = chunk == nullptr ? inline_ : chunk->frames();
        end_ = begin_ + (chunk == nullptr ? kInline : chunk->capacity);
    }

    // Frees the chunks above the current one.
    void release_above() noexcept {
        Chunk*& link = chunk_ == nullptr ? first_ : chunk_->above;
        for (Chunk* chunk = std::exchange(link, nullptr); chunk != nullptr;) {
            std::free(std::exchange(chunk, chunk->above));
        }
    }

    calque_frame inline_[kInline];
    calque_frame* top_ = nullptr;  // null: empty
    calque_frame* begin_ = inline_;
    calque_frame* end_ = inline_ + kInline;
    Chunk* chunk_ = nullptr;  // the chunk of top_; null: inline_
    Chunk* first_ = nullptr;
    std::size_t depth_ = 0;
};

}  // namespace calque
