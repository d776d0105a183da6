// The parts of Ollama's answers that several of its addresses have in common.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/json.h"
#include "serve/model_host.h"

namespace mang::serve {

// "2026-01-31T12:00:00.123456789Z"
std::string rfc3339(std::chrono::system_clock::time_point time);
std::string rfc3339_now();

int64_t nanoseconds(double seconds);

// Format, family, size and type of a model's weights; null: it is not in memory, and nothing is known of it.
Json ollama_details(const ModelHost* host);

}  // namespace mang::serve
