// Who asked, and where it is counted.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "serve/metrics.h"

namespace mang::serve {

struct Account {
  explicit Account(Metrics& its_metrics) : metrics(its_metrics) {}

  std::string id;                   // of the request, as its client is told it
  std::optional<size_t> key;        // none: nobody has to show one
  std::string tenant;               // whose prompts it may share; the key's name
  std::atomic<int64_t> tokens = 0;  // that were computed for it
  Metrics& metrics;
};

}  // namespace mang::serve
