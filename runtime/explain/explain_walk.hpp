// runtime/explain/explain_walk.hpp: the walk of a copy that is being explained.
//
// It is the walk of every copy (native_walk.hpp), compiled once more so that native handlers do not call those of their children:
// each object is begun, goes on and ends in a move of the loop of its own, and around each move this loop reads the clock
// and tells the level (trace.hpp). The same handlers run in the same order, and hooks find the same memo, so the copy is that of
// deepcopy. Ordinary copies are not touched: they have the other instantiation.
//   What would go wrong otherwise. A second engine that only explains would explain itself.
//
// Copies that hooks ask for with the memo they were given come here too (walker::walk, Memo::watch): each is a level of
// the same trace.
#pragma once

#include "explain/trace.hpp"
#include "native_walk.hpp"
#include "own_hook.hpp"

#include <cstring>

namespace calque::walker {

/// Which part of what a reducer gave a frame of reduce_handler (handlers/reduce.cpp) has asked for.
StepKind part_of_reduced(const calque_frame& frame) noexcept;

/// Stands for classes whose hook is known to return the object itself, and is not called.
const calque_handler& known_classes() noexcept;

template <class... Handlers>
class ExplainWalk : NativeWalk<true, Handlers...> {
    using Base = NativeWalk<true, Handlers...>;
    using Level = explain::Level;
    using typename Base::Move;
    using typename Base::Stopped;

public:
    ExplainWalk(Context& context, WorkStack::Mark base, Level& level) noexcept
        : Base(context, base), level_(level) {}

    Ref run(Borrowed x, Borrowed nil) noexcept {
        this->child_ = x;
        Move move = visit_next(nil);
        for (;;) {
            while (move == Move::child) {
                move = visit_next({});
            }
            if (move == Move::failed) {
                level_.failed();
                this->unwind();
                return {};
            }
            if (this->ctx_.stack.mark() == this->base_) {
                return std::move(this->value_);
            }
            move = this->poll_.due() && !this->pass_safepoint() ? Move::failed : deliver_next();
        }
    }

private:
    Move visit_next(Borrowed nil) noexcept {
        bool held = false;
        if (this->poll_.due() || this->memo_.unhashed() > safepoint::slice()) {
            switch (this->stop_before_visit()) {
            case Stopped::failed: return Move::failed;
            case Stopped::before_mapping: held = true; break;
            case Stopped::before_new:
                if (!this->hash_in_slices()) {
                    return Move::failed;
                }
                break;
            default: break;
            }
        }
        WorkStack& stack = this->ctx_.stack;
        PyObject* const x = this->child_.get();
        PyTypeObject* const type = Py_TYPE(x);  // the trace holds it
        const auto before = stack.mark();
        if (!level_.enter(look_at(x, nil)) || stack.room() == 0) {
            return this->no_memory();
        }
        stack.above()->original = nullptr;
        level_.start_clock();
        const Move move = nil ? this->visit(nil) : held ? this->visit_held() : this->visit_natively();
        level_.stop_clock();
        if (move != Move::failed) {
            level_.went_on();
        }
        if (move == Move::value) {
            level_.finished(taker_of(x, type), this->value_);
        } else if (move == Move::child && stack.mark() != before) {
            level_.begun(*stack.top().handler);
        } else if (move == Move::child) {
            level_.come_again();
        }
        return move;
    }

    Move deliver_next() noexcept {
        level_.start_clock();
        const Move move = this->deliver_natively();
        level_.stop_clock();
        if (move != Move::failed) {
            level_.went_on();
        }
        if (move == Move::value) {
            level_.finished(level_.handler(), this->value_);
        }
        return move;
    }

    Level::Visited look_at(PyObject* x, Borrowed nil) noexcept {
        Memo& memo = this->memo_;
        const bool atomic = primitives::known_types.atomic(Py_TYPE(x));
        bool known = false;
        // What the visit does next, if it looks: the answer is the same.
        const bool unique = this->counted_ && Py_REFCNT(x) == 1 && !memo.always_looks_up();
        if (!atomic && !unique && memo.native() && !memo.is_own_dict(x)) {
            Ref copy;
            const auto found = memo.find(x, nil, copy);
            known = found == mapping_memo::Found::hit && !(Borrowed(copy) == nil);
            if (found == mapping_memo::Found::error) {
                PyErr_Clear();  // the visit will meet it too
            }
        } else if (!atomic && !memo.native()) {
            known = level_.has_copy(x);  // to ask would be seen
        }
        const bool reducing = this->ctx_.stack.mark() != this->base_
                           && std::strcmp(this->ctx_.stack.top().handler->name, "__reduce_ex__") == 0;
        return {x, known, atomic, reducing ? part_of_reduced(this->ctx_.stack.top()) : StepKind::made};
    }

    // Who has made value_, the copy of x, in one move. The frame of a handler that was through at once can still be read where
    // it was; native handlers need none. Null: a hook, or a handler without frames.
    const calque_handler* taker_of(PyObject* x, PyTypeObject* type) noexcept {
        const calque_frame& last = *this->ctx_.stack.above();
        if (last.original == x) {
            return last.handler;
        }
        if (this->value_.get() == x && known_class::may_pass(type)) {
            return &known_classes();
        }
        const auto kind = primitives::known_types.kind(type);
        if (static_cast<int>(kind) < primitives::kNativeKinds && kind != primitives::Native::none) {
            return primitives::native_handlers[static_cast<int>(kind)];
        }
        if (kind != primitives::Native::none || this->value_.get() == x
            || known_class::own_hook(type) != nullptr) {
            return nullptr;
        }
        const type_plan::Plan* const plan = type_plan::known(type, this->ctx_.python_runs);
        return plan != nullptr ? primitives::native_handlers[static_cast<int>(plan->kind)] : nullptr;
    }

    Level& level_;
};

}  // namespace calque::walker
