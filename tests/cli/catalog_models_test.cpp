// Models by their catalog names, through the program: sources in order, licences, what is told before a download.
#include <filesystem>

#include "cli/subprocess.h"
#include "hub/fake_hub.h"
#include "support/golden.h"

namespace mang::test {
namespace {

namespace fs = std::filesystem;

// A hub with a real (tiny) model, a pip that never gives anything, and a catalog of one's own that names both.
struct World {
  World() {
    files["model-Q8_0.gguf"] = files["model-Q4_K_M.gguf"] = read_file(kGguf);
    hub = std::make_unique<FakeHub>(files, std::vector<std::string>{"model-Q4_K_M.gguf"});
    python =
        folder.write("python", "#!/bin/sh\necho 'ERROR: No matching distribution found for none==1' >&2\nexit 1\n");
    fs::permissions(python, fs::perms::owner_all);
    const std::string hub_source = R"({"hf":"org/model","quantizations":["Q4_K_M","Q8_0"],"by":"org"})";
    const std::string pip_source =
        R"({"pip":"none","version":"1","member":"m.gguf","download_bytes":5,"file":"m.gguf","bytes":5,"sha256":")" +
        std::string(64, 'a') + R"(","quantizations":["Q4_1"]})";
    const std::string asks =
        R"("license":{"id":"Asking License","url":"https://x.example/l","consent":"The maker asks you to be kind."},)";
    catalog = folder.write(
        "catalog.json",
        R"({"recommended":["tiny:1"],"families":[{"family":"Tiny","publisher":"Org","architecture":"llama","context":256,
            "license":{"id":"MIT","url":"https://x.example/mit"},"languages":["en"],"models":[)" +
            model("tiny:1", "", pip_source + "," + hub_source) + "," + model("asking:1", asks, hub_source) + "," +
            model("asking:2", asks, hub_source) + "," + model("strange:1", R"("architecture":"strange",)", hub_source) +
            "," +
            model("address:1", "",
                  R"({"https":")" + hub->store().url() + R"(/model-Q8_0.gguf","sha256":")" +
                      sha256_of(files["model-Q8_0.gguf"]) + R"(","quantizations":["Q8_0"]})") +
            "," +
            model("mine:1", "",
                  R"({"path":"/nowhere/x.gguf","quantizations":["F32"]},{"path":")" + kGguf +
                      R"(","quantizations":["F32"]})") +
            "]}]}");
  }
  static std::string model(const std::string& name, const std::string& more, const std::string& sources) {
    return R"({"name":")" + name + R"(","title":")" + name + R"( Title","parameters":1,"kv":[2,1,8],)" + more +
           R"("sources":[)" + sources + "]}";
  }
  [[nodiscard]] How how(std::vector<std::string> more = {}) const {
    How out;
    out.environment = std::move(more);  // the first of a name counts
    for (const std::string& usual :
         {"HF_ENDPOINT=" + hub->url(), "HF_HUB_CACHE=" + folder.file("hf"), std::string("no_proxy=127.0.0.1,localhost"),
          "XDG_CACHE_HOME=" + folder.file("cache"), "XDG_DATA_HOME=" + folder.file("data"), "MANG_CATALOG=" + catalog,
          "MANG_PYTHON=" + python}) {
      out.environment.push_back(usual);
    }
    return out;
  }

  TempDir folder{TempDir::On::memory};
  std::map<std::string, std::string> files;
  std::unique_ptr<FakeHub> hub;
  std::string python, catalog;
};

TEST_CASE("a known name comes from the first source that gives it, is listed, run and removed by that name") {
  World world;
  const Ran pulled = mang({"pull", "tiny:1"}, world.how());
  CAPTURE(pulled.err);
  REQUIRE(pulled.code == 0);
  CHECK(has(pulled.err, "No matching distribution"));
  CHECK(has(pulled.err, "Trying org/model on 127.0.0.1"));
  CHECK(has(pulled.err, "headers of its files are in order"));
  CHECK(has(pulled.err, "with a tokenizer"));
  CHECK(has(pulled.out, "/model-Q4_K_M.gguf\n"));
  CHECK(has(mang({"list"}, world.how()).out, "tiny:1-q4_k_m"));
  const Ran ran = mang({"run", "tiny:1", "hello", "-n", "3", "--raw"}, world.how({"HF_HUB_OFFLINE=1"}));
  CAPTURE(ran.err);
  CHECK(ran.code == 0);
  check_refused(mang({"rm", "tiny:1-q8_0"}, world.how()), 1, "not on this machine");
  CHECK(mang({"rm", "tiny:1-q4_k_m"}, world.how()).code == 0);
  check_refused(mang({"rm", "tiny:1"}, world.how()), 1, "not on this machine");

  // A quantization at the end of the name goes straight to the source that offers it.
  const Ran other = mang({"pull", "-q", "TINY:1-Q8_0"}, world.how());
  CHECK(has(other.out, "/model-Q8_0.gguf\n"));
  CHECK(!has(other.err, "Trying"));
  CHECK(mang({"rm", "tiny:1"}, world.how()).code == 0);
}

