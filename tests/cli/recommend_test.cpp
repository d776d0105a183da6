#include "cli/recommend.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/units.h"

namespace mang::cli {
namespace {

// What a machine of so much free memory and bandwidth is to the choice; products are no limit here.
Situation machine(double gigabytes, double bandwidth_gb, const std::string& language = "en", bool reachable = true) {
  Situation out;
  out.available_memory = static_cast<uint64_t>(gigabytes * 1e9);
  out.speed.read_in_steps_bytes_per_second = bandwidth_gb * 1e9;
  out.speed.int8_macs_per_second = 1e12;
  out.speed.f32_macs_per_second = 2.5e11;
  out.language = language;
  out.hub_reachable = reachable;
  for (const CatalogEntry& entry : Catalog::built_in().entries()) {
    constexpr std::string_view kKnown[] = {"llama", "qwen2", "qwen3", "gemma3", "smollm3"};
    if (std::find(std::begin(kKnown), std::end(kKnown), entry.architecture) != std::end(kKnown))
      out.runnable.push_back(&entry);
  }
  return out;
}

TEST_CASE("the choice by memory, speed, language and network") {
  struct Row {
    double gigabytes, bandwidth_gb;
    const char* language;
    bool reachable;
    const char* name;
    Choice why;
  };
  // At 8 words a second: 10.4 tokens of English, 14.4 of Vietnamese.
  const Row rows[] = {
      {64, 400, "en", true, "qwen3:32b", Choice::best},      // a large, fast machine
      {64, 60, "en", true, "qwen3:4b", Choice::best},        // room for the 8B too, but 4.6 GB a token are too slow
      {64, 60, "vi", true, "qwen3:4b", Choice::best},        // 20 tokens
      {64, 30, "vi", true, "qwen2.5:1.5b", Choice::best},    // 4B: 10 tokens, 1.7B (Q8_0): 13
      {4, 400, "en", true, "qwen3:4b", Choice::best},        // memory decides
      {2.2, 400, "vi", true, "qwen2.5:1.5b", Choice::best},  // SmolLM3 speaks no Vietnamese
      {1.6, 400, "en", true, "qwen3:0.6b", Choice::best},
      {64, 3, "en", true, "smollm2:360m", Choice::slow},  // an old machine: 5 words, the fastest there is
      {64, 3, "vi", true, "qwen2.5:0.5b", Choice::slow},  // in the user's language, though slower
      {0.5, 60, "en", true, "smollm2:135m", Choice::small},
      {64, 60, "vi", false, "smollm2:135m", Choice::unreachable},
  };
  for (const Row& row : rows) {
    const Recommendation got =
        recommend(Catalog::built_in(), machine(row.gigabytes, row.bandwidth_gb, row.language, row.reachable));
    CAPTURE(row.gigabytes);
    CAPTURE(row.bandwidth_gb);
    CAPTURE(row.language);
    CHECK(got.chosen.entry->name == row.name);
    CHECK(got.why == row.why);
    CHECK(got.alternatives.size() <= 3);
    for (const Candidate& each : got.alternatives) {
      CHECK(each.entry != got.chosen.entry);
      CHECK(each.fits);
      CHECK(each.words_per_second >= kFluentWords);
    }
    if (!row.reachable) CHECK(got.alternatives.empty());
    CHECK(!explain(got, machine(row.gigabytes, row.bandwidth_gb)).empty());
  }
}

TEST_CASE("what is on this machine wins over the network, the demonstration does not") {
  const Catalog& catalog = Catalog::built_in();
  Situation here = machine(64, 60);
  here.here = {catalog.find("qwen3:0.6b")};
  CHECK(recommend(catalog, here).chosen.entry->name == "qwen3:0.6b");
  CHECK(recommend(catalog, here).why == Choice::here);
  here.here.push_back(catalog.find("gemma3:4b"));  // its licence was accepted when it was fetched
  CHECK(recommend(catalog, here).chosen.entry->name == "gemma3:4b");
  here.available_memory = static_cast<uint64_t>(2e9);
  CHECK(recommend(catalog, here).chosen.entry->name == "qwen3:0.6b");
  here.hub_reachable = false;
  CHECK(recommend(catalog, here).why == Choice::here);
  here.here = {&catalog.default_entry()};
  CHECK(recommend(catalog, here).why == Choice::unreachable);
  here.hub_reachable = true;
  CHECK(recommend(catalog, here).chosen.entry->name != "smollm2:135m");
}

TEST_CASE("a licence that asks is nobody's default, and may be an alternative") {
  for (double gigabytes : {1.2, 2.0, 4.0, 6.0, 10.0, 20.0, 40.0}) {
    for (double bandwidth : {5.0, 20.0, 60.0, 400.0}) {
      const Recommendation got = recommend(Catalog::built_in(), machine(gigabytes, bandwidth));
      CHECK(got.chosen.entry->license.consent.empty());
      CHECK(got.chosen.runs);
    }
  }
  const Recommendation got = recommend(Catalog::built_in(), machine(64, 400));
  CHECK(std::any_of(got.alternatives.begin(), got.alternatives.end(),
                    [](const Candidate& each) { return !each.entry->license.consent.empty(); }));
}

TEST_CASE("sizes and speeds of a candidate") {
  const Candidate got = assess(*Catalog::built_in().find("qwen3:4b"), "Q4_K_M", machine(64, 30));
  CHECK(static_cast<double>(got.file_bytes) == doctest::Approx(2.5e9).epsilon(0.05));
  // 36 layers × 8 heads × 128 × 2 × 2 bytes × 4096 positions: 604 MB.
  CHECK(static_cast<double>(got.memory_bytes) == doctest::Approx(2.5e9 * 1.03 + 0.604e9 + 0.42e9).epsilon(0.05));
  CHECK(got.speed.decode.likely > 8);
  CHECK(got.speed.decode.likely < 12);
  CHECK(got.words_per_second == doctest::Approx(got.speed.decode.likely / 1.3));
  // Of a mixture of experts only the active part is read.
  const CatalogEntry& moe = *Catalog::built_in().find("qwen3:30b-a3b");
  CHECK(assess(moe, "Q4_K_M", machine(64, 30)).speed.decode.likely > 8);
  CHECK(tokens_per_word("vi") > tokens_per_word("en"));
}

}  // namespace
}  // namespace mang::cli
