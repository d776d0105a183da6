// Library code never prints: it reports what did not stop it, a warning, to a Log its caller gave it. The command line
// decides what to show.
#pragma once

#include <functional>

#include "base/result.h"

namespace mang {

// An empty function means: nobody listens.
using Log = std::function<void(const Error& warning)>;

inline void log_warning(const Log& log, const Error& warning) {
  if (log) log(warning);
}

}  // namespace mang