TEST_CASE("sources at addresses and in files; where none gives the model the last one says why") {
  World world;
  CHECK(mang({"pull", "-q", "address:1"}, world.how()).code == 0);
  CHECK(mang({"rm", "address:1"}, world.how()).code == 0);
  const Ran mine = mang({"pull", "mine:1"}, world.how());
  CHECK(has(mine.out, "/tied-gqa/model.gguf\n"));
  check_refused(mang({"rm", "mine:1"}, world.how()), 1, "not on this machine");  // a file of one's own stays
  world.hub->list_status = 503;
  const Ran none = mang({"pull", "tiny:1"}, world.how());
  CHECK(none.code == 1);
  CHECK(has(none.err, "HTTP 503"));
}

TEST_CASE("a licence that asks for consent is refused without a terminal, accepted by a flag, and remembered") {
  World world;
  const Ran refused = mang({"pull", "asking:1"}, world.how());
  check_refused(refused, 1, "mang pull asking:1 --accept-license");
  CHECK(has(refused.err, "be kind"));
  CHECK(has(refused.err, "https://x.example/l"));
  CHECK(world.hub->hub().requests().empty());
  CHECK(mang({"pull", "-q", "asking:1", "--accept-license"}, world.how()).code == 0);
  CHECK(mang({"rm", "asking:1"}, world.how()).code == 0);
  CHECK(mang({"pull", "-q", "asking:2"}, world.how()).code == 0);  // the same licence
  CHECK(read_file(world.folder.file("data/mang/accepted-licenses")) == "Asking License\n");
}

TEST_CASE("what cannot be run here is told before anything is asked for") {
  World world;
  check_refused(mang({"pull", "strange:1"}, world.how()), 1, "architecture 'strange'");
  CHECK(has(mang({"run", "strange:1", "x"}, world.how()).err, "mang pull hf:org/model"));
  CHECK(world.hub->hub().requests().empty());
}

TEST_CASE("a gated repository says which page to visit and what to do with a token") {
  World world;
  world.hub->gated = true;
  const Ran gated = mang({"pull", "hf:org/model"}, world.how());
  check_refused(gated, 1, "/org/model");
  CHECK(has(gated.err, "/settings/tokens"));
  CHECK(mang({"pull", "-q", "hf:org/model"}, world.how({"HF_TOKEN=hf_x"})).code == 0);
}

TEST_CASE("the digest of an address is the user's own") {
  World world;
  const std::string url = world.hub->store().url() + "/model-Q8_0.gguf",
                    right = sha256_of(world.files["model-Q8_0.gguf"]);
  const std::string wrong(64, 'b');
  check_refused(mang({"pull", url, "--sha256", "xyz"}, world.how()), 2, "64 hexadecimal digits");
  check_refused(mang({"pull", "tiny:1", "--sha256", right}, world.how()), 2, "one address");
  const Ran bad = mang({"pull", "-q", url, "--sha256", wrong}, world.how());
  CHECK(bad.code == 1);
  CHECK(has(bad.err, "(digest "));
  CHECK(!has(mang({"list"}, world.how()).out, "model-Q8_0"));
  CHECK(mang({"pull", "-q", url, "--sha256", right}, world.how()).code == 0);
  const Ran other = mang({"pull", "-q", url, "--sha256", wrong}, world.how());  // the file is here already
  CHECK(other.code == 1);
  CHECK(has(other.err, right));
}

TEST_CASE("without a name the model that suits is chosen and said; where no hub answers, the small one") {
  World world;
  const Ran chosen = mang({"run", "hello", "-n", "2"}, world.how());
  CAPTURE(chosen.err);
  CHECK(has(chosen.err, "No model was named: tiny:1"));
  CHECK(has(chosen.err, "words a second"));
  const size_t asked = world.hub->hub().requests().size();
  CHECK(has(mang({"run", "hello", "-n", "2"}, world.how()).err, "tiny:1, which is on this machine"));
  CHECK(world.hub->hub().requests().size() == asked);
  CHECK(!has(mang({"run", "hello", "-n", "2", "-q"}, world.how()).err, "No model was named"));
  CHECK(mang({"rm", "tiny:1"}, world.how()).code == 0);
  const Ran alone = mang({"run", "hello", "-n", "2"}, world.how({"HF_ENDPOINT=http://127.0.0.1:9"}));
  CHECK(has(alone.err, "no hub answers: smollm2:135m, a small English-only demonstration"));
}

TEST_CASE("a catalog of one's own that is wrong is refused by its place") {
  World world;
  const std::string path = world.folder.write("bad.json", R"({"families":[{"family":"x"}]})");
  check_refused(mang({"list"}, world.how({"MANG_CATALOG=" + path})), 1, "family 1");
  check_refused(mang({"list"}, world.how({"MANG_CATALOG=/nowhere.json"})), 1, "/nowhere.json");
}

}  // namespace
}  // namespace mang::test
