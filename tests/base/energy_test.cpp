// Energy from a made-up /sys: counters that wrap around, files that cannot be read, batteries, and none of it.
#include "base/energy.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/temp_dir.h"

namespace mang {
namespace {

using Source = EnergyUse::Source;
using Missing = EnergyUse::Missing;

struct Machine {
  test::TempDir dir;
  WorkTime now{100, 10};

  void write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(dir.file(path)).parent_path());
    dir.write(path, text);
  }
  void counter(const std::string& folder, const std::string& name, const std::string& microjoules,
               const std::string& range = "262143328850\n") const {
    const std::string at = "class/powercap/" + folder + "/";
    write(at + "name", name + "\n");
    write(at + "energy_uj", microjoules + "\n");
    write(at + "max_energy_range_uj", range);
  }
  void battery(const std::string& name, const std::string& file, const std::string& text) const {
    write("class/power_supply/" + name + "/" + file, text + "\n");
  }
  EnergyMeter meter() {
    return EnergyMeter(dir.path(), [this] { return now; });
  }
  void pass(double wall, double cpu) { now = {now.wall + wall, now.cpu + cpu}; }
};

TEST_CASE("packages and memories add up, and nothing twice") {
  Machine m;
  m.counter("intel-rapl:0", "package-0", "1000000");
  m.counter("intel-rapl:0:0", "core", "500000");
  m.counter("intel-rapl:0:1", "uncore", "500000");
  m.counter("intel-rapl:0:2", "dram", "200000");
  m.counter("intel-rapl:1", "package-1", "3000000");
  m.counter("intel-rapl:2", "psys", "9000000");
  m.counter("intel-rapl-mmio:0", "package-0", "1000000");
  m.write("class/powercap/intel-rapl/enabled", "1\n");
  EnergyMeter meter = m.meter();
  m.counter("intel-rapl:0", "package-0", "11000000");
  m.counter("intel-rapl:0:0", "core", "7500000");
  m.counter("intel-rapl:0:2", "dram", "1200000");
  m.counter("intel-rapl:1", "package-1", "5000000");
  m.counter("intel-rapl:2", "psys", "90000000");
  m.counter("intel-rapl-mmio:0", "package-0", "11000000");
  m.pass(2, 1);
  const EnergyUse use = meter.use();
  CHECK(use.source == Source::counters);
  CHECK(use.joules == doctest::Approx(10 + 1 + 2));
  CHECK(use.with_memory);
  CHECK(use.error == 0);
  CHECK(use.time.wall == doctest::Approx(2));
}

