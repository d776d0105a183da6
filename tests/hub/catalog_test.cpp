#include "hub/catalog.h"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>

#include "hub/hf_repo.h"

namespace mang {
namespace {

TEST_CASE("the catalog compiled in is sound, and its default says what it is") {
  const Catalog& catalog = Catalog::built_in();
  const CatalogEntry& entry = catalog.default_entry();
  CHECK(entry.name == "smollm2:135m");
  CHECK(entry.license.id == "Apache-2.0");
  REQUIRE(std::holds_alternative<PackagedFile>(entry.sources.front().from));
  CHECK(std::get<PackagedFile>(entry.sources.front().from).sha256.size() == 64);
  CHECK(entry.note.find("English") != std::string::npos);
  CHECK(catalog.entries().size() > 40);
  for (const CatalogEntry& each : catalog.entries()) {
    CAPTURE(each.name);
    CHECK(catalog.find(each.name) == &each);
    for (const std::string& alias : each.aliases) CHECK(catalog.find(alias) == &each);
    CHECK(each.active_parameters <= each.parameters);
    for (const std::string& quantization : each.quantizations()) {
      CHECK(catalog.resolve(each.name + "-" + quantization).entry == &each);
      CHECK(catalog.resolve(each.name + "-" + quantization).quantization == quantization);
      CHECK(approximate_file_bytes(each.parameters, quantization) > 0);
    }
    // Files that others made are said to be.
    for (const CatalogSource& source : each.sources) {
      const auto* hf = std::get_if<HfSource>(&source.from);
      if (hf && !hf->folder && source.by.empty()) {
        const std::string organisation = hf->repo.substr(0, hf->repo.find('/'));
        CHECK((organisation == "Qwen" || organisation == "HuggingFaceTB"));
      }
      if (hf && !source.by.empty()) CHECK(hf->repo.starts_with(source.by + "/"));
    }
  }
  CHECK(catalog.recommended().size() > 10);
  for (const CatalogEntry* each : catalog.recommended()) CHECK(each != nullptr);
}

TEST_CASE("licences that ask for consent are those known to ask") {
  std::set<std::string> asking, families;
  for (const CatalogEntry& entry : Catalog::built_in().entries()) {
    families.insert(entry.family);
    if (!entry.license.consent.empty()) asking.insert(entry.family);
  }
  CHECK(asking == std::set<std::string>{"Llama", "Gemma 3", "Hunyuan", "openPangu", "Qwen2.5"});  // Qwen2.5: the 3B
  for (const char* family : {"Qwen3", "DeepSeek-R1 distilled", "gpt-oss", "GLM", "Kimi", "ERNIE 4.5", "Seed-OSS"})
    CHECK(families.contains(family));
  CHECK(!Catalog::built_in().find("qwen2.5:3b")->license.consent.empty());
  CHECK(Catalog::built_in().find("qwen2.5:7b")->license.consent.empty());
}

TEST_CASE("names are found whatever their letter case, with a quantization too, and near misses are suggested") {
  const Catalog& catalog = Catalog::built_in();
  CHECK(catalog.find("SmolLM2:135M") == &catalog.default_entry());
  CHECK(catalog.find("smollm2") == &catalog.default_entry());
  CHECK(catalog.find("smollm") == nullptr);
  CHECK(catalog.find("") == nullptr);
  CHECK(catalog.find("-") == nullptr);
  CHECK(catalog.resolve("qwen3:4b").quantization.empty());
  CHECK(catalog.resolve("Qwen3:4B-q8_0").quantization == "Q8_0");
  CHECK(catalog.resolve("llama3.2:1b-instruct-q8_0").entry == catalog.find("llama3.2:1b"));
  CHECK(catalog.resolve("kimi-k2:1t-ud-q2_k_xl").quantization == "UD-Q2_K_XL");
  CHECK(catalog.resolve("qwen3:4b-q9_9").entry == nullptr);
  CHECK(catalog.resolve("qwen3:0.6b-q4_k_m").entry == nullptr);  // its publisher offers none
  const std::map<std::string, std::string> misses = {
      {"smolm2:135m", "smollm2:135m"}, {"smollm2:315m", "smollm2:135m"}, {"qwen3:0.5b", "qwen3:0.6b"},
      {"lama3.2:1b", "llama3.2:1b"},   {"gemma3:1", "gemma3:1b"},        {"deepseekr1:7b", "deepseek-r1:7b"}};
  for (const auto& [miss, meant] : misses) {
    CAPTURE(miss);
    REQUIRE(!catalog.suggestions(miss).empty());
    CHECK(catalog.suggestions(miss)[0] == meant);
    CHECK(catalog.suggestions(miss).size() <= 3);
  }
  CHECK(catalog.suggestions("falcon-mamba:7b").empty());
  CHECK(catalog.suggestions(std::string(100000, 'a')).empty());
}

TEST_CASE("edit distance") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("ab", "ba") == 1);  // one swap
  CHECK(edit_distance("smollm2", "smolml2") == 1);
}

