// tests/cpp/abi_layout.cpp: the headers of the SDK are C++20 and warn about nothing, C++ sees the layout that C sees,
// and what handler.hpp builds fits it.
#include <calque/registry.hpp>

#include "abi_layout.h"

#include <type_traits>

namespace {

using namespace calque;

// What crosses the border between two compilers is plain data.
template <class T>
constexpr bool crosses_borders = std::is_standard_layout_v<T>&& std::is_trivially_copyable_v<T>;
static_assert(crosses_borders<calque_step> && crosses_borders<calque_frame>);
static_assert(crosses_borders<calque_handler> && crosses_borders<calque_api>);
static_assert(std::is_same_v<HandlerSpec, calque_handler>);
static_assert(alignof(calque_frame) == 8 && alignof(calque_handler) == 8 && alignof(calque_api) == 8);

Ref copy_simple(CopyContext&, Borrowed original) noexcept { return Ref::share(original); }
Ref copy_for(CopyContext&, Borrowed original, void*) noexcept { return Ref::share(original); }
Ref copy_shallow(Borrowed original) noexcept { return Ref::share(original); }

struct Exactly48 {
    Step begin(CopyContext&, Frame&) noexcept { return Step::decline(); }
    Step resume(CopyContext&, Frame&, Ref child) noexcept { return Step::done(std::move(child)); }
    uint64_t words[CALQUE_FRAME_WORDS];
};
static_assert(sizeof(Exactly48) == sizeof(calque_frame::data) && FrameHandler<Exactly48>);

// Not one of them can be made, copied or kept by a handler; must_not_compile/ has the messages.
static_assert(!std::is_constructible_v<CopyContext, calque_context*>);
static_assert(!std::is_copy_constructible_v<CopyContext> && !std::is_move_constructible_v<CopyContext>);
static_assert(!std::is_copy_assignable_v<CopyContext> && !std::is_move_assignable_v<CopyContext>);
static_assert(!std::is_constructible_v<Frame, calque_frame*> && !std::is_copy_constructible_v<Frame>);
static_assert(!std::is_copy_constructible_v<PythonScope>);

// A handler without a type of its own can be made before the interpreter runs.
constexpr HandlerSpec simple = simple_handler<copy_simple>("simple", nullptr, CALQUE_PURE);
static_assert(simple.size == 96 && simple.flags == CALQUE_PURE);
static_assert(simple.begin == nullptr && simple.resume == nullptr && simple.drop == nullptr);
static_assert(simple.shallow == nullptr && simple.user == nullptr && simple.release == nullptr);
static_assert(simple.mirrors == nullptr && simple.reserved == 0);

constexpr HandlerSpec with_user = simple_handler<copy_for>("with user", nullptr, 0, nullptr, [](void*) {});
static_assert(with_user.size == 96 && with_user.begin == nullptr);

constexpr HandlerSpec frame =
    with_shallow<copy_shallow>(frame_handler<Exactly48>("frame", nullptr, CALQUE_SUBCLASSES));
static_assert(frame.size == 96 && frame.flags == CALQUE_SUBCLASSES && frame.copy == nullptr);

constexpr HandlerSpec atomic = atomic_handler("atomic", nullptr, CALQUE_SUBCLASSES);
static_assert(atomic.size == 96 && atomic.flags == (CALQUE_ATOMIC | CALQUE_SUBCLASSES));
static_assert(atomic.copy == nullptr && atomic.begin == nullptr);

}  // namespace
