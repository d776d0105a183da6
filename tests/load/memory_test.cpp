// Memory after load stays near the file's size: packed weights are no larger, and the file's own pages are given back.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <fstream>

#include "support/run_model.h"
#include "support/temp_dir.h"
#include "support/tiny_llama.h"

namespace mang::test {
namespace {

uint64_t status_bytes(const std::string& field) {  // of /proc/self/status
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(field + ":")) return std::stoull(line.substr(field.size() + 1)) * 1024;
  }
  return 0;
}

TEST_CASE("resident memory after load is at most 1.05 of the file and 16 MB") {
  TempDir dir;
  const std::string path = dir.file("model.gguf");
  for (const DType dtype : {DType::Q4_K, DType::Q4_1, DType::BF16}) {
    CAPTURE(dtype_name(dtype));
    {
      TinyLlama model;
      model.hidden = 1024;
      model.heads = 16;
      model.kv_heads = 4;
      model.head_dim = 64;
      model.intermediate = 2816;
      model.vocab = 16000;
      model.layers = 2;
      model.change["output.weight"] = left_out();  // tied: the embedding must not be there twice
      model.type = [=](size_t) { return dtype; };
      model.write(path);
    }
    Machine machine(2);
    const uint64_t file = std::filesystem::file_size(path);
    const uint64_t before = status_bytes("VmRSS");
    const auto model = load_for_test(path, machine.device);
    const uint64_t after = status_bytes("VmRSS");
    CHECK(model->info().weight_bytes <= file * 105 / 100);
    CHECK(after <= before + file * 105 / 100 + (uint64_t{16} << 20));
  }
}

// A limit on the address space of this process, a little above what it has.
class AddressLimit {
 public:
  explicit AddressLimit(uint64_t more) {
    REQUIRE(getrlimit(RLIMIT_AS, &before_) == 0);
    rlimit limit = before_;
    limit.rlim_cur = status_bytes("VmSize") + more;
    REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
  }
  ~AddressLimit() { setrlimit(RLIMIT_AS, &before_); }
  AddressLimit(const AddressLimit&) = delete;
  AddressLimit& operator=(const AddressLimit&) = delete;

 private:
  rlimit before_{};
};

TEST_CASE("weights the system has no room for: a sentence, not an end") {
  TempDir dir;
  const std::string path = dir.file("model.gguf");
  TinyLlama().write(path);
  Machine machine(1);
  auto files = ModelFiles::open(path);
  REQUIRE(files.ok());
  std::string error;
  {
    const AddressLimit limit(uint64_t{32} << 20);  // weights are laid out in pieces of 64 MB
    auto model = load_weights(*files, machine.device);
    if (!model.ok()) error = model.error().message;
  }
  CAPTURE(error);
  CHECK(error.find("no room for tensor 'token_embd.weight'") != std::string::npos);
  CHECK(load_weights(*files, machine.device).ok());
}

}  // namespace
}  // namespace mang::test
