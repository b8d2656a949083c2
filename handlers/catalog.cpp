// handlers/catalog.cpp: the one list of built-in handlers.
//
// Handlers with a type are found by a look-up, so their order says nothing. Protocols are asked in
// turn, in the order of Lib/copy.py, function deepcopy: first whether the object is a class (before
// any hook: metaclass hooks never count), then plain instances and syntax nodes, for which it is known beforehand
// what the rest would come to, then the same for subclasses of containers, then classes whose own hooks are known,
// then __deepcopy__, then reduce, which takes everything. The runtime puts its own protocol (types looked
// up through an odd metaclass) before all of them, and asks handlers with CALQUE_SUBCLASSES right after
// the class protocol.
#include "catalog.hpp"

#include "handlers.hpp"

#include <calque/registry.hpp>

namespace calque {

bool register_builtin_handlers() noexcept {
    static const HandlerSpec* const kAll[] = {
        &list_handler,
        &dict_handler,
        &tuple_handler,
        &set_handler,
        &frozenset_handler,
        &bytearray_handler,
        &method_handler,
        // protocols, in this order
        &class_handler,
        &instance_handler,
        &ast_handler,
        &container_subclass_handler,
        &known_class_handler,
        &dunder_deepcopy_handler,
        &reduce_handler,
    };
    if (!register_atomics() || !register_datetimes() || !register_timezone() || !register_deque()
        || !register_defaultdict() || !register_ordered_dict() || !register_namespace()
        || !register_counter()) {
        return false;
    }
    register_own_copies();
    register_enum_members();
    register_uuid();
    register_ast();
    register_container_subclasses();
    for (const HandlerSpec* spec : kAll) {
        if (!add_handler(*spec)) {
            return false;
        }
    }
    return true;
}

}  // namespace calque
