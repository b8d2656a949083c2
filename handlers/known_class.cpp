// handlers/known_class.cpp: instances of classes that a recogniser knows (known_class.hpp): the protocol
// that comes before __deepcopy__ and reduce, and does what they would.
#include "known_class.hpp"
#include "handlers.hpp"
#include "primitives.hpp"

namespace calque {

namespace {

class CopyKnown {
public:
    Step begin(CopyContext& context, Frame& frame) noexcept {
        const known_class::Known* known =
            known_class::find(frame.original().type(), primitives::head(context).python_runs);
        return known != nullptr ? known->copy(context, frame, *known) : Step::decline();
    }
    Step resume(CopyContext&, Frame&, Ref) noexcept { return Step::error(); }  // asks for no child
};

}  // namespace

const HandlerSpec known_class_handler = frame_handler<CopyKnown>("known classes", nullptr, CALQUE_PURE);

}  // namespace calque
