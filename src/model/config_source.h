// Where a model's configuration comes from: GGUF metadata or config.json, behind one face. An architecture asks for
// each value by both of its names; a missing one is an error that names file and key, never a default. Where a format
// itself defines a default, the architecture asks has() first and says so beside the value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mang {

// The names of one value. hf: the path in config.json, nested objects joined by dots ("rope_parameters.rope_theta").
// gguf: the metadata key after "<architecture>." ("embedding_length"). Empty: that format has no such value.
struct ConfigKey {
  std::string hf;
  std::string gguf;
};

class ConfigSource {
 public:
  virtual ~ConfigSource() = default;

  [[nodiscard]] virtual bool is_gguf() const = 0;
  // "qwen2": GGUF's general.architecture, config.json's model_type.
  [[nodiscard]] virtual Result<std::string> architecture() const = 0;
  [[nodiscard]] virtual std::string model_name() const = 0;  // for people; may be empty
  // "config.json: 'hidden_size'", for messages.
  [[nodiscard]] virtual std::string describe(const ConfigKey& key) const = 0;

  // Whether the value is there and not null. False for a name the format does not have.
  [[nodiscard]] virtual bool has(const ConfigKey& key) const = 0;
  // Whether the value is written as null (config.json only): "none", where a default would stand if it were left out.
  [[nodiscard]] virtual bool is_null(const ConfigKey& key) const = 0;
  // The names inside an object of config.json; none in a GGUF file or where it is absent or null.
  [[nodiscard]] virtual Result<std::vector<std::string>> names(const ConfigKey& key) const = 0;
  [[nodiscard]] virtual Result<int64_t> integer(const ConfigKey& key) const = 0;
  [[nodiscard]] virtual Result<double> number(const ConfigKey& key) const = 0;
  [[nodiscard]] virtual Result<bool> boolean(const ConfigKey& key) const = 0;
  [[nodiscard]] virtual Result<std::string> text(const ConfigKey& key) const = 0;
  [[nodiscard]] virtual bool is_list(const ConfigKey& key) const = 0;
  [[nodiscard]] virtual Result<std::vector<int64_t>> integers(
      const ConfigKey& key) const = 0;  // booleans count as 0, 1
  [[nodiscard]] virtual Result<std::vector<std::string>> texts(const ConfigKey& key) const = 0;

  // Rows of the embedding: config.json's vocab_size; GGUF's <architecture>.vocab_size or else the number of tokens.
  [[nodiscard]] virtual Result<int64_t> vocabulary() const = 0;
};

}  // namespace mang
