#include "serve/ollama_words.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include "base/units.h"

namespace mang::serve {

std::string rfc3339(std::chrono::system_clock::time_point time) {
  using std::chrono::nanoseconds;
  const auto since = std::chrono::duration_cast<nanoseconds>(time.time_since_epoch()).count();
  const std::time_t seconds = since / 1'000'000'000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, since % 1'000'000'000);
}

std::string rfc3339_now() { return rfc3339(std::chrono::system_clock::now()); }

int64_t nanoseconds(double seconds) { return std::llround(seconds * 1e9); }

Json ollama_details(const ModelHost* host) {
  Json out = {{"parent_model", ""},        {"format", ""},         {"family", ""},
              {"families", Json::array()}, {"parameter_size", ""}, {"quantization_level", ""}};
  if (!host) return out;
  const ModelDescription& files = *host->model().description;
  const ModelInfo& info = host->model().engine->model().info();
  out["format"] = files.format.starts_with("GGUF") ? "gguf" : "safetensors";
  out["family"] = info.architecture;
  out["families"] = Json::array({info.architecture});
  std::string parameters = human_count(info.parameters);
  parameters.erase(std::remove(parameters.begin(), parameters.end(), ' '), parameters.end());
  out["parameter_size"] = parameters;
  if (!files.types.empty()) out["quantization_level"] = files.types.front().first;
  return out;
}

}  // namespace mang::serve
