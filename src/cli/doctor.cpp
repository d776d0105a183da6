// mang doctor: what this machine is and can do, as far as models care.
#include <cstdlib>
#include <memory>

#include "base/json.h"
#include "base/topology.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/device_options.h"
#include "cli/memory_use.h"
#include "cli/messages.h"
#include "cli/page.h"
#include "cli/version.h"
#include "kernels/isa.h"
#include "kernels/probe.h"

namespace mang::cli {
namespace {

struct Options {
  int threads = 0;
  bool json = false;
};

// Runnable threads of the whole machine on average over the last minute; 0 where the system does not say.
double load_average() {
  double load = 0;
  return ::getloadavg(&load, 1) == 1 ? load : 0;
}

// Load for each hardware thread from which on the probes cannot be taken for what the machine can do.
constexpr double kBusy = 0.5;

Json to_json(const Topology& topology, const ProbeResult& probed, int threads) {
  Json out;
  out["version"] = kVersion;
  out["cpu"] = topology.cpu_model;
  out["physical_cores"] = topology.physical_cores;
  out["logical_cpus"] = topology.logical_cpus;
  out["numa_nodes"] = topology.numa_nodes;
  out["cpu_quota"] = topology.cpu_quota;
  out["memory_bytes"] = topology.memory_bytes;
  out["load_average"] = load_average();
  out["features"] = Json::object();
  for (const CpuFeature& feature : cpu_features()) out["features"][std::string(feature.name)] = feature.present;
  out["isas"] = Json::array();
  for (Isa isa : available_isas()) out["isas"].push_back(std::string(isa_name(isa)));
  out["best_isa"] = std::string(isa_name(best_isa()));
  out["probe"] = {{"threads", threads},
                  {"read_in_steps_bytes_per_second", probed.read_in_steps_bytes_per_second},
                  {"read_bytes_per_second", probed.read_bytes_per_second},
                  {"int8_macs_per_second", probed.int8_macs_per_second},
                  {"f32_macs_per_second", probed.f32_macs_per_second},
                  {"read_bytes_per_second_one_thread", probed.read_bytes_per_second_one_thread},
                  {"int8_macs_per_second_one_thread", probed.int8_macs_per_second_one_thread},
                  {"f32_macs_per_second_one_thread", probed.f32_macs_per_second_one_thread}};
  return out;
}

std::string to_text(const Topology& topology, const ProbeResult& probed, int threads, size_t width) {
  std::string present, absent, isas;
  for (const CpuFeature& feature : cpu_features())
    (feature.present ? present : absent) += " " + std::string(feature.name);
  for (Isa isa : available_isas()) isas += " " + std::string(isa_name(isa));
  Page page(0, 14, width);
  auto row = [&](const std::string& label, const std::string& value) { page.row(label, value); };
  row(tr("processor"), topology.cpu_model);
  row(tr("cores"), say("{} ({} hardware threads, {}){}", topology.physical_cores, topology.logical_cpus,
                       topology.numa_nodes == 1 ? tr("one memory node") : say("{} memory nodes", topology.numa_nodes),
                       topology.cpu_quota > 0 ? say(", limited to {:.1f} CPUs", topology.cpu_quota) : ""));
  row(tr("memory"), human_bytes(topology.memory_bytes));
  row(tr("features"), present.empty() ? tr("none") : present.substr(1));
  row(tr("not there"), absent.empty() ? tr("none") : absent.substr(1));
  row(tr("kernels"), say("{} (used: {})", isas.substr(1), isa_name(best_isa())));
  auto both = [&](double all, double one, std::string_view unit) {
    if (threads == 1) return say("{:.1f} {} with one thread", all / 1e9, unit);
    return say("{:.1f} {} with {} threads, {:.1f} with one", all / 1e9, unit, threads, one / 1e9);
  };
  row(tr("memory read"), both(probed.read_bytes_per_second, probed.read_bytes_per_second_one_thread, "GB/s"));
  row(tr("int8"), both(probed.int8_macs_per_second, probed.int8_macs_per_second_one_thread, "GMAC/s"));
  row(tr("float32"), both(probed.f32_macs_per_second, probed.f32_macs_per_second_one_thread, "GMAC/s"));
  if (const double load = load_average(); load > kBusy * topology.logical_cpus) {
    row(tr("load"), say("{:.1f}: other programs are running, the probes found what they left", load));
  }
  return page.text();
}

Result<int> examine(const Options& options, Context& context) {
  const Topology topology = probe_topology();
  DeviceOptions device;
  device.threads = options.threads;
  MANG_TRY(Machine machine, open_machine(device));
  const int threads = machine.device->threads();
  const ProbeResult probed = probe_machine(*machine.device);
  if (options.json)
    context.out.write(dump_json(to_json(topology, probed, threads)) + "\n");
  else
    context.out.write(to_text(topology, probed, threads, context.out.width()));
  return kExitOk;
}

}  // namespace

void add_doctor(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "doctor", tr("Show what this machine can do, by short probes"));
  command->add_option("-t,--threads", options->threads, tr("Threads to probe with (all cores)"))
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  command->add_flag("--json", options->json, tr("Write JSON"));
  command->callback(
      [options, &action] { action = [options](Context& context) { return examine(*options, context); }; });
}

}  // namespace mang::cli
