#include "cli/device_options.h"

#include "base/topology.h"
#include "cli/messages.h"
#include "kernels/isa.h"

namespace mang::cli {

KvType DeviceOptions::kv_type() const {
  if (kv.empty()) return exact ? KvType::f32 : KvType::f16;
  if (kv == "f32") return KvType::f32;
  return kv == "q8_0" ? KvType::q8_0 : KvType::f16;
}

std::string_view kv_type_name(KvType type) {
  switch (type) {
    case KvType::f32:
      return "f32";
    case KvType::q8_0:
      return "q8_0";
    case KvType::f16:
      break;
  }
  return "f16";
}

void add_device_options(CLI::App& command, DeviceOptions& options, bool threads) {
  const std::string group = tr("Computation");
  if (threads) {
    command.add_option("-t,--threads", options.threads, tr("Threads to use (all cores)"))
        ->check(CLI::Range(1, 1024))
        ->type_name("N")
        ->group(group);
  }
  std::vector<std::string> isas;
  for (Isa isa : kAllIsas) isas.emplace_back(isa_name(isa));
  command.add_option("--isa", options.isa, tr("Instruction set (the best there is; all give the same bits)"))
      ->check(CLI::IsMember(isas))
      ->group(group);
  command.add_option("--kv", options.kv, tr("Type of the KV cache (f16)"))
      ->check(CLI::IsMember({"f32", "f16", "q8_0"}))
      ->group(group);
  command
      .add_flag("--exact", options.exact,
                tr("float32 activations and KV cache on dequantized weights: slow, for parity"))
      ->group(group);
}

Result<Machine> open_machine(const DeviceOptions& options) {
  Isa isa = best_isa();
  if (!options.isa.empty()) {
    isa = isa_from_name(options.isa).value_or(isa);
    if (!isa_available(isa)) {
      std::string has;
      for (Isa each : available_isas()) has += (has.empty() ? "" : ", ") + std::string(isa_name(each));
      return Error{say("this machine cannot run {}. It can run: {}.", options.isa, has)};
    }
  }
  const int threads = options.threads > 0 ? options.threads : probe_topology().default_threads();
  Machine machine;
  machine.pool = std::make_unique<ThreadPool>(threads);
  machine.device = std::make_unique<Device>(*machine.pool, isa);
  return machine;
}

}  // namespace mang::cli