TEST_CASE("sizes of files are about what is published") {
  struct Published {
    double billions;
    const char* quantization;
    double gigabytes;
  };
  // Sizes on the model pages of Qwen3 4B, 8B and 32B, Llama 3.2 3B and 3.1 8B.
  for (const Published& each :
       {Published{4.02, "Q4_K_M", 2.50}, Published{4.02, "Q8_0", 4.28}, Published{8.19, "q4_k_m", 5.03},
        Published{32.8, "Q4_K_M", 19.8}, Published{3.21, "Q4_K_M", 2.02}, Published{8.03, "Q6_K", 6.60}}) {
    CAPTURE(each.billions);
    const double found =
        static_cast<double>(approximate_file_bytes(static_cast<uint64_t>(each.billions * 1e9), each.quantization));
    CHECK(found / 1e9 == doctest::Approx(each.gigabytes).epsilon(0.06));
  }
  CHECK(approximate_file_bytes(1000, "Q9_9") == 0);
}

// A valid catalog with one member of its model replaced by `json`, or left out when json is empty.
std::string catalog_with(const std::string& key, const std::string& json) {
  std::string members;
  auto add = [&](const std::string& name, const std::string& good) {
    const std::string& value = name == key ? json : good;
    if (!value.empty()) members += (members.empty() ? "" : ",") + ("\"" + name + "\":" + value);
  };
  add("name", "\"a:b\"");
  add("aliases", "[\"c:d\"]");
  add("title", "\"t\"");
  add("parameters", "600");
  add("active", "100");
  add("kv", "[28,8,128]");
  add("architecture", "\"qwen3\"");
  add("context", "4096");
  add("languages", "[\"en\"]");
  add("note", "\"\"");
  add("license", R"({"id":"MIT","url":"https://x.example/","consent":""})");
  add("sources", R"([{"hf":"o/n","quantizations":["Q8_0"]}])");
  return R"({"default":"a:b","recommended":["a:b"],"families":[{"family":"f","publisher":"p","models":[{)" + members +
         "}]}]}";
}

TEST_CASE("a catalog with a missing or wrong member is refused by the member's name") {
  REQUIRE(Catalog::parse(catalog_with("", ""), "c").ok());
  for (const char* key :
       {"name", "title", "parameters", "architecture", "context", "languages", "license", "sources"}) {
    CAPTURE(key);
    for (const char* bad : {"", "null", "{}", "-1", "[1]"}) {
      CAPTURE(bad);
      CHECK(!Catalog::parse(catalog_with(key, bad), "c").ok());
    }
    CHECK(Catalog::parse(catalog_with(key, ""), "c").error().message.find(key) != std::string::npos);
  }
  for (const char* key : {"aliases", "active", "kv", "note"}) {  // may be left out, but not be nonsense
    CAPTURE(key);
    CHECK(Catalog::parse(catalog_with(key, ""), "c").ok());
    for (const char* bad : {"null", "{}", "-1", "[1]", "[0,0,0]", "[1,2,9999999999]"})
      CHECK(!Catalog::parse(catalog_with(key, bad), "c").ok());
  }
  CHECK(!Catalog::parse(catalog_with("sources", R"([{"hf":"o/n","quantizations":["Q8_0"],"bytes":-1}])"), "c").ok());
  CHECK(!Catalog::parse(catalog_with("active", "601"), "c").ok());
  CHECK(!Catalog::parse(catalog_with("aliases", "[\"A:B\"]"), "c").ok());
  CHECK(!Catalog::parse(R"({"default":"x","families":[]})", "c").ok());
  CHECK(!Catalog::parse(R"({"recommended":["x"],"families":[]})", "c").ok());
  CHECK(Catalog::parse(R"({"famlies":[]})", "c").error().message.find("famlies") != std::string::npos);
}

TEST_CASE("a catalog cannot name files outside the store, smuggle options to pip or name what is no repository") {
  auto package = [](const std::string& key, const std::string& value) {
    std::string out;
    for (const auto& [name, good] : std::map<std::string, std::string>{{"pip", "\"p\""},
                                                                       {"version", "\"1\""},
                                                                       {"member", "\"m\""},
                                                                       {"download_bytes", "9"},
                                                                       {"file", "\"a.gguf\""},
                                                                       {"bytes", "5"},
                                                                       {"sha256", '"' + std::string(64, 'a') + '"'},
                                                                       {"quantizations", "[\"Q4_0\"]"}}) {
      out += (out.empty() ? "" : ",") + ('"' + name + "\":" + (name == key ? value : good));
    }
    return Catalog::parse(catalog_with("sources", "[{" + out + "}]"), "c");
  };
  REQUIRE(package("", "").ok());
  CHECK(std::get<PackagedFile>(package("", "")->entries()[0].sources[0].from).name == "a:b");
  CHECK(!package("file", "\"../a\"").ok());
  auto parts = [](const std::string& list) {
    return Catalog::parse(catalog_with("sources", R"([{"parts":)" + list + R"(,"file":"a.gguf","bytes":5,"sha256":")" +
                                                      std::string(64, 'a') + R"(","quantizations":["Q4_0"]}])"),
                          "c");
  };
  const std::string part = R"({"pip":"p","version":"1","member":"m","download_bytes":9})";
  const auto joined = parts("[" + part + "," + part + "]");
  REQUIRE_MESSAGE(joined.ok(), joined.error().message);
  CHECK(std::get<PackagedFile>(joined->entries()[0].sources[0].from).download_bytes() == 18);
  for (const char* wrong : {"[]", "{}", "[1]", R"([{"pip":"-r","version":"1","member":"m","download_bytes":9}])",
                            R"([{"pip":"p","version":"1","download_bytes":9}])"})
    CHECK(!parts(wrong).ok());
  CHECK(!package("file", "\".hidden\"").ok());
  CHECK(!package("sha256", "\"../../etc\"").ok());
  CHECK(!package("quantizations", "[]").ok());
  for (const char* name : {"--index-url=x", "a b", "a;b", "", "-r"})
    CHECK(!package("pip", '"' + std::string(name) + '"').ok());
  for (const char* source :
       {R"({"hf":"../x","quantizations":["Q8_0"]})", R"({"hf":"n","quantizations":["Q8_0"]})",
        R"({"hf":"o/n","folder":1,"quantizations":["Q8_0"]})", R"({"hf":"o/n"})",
        R"({"https":"ftp://x/m.gguf","quantizations":["Q8_0"]})",
        R"({"https":"https://x/m.gguf","sha256":"x","quantizations":["Q8_0"]})",
        R"({"path":"relative.gguf","quantizations":["Q8_0"]})", R"({"quantizations":["Q8_0"]})", R"("hf")"}) {
    CAPTURE(source);
    CHECK(!Catalog::parse(catalog_with("sources", "[" + std::string(source) + "]"), "c").ok());
  }
}

TEST_CASE("a user's own catalog comes before the one compiled in") {
  std::string json = catalog_with("name", "\"qwen3:8b\"");
  json.replace(json.find(R"("default":"a:b","recommended":["a:b"])"), 37, R"("recommended":["c:d"])");
  const Result<Catalog> own = Catalog::parse(json, "own");
  REQUIRE_MESSAGE(own.ok(), own.error().message);
  const Catalog both = Catalog::built_in().with(*own);
  CHECK(both.find("qwen3:8b")->title == "t");
  CHECK(both.find("c:d")->title == "t");
  CHECK(both.find("qwen3:4b")->title == "Qwen3 4B");
  CHECK(both.default_entry().name == "smollm2:135m");
  CHECK(both.entries().size() == Catalog::built_in().entries().size());
  CHECK(both.recommended().front()->title == "t");
}

}  // namespace
}  // namespace mang
