// The readers against the naive ones over random files: they accept the same files and see the same in them.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "format/random_files.h"
#include "format/readers.h"
#include "support/scale.h"

using namespace mang;
using namespace mang::test;

namespace {

struct Tally {
  uint64_t files = 0;
  uint64_t accepted = 0;
  uint64_t differences = 0;
};

// Compares on one file; a difference is reported once with its bytes' length and both answers.
void compare(const ReaderUnderTest& reader, const std::string& bytes, Tally& tally) {
  std::string error;
  const auto ours = reader.read(bytes, error);
  const auto theirs = reader.naive(bytes);
  ++tally.files;
  tally.accepted += ours.has_value();
  if (ours == theirs) return;
  ++tally.differences;
  CHECK_MESSAGE(false, reader.name << " file " << tally.files << " (" << bytes.size() << " bytes): here "
                                   << (ours ? "accepted" : error) << ", naive reader "
                                   << (theirs ? "accepted" : "refuses"));
}

void run(const ReaderUnderTest& reader, std::string (*generate)(Random&), uint64_t files) {
  Random random(20260101);
  Tally tally;
  for (uint64_t i = 0; i < files && tally.differences < 10; ++i) {
    const std::string bytes = generate(random);
    compare(reader, random.one_in(5) ? damaged(bytes, random) : bytes, tally);
  }
  fmt::print("measured: {} random {} files, {} accepted, {} differences from the naive reader\n", tally.files,
             reader.name, tally.accepted, tally.differences);
  CHECK(tally.differences == 0);
  CHECK(tally.accepted > files / 5);      // the generator must not only make rubbish …
  CHECK(tally.accepted < files * 4 / 5);  // … nor only sound files
}

}  // namespace

TEST_CASE("random GGUF files: the reader and the naive reader agree") {
  run(gguf_reader(), random_gguf, scale(20'000, 1'000'000));
}

TEST_CASE("random safetensors files: the reader and the naive reader agree") {
  run(safetensors_reader(), random_safetensors, scale(20'000, 1'000'000));
}
