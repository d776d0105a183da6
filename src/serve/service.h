// What all APIs of the server share.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "serve/desk.h"
#include "serve/metrics.h"
#include "serve/model_shelf.h"

namespace mang::serve {

struct Service {
  ModelShelf& shelf;
  Desk& desk;
  Metrics& metrics;
  std::string version;  // of the program
  int64_t started = 0;  // seconds since 1970
  std::atomic<bool> ending = false;
};

// Seconds since 1970.
int64_t unix_time();
// "chatcmpl-" and 24 random hexadecimal digits.
std::string new_id(std::string_view prefix);
uint64_t random_seed();

}  // namespace mang::serve
