// runtime/effects/fiber.cpp: see fiber.hpp.
#include "fiber.hpp"

#include "code_facts.hpp"
#include "pod_vector.hpp"

#include <cstdlib>
#include <cstring>

namespace calque::effects {

bool Fiber::grow() noexcept {
    const std::uint32_t wider = capacity * 2;
    if (wider < capacity) {
        return false;
    }
    void* const old = frames == inline_frames ? nullptr : frames;
    void* const room = std::realloc(old, wider * sizeof(Frame));
    if (room == nullptr) {
        return false;
    }
    if (old == nullptr) {
        std::memcpy(room, inline_frames, sizeof(inline_frames));
    }
    frames = static_cast<Frame*>(room);
    capacity = wider;
    return true;
}

namespace fibers {
namespace {

constexpr std::size_t kMostIdle = 64;
// Chains within chains that are closed by calls within calls, before the rest waits for the outermost one.
constexpr int kDeepest = 50;

struct Block : Fiber, FromMalloc {};

Fiber* idle_fibers = nullptr;  // linked by parent
Stats counted = {0, 0};

thread_local int depth = 0;
thread_local Fiber* waiting = nullptr;  // linked by parent

}  // namespace

Fiber* take() noexcept {
    Fiber* fiber = idle_fibers;
    if (fiber != nullptr) {
        idle_fibers = fiber->parent;
        fiber->parent = nullptr;
        --counted.idle;
    } else {
        fiber = new (std::nothrow) Block;
        if (fiber == nullptr) {
            return nullptr;
        }
    }
    ++counted.live;
    return fiber;
}

void give_back(Fiber* fiber) noexcept {
    while (!fiber->empty()) {
        give_up(fiber->pop());
    }
    const Ref handler = Ref::steal(std::exchange(fiber->handler, nullptr));
    if (fiber->frames != fiber->inline_frames) {
        std::free(fiber->frames);
        fiber->frames = fiber->inline_frames;
        fiber->capacity = Fiber::kInline;
    }
    --counted.live;
    if (counted.idle >= kMostIdle) {
        delete static_cast<Block*>(fiber);
        return;
    }
    fiber->answer = nullptr;
    fiber->accepts = kAcceptsNothing;
    fiber->parent = idle_fibers;
    idle_fibers = fiber;
    ++counted.idle;
}

void drop(Fiber* head, Fiber* tail) noexcept {
    if (depth >= kDeepest) {
        tail->parent = std::exchange(waiting, head);
        return;
    }
    ++depth;
    while (head != nullptr) {
        Fiber* const next = head->parent;
        give_back(head);
        head = next;
    }
    while (depth == 1 && waiting != nullptr) {
        Fiber* const one = waiting;
        waiting = one->parent;
        give_back(one);
    }
    --depth;
}

Stats stats() noexcept { return counted; }

}  // namespace fibers

int Chain::traverse(visitproc visit, void* arg) const noexcept {
    for (const Fiber* fiber = head_; fiber != nullptr; fiber = fiber->parent) {
        Py_VISIT(fiber->handler);
        for (std::uint32_t i = 0; i < fiber->size; ++i) {
            Py_VISIT(fiber->frames[i].object);
        }
    }
    return 0;
}

}  // namespace calque::effects
