// Damaged files through the front door: each is opened by a process of its own, which must end by itself, in time,
// within memory, and either accept the file or say in one clear sentence why not.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "base/units.h"
#include "format/gguf.h"
#include "format/hf_config.h"
#include "format/random_files.h"
#include "format/safetensors.h"
#include "format/text_check.h"
#include "support/gguf_writer.h"
#include "support/safetensors_writer.h"
#include "support/scale.h"
#include "support/temp_dir.h"

using namespace mang;
using namespace mang::test;

namespace {

struct Run {
  bool ended = false;       // by itself, not by a signal
  std::string error;        // empty: accepted
  uint64_t peak_bytes = 0;  // resident memory at its highest
  double seconds = 0;       // of processor time: other programs on the machine do not count
};

// Calls open() in a child process; it returns the refusal, or "" where the file is accepted.
Run run_apart(const std::function<std::string()>& open) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::alarm(120);                                      // nothing takes this long: a file that does ends in a signal
    const std::string error = open().substr(0, 4096);  // less than a pipe holds
    const bool sent = ::write(ends[1], error.data(), error.size()) == static_cast<ssize_t>(error.size());
    ::_exit(sent ? 0 : 3);
  }
  ::close(ends[1]);
  int status = 0;
  struct rusage usage {};
  REQUIRE(::wait4(child, &status, 0, &usage) == child);
  Run run;
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  run.seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  run.ended = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  run.peak_bytes = static_cast<uint64_t>(usage.ru_maxrss) * kKiB;
  char buffer[4096];
  const ssize_t n = ::read(ends[0], buffer, sizeof(buffer));
  ::close(ends[0]);
  if (n > 0) run.error.assign(buffer, static_cast<size_t>(n));
  return run;
}

// One line for a person: names the place, ends as a sentence, carries nothing a terminal would obey.
bool is_clear(const std::string& error) {
  return error.size() > 20 && error.size() < 2000 && is_valid_utf8(error) && printable(error, 4096) == error;
}

struct Format {
  const char* name;
  std::function<std::string(Random&)> generate;                 // the file's bytes
  std::function<void(const TempDir&, const std::string&)> put;  // into the directory
  std::function<std::string(const TempDir&)> open;              // "" or the refusal
};

template <typename T>
std::string refusal(const Result<T>& result) {
  return result.ok() ? "" : result.error().message;
}

// A vocabulary and some tensors, as real files have them.
std::string model_gguf(Random& random) {
  GgufWriter w;
  std::vector<std::string> tokens;
  for (int i = 0; i < 200; ++i) tokens.push_back(random.bytes(random.below(12)));
  w.add("general.architecture", "llama").add("llama.block_count", uint32_t{2}).add_strings("tokens", tokens);
  w.add_array("scores", std::vector<float>(200, -1));
  for (int i = 0; i < 8; ++i) w.add_tensor(fmt::format("blk.{}.w", i), DType::Q8_0, {4, 64}, random.bytes(4 * 2 * 34));
  return w.bytes();
}

std::string config_json(Random& random) {
  std::string json = R"({"architectures":["LlamaForCausalLM"],"hidden_size":64,"rope_scaling":{"factor":8.0,
      "rope_type":"llama3"},"eos_token_id":[1,2],"tie_word_embeddings":true,"rms_norm_eps":1e-05,"layers":[)";
  for (uint64_t i = random.below(20); i > 0; --i) json += "{\"type\":\"full_attention\"},";
  return json + "{}]}";
}

std::string index_json(Random&) {
  return R"({"metadata":{"total_size":4},"weight_map":{"a":"model-00001-of-00001.safetensors"}})";
}

std::vector<Format> formats() {
  const auto put_as = [](const char* name) {
    return [name](const TempDir& dir, const std::string& bytes) { dir.write(name, bytes); };
  };
  return {
      {"GGUF", [](Random& r) { return r.one_in(2) ? model_gguf(r) : random_gguf(r); }, put_as("m.gguf"),
       [](const TempDir& dir) { return refusal(GgufFile::open(dir.file("m.gguf"))); }},
      {"safetensors", [](Random& r) { return random_safetensors(r); }, put_as("model.safetensors"),
       [](const TempDir& dir) { return refusal(SafetensorsDirectory::open(dir.path())); }},
      {"safetensors index", index_json,
       [](const TempDir& dir, const std::string& bytes) {
         dir.write("model.safetensors.index.json", bytes);
         SafetensorsWriter().add_f32("a", {1}, {1}).write(dir.file("model-00001-of-00001.safetensors"));
       },
       [](const TempDir& dir) { return refusal(SafetensorsDirectory::open(dir.path())); }},
      {"config.json", config_json, put_as("config.json"),
       [](const TempDir& dir) { return refusal(read_config(dir.path())); }},
  };
}

}  // namespace

