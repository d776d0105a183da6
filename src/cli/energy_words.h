// What is said of the energy an answer took, and of what it cost.
#pragma once

#include <optional>
#include <string>

#include "base/energy.h"
#include "base/json.h"

namespace mang::cli {

struct EnergyPrice {
  std::optional<double> per_kwh;
  std::string currency;
};

// "52.1 J (0.0145 Wh), by the processors' counters: …"; an estimate says so, with its error and what it rests on.
std::string energy_sentence(const EnergyUse& use);
// Nothing where there is no price, or no energy to pay for.
std::optional<std::string> cost_sentence(const EnergyUse& use, const EnergyPrice& price);
// {"energy": {…}, "cost": {…} or null}, to be put among other figures.
Json energy_json(const EnergyUse& use);
Json cost_json(const EnergyUse& use, const EnergyPrice& price);

}  // namespace mang::cli
