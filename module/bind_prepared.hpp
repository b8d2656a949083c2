// module/bind_prepared.hpp: calque.prepare and calque.Prepared.
#pragma once

namespace calque::module {

/// Puts both into the module being initialised.
void bind_prepared();

}  // namespace calque::module
