// publish() may fail, and then an exception is set.
// as: tests/cpp/abi_layout.cpp
// message: nodiscard|unused-result
#include <calque/handler.hpp>

calque::Step begin(calque::CopyContext& context, calque::Frame& frame) noexcept {
#ifdef OFFENDING
    frame.publish(context);
    return calque::Step::done();
#else
    return frame.publish(context) ? calque::Step::done() : calque::Step::error();
#endif
}
