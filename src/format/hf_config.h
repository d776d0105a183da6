// The small files of a Hugging Face model directory: config.json, generation_config.json, tokenizer_config.json and
// the chat templates. Bytes → typed lookups, nothing interpreted, and a missing key is an error, never a default.
// Source: transformers (configuration_utils.py, tokenization_utils_base.py) for the names and which file wins.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mang {

inline constexpr uint64_t kHfConfigMaxBytes = uint64_t{16} << 20;
inline constexpr uint64_t kHfConfigMaxValues = 400'000;  // of one file, so that its tree stays within tens of MB
inline constexpr uint64_t kHfTemplateMaxBytes = uint64_t{1} << 20;

// A JSON object with typed lookups. Cheap to copy; a nested object keeps the whole alive.
class HfConfig {
 public:
  // `what` names the source in messages ("…/config.json").
  static Result<HfConfig> parse(std::string_view json, std::string what);

  // A key that is there and not null: in these files null means "not given".
  [[nodiscard]] bool has(std::string_view key) const;
  [[nodiscard]] bool is_null(std::string_view key) const;  // written as null: a few keys mean "none" by it
  [[nodiscard]] std::vector<std::string> keys() const;     // sorted, also those that are null
  [[nodiscard]] const std::string& what() const { return what_; }

  [[nodiscard]] Result<uint64_t> get_u64(std::string_view key) const;
  [[nodiscard]] Result<int64_t> get_i64(std::string_view key) const;
  [[nodiscard]] Result<double> get_float(std::string_view key) const;  // an integer will do: 10000 and 10000.0 are one
  [[nodiscard]] Result<bool> get_bool(std::string_view key) const;
  [[nodiscard]] Result<std::string> get_string(std::string_view key) const;

  [[nodiscard]] Result<std::vector<uint64_t>> get_u64s(std::string_view key) const;  // one number: a list of one
  [[nodiscard]] Result<std::vector<double>> get_floats(std::string_view key) const;
  [[nodiscard]] Result<std::vector<std::string>> get_strings(std::string_view key) const;  // one string: a list of one

  [[nodiscard]] Result<HfConfig> get_object(std::string_view key) const;
  [[nodiscard]] Result<std::vector<HfConfig>> get_objects(std::string_view key) const;  // a list of objects
  // Whether the value is a string, a list, an object: for keys that come in several shapes.
  [[nodiscard]] bool is_string(std::string_view key) const;
  [[nodiscard]] bool is_list(std::string_view key) const;
  [[nodiscard]] bool is_object(std::string_view key) const;
  // Any value as JSON text, for keys that are only passed on.
  [[nodiscard]] Result<std::string> get_json(std::string_view key) const;

 private:
  HfConfig(std::shared_ptr<const nlohmann::json> object, std::string what);
  [[nodiscard]] const nlohmann::json* find(std::string_view key) const;  // nullptr: not there, or null
  [[nodiscard]] Result<const nlohmann::json*> need(std::string_view key) const;
  [[nodiscard]] Error wrong_type(std::string_view key, const Error& wanted) const;

  std::shared_ptr<const nlohmann::json> object_;
  std::string what_;  // the file, and the path of a nested object: "…/config.json: text_config"
};

// A file of the directory, whole. `name` must be a plain file name: nothing leads out of the directory (symbolic
// links as the Hugging Face cache uses them are followed). nullopt: there is no such file.
Result<std::optional<std::string>> read_directory_file(const std::string& directory, std::string_view name,
                                                       uint64_t max_bytes);

Result<HfConfig> read_config(const std::string& directory);  // config.json, which must be there
Result<std::optional<HfConfig>> read_generation_config(const std::string& directory);
Result<std::optional<HfConfig>> read_tokenizer_config(const std::string& directory);

struct HfChatTemplate {
  std::string name;  // "default", "tool_use", …
  std::string text;  // Jinja, as it stands
};
// chat_template.jinja ("default") and additional_chat_templates/NAME.jinja; where there are none of these files,
// tokenizer_config.json's "chat_template": a string ("default") or a list of {"name", "template"}. Sorted by name,
// "default" first; empty: the model has none.
Result<std::vector<HfChatTemplate>> read_chat_templates(const std::string& directory);

}  // namespace mang
