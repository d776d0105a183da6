// A model put into memory for the server.
#pragma once

#include <cstdint>
#include <string>

#include "cli/context.h"
#include "cli/device_options.h"
#include "cli/speculation_options.h"
#include "serve/open_model.h"

namespace mang::cli {

struct ServedModelOptions {
  int64_t context = 0;      // the longest conversation; 0: the model's own
  int sequences = 32;       // requests worked on together
  double kv_memory_gb = 0;  // GiB for the KV cache; 0: a quarter of what is free
  DeviceOptions device;
  SpeculationOptions speculation;
};

// Finds a model, fetching it first where it is not yet on this machine, and loads it. name: what clients call it.
Result<serve::OpenModel> open_served_model(const std::string& name, const std::string& model,
                                           const ServedModelOptions& options, const Context& context);

}  // namespace mang::cli
