#include "format/hf_config.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>

#include "support/temp_dir.h"

using namespace mang;
using mang::test::TempDir;

namespace {

HfConfig parse_ok(std::string_view json) {
  auto config = HfConfig::parse(json, "config.json");
  REQUIRE_MESSAGE(config.ok(), (config.ok() ? "" : config.error().message));
  return std::move(*config);
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("typed lookups") {
  const HfConfig c = parse_ok(R"({"n": 4, "neg": -4, "f": 1e-6, "theta": 10000, "b": true, "s": "măng", "null": null,
      "list": [1, 2], "floats": [1, 0.5], "strings": ["a", "b"], "rope": {"type": "llama3", "deep": {"x": 1}},
      "objects": [{"a": 1}, {"a": 2}], "big": 18446744073709551615})");
  CHECK(c.get_u64("n").value() == 4);
  CHECK(c.get_i64("neg").value() == -4);
  CHECK(c.get_u64("big").value() == ~uint64_t{0});
  CHECK(c.get_float("f").value() == 1e-6);
  CHECK(c.get_float("theta").value() == 10000.0);
  CHECK(c.get_bool("b").value());
  CHECK(c.get_string("s").value() == "măng");
  CHECK(c.get_u64s("list").value() == std::vector<uint64_t>{1, 2});
  CHECK(c.get_u64s("n").value() == std::vector<uint64_t>{4});
  CHECK(c.get_floats("floats").value() == std::vector<double>{1, 0.5});
  CHECK(c.get_strings("strings").value() == std::vector<std::string>{"a", "b"});
  CHECK(c.get_strings("s").value() == std::vector<std::string>{"măng"});
  CHECK(c.get_object("rope").value().get_object("deep").value().get_u64("x").value() == 1);
  CHECK(c.get_objects("objects").value()[1].get_u64("a").value() == 2);
  CHECK(c.get_json("list").value() == "[1,2]");
  CHECK(c.is_list("list"));
  CHECK(c.is_object("rope"));
  CHECK(c.is_string("s"));
  CHECK_FALSE(c.is_list("nothing"));
  CHECK(c.has("n"));
  CHECK_FALSE(c.has("null"));
  CHECK_FALSE(c.has("nothing"));
  CHECK(c.keys().size() == 13);
}

TEST_CASE("a missing or mistyped value is an error that names file, key and what was found") {
  const HfConfig c = parse_ok(R"({"f": 1.5, "neg": -4, "s": "4", "null": null, "o": {"p": {}}, "mixed": [1, "a"],
                                  "big": 9223372036854775808})");
  CHECK(c.get_u64("hidden_size").error().message == "config.json: has no 'hidden_size', which is needed.");
  CHECK(contains(c.get_u64("null").error().message, "has no 'null'"));
  CHECK(contains(c.get_u64("f").error().message, "'f' is 1.5"));
  CHECK_FALSE(c.get_u64("neg").ok());
  CHECK_FALSE(c.get_u64("s").ok());
  CHECK_FALSE(c.get_i64("big").ok());
  CHECK_FALSE(c.get_i64("f").ok());
  CHECK_FALSE(c.get_float("s").ok());
  CHECK_FALSE(c.get_bool("s").ok());
  CHECK_FALSE(c.get_string("f").ok());
  CHECK_FALSE(c.get_u64s("mixed").ok());
  CHECK_FALSE(c.get_floats("mixed").ok());
  CHECK_FALSE(c.get_strings("mixed").ok());
  CHECK_FALSE(c.get_object("s").ok());
  CHECK_FALSE(c.get_objects("mixed").ok());
  CHECK_FALSE(c.get_json("none").ok());
  const auto nested = c.get_object("o").value().get_object("p").value();
  CHECK(contains(nested.get_u64("x").error().message, "config.json: o: p: has no 'x'"));
}

TEST_CASE("a nested object outlives the one it came from") {
  auto inner = parse_ok(R"({"text_config": {"hidden_size": 64}})").get_object("text_config");
  CHECK(inner.value().get_u64("hidden_size").value() == 64);
}

TEST_CASE("what is not a JSON object within bounds is refused") {
  const auto error = [](std::string_view json) {
    auto config = HfConfig::parse(json, "config.json");
    REQUIRE_FALSE(config.ok());
    return config.error().message;
  };
  CHECK(contains(error(""), "not valid JSON"));
  CHECK(contains(error("{"), "not valid JSON"));
  CHECK(contains(error("[]"), "instead of a JSON object"));
  CHECK(contains(error("{\"a\":\"\xc0\xaf\"}"), "not valid JSON"));
  CHECK(contains(error(std::string_view("{}\0", 3)), "zero byte"));
  CHECK(contains(error("{\"a\":NaN}"), "not valid JSON"));
  CHECK(contains(error(std::string(1'000'000, '[')), "levels deep"));
  std::string many = "{\"a\":[0";
  for (uint64_t i = 0; i < kHfConfigMaxValues; ++i) many += ",0";
  CHECK(contains(error(many + "]}"), "values"));
  CHECK(contains(error(std::string(kHfConfigMaxBytes + 1, ' ')), "bytes"));
}

