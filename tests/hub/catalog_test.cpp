#include "hub/catalog.h"

#include <doctest/doctest.h>

#include <string>

namespace mang {
namespace {

TEST_CASE("the catalog compiled in is sound, and its default says what it is") {
  const Catalog& catalog = Catalog::built_in();
  const CatalogEntry& entry = catalog.default_entry();
  CHECK(entry.name == "smollm2:135m");
  CHECK(entry.license == "Apache-2.0");
  CHECK(entry.sha256.size() == 64);
  CHECK(entry.note.find("English") != std::string::npos);
  for (const CatalogEntry& each : catalog.entries()) {
    CHECK(catalog.find(each.name) == &each);
    for (const std::string& alias : each.aliases) CHECK(catalog.find(alias) == &each);
  }
}

TEST_CASE("names are found whatever their letter case, and near misses are suggested") {
  const Catalog& catalog = Catalog::built_in();
  CHECK(catalog.find("SmolLM2:135M") == &catalog.default_entry());
  CHECK(catalog.find("smollm2") == &catalog.default_entry());
  CHECK(catalog.find("smollm") == nullptr);
  CHECK(catalog.find("") == nullptr);
  for (const char* close : {"smolm2:135m", "smollm:135m", "smollm2:315m", "smollm2:1.7b", "smollm2:"}) {
    CAPTURE(close);
    REQUIRE(catalog.suggestions(close).size() == 1);
    CHECK(catalog.suggestions(close)[0] == "smollm2:135m");
  }
  CHECK(catalog.suggestions("mistral:7b").empty());
  CHECK(catalog.suggestions(std::string(100000, 'a')).empty());
}

TEST_CASE("edit distance") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("ab", "ba") == 1);  // one swap
  CHECK(edit_distance("smollm2", "smolml2") == 1);
}

// A valid catalog with one member of its model replaced by `json`, or left out when json is empty.
std::string catalog_with(const std::string& key, const std::string& json) {
  std::string members;
  auto add = [&](const std::string& name, const std::string& good) {
    const std::string& value = name == key ? json : good;
    if (!value.empty()) members += (members.empty() ? "" : ",") + ("\"" + name + "\":" + value);
  };
  add("name", "\"a:b\"");
  add("aliases", "[]");
  add("title", "\"t\"");
  add("publisher", "\"p\"");
  add("license", "\"MIT\"");
  add("languages", "[\"en\"]");
  add("note", "\"\"");
  add("file", "\"a.gguf\"");
  add("bytes", "5");
  add("sha256", "\"" + std::string(64, 'a') + "\"");
  add("source", R"({"kind":"pip","package":"p","version":"1","member":"m","download_bytes":9})");
  return R"({"default":"a:b","models":[{)" + members + "}]}";
}

TEST_CASE("a catalog with a missing or wrong member is refused by the member's name") {
  REQUIRE(Catalog::parse(catalog_with("", ""), "c").ok());
  for (const char* key :
       {"name", "aliases", "title", "publisher", "license", "languages", "note", "file", "bytes", "sha256", "source"}) {
    CAPTURE(key);
    for (const char* bad : {"", "null", "{}", "-1"}) {
      CAPTURE(bad);
      Result<Catalog> parsed = Catalog::parse(catalog_with(key, bad), "c");
      CHECK(!parsed.ok());
    }
    CHECK(Catalog::parse(catalog_with(key, ""), "c").error().message.find(key) != std::string::npos);
  }
}

TEST_CASE("a catalog cannot name files outside the store or smuggle options to pip") {
  CHECK(!Catalog::parse(catalog_with("file", "\"../a\""), "c").ok());
  CHECK(!Catalog::parse(catalog_with("file", "\".hidden\""), "c").ok());
  CHECK(!Catalog::parse(catalog_with("sha256", "\"../../etc\""), "c").ok());
  CHECK(!Catalog::parse(catalog_with("aliases", "[\"a:b\"]"), "c").ok());
  for (const char* package : {"--index-url=x", "a b", "a;b", "", "-r"}) {
    const std::string source =
        std::string(R"({"kind":"pip","package":")") + package + R"(","version":"1","member":"m","download_bytes":9})";
    CHECK(!Catalog::parse(catalog_with("source", source), "c").ok());
  }
}

}  // namespace
}  // namespace mang