TEST_CASE("a counter that wraps around goes on from 0") {
  Machine m;
  m.counter("intel-rapl:0", "package-0", "262143000000");
  EnergyMeter meter = m.meter();
  m.counter("intel-rapl:0", "package-0", "671150");
  m.pass(2, 1);
  CHECK(meter.use().joules == doctest::Approx(1.0));
  // Several times, if it is looked at in between.
  m.counter("intel-rapl:0", "package-0", "0", "65532610987\n");
  EnergyMeter often = m.meter();
  for (int i = 1; i <= 40; ++i) {
    m.counter("intel-rapl:0", "package-0", std::to_string(uint64_t{5'000'000'000} * i % 65532610987), "65532610987\n");
    m.pass(30, 1);
    often.sample();
  }
  const EnergyUse use = often.use();
  CHECK(use.source == Source::counters);
  CHECK(use.joules == doctest::Approx(200'000).epsilon(1e-6));
  // So long that it may have wrapped unseen: then it says nothing.
  EnergyMeter seldom = m.meter();
  m.pass(3600, 1);
  CHECK(seldom.use().source == Source::estimate);
  CHECK(seldom.use().counters == Missing::changed);
}

TEST_CASE("readings close together are left out, so that asking costs nothing") {
  Machine m;
  m.counter("intel-rapl:0", "package-0", "0");
  EnergyMeter meter = m.meter();
  m.write("class/powercap/intel-rapl:0/energy_uj", "garbage");
  m.pass(0.1, 0.1);
  meter.sample();  // does not look
  m.counter("intel-rapl:0", "package-0", "4000000");
  CHECK(meter.use().joules == doctest::Approx(4));
}

TEST_CASE("counters that only root may read, and garbage in them, are none") {
  for (const char* text : {"", "-5\n", "1e6\n", "twelve\n", "18446744073709551616\n", "5 J\n"}) {
    CAPTURE(text);
    Machine m;
    m.counter("intel-rapl:0", "package-0", "1");
    m.counter("intel-rapl:1", "package-1", "1");
    m.write("class/powercap/intel-rapl:1/energy_uj", text);
    EnergyMeter meter = m.meter();
    m.pass(10, 5);
    const EnergyUse use = meter.use();
    CHECK(use.source == Source::estimate);  // one package alone would look like the whole
    CHECK(use.counters == Missing::unreadable);
  }
  Machine later;
  later.counter("intel-rapl:0", "package-0", "1");
  EnergyMeter meter = later.meter();
  std::filesystem::remove(later.dir.file("class/powercap/intel-rapl:0/energy_uj"));
  later.pass(1, 1);
  CHECK(meter.use().counters == Missing::unreadable);
  Machine beyond;
  beyond.counter("intel-rapl:0", "package-0", "1", "100\n");
  EnergyMeter wild = beyond.meter();
  beyond.counter("intel-rapl:0", "package-0", "101", "100\n");
  beyond.pass(0, 1);
  CHECK(wild.use().counters == Missing::changed);
  Machine closed;
  closed.counter("intel-rapl:0", "package-0", "1");
  ::chmod(closed.dir.file("class/powercap/intel-rapl:0/energy_uj").c_str(), 0);
  if (::geteuid() != 0) CHECK(closed.meter().use().counters == Missing::unreadable);
  Machine memory;  // memory without its package is no whole either
  memory.counter("intel-rapl:0:0", "dram", "1");
  CHECK(memory.meter().use().counters == Missing::absent);
}

TEST_CASE("a battery counts while it discharges") {
  Machine m;
  m.battery("AC", "type", "Mains");
  m.battery("BAT0", "type", "Battery");
  m.battery("BAT0", "status", "Discharging");
  m.battery("BAT0", "power_now", "20000000");  // 20 W
  m.battery("mouse", "type", "Battery");
  m.battery("mouse", "scope", "Device");
  m.battery("mouse", "status", "Discharging");
  m.battery("mouse", "power_now", "9000000");
  EnergyMeter meter = m.meter();
  m.battery("BAT0", "power_now", "10000000");
  m.pass(10, 5);
  const EnergyUse use = meter.use();
  CHECK(use.source == Source::battery);
  CHECK(use.joules == doctest::Approx(150));
  CHECK(use.counters == Missing::absent);
  // Current and voltage will do.
  std::filesystem::remove(m.dir.file("class/power_supply/BAT0/power_now"));
  m.battery("BAT0", "current_now", "2000000");
  m.battery("BAT0", "voltage_now", "11000000");
  EnergyMeter volts = m.meter();
  m.pass(10, 5);
  CHECK(volts.use().joules == doctest::Approx(220));
  // Over a minute and more, what is left in it is the better gauge.
  m.battery("BAT0", "energy_now", "40000000");
  EnergyMeter gauge = m.meter();
  m.battery("BAT0", "energy_now", "39000000");
  m.pass(100, 5);
  CHECK(gauge.use().joules == doctest::Approx(3600));
  // Plugged in meanwhile.
  EnergyMeter plugged = m.meter();
  m.battery("BAT0", "status", "Charging");
  m.pass(10, 5);
  CHECK(plugged.use().source == Source::estimate);
  CHECK(plugged.use().battery == Missing::changed);
  CHECK(m.meter().use().battery == Missing::not_discharging);
  m.battery("BAT0", "status", "Discharging");
  m.battery("BAT0", "current_now", "-2000000");
  CHECK(m.meter().use().battery == Missing::unreadable);
}

TEST_CASE("counters are preferred to a battery, which has the screen in it") {
  Machine m;
  m.counter("intel-rapl:0", "package-0", "0");
  m.battery("BAT0", "type", "Battery");
  m.battery("BAT0", "status", "Discharging");
  m.battery("BAT0", "power_now", "20000000");
  EnergyMeter meter = m.meter();
  m.counter("intel-rapl:0", "package-0", "7000000");
  m.pass(1, 1);
  const EnergyUse use = meter.use();
  CHECK(use.source == Source::counters);
  CHECK(use.joules == doctest::Approx(7));
  CHECK(!use.with_memory);
}

TEST_CASE("without counters and battery: an estimate with its error, or nothing") {
  Machine m;
  EnergyMeter meter = m.meter();
  m.pass(4, 10);
  const EnergyUse use = meter.use();
  CHECK(use.source == Source::estimate);
  CHECK(use.joules == doctest::Approx(80));
  CHECK(use.joules * (1 - use.error) == doctest::Approx(10 * kLeastCoreWatts));
  CHECK(use.joules * (1 + use.error) == doctest::Approx(10 * kMostCoreWatts));
  CHECK(use.counters == Missing::absent);
  CHECK(use.battery == Missing::absent);
  m.now.cpu = -1;
  EnergyMeter blind = m.meter();
  m.now.wall += 5;
  CHECK(blind.use().source == Source::none);
}

TEST_CASE("the process's own time advances with its work") {
  const WorkTime before = process_time();
  double sum = 0;
  while (process_time().cpu - before.cpu < 0.02) sum += 1;
  const WorkTime after = process_time();
  CHECK(sum > 0);
  CHECK(after.cpu - before.cpu >= 0.02);
  CHECK(after.wall > before.wall);
}

}  // namespace
}  // namespace mang
