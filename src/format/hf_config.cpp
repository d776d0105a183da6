#include "format/hf_config.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "format/json_events.h"
#include "format/text_check.h"

namespace mang {

namespace {

using Tree = nlohmann::json;  // objects as sorted maps: no quadratic cost for many keys

// Passes over everything once, counting, so that a small file cannot grow into a large tree.
class CountEvents : public JsonEvents {
 public:
  bool on_key(std::string&) override { return true; }
  bool on_string(std::string&) override { return count(); }
  bool on_unsigned(uint64_t) override { return count(); }
  bool on_open_object() override { return count(); }
  bool on_open_array() override { return count(); }
  bool on_other() override { return count(); }

 protected:
  Error wanted() const override { return Error{"nothing is expected"}; }

 private:
  bool count() {
    if (++values_ <= kHfConfigMaxValues) return true;
    return refuse(fail("{}: has more than {} values, which is refused.", what(), kHfConfigMaxValues));
  }
  uint64_t values_ = 0;
};

Result<Tree> parse_tree(std::string_view json, std::string_view what) {
  CountEvents counter;
  MANG_TRY(counter.parse(json, what));
  Tree tree = Tree::parse(json.begin(), json.end(), nullptr, /*allow_exceptions=*/false);
  if (tree.is_discarded()) return fail("{}: is not valid JSON.", what);  // the counter has accepted the same text
  return tree;
}

bool is_plain_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\\') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

}  // namespace

HfConfig::HfConfig(std::shared_ptr<const nlohmann::json> object, std::string what)
    : object_(std::move(object)), what_(std::move(what)) {}

Result<HfConfig> HfConfig::parse(std::string_view json, std::string what) {
  if (json.size() > kHfConfigMaxBytes) {
    return fail("{}: has {} bytes, more than the {} allowed for such a file.", what, json.size(), kHfConfigMaxBytes);
  }
  MANG_TRY(Tree tree, parse_tree(json, what));
  if (!tree.is_object()) return fail("{}: holds {} instead of a JSON object.", what, tree.type_name());
  return HfConfig(std::make_shared<const Tree>(std::move(tree)), std::move(what));
}

const nlohmann::json* HfConfig::find(std::string_view key) const {
  const auto at = object_->find(key);
  return at == object_->end() || at->is_null() ? nullptr : &*at;
}

Result<const nlohmann::json*> HfConfig::need(std::string_view key) const {
  const Tree* value = find(key);
  if (value == nullptr) return fail("{}: has no {}, which is needed.", what_, in_quotes(key));
  return value;
}

Error HfConfig::wrong_type(std::string_view key, const Error& wanted) const {
  const std::string found = find(key)->dump(-1, ' ', false, Tree::error_handler_t::replace);
  return fail("{}: {} is {}, but {} is needed.", what_, in_quotes(key), printable(found, 80), wanted);
}

bool HfConfig::has(std::string_view key) const { return find(key) != nullptr; }

bool HfConfig::is_null(std::string_view key) const {
  const auto at = object_->find(key);
  return at != object_->end() && at->is_null();
}

bool HfConfig::is_string(std::string_view key) const { return has(key) && find(key)->is_string(); }
bool HfConfig::is_list(std::string_view key) const { return has(key) && find(key)->is_array(); }
bool HfConfig::is_object(std::string_view key) const { return has(key) && find(key)->is_object(); }

std::vector<std::string> HfConfig::keys() const {
  std::vector<std::string> out;
  for (const auto& item : object_->items()) out.push_back(item.key());
  return out;
}

Result<uint64_t> HfConfig::get_u64(std::string_view key) const {
  MANG_TRY(const Tree* value, need(key));
  if (!value->is_number_unsigned()) return wrong_type(key, Error{"an integer of at least 0"});
  return value->get<uint64_t>();
}

Result<int64_t> HfConfig::get_i64(std::string_view key) const {
  MANG_TRY(const Tree* value, need(key));
  if (!value->is_number_integer() || (value->is_number_unsigned() && value->get<uint64_t>() > uint64_t{INT64_MAX})) {
    return wrong_type(key, Error{"an integer below 2^63"});
  }
  return value->get<int64_t>();
}

Result<double> HfConfig::get_float(std::string_view key) const {
  MANG_TRY(const Tree* value, need(key));
  if (!value->is_number()) return wrong_type(key, Error{"a number"});
  return value->get<double>();
}

Result<bool> HfConfig::get_bool(std::string_view key) const {
  MANG_TRY(const Tree* value, need(key));
  if (!value->is_boolean()) return wrong_type(key, Error{"true or false"});
  return value->get<bool>();
}

Result<std::string> HfConfig::get_string(std::string_view key) const {
  MANG_TRY(const Tree* value, need(key));
  if (!value->is_string()) return wrong_type(key, Error{"a string"});
  return value->get<std::string>();
}

Result<std::vector<uint64_t>> HfConfig::get_u64s(std::string_view key) const {
  MANG_TRY(const Tree* value, need(key));
  if (value->is_number_unsigned()) return std::vector<uint64_t>{value->get<uint64_t>()};
  const auto is_u64 = [](const Tree& item) { return item.is_number_unsigned(); };
  if (!value->is_array() || !std::all_of(value->begin(), value->end(), is_u64)) {
    return wrong_type(key, Error{"a list of integers of at least 0"});
  }
  return value->get<std::vector<uint64_t>>();
}

Result<std::vector<double>> HfConfig::get_floats(std::string_view key) const {
  MANG_TRY(const Tree* value, need(key));
  const auto is_number = [](const Tree& item) { return item.is_number(); };
  if (!value->is_array() || !std::all_of(value->begin(), value->end(), is_number)) {
    return wrong_type(key, Error{"a list of numbers"});
  }
  return value->get<std::vector<double>>();
}

Result<std::vector<std::string>> HfConfig::get_strings(std::string_view key) const {
  MANG_TRY(const Tree* value, need(key));
  if (value->is_string()) return std::vector<std::string>{value->get<std::string>()};
  const auto is_string = [](const Tree& item) { return item.is_string(); };
  if (!value->is_array() || !std::all_of(value->begin(), value->end(), is_string)) {
    return wrong_type(key, Error{"a list of strings"});
  }
  return value->get<std::vector<std::string>>();
}

Result<HfConfig> HfConfig::get_object(std::string_view key) const {
  MANG_TRY(const Tree* value, need(key));
  if (!value->is_object()) return wrong_type(key, Error{"an object"});
  return HfConfig(std::shared_ptr<const Tree>(object_, value), fmt::format("{}: {}", what_, printable(key, 80)));
}

Result<std::vector<HfConfig>> HfConfig::get_objects(std::string_view key) const {
  MANG_TRY(const Tree* value, need(key));
  const auto is_object = [](const Tree& item) { return item.is_object(); };
  if (!value->is_array() || !std::all_of(value->begin(), value->end(), is_object)) {
    return wrong_type(key, Error{"a list of objects"});
  }
  std::vector<HfConfig> out;
  for (const Tree& item : *value) {
    out.push_back(HfConfig(std::shared_ptr<const Tree>(object_, &item),
                           fmt::format("{}: {}[{}]", what_, printable(key, 80), out.size())));
  }
  return out;
}

Result<std::string> HfConfig::get_json(std::string_view key) const {
  MANG_TRY(const Tree* value, need(key));
  return value->dump(-1, ' ', false, Tree::error_handler_t::replace);
}

Result<std::optional<std::string>> read_directory_file(const std::string& directory, std::string_view name,
                                                       uint64_t max_bytes) {
  if (!is_plain_name(name)) {
    return fail("{}: the file name {} is refused; a name without folders is needed.", directory, in_quotes(name));
  }
  const std::string path = fmt::format("{}/{}", directory, name);
  std::error_code why;
  const auto status = std::filesystem::status(path, why);
  if (status.type() == std::filesystem::file_type::not_found) return std::optional<std::string>{};
  MANG_TRY(std::string text, read_text_file(path, max_bytes));
  return std::optional<std::string>(std::move(text));
}

namespace {

Result<std::optional<HfConfig>> read_optional(const std::string& directory, std::string_view name) {
  MANG_TRY(std::optional<std::string> text, read_directory_file(directory, name, kHfConfigMaxBytes));
  if (!text) return std::optional<HfConfig>{};
  MANG_TRY(HfConfig config, HfConfig::parse(*text, fmt::format("{}/{}", directory, name)));
  return std::optional<HfConfig>(std::move(config));
}

// additional_chat_templates/NAME.jinja
Result<void> read_additional_templates(const std::string& directory, std::vector<HfChatTemplate>& out) {
  constexpr size_t kMaxTemplates = 64;
  const std::string folder = directory + "/additional_chat_templates";
  std::error_code why;
  std::vector<std::string> names;
  for (auto at = std::filesystem::directory_iterator(folder, why); !why && at != end(at); at.increment(why)) {
    const std::string name = at->path().filename().string();
    if (name.ends_with(".jinja")) names.push_back(name);
    if (names.size() > kMaxTemplates) return fail("{}: more than {} templates are refused.", folder, kMaxTemplates);
  }
  for (const auto& name : names) {
    MANG_TRY(std::optional<std::string> text, read_directory_file(folder, name, kHfTemplateMaxBytes));
    if (text) out.push_back({name.substr(0, name.size() - std::string_view(".jinja").size()), std::move(*text)});
  }
  return {};
}

Result<std::vector<HfChatTemplate>> templates_in_config(const HfConfig& config) {
  constexpr std::string_view kKey = "chat_template";
  if (!config.has(kKey)) return std::vector<HfChatTemplate>{};
  if (config.is_string(kKey)) {
    MANG_TRY(std::string text, config.get_string(kKey));
    return std::vector<HfChatTemplate>{{"default", std::move(text)}};
  }
  MANG_TRY(std::vector<HfConfig> named, config.get_objects(kKey));
  std::vector<HfChatTemplate> out;
  for (const HfConfig& item : named) {
    MANG_TRY(std::string name, item.get_string("name"));
    MANG_TRY(std::string text, item.get_string("template"));
    out.push_back({std::move(name), std::move(text)});
  }
  return out;
}

}  // namespace

Result<HfConfig> read_config(const std::string& directory) {
  MANG_TRY(std::optional<HfConfig> config, read_optional(directory, "config.json"));
  if (!config) return fail("{}: has no config.json, so it is not a Hugging Face model directory.", directory);
  return std::move(*config);
}

Result<std::optional<HfConfig>> read_generation_config(const std::string& directory) {
  return read_optional(directory, "generation_config.json");
}

Result<std::optional<HfConfig>> read_tokenizer_config(const std::string& directory) {
  return read_optional(directory, "tokenizer_config.json");
}

Result<std::vector<HfChatTemplate>> read_chat_templates(const std::string& directory) {
  std::vector<HfChatTemplate> out;
  MANG_TRY(std::optional<std::string> text, read_directory_file(directory, "chat_template.jinja", kHfTemplateMaxBytes));
  if (text) out.push_back({"default", std::move(*text)});
  MANG_TRY(read_additional_templates(directory, out));
  if (out.empty()) {
    MANG_TRY(std::optional<HfConfig> config, read_tokenizer_config(directory));
    if (config) {
      MANG_TRY(out, templates_in_config(*config));
    }
  }
  const auto key = [](const HfChatTemplate& t) { return std::pair(t.name != "default", std::string_view(t.name)); };
  std::sort(out.begin(), out.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  for (size_t i = 1; i < out.size(); ++i) {
    if (out[i].name == out[i - 1].name) {
      return fail("{}: two chat templates are named {}.", directory, in_quotes(out[i].name));
    }
  }
  return out;
}

}  // namespace mang
