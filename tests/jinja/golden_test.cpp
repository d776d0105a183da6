// Against Python's jinja2 as transformers sets it up: texts written by tools/compare_templates.py goldens.
#include <fstream>

#include "chat/template.h"
#include "render.h"

namespace mang {
namespace {

const std::string kFolder = std::string(MANG_SOURCE_DIR) + "/tests/golden/templates/";

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<Json> read_rows(const std::string& name) {
  std::vector<Json> rows;
  std::ifstream file(kFolder + name);
  for (std::string line; std::getline(file, line);) {
    auto row = parse_json(line, name);
    REQUIRE(row.ok());
    rows.push_back(*row);
  }
  return rows;
}

// [template, context, text or null where jinja2 refuses]
void check_rows(const std::string& name, size_t at_least) {
  const auto rows = read_rows(name);
  REQUIRE(rows.size() >= at_least);
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto source = rows[i][0].get<std::string>();
    const auto text = jinja::try_render(source, rows[i][1].dump());
    INFO(name, ":", i + 1, " ", source);
    if (rows[i][2].is_null()) {
      CHECK_MESSAGE(!text.ok(), (text.ok() ? *text : ""));
    } else {
      REQUIRE_MESSAGE(text.ok(), (text.ok() ? "" : text.error().message));
      CHECK(*text == rows[i][2].get<std::string>());
    }
  }
}

TEST_CASE("the language, corner by corner, as jinja2 renders it") { check_rows("language.jsonl", 400); }

TEST_CASE("random templates, as jinja2 renders them") { check_rows("random.jsonl", 300); }

TEST_CASE("chat templates over a matrix of conversations, as transformers renders them") {
  auto matrix = parse_json(read_file(kFolder + "conversations.json"), "conversations.json");
  REQUIRE(matrix.ok());
  SpecialTokens tokens;
  for (const auto& [name, token] : (*matrix)["special"].items()) tokens[name] = token.get<std::string>();
  const auto now = jinja::DateTime::parse_iso8601((*matrix)["now"].get<std::string>());
  REQUIRE(now.ok());

  const auto rows = read_rows("chat_expected.jsonl");
  REQUIRE(rows.size() >= 300);
  for (const auto& row : rows) {
    const auto label = row[0].get<std::string>();  // template/conversation/variant
    INFO(label);
    const size_t first = label.find('/'), second = label.rfind('/');
    const auto name = label.substr(0, first);
    const auto& variant = (*matrix)["variants"][std::stoul(label.substr(second + 1))];
    const auto chat = ChatTemplate::create(read_file(kFolder + name + ".jinja"), name, tokens);
    REQUIRE_MESSAGE(chat.ok(), (chat.ok() ? "" : chat.error().message));
    ChatRequest request;
    request.messages = (*matrix)["conversations"][label.substr(first + 1, second - first - 1)];
    if (variant.value("tools", false)) request.tools = (*matrix)["tools"];
    if (variant.value("documents", false)) request.documents = (*matrix)["documents"];
    request.add_generation_prompt = variant["add_generation_prompt"].get<bool>();
    request.variables = variant.value("variables", Json::object());
    request.now = *now;
    const auto text = chat->render(request);
    if (row[1].is_null()) {
      CHECK_MESSAGE(!text.ok(), (text.ok() ? *text : ""));
    } else {
      REQUIRE_MESSAGE(text.ok(), (text.ok() ? "" : text.error().message));
      CHECK(*text == row[1].get<std::string>());
    }
  }
}

}  // namespace
}  // namespace mang
