// handlers/handlers.hpp: one name per handler file, for the catalog.
#pragma once

#include <calque/handler.hpp>

namespace calque {

// handlers/atomic.cpp: the types whose instances are their own copies.
bool register_atomics() noexcept;
// handlers/datetime.cpp: types that datetime only tells at run time.
bool register_datetimes() noexcept;
// handlers/timezone.cpp
bool register_timezone() noexcept;
// deque.cpp, defaultdict.cpp, ordered_dict.cpp, namespace.cpp: types that their modules hand out.
bool register_deque() noexcept;
bool register_defaultdict() noexcept;
bool register_ordered_dict() noexcept;
bool register_namespace() noexcept;
// handlers/own_copy.cpp: classes whose __deepcopy__ returns the object itself.
void register_own_copies() noexcept;
// handlers/enum_member.cpp
void register_enum_members() noexcept;
// handlers/counter.cpp
bool register_counter() noexcept;
// handlers/uuid.cpp
void register_uuid() noexcept;
// handlers/ast.cpp: which classes are syntax nodes.
void register_ast() noexcept;

extern const HandlerSpec list_handler;       // list.cpp
extern const HandlerSpec dict_handler;       // dict.cpp
extern const HandlerSpec tuple_handler;      // tuple.cpp
extern const HandlerSpec set_handler;        // set.cpp
extern const HandlerSpec frozenset_handler;  // set.cpp
extern const HandlerSpec bytearray_handler;  // bytearray.cpp
extern const HandlerSpec method_handler;     // method.cpp

// container_subclass.cpp: what they look like; their protocol.
void register_container_subclasses() noexcept;
extern const HandlerSpec container_subclass_handler;

extern const HandlerSpec instance_handler;         // instance.cpp
extern const HandlerSpec ast_handler;              // ast.cpp
extern const HandlerSpec class_handler;            // class_object.cpp
extern const HandlerSpec known_class_handler;      // known_class.cpp
extern const HandlerSpec dunder_deepcopy_handler;  // dunder_deepcopy.cpp
extern const HandlerSpec reduce_handler;           // reduce.cpp

/// Of what a reducer returned: the part whose copy a frame of reduce_handler waits for.
enum class ReducedPart : unsigned char { args, state, items, keys, values };
ReducedPart part_asked_for(const calque_frame& frame) noexcept;

}  // namespace calque
