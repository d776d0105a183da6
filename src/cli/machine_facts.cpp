#include "cli/machine_facts.h"

#include <ctime>
#include <filesystem>

#include "base/json.h"
#include "base/mapped_file.h"
#include "base/topology.h"
#include "cli/context.h"
#include "cli/device_options.h"
#include "cli/memory_use.h"
#include "hub/durable.h"
#include "kernels/isa.h"

namespace mang::cli {
namespace {

constexpr int kProbeMilliseconds = 30;  // seven of them, and the buffer's making
constexpr int64_t kDay = 86400;
constexpr size_t kLongestFile = 64 << 10;

// Another machine, other threads or another probe: another stamp.
std::string stamp_of(const Topology& topology, int threads) {
  return fmt::format("2 {} {} {} {} {}", topology.cpu_model, topology.logical_cpus, topology.memory_bytes, threads,
                     isa_name(best_isa()));
}

std::optional<ProbeResult> remembered_probe(const std::string& path, const std::string& stamp, int64_t now) {
  const Result<std::string> text = read_text_file(path, kLongestFile);
  if (!text.ok()) return std::nullopt;
  const Result<Json> json = parse_json(*text, path);
  if (!json.ok() || !json->is_object()) return std::nullopt;
  const auto number = [&](const char* key) {
    const auto found = json->find(key);
    return found != json->end() && found->is_number() ? found->get<double>() : 0.0;
  };
  const auto found = json->find("stamp");
  const double age = static_cast<double>(now) - number("time");
  if (found == json->end() || *found != stamp || age < 0 || age > static_cast<double>(kDay)) return std::nullopt;
  ProbeResult out;
  out.read_bytes_per_second = number("read_bytes_per_second");
  out.read_in_steps_bytes_per_second = number("read_in_steps_bytes_per_second");
  out.int8_macs_per_second = number("int8_macs_per_second");
  out.f32_macs_per_second = number("f32_macs_per_second");
  const bool whole = out.read_in_steps_bytes_per_second > 0 && out.int8_macs_per_second > 0 && out.f32_macs_per_second > 0;
  return whole ? std::optional(out) : std::nullopt;
}

// Not being able to remember is no reason to fail.
void remember(const std::string& path, const std::string& stamp, int64_t now, const ProbeResult& probed) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  const Json json = {{"stamp", stamp},
                     {"time", now},
                     {"read_bytes_per_second", probed.read_bytes_per_second},
                     {"read_in_steps_bytes_per_second", probed.read_in_steps_bytes_per_second},
                     {"int8_macs_per_second", probed.int8_macs_per_second},
                     {"f32_macs_per_second", probed.f32_macs_per_second}};
  static_cast<void>(write_file_atomically(path, dump_json(json) + "\n"));
}

}  // namespace

Result<MachineFacts> machine_facts(bool remembered, const Context& context) {
  MachineFacts out;
  out.available_memory = available_memory();
  MANG_TRY(const Machine machine, open_machine({}));
  const std::string stamp = stamp_of(probe_topology(), machine.device->threads());
  const Result<std::string> cache = context.environment.cache_folder();
  const std::string path = cache.ok() ? *cache + "/mang/machine.json" : "";
  const auto now = static_cast<int64_t>(std::time(nullptr));
  if (remembered && !path.empty()) {
    if (const auto known = remembered_probe(path, stamp, now)) {
      out.speed = *known;
      return out;
    }
  }
  out.speed = probe_machine(*machine.device, kProbeMilliseconds);
  if (!path.empty()) remember(path, stamp, now, out.speed);
  return out;
}

}  // namespace mang::cli