TEST_CASE("1,000 damaged files of each format: an end, a sentence, in time and within memory") {
  for (const Format& format : formats()) {
    CAPTURE(format.name);
    Random random(7);
    TempDir dir(TempDir::On::memory);
    const uint64_t base = run_apart([] { return std::string(); }).peak_bytes;  // the process without a file
    const uint64_t files = scale(kSanitized ? 60 : 1000, 20'000);
    uint64_t refused = 0, extra = 0;
    double slowest = 0;
    for (uint64_t i = 0; i < files; ++i) {
      std::string bytes = format.generate(random);
      for (uint64_t hits = 1 + random.below(3); hits > 0; --hits) bytes = damaged(std::move(bytes), random);
      format.put(dir, bytes);
      const Run run = run_apart([&] { return format.open(dir); });
      REQUIRE_MESSAGE(run.ended, "file " << i << " ended the process");
      if (!run.error.empty()) {
        ++refused;
        CHECK_MESSAGE(is_clear(run.error), run.error);
      }
      extra = std::max(extra, run.peak_bytes - std::min(run.peak_bytes, base + bytes.size()));
      slowest = std::max(slowest, run.seconds);
    }
    fmt::print("measured: {} damaged {} files: {} refused, at most {} over the file's size, slowest {:.0f} ms\n", files,
               format.name, refused, human_bytes(extra), slowest * 1000);
    CHECK(refused > files / 3);
    CHECK(slowest < 2);
    if (!kSanitized) CHECK(extra < 64 * kMiB);
  }
}

TEST_CASE("large hostile files stay within time and memory") {
  struct Case {
    const char* what;
    std::string bytes;
    const char* name;
  };
  const std::string blanks(40'000'000, ' ');
  std::string metadata = "{\"__metadata__\":{\"\":\"\"";
  for (int i = 0; i < 40; ++i) metadata += fmt::format(",\"{}\":\"{}\"", i, std::string(1'000'000, 'm'));
  std::string shards = "{\"weight_map\":{\"\":\"a.safetensors\"";
  for (int i = 0; i < 40; ++i) shards += fmt::format(",\"{}{}\":\"a.safetensors\"", i, std::string(1'000'000, 'm'));
  std::string strings = "{\"a\":[";
  for (int i = 0; i < 15; ++i) strings += fmt::format("\"{}\",", std::string(1'000'000, 's'));
  std::string tensors = "{";  // as many tensors as are ever read, and names all alike but for the end
  for (uint64_t i = 0; i < kSafetensorsMaxTensors; ++i) {
    tensors +=
        fmt::format("{}\"{:08}\":{{\"dtype\":\"F16\",\"shape\":[0,0,0],\"data_offsets\":[0,0]}}", i ? "," : "", i);
  }
  GgufWriter keys;
  for (uint64_t i = 0; i < kGgufMaxKeys; ++i) keys.add(fmt::format("{:08}", i), uint8_t{0});
  GgufWriter many;
  for (uint64_t i = 0; i < kGgufMaxTensors; ++i)
    many.add_tensor(fmt::format("{:08}", i), DType::F16, {1, 1, 1, 1}, "xx");
  std::string object = "{";
  for (uint64_t i = 0; i < 390'000; ++i) object += fmt::format("{}\"{:06}\":0", i ? "," : "", i);
  const Case cases[] = {
      {"as many tensors as are read", safetensors_bytes(tensors + "}", ""), "model.safetensors"},
      {"40 MB of blanks", safetensors_bytes("{" + blanks + "}", ""), "model.safetensors"},
      {"40 MB of blanks at the end", safetensors_bytes("{}" + blanks, ""), "model.safetensors"},
      {"a name of 40 MB", safetensors_bytes("{\"" + blanks + "\":1}", ""), "model.safetensors"},
      {"40 MB of metadata", safetensors_bytes(metadata + "}}", ""), "model.safetensors"},
      {"40 MB of names", shards + "}}", "model.safetensors.index.json"},
      {"a string of 15 MB", "{\"a\":\"" + blanks.substr(0, 15'000'000) + "\"}", "config.json"},
      {"15 MB of strings", strings + "0]}", "config.json"},
      {"as many keys as are read", keys.bytes(), "m.gguf"},
      {"as many tensors as are read", many.bytes(), "m.gguf"},
      {"390,000 keys", object + "}", "config.json"},
      {"brackets", "{\"a\":" + std::string(8'000'000, '['), "config.json"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    TempDir dir;
    dir.write(c.name, c.bytes);
    const std::string name = c.name;
    ::malloc_trim(0);  // memory this process has freed but kept would hide what the child takes
    const uint64_t base = run_apart([] { return std::string(); }).peak_bytes;
    const Run run = run_apart([&] {
      if (name == "m.gguf") return refusal(GgufFile::open(dir.file(name)));
      if (name == "config.json") return refusal(read_config(dir.path()));
      return refusal(SafetensorsDirectory::open(dir.path()));
    });
    CHECK(run.ended);
    const uint64_t extra = run.peak_bytes - std::min(run.peak_bytes, base + c.bytes.size());
    fmt::print("measured: {} with {} ({}): {} in {:.0f} ms, {} over the file's size\n", c.name, c.what,
               human_bytes(c.bytes.size()), run.error.empty() ? "accepted" : "refused", run.seconds * 1000,
               human_bytes(extra));
    if (!kSanitized) {
      CHECK(run.seconds < 2);
      CHECK(extra < 64 * kMiB);
    }
  }
}
