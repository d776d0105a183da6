// The energy a stretch of work took. Measured where the machine says it: by the processor's counters (RAPL), else by
// the battery's gauge while it discharges. Otherwise an estimate from the CPU time, with its error. Never a made-up
// figure.
//
//   EnergyMeter meter("/sys", process_time);
//   …                    // sample() now and then: counters wrap around
//   EnergyUse use = meter.use();
//
// Sources: Linux' Documentation/power/powercap (energy_uj, max_energy_range_uj) and ABI/testing/sysfs-class-power.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace mang {

struct WorkTime {
  double wall = 0;  // seconds since some moment
  double cpu = 0;   // seconds of this process on all cores; negative: not known
};
WorkTime process_time();

struct EnergyUse {
  enum class Source {
    counters,  // the processors and, where counted, their memory: everything that ran on them, idling included
    battery,   // the whole machine with its screen
    estimate,  // this process alone: its CPU time times what a busy core takes
    none       // not known
  };
  // Why there are no counters, or no battery, to read.
  enum class Missing { nothing, absent, unreadable, not_discharging, changed };

  Source source = Source::none;
  double joules = 0;
  double error = 0;          // of an estimate, as a share of it: 0.5 is ±50 %
  WorkTime time;             // that passed
  bool with_memory = false;  // counters: the memory's too
  Missing counters = Missing::nothing;
  Missing battery = Missing::nothing;
};

// Watts that a busy core takes with its part of caches and memory, over laptops, desktops and servers: their sustained
// power divided by their cores is 4 to 12 W. The estimate takes the middle.
inline constexpr double kLeastCoreWatts = 4, kMostCoreWatts = 12;

class EnergyMeter {
 public:
  using Clock = std::function<WorkTime()>;
  // Begins to measure. `sysfs`: where the system's files are ("/sys").
  explicit EnergyMeter(std::string sysfs, Clock clock = process_time);

  // Reads the counters if the last reading is a while ago. Call it at least once a minute.
  void sample();
  // Since the beginning.
  EnergyUse use();

 private:
  struct Counter {
    std::string folder;
    bool memory = false;
    uint64_t last = 0, range = 0;  // microjoules
    double joules = 0;
  };
  struct Battery {
    std::string folder;
    double watts = 0;       // at the last reading
    double joules = 0;      // watts over time
    double first_left = 0;  // joules it held; negative: it does not say
  };
  void find_counters();
  void find_batteries();
  void read(const WorkTime& now);
  void read_counters(double seconds);
  void read_batteries(double seconds);

  std::string sysfs_;
  Clock clock_;
  WorkTime begin_, last_;
  std::vector<Counter> counters_;
  std::vector<Battery> batteries_;
  EnergyUse::Missing no_counters_ = EnergyUse::Missing::absent;
  EnergyUse::Missing no_battery_ = EnergyUse::Missing::absent;
};

}  // namespace mang
