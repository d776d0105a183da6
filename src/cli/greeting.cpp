#include "cli/greeting.h"

#include <unistd.h>

#include "base/topology.h"
#include "base/units.h"
#include "cli/messages.h"
#include "cli/page.h"
#include "cli/recommend.h"
#include "kernels/isa.h"

namespace mang::cli {

bool at_a_terminal() {
  return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
}

uint64_t largest_model(uint64_t memory_bytes) {
  // Q4_K_M takes about 4.9 bits a weight; a quarter of the memory is left to the conversation and everything else.
  constexpr double kBytesAWeight = 4.9 / 8, kShare = 0.75;
  constexpr uint64_t kSizes[] = {70'000'000'000, 32'000'000'000, 14'000'000'000, 8'000'000'000,
                                 4'000'000'000,  1'700'000'000,  600'000'000,    135'000'000};
  for (const uint64_t size : kSizes) {
    if (static_cast<double>(size) * kBytesAWeight <= kShare * static_cast<double>(memory_bytes)) return size;
  }
  return 0;
}

Result<int> greet(Context& context) {
  const Topology topology = probe_topology();
  const size_t width = context.out.width();
  context.out.write(tr("Măng runs open language models on your own machine.") + "\n\n");
  Page machine(2, 16, width);
  machine.row(tr("this machine"), topology.cpu_model);
  machine.row("", say("{} cores, {} of memory, {} instructions", topology.physical_cores,
                      human_bytes(topology.memory_bytes), isa_name(best_isa())));
  if (const uint64_t size = largest_model(topology.memory_bytes); size > 0) {
    machine.row(tr("can run"),
                say("models of up to {} parameters in 4 bits; smaller ones answer faster", human_count(size)));
  }
  if (const Result<Situation> situation = situation_here(false, context); situation.ok()) {
    const Recommendation suggested = recommend(context.catalog, *situation);
    auto row = [&](const std::string& label, const Candidate& model) {
      machine.row(label, say("{}, about {:.0f} words a second", model.entry->name, model.words_per_second));
    };
    row(tr("suggested"), suggested.chosen);
    for (const Candidate& each : suggested.alternatives) row("", each);
  }
  context.out.write(machine.text());
  context.out.write("\n" + tr("First steps:") + "\n");
  Page steps(2, 42, width);
  steps.row("mang run", tr("a conversation"));
  steps.row(tr("mang run \"Why does bamboo grow so fast?\""), tr("one answer"));
  steps.row("mang run --resume", tr("goes on with the last conversation"));
  steps.row("mang list", tr("the models that are here"));
  steps.row("mang help", tr("everything else"));
  context.out.write(steps.text());
  return kExitOk;
}

}  // namespace mang::cli
