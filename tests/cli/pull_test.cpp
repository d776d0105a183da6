// Models from a hub, through the program: pull, list, run, rm, gc.
#include <filesystem>

#include "cli/subprocess.h"
#include "hub/fake_hub.h"
#include "support/golden.h"

namespace mang::test {
namespace {

namespace fs = std::filesystem;

// The hub has a real (tiny) model under two names of quantizations, and the same as a folder.
struct World {
  World() {
    files["model-Q8_0.gguf"] = files["model-Q4_K_M.gguf"] = read_file(kGguf);
    hub = std::make_unique<FakeHub>(files, std::vector<std::string>{"model-Q4_K_M.gguf"});
  }
  [[nodiscard]] How how(std::vector<std::string> more = {}) const {
    How out;
    out.environment = std::move(more);  // the first of a name counts
    for (const std::string& usual :
         {"HF_ENDPOINT=" + hub->url(), "HF_HUB_CACHE=" + cache(), std::string("no_proxy=127.0.0.1,localhost"),
          "XDG_CACHE_HOME=" + folder.file("cache")}) {
      out.environment.push_back(usual);
    }
    return out;
  }
  [[nodiscard]] std::string cache() const { return folder.file("hf"); }

  std::map<std::string, std::string> files;
  std::unique_ptr<FakeHub> hub;
  TempDir folder{TempDir::On::memory};
};

TEST_CASE("a model of a hub is pulled, listed, run without the hub, and removed") {
  World world;
  const Ran pulled = mang({"pull", "hf:org/model"}, world.how());
  CAPTURE(pulled.err);
  REQUIRE(pulled.code == 0);
  CHECK(has(pulled.out, "/snapshots/" + FakeHub::commit() + "/model-Q4_K_M.gguf\n"));
  CHECK(has(pulled.err, "headers of its files are in order"));

  const Ran listed = mang({"list"}, world.how());
  CHECK(has(listed.out, "NAME"));
  CHECK(has(listed.out, "hf:org/model:model-Q4_K_M.gguf"));
  CHECK(has(mang({"list", "--json"}, world.how()).out, "\"bytes\":"));

  const size_t asked = world.hub->hub().requests().size();
  const Ran ran = mang({"run", "hf:org/model", "hello", "-n", "3", "--raw"}, world.how());
  CAPTURE(ran.err);
  CHECK(ran.code == 0);
  CHECK(world.hub->hub().requests().size() == asked);
  CHECK(mang({"run", "hf:org/model:q4_k_m", "hello", "-n", "3", "--raw"}, world.how({"HF_HUB_OFFLINE=1"})).out ==
        ran.out);
  check_refused(mang({"run", "hf:org/model:Q8_0", "hello"}, world.how({"HF_HUB_OFFLINE=1"})), 1, "HF_HUB_OFFLINE");
  check_refused(mang({"run", "hf:org/model:Q2_K", "hello"}, world.how()), 1, "model-Q8_0.gguf");

  CHECK(mang({"rm", "hf:org/model:Q4_K_M"}, world.how()).code == 0);
  check_refused(mang({"rm", "hf:org/model"}, world.how()), 1, "mang list");
  CHECK(mang({"gc"}, world.how()).code == 0);
}

TEST_CASE("a model by its address, and what an address cannot be") {
  World world;
  const std::string url = world.hub->store().url() + "/model-Q8_0.gguf";
  const Ran ran = mang({"run", url, "hello", "-n", "3", "--raw"}, world.how());
  CAPTURE(ran.err);
  CHECK(ran.code == 0);
  CHECK(has(mang({"list"}, world.how()).out, url));
  CHECK(mang({"rm", url}, world.how()).code == 0);
  check_refused(mang({"rm", url}, world.how()), 1, "not on this machine");
  check_refused(mang({"run", "ftp://x.example/m.gguf", "hello"}, world.how()), 1, "http");
  const Ran none = mang({"run", world.hub->store().url() + "/nothing.gguf", "hello"}, world.how());
  CHECK(none.code == 1);
  CHECK(has(none.err, "no such file"));
  check_refused(mang({"run", "https://x.example/page", "hello"}, world.how()), 1, "GGUF");
}

TEST_CASE("names a hub does not have") {
  World world;
  check_refused(mang({"pull", "hf:org/none"}, world.how()), 1, "no such model");
  check_refused(mang({"pull", "hf:none"}, world.how()), 1, "organisation/name");
  check_refused(mang({"pull", "hf:org/model@v9"}, world.how()), 1, "revision");
  check_refused(mang({"pull", "hf:org/model"}, world.how({"HF_ENDPOINT=http://127.0.0.1:9"})), 1, "127.0.0.1");
}

}  // namespace
}  // namespace mang::test