TEST_CASE("the files of a directory") {
  TempDir dir;
  CHECK(contains(read_config(dir.path()).error().message, "no config.json"));
  CHECK_FALSE(read_generation_config(dir.path()).value().has_value());
  CHECK_FALSE(read_tokenizer_config(dir.path()).value().has_value());
  dir.write("config.json", R"({"hidden_size": 8})");
  dir.write("generation_config.json", R"({"temperature": 0.7, "eos_token_id": [1, 2]})");
  dir.write("tokenizer_config.json", R"(broken)");
  CHECK(read_config(dir.path()).value().get_u64("hidden_size").value() == 8);
  CHECK(read_generation_config(dir.path()).value()->get_u64s("eos_token_id").value() == std::vector<uint64_t>{1, 2});
  CHECK(contains(read_tokenizer_config(dir.path()).error().message, "tokenizer_config.json: is not valid JSON"));
}

TEST_CASE("a file name cannot lead out of the directory, a symbolic link may") {
  TempDir dir;
  for (std::string_view name : {"../x", "/etc/passwd", "a/b", "..", ".", "", "a\\b"}) {
    CAPTURE(name);
    CHECK_FALSE(read_directory_file(dir.path(), name, 100).ok());
  }
  CHECK_FALSE(read_directory_file(dir.path(), std::string_view("a\0b", 3), 100).ok());
  TempDir blobs;
  blobs.write("0123", R"({"hidden_size": 9})");
  std::filesystem::create_symlink(blobs.file("0123"), dir.file("config.json"));
  CHECK(read_config(dir.path()).value().get_u64("hidden_size").value() == 9);
  CHECK_FALSE(read_directory_file(dir.path(), "config.json", 5).ok());
}

TEST_CASE("a named pipe is refused, not waited for") {
  TempDir dir;
  REQUIRE(::mkfifo(dir.file("config.json").c_str(), 0600) == 0);
  CHECK(contains(read_config(dir.path()).error().message, "not a regular file"));
}

TEST_SUITE("chat templates") {
  TEST_CASE("none") {
    TempDir dir;
    CHECK(read_chat_templates(dir.path()).value().empty());
  }
  TEST_CASE("a string in tokenizer_config.json") {
    TempDir dir;
    dir.write("tokenizer_config.json", R"({"chat_template": "{{ x }}\n"})");
    const auto found = read_chat_templates(dir.path()).value();
    REQUIRE(found.size() == 1);
    CHECK(found[0].name == "default");
    CHECK(found[0].text == "{{ x }}\n");
  }
  TEST_CASE("a list of named ones") {
    TempDir dir;
    dir.write("tokenizer_config.json", R"({"chat_template": [{"name": "a_tool_use", "template": "T"},
                                                             {"name": "default", "template": "D"}]})");
    const auto found = read_chat_templates(dir.path()).value();
    REQUIRE(found.size() == 2);
    CHECK(found[0].text == "D");
    CHECK(found[1].name == "a_tool_use");
  }
  TEST_CASE("files win over tokenizer_config.json") {
    TempDir dir;
    dir.write("tokenizer_config.json", R"({"chat_template": "old"})");
    dir.write("chat_template.jinja", "new");
    std::filesystem::create_directory(dir.file("additional_chat_templates"));
    dir.write("additional_chat_templates/rag.jinja", "rag");
    dir.write("additional_chat_templates/README.md", "no template");
    const auto found = read_chat_templates(dir.path()).value();
    REQUIRE(found.size() == 2);
    CHECK(found[0].text == "new");
    CHECK(found[1].name == "rag");
  }
  TEST_CASE("refusals") {
    TempDir dir;
    dir.write("tokenizer_config.json", R"({"chat_template": 7})");
    CHECK(contains(read_chat_templates(dir.path()).error().message, "chat_template"));
    dir.write("tokenizer_config.json", R"({"chat_template": [{"name": "a"}]})");
    CHECK(contains(read_chat_templates(dir.path()).error().message, "template"));
    dir.write("tokenizer_config.json",
              R"({"chat_template": [{"name": "a", "template": "1"}, {"name": "a", "template": "2"}]})");
    CHECK(contains(read_chat_templates(dir.path()).error().message, "two chat templates"));
    dir.write("chat_template.jinja", std::string(kHfTemplateMaxBytes + 1, ' '));
    CHECK_FALSE(read_chat_templates(dir.path()).ok());
  }
}
