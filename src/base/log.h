// Library code never prints: it reports to a Log its caller gave it. The command line decides what to show.
#pragma once

#include <functional>
#include <string>

namespace mang {

enum class LogLevel { info, warning };

// An empty function means: nobody listens.
using Log = std::function<void(LogLevel, const std::string&)>;

inline void log_warning(const Log& log, const std::string& message) {
  if (log) log(LogLevel::warning, message);
}
inline void log_info(const Log& log, const std::string& message) {
  if (log) log(LogLevel::info, message);
}

}  // namespace mang
