#include "base/energy.h"

#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>

namespace mang {
namespace {

namespace fs = std::filesystem;
using Missing = EnergyUse::Missing;

constexpr double kSampleSeconds = 5;
constexpr double kMostPackageWatts = 1000;  // above all processors; a counter that could have wrapped twice is not used
constexpr double kJoulesPerMicrowattHour = 3600e-6;
constexpr double kGaugeSeconds = 60;  // shorter than this a gauge's steps are coarser than its power over time

// The first line of a small file of the system; nullopt: it cannot be read.
std::optional<std::string> line_of(const fs::path& path) {
  std::ifstream file(path);
  char text[128];
  if (!file.read(text, sizeof text) && file.gcount() == 0) return std::nullopt;
  const std::string_view all(text, static_cast<size_t>(file.gcount()));
  return std::string(all.substr(0, all.find('\n')));
}

std::optional<uint64_t> number_in(const fs::path& path) {
  const auto text = line_of(path);
  if (!text) return std::nullopt;
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return number;
}

std::vector<fs::path> folders_in(const fs::path& path) {
  std::vector<fs::path> out;
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) out.push_back(it->path());
  std::sort(out.begin(), out.end());
  return out;
}

// What a battery gives at this moment; nullopt: it is not discharging, or does not say.
std::optional<double> battery_watts(const fs::path& folder) {
  if (line_of(folder / "status") != "Discharging") return std::nullopt;
  if (const auto power = number_in(folder / "power_now")) return static_cast<double>(*power) * 1e-6;
  const auto current = number_in(folder / "current_now"), voltage = number_in(folder / "voltage_now");
  if (!current || !voltage) return std::nullopt;
  return static_cast<double>(*current) * 1e-6 * static_cast<double>(*voltage) * 1e-6;
}

double battery_joules_left(const fs::path& folder) {
  const auto left = number_in(folder / "energy_now");  // microwatt hours
  return left ? static_cast<double>(*left) * kJoulesPerMicrowattHour : -1;
}

}  // namespace

WorkTime process_time() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  WorkTime out{std::chrono::duration<double>(now).count(), -1};
  struct rusage usage;
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    out.cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  }
  return out;
}

EnergyMeter::EnergyMeter(std::string sysfs, Clock clock) : sysfs_(std::move(sysfs)), clock_(std::move(clock)) {
  find_counters();
  find_batteries();
  begin_ = last_ = clock_();
}

// A package holds its cores and graphics ("core", "uncore"), but not its memory ("dram"): packages and memories add up
// without counting anything twice. "psys" holds packages, and intel-rapl-mmio:… shows them a second time.
void EnergyMeter::find_counters() {
  for (const fs::path& folder : folders_in(sysfs_ + "/class/powercap")) {
    if (!folder.filename().string().starts_with("intel-rapl:")) continue;
    const std::string name = line_of(folder / "name").value_or("");
    const bool package = name.starts_with("package"), memory = name == "dram";
    if (!package && !memory) continue;
    const auto now = number_in(folder / "energy_uj"), range = number_in(folder / "max_energy_range_uj");
    if (now && range && *range > 0) {
      counters_.push_back({folder.string(), memory, *now, *range, 0});
    } else if (package) {  // a sum without one of the packages would be a part that looks like the whole
      counters_.clear();
      no_counters_ = Missing::unreadable;
      return;
    }
  }
  const bool packages =
      std::any_of(counters_.begin(), counters_.end(), [](const Counter& each) { return !each.memory; });
  if (!packages) counters_.clear();
  no_counters_ = packages ? Missing::nothing : Missing::absent;
}

void EnergyMeter::find_batteries() {
  for (const fs::path& folder : folders_in(sysfs_ + "/class/power_supply")) {
    if (line_of(folder / "type") != "Battery" || line_of(folder / "scope") == "Device") continue;  // a mouse's
    if (no_battery_ == Missing::absent) no_battery_ = Missing::not_discharging;
    if (line_of(folder / "status") != "Discharging") continue;
    const auto watts = battery_watts(folder);
    if (!watts) {
      no_battery_ = Missing::unreadable;
      batteries_.clear();
      return;
    }
    batteries_.push_back({folder.string(), *watts, 0, battery_joules_left(folder)});
  }
  if (!batteries_.empty()) no_battery_ = Missing::nothing;
}

void EnergyMeter::sample() {
  if (counters_.empty() && batteries_.empty()) return;
  const WorkTime now = clock_();
  if (now.wall - last_.wall >= kSampleSeconds) read(now);
}

void EnergyMeter::read(const WorkTime& now) {
  read_counters(now.wall - last_.wall);
  read_batteries(now.wall - last_.wall);
  last_ = now;
}

void EnergyMeter::read_counters(double seconds) {
  for (Counter& each : counters_) {
    const auto now = number_in(each.folder + "/energy_uj");
    const bool wraps_once = seconds * kMostPackageWatts * 1e6 < static_cast<double>(each.range);
    if (!now || *now > each.range || each.last > each.range || !wraps_once) {
      counters_.clear();
      no_counters_ = now ? Missing::changed : Missing::unreadable;
      return;
    }
    // The counter goes from its range to 0.
    const uint64_t spent = *now >= each.last ? *now - each.last : each.range - each.last + *now;
    each.joules += static_cast<double>(spent) * 1e-6;
    each.last = *now;
  }
}

void EnergyMeter::read_batteries(double seconds) {
  for (Battery& each : batteries_) {
    const auto watts = battery_watts(each.folder);
    if (!watts) {  // plugged in meanwhile
      batteries_.clear();
      no_battery_ = Missing::changed;
      return;
    }
    each.joules += (each.watts + *watts) / 2 * seconds;
    each.watts = *watts;
  }
}

EnergyUse EnergyMeter::use() {
  const WorkTime now = clock_();
  read(now);
  EnergyUse out;
  out.counters = no_counters_;
  out.battery = no_battery_;
  out.time = {now.wall - begin_.wall, begin_.cpu < 0 || now.cpu < 0 ? -1 : now.cpu - begin_.cpu};
  if (!counters_.empty()) {
    out.source = EnergyUse::Source::counters;
    for (const Counter& each : counters_) {
      out.joules += each.joules;
      out.with_memory = out.with_memory || each.memory;
    }
    return out;
  }
  for (const Battery& each : batteries_) {
    out.source = EnergyUse::Source::battery;
    const double left = battery_joules_left(each.folder);
    const bool gauge = out.time.wall >= kGaugeSeconds && each.first_left >= 0 && left >= 0 && left < each.first_left;
    out.joules += gauge ? each.first_left - left : each.joules;
  }
  if (!batteries_.empty() || out.time.cpu < 0) return out;
  out.source = EnergyUse::Source::estimate;
  out.joules = out.time.cpu * (kLeastCoreWatts + kMostCoreWatts) / 2;
  out.error = (kMostCoreWatts - kLeastCoreWatts) / (kMostCoreWatts + kLeastCoreWatts);
  return out;
}

}  // namespace mang
