#include "cli/energy_words.h"

#include <algorithm>
#include <cmath>

#include "cli/messages.h"

namespace mang::cli {
namespace {

using Source = EnergyUse::Source;
using Missing = EnergyUse::Missing;

constexpr double kJoulesPerKwh = 3.6e6;

// With `digits` significant digits and without an exponent: 52.1, 0.000031.
std::string decimal(double value, int digits) {
  if (!(value > 0)) return "0";
  const int after = std::clamp(digits - 1 - static_cast<int>(std::floor(std::log10(value))), 0, 12);
  return fmt::format("{:.{}f}", value, after);
}

std::string amount(double joules) { return say("{} J ({} Wh)", decimal(joules, 3), decimal(joules / 3600, 3)); }

std::string why_no_counters(Missing why) {
  switch (why) {
    case Missing::unreadable:
      return tr("the processor's energy counters may not be read by this user");
    case Missing::changed:
      return tr("the processor's energy counters could not be followed");
    default:
      return tr("this machine shows no energy counters");
  }
}

std::string why_no_battery(Missing why) {
  switch (why) {
    case Missing::absent:
      return tr("there is no battery");
    case Missing::unreadable:
      return tr("the battery does not say what it gives");
    case Missing::changed:
      return tr("the battery was plugged in meanwhile");
    default:
      return tr("the battery is not in use");
  }
}

std::string_view source_name(Source source) {
  switch (source) {
    case Source::counters:
      return "counters";
    case Source::battery:
      return "battery";
    case Source::estimate:
      return "estimate";
    case Source::none:
      break;
  }
  return "none";
}

// For programs: the same in every language.
std::string missing_name(Missing why) {
  switch (why) {
    case Missing::absent:
      return "absent";
    case Missing::unreadable:
      return "unreadable";
    case Missing::not_discharging:
      return "not discharging";
    case Missing::changed:
      return "changed";
    case Missing::nothing:
      break;
  }
  return "";
}

double cost_of(double joules, double per_kwh) { return joules / kJoulesPerKwh * per_kwh; }

}  // namespace

std::string energy_sentence(const EnergyUse& use) {
  switch (use.source) {
    case Source::counters:
      return use.with_memory
                 ? say("{}, by the counters of processor and memory: all that ran on them", amount(use.joules))
                 : say("{}, by the processor's counters: all that ran on it", amount(use.joules));
    case Source::battery:
      return say("{}, by the battery's gauge: the whole machine with its screen", amount(use.joules));
    case Source::estimate:
      return say(
          "about {}, estimate, ±{:.0f} %: {:.2f} s of CPU time at {:.0f} to {:.0f} W a core; this program alone. "
          "Not measured: {}, and {}.",
          amount(use.joules), use.error * 100, use.time.cpu, kLeastCoreWatts, kMostCoreWatts,
          why_no_counters(use.counters), why_no_battery(use.battery));
    case Source::none:
      break;
  }
  return say("not known: {}, {}, and the CPU time is not known.", why_no_counters(use.counters),
             why_no_battery(use.battery));
}

std::optional<std::string> cost_sentence(const EnergyUse& use, const EnergyPrice& price) {
  if (!price.per_kwh || use.source == Source::none) return std::nullopt;
  const std::string currency = price.currency.empty() ? "" : " " + price.currency;
  const std::string cost = decimal(cost_of(use.joules, *price.per_kwh), 2) + currency;
  const std::string per_kwh = fmt::format("{}{}", *price.per_kwh, currency);
  if (use.source == Source::estimate) return say("about {} at {} a kWh (±{:.0f} %)", cost, per_kwh, use.error * 100);
  return say("{} at {} a kWh", cost, per_kwh);
}

Json energy_json(const EnergyUse& use) {
  Json out = {{"source", std::string(source_name(use.source))},
              {"joules", nullptr},
              {"watt_hours", nullptr},
              {"seconds", use.time.wall},
              {"cpu_seconds", nullptr}};
  if (use.time.cpu >= 0) out["cpu_seconds"] = use.time.cpu;
  if (use.source != Source::none) {
    out["joules"] = use.joules;
    out["watt_hours"] = use.joules / 3600;
  }
  if (use.source == Source::counters) {
    out["covers"] = use.with_memory ? "processors and memory" : "processors";
  } else if (use.source == Source::battery) {
    out["covers"] = "machine";
  } else if (use.source == Source::estimate) {
    out["covers"] = "process";
    out["relative_error"] = use.error;
    out["watts_per_core"] = {kLeastCoreWatts, kMostCoreWatts};
  }
  if (use.source != Source::counters) out["counters"] = missing_name(use.counters);
  if (use.source == Source::estimate || use.source == Source::none) {
    out["battery"] = missing_name(use.battery);
  }
  return out;
}

Json cost_json(const EnergyUse& use, const EnergyPrice& price) {
  if (!price.per_kwh || use.source == Source::none) return nullptr;
  return {
      {"amount", cost_of(use.joules, *price.per_kwh)}, {"currency", price.currency}, {"price_per_kwh", *price.per_kwh}};
}

}  // namespace mang::cli
