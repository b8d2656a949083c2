// runtime/mapping_memo.hpp: the memo protocol of Lib/copy.py on a mapping that somebody else can see.
//
// Exactly the look-ups copy.py makes, on exactly this object, in its order: attribute `get` called
// with the id and a sentinel, subscription, item assignment. An exact dict is served by the dict API:
// the same reads and writes, which nobody can observe being made.
#pragma once

#include <calque/ref.hpp>

namespace calque::mapping_memo {

enum class Found { miss, hit, error };

/// At import: the sentinel of `memo.get(id(x), sentinel)`. False with an exception set.
[[nodiscard]] bool create() noexcept;

/// `memo.get(id(x), nil)`; a value that is `nil` counts as absent. Without `nil`: our sentinel.
Found get(Borrowed memo, Borrowed x, Borrowed nil, Ref& copy) noexcept;
/// `memo[id(x)]`, KeyError counting as absent: what tuples do once more when they are done.
Found subscript(Borrowed memo, Borrowed x, Ref& copy) noexcept;
/// `memo[id(x)] = copy`.
[[nodiscard]] bool store(Borrowed memo, Borrowed x, Borrowed copy) noexcept;
/// Lib/copy.py, _keep_alive: `memo[id(memo)].append(x)`, after a KeyError `memo[id(memo)] = [x]`. Clears `plain` if what
/// is under the memo's own id is no list: then its append may be Python code, though the memo be an exact dict.
[[nodiscard]] bool keep_alive(Borrowed memo, Borrowed x, bool& plain) noexcept;

}  // namespace calque::mapping_memo
