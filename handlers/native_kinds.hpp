// handlers/native_kinds.hpp: the handlers that are compiled into the walker's loop (native.hpp), for those who compile it.
#pragma once

#include "ast.hpp"
#include "dict.hpp"
#include "instance.hpp"
#include "list.hpp"
#include "set.hpp"
#include "tuple.hpp"

namespace calque {

template <template <class...> class Template>
using OfNativeKinds =
    Template<CopyList, CopyDict, CopyTuple, CopyInstance, CopyMutableSet, CopyFrozenSet, CopyNode>;

}  // namespace calque
