#include "reliability/faults.h"

#include <algorithm>
#include <cstdio>
#include <random>
#include <sstream>

#include "support/scale.h"

namespace mang::test {
namespace {

// Under the sanitizers: the shim comes before their library, and what is said about leaks comes at the end.
void add_sanitizer_options(How& how) {
  if (!kSanitized) return;
  how.environment.push_back("ASAN_OPTIONS=verify_asan_link_order=0:allocator_may_return_null=1");
  how.environment.push_back("LSAN_OPTIONS=print_suppressions=0:suppressions=" MANG_SOURCE_DIR
                            "/tools/leaks_of_libraries.txt");
  how.environment.push_back("UBSAN_OPTIONS=print_stacktrace=1");
}

std::string last_line(const std::string& text) {
  const size_t end = text.find_last_not_of('\n');
  if (end == std::string::npos) return "";
  const size_t begin = text.rfind('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1, end - (begin == std::string::npos ? -1 : begin));
}

}  // namespace

std::vector<uint64_t> picks(uint64_t calls, size_t most) {
  std::vector<uint64_t> out;
  std::mt19937_64 random(calls);
  for (size_t i = 0; i < std::min<uint64_t>(calls, most); ++i) {
    const uint64_t begin = calls * i / std::min<uint64_t>(calls, most);
    const uint64_t end = calls * (i + 1) / std::min<uint64_t>(calls, most);
    out.push_back(begin + random() % (end - begin) + 1);
  }
  return out;
}

void check_clear_failure(const Faulted& faulted, const std::string& sentence) {
  CHECK(faulted.ran.code == 1);
  const std::string said = last_line(faulted.ran.err);
  CHECK_MESSAGE(said.starts_with("mang: "), said);
  CHECK_MESSAGE((said.ends_with('.') || said.ends_with(')') || said.ends_with('?')), said);
  CHECK_MESSAGE(has(said, sentence), said);
}

Faulted run_with(const Fault& fault, const std::vector<std::string>& arguments, How how) {
  static const TempDir folder{TempDir::On::memory};
  const std::string report = folder.file("report");
  std::filesystem::remove(report);
  how.environment.push_back("LD_PRELOAD=" MANG_FAULT_SHIM);
  how.environment.push_back(
      fmt::format("MANG_FAULT={} {} {} {} {}", fault.kinds, fault.nth, fault.how, fault.error, fault.scope));
  how.environment.push_back("MANG_FAULT_REPORT=" + report);
  add_sanitizer_options(how);
  Faulted out;
  out.ran = mang(arguments, how);
  std::ifstream in(report);
  for (std::string word, line; in >> word && std::getline(in >> std::ws, line);) {
    out.reported = true;
    if (word == "at_once") out.at_once = true;
    if (word == "calls") out.calls = std::stoull(line);
    if (word == "struck") out.struck = std::stoull(line);
    if (word == "caller") out.caller = line;
    // Pipes are to programs that were started, and end with this one.
    if (word == "open" && !line.starts_with("pipe:")) out.open.push_back(line);
  }
  return out;
}

Swept sweep(const Scene& scene, const Sweep& sweep) {
  CAPTURE(scene.name);
  const auto plain_run = [&] {
    const Faulted plain = run_with({sweep.fault.kinds, 0, "once", 0, sweep.fault.scope}, scene.arguments, scene.how);
    CAPTURE(plain.ran.err);
    REQUIRE(plain.reported);
    REQUIRE(plain.ran.code == 0);
    scene.check_succeeded(plain.ran);
    return plain;
  };
  if (scene.reset) scene.reset();
  const Faulted plain = plain_run();
  Swept out{.calls = plain.calls};
  for (const uint64_t n : picks(plain.calls, sweep.most)) {
    Fault fault = sweep.fault;
    fault.nth = n;
    if (scene.reset) scene.reset();
    const Faulted faulted = run_with(fault, scene.arguments, scene.how);
    ++out.runs;
    CAPTURE(fault.kinds);
    CAPTURE(fault.how);
    CAPTURE(n);
    CAPTURE(faulted.caller);
    CAPTURE(faulted.ran.err);
    REQUIRE(faulted.reported);
    if (!faulted.at_once) CHECK(faulted.open.size() <= plain.open.size());
    if (faulted.ran.code == 0) {
      ++out.survived;
      if (sweep.may_leave) {
        scene.check_failed();
      } else {
        scene.check_succeeded(faulted.ran);
      }
      continue;
    }
    ++out.failed;
    CHECK(faulted.struck > 0);
    check_clear_failure(faulted, sweep.sentence);
    if (!scene.reset) continue;
    if (!faulted.at_once && scene.check_failed) scene.check_failed();
    if (!sweep.may_leave) plain_run();
  }
  if (!scene.reset) plain_run();
  std::printf("measured: faults: %s, %s: %zu of %llu calls: %zu clear failures, %zu survived\n", scene.name.c_str(),
              sweep.label.c_str(), out.runs, static_cast<unsigned long long>(out.calls), out.failed, out.survived);
  return out;
}

}  // namespace mang::test
