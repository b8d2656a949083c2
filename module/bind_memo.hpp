// module/bind_memo.hpp: calque.Memo, the memo as handlers registered from Python see it.
#pragma once

#include <calque/handler.hpp>

namespace calque::module {

/// Puts the class into the module being initialised.
void bind_memo();

bool is_memo_proxy(Borrowed object) noexcept;
/// deepcopy(x, memo) with a calque.Memo: continues the copy the memo belongs to.
Ref copy_through_proxy(Borrowed proxy, Borrowed x) noexcept;

/// fn(original, memo), with a calque.Memo made for this call; `fn` is the handler's user pointer.
Ref call_python_handler(CopyContext& context, Borrowed original, void* fn) noexcept;

}  // namespace calque::module
