#include "cli/bench_ops.h"

#include <algorithm>
#include <vector>

#include "base/json.h"
#include "cli/messages.h"
#include "text/display_width.h"

namespace mang::cli {
namespace {

std::vector<OpTrace::Op> longest_first(const OpTrace& trace) {
  std::vector<OpTrace::Op> ops = trace.ops();
  std::stable_sort(ops.begin(), ops.end(), [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
  return ops;
}

double gigas(double amount, double seconds) { return seconds > 0 ? amount / seconds / 1e9 : 0; }

std::string number_or_dash(double value) { return value > 0 ? fmt::format("{:.1f}", value) : "–"; }

std::string padded(std::string text, size_t width) {
  const size_t columns = display_width(text);
  text.append(width - std::min(width, columns), ' ');
  return text;
}

std::string row(const std::string& name, size_t width, const std::string& calls, double seconds, double all,
                const OpWork& work, const ProbeResult& peak) {
  const double limit = seconds_at_limit(work, peak);
  return fmt::format(
      "| {} | {:>6} | {:>9.2f} | {:>5.1f} % | {:>8} | {:>6} | {:>9} |\n", padded(name, width), calls, seconds * 1e3,
      all > 0 ? 100 * seconds / all : 0, number_or_dash(gigas(work.int8_macs + work.f32_macs, seconds)),
      number_or_dash(gigas(work.bytes, seconds)), limit > 0 ? fmt::format("{:.0f} %", 100 * limit / seconds) : "–");
}

}  // namespace

double seconds_at_limit(const OpWork& work, const ProbeResult& peak) {
  const auto time = [](double amount, double a_second) { return a_second > 0 ? amount / a_second : 0; };
  return std::max(time(work.bytes, peak.read_bytes_per_second),
                  time(work.int8_macs, peak.int8_macs_per_second) + time(work.f32_macs, peak.f32_macs_per_second));
}

std::string ops_table(const std::string& title, const OpTrace& trace, double seconds, const ProbeResult& peak) {
  const std::vector<OpTrace::Op> ops = longest_first(trace);
  const std::string between = tr("between the operations");
  size_t width = std::max(display_width(tr("operation")), display_width(between));
  for (const OpTrace::Op& op : ops) width = std::max(width, display_width(op.name));
  std::string out = title + "\n";
  out += fmt::format("| {} | {:>6} | {:>9} | {:>7} | {:>8} | {:>6} | {:>9} |\n", padded(tr("operation"), width),
                     tr("calls"), "ms", tr("share"), "GMAC/s", "GB/s", tr("of limit"));
  const auto line = [](size_t n) { return std::string(n, '-'); };
  out += fmt::format("|{}|{}:|{}:|{}:|{}:|{}:|{}:|\n", line(width + 2), line(7), line(10), line(8), line(9), line(7),
                     line(10));
  OpWork all;
  for (const OpTrace::Op& op : ops) {
    out += row(op.name, width, std::to_string(op.calls), op.seconds, seconds, op.work, peak);
    all.int8_macs += op.work.int8_macs;
    all.f32_macs += op.work.f32_macs;
    all.bytes += op.work.bytes;
  }
  out += row(between, width, "", std::max(0.0, seconds - trace.seconds()), seconds, {}, peak);
  out += row(tr("all"), width, "", seconds, seconds, all, peak);
  out += say("The limit: {:.1f} GB/s read, {:.0f} GMAC/s int8 and {:.0f} GMAC/s float32, probed just before.\n",
             peak.read_bytes_per_second / 1e9, peak.int8_macs_per_second / 1e9, peak.f32_macs_per_second / 1e9);
  return out;
}

std::string ops_json(const std::string& model, const BenchCase& test, const OpTrace& trace, double seconds,
                     const ProbeResult& peak) {
  Json out = {{"model", model},
              {"test", bench_name(test)},
              {"seconds", seconds},
              {"probed_read_bytes_per_second", peak.read_bytes_per_second},
              {"probed_int8_macs_per_second", peak.int8_macs_per_second},
              {"probed_f32_macs_per_second", peak.f32_macs_per_second}};
  Json ops = Json::array();
  for (const OpTrace::Op& op : longest_first(trace)) {
    ops.push_back({{"name", op.name},
                   {"calls", op.calls},
                   {"seconds", op.seconds},
                   {"int8_macs", op.work.int8_macs},
                   {"f32_macs", op.work.f32_macs},
                   {"bytes", op.work.bytes},
                   {"seconds_at_limit", seconds_at_limit(op.work, peak)}});
  }
  out["operations"] = std::move(ops);
  return out.dump() + "\n";
}

}  // namespace mang::cli
