#include "load/config_sources.h"

#include <algorithm>
#include <limits>

namespace mang {
namespace {

Error not_in_format(const ConfigKey& key) {
  return fail("'{}' is a value of the other format.", key.hf.empty() ? key.gguf : key.hf);
}

class GgufConfig final : public ConfigSource {
 public:
  explicit GgufConfig(const GgufMetadata& metadata) : metadata_(metadata) {
    if (auto name = metadata.get_string("general.architecture"); name.ok()) prefix_ = std::string(*name) + ".";
  }

  [[nodiscard]] bool is_gguf() const override { return true; }

  [[nodiscard]] Result<std::string> architecture() const override {
    MANG_TRY(const std::string_view name, metadata_.get_string("general.architecture"));
    return std::string(name);
  }

  [[nodiscard]] std::string model_name() const override {
    const auto name = metadata_.get_string("general.name");
    return name.ok() ? std::string(*name) : "";
  }

  [[nodiscard]] std::string describe(const ConfigKey& key) const override {
    return fmt::format("{}: '{}'", metadata_.what(), full(key));
  }

  [[nodiscard]] bool has(const ConfigKey& key) const override { return !key.gguf.empty() && metadata_.has(full(key)); }
  [[nodiscard]] bool is_null(const ConfigKey&) const override { return false; }
  [[nodiscard]] Result<std::vector<std::string>> names(const ConfigKey&) const override {
    return std::vector<std::string>{};
  }

  [[nodiscard]] Result<int64_t> integer(const ConfigKey& key) const override {
    if (key.gguf.empty()) return not_in_format(key);
    return metadata_.get_i64(full(key));
  }
  [[nodiscard]] Result<double> number(const ConfigKey& key) const override {
    if (key.gguf.empty()) return not_in_format(key);
    const GgufEntry* entry = metadata_.find(full(key));
    if (entry == nullptr || entry->type == GgufType::f32 || entry->type == GgufType::f64) {
      return metadata_.get_float(full(key));
    }
    MANG_TRY(const int64_t whole, metadata_.get_i64(full(key)));  // 10000 and 10000.0 are one
    return static_cast<double>(whole);
  }
  [[nodiscard]] Result<bool> boolean(const ConfigKey& key) const override {
    if (key.gguf.empty()) return not_in_format(key);
    return metadata_.get_bool(full(key));
  }
  [[nodiscard]] Result<std::string> text(const ConfigKey& key) const override {
    if (key.gguf.empty()) return not_in_format(key);
    MANG_TRY(const std::string_view value, metadata_.get_string(full(key)));
    return std::string(value);
  }

  [[nodiscard]] bool is_list(const ConfigKey& key) const override {
    const GgufEntry* entry = key.gguf.empty() ? nullptr : metadata_.find(full(key));
    return entry != nullptr && entry->type == GgufType::array;
  }
  [[nodiscard]] Result<std::vector<int64_t>> integers(const ConfigKey& key) const override {
    const GgufEntry* entry = metadata_.find(full(key));
    if (entry != nullptr && entry->type == GgufType::array && entry->element == GgufType::boolean) {
      MANG_TRY(const std::vector<bool> flags, metadata_.get_bools(full(key)));
      return std::vector<int64_t>(flags.begin(), flags.end());
    }
    return metadata_.get_integers(full(key));
  }
  [[nodiscard]] Result<std::vector<std::string>> texts(const ConfigKey& key) const override {
    MANG_TRY(const auto views, metadata_.get_strings(full(key)));
    return std::vector<std::string>(views.begin(), views.end());
  }

  [[nodiscard]] Result<int64_t> vocabulary() const override {
    const ConfigKey key = {"", "vocab_size"};
    if (has(key)) return integer(key);
    const GgufEntry* tokens = metadata_.find("tokenizer.ggml.tokens");
    if (tokens == nullptr || tokens->type != GgufType::array) {
      return fail("{}: neither '{}' nor a list of tokens is there, so the size of the vocabulary is not known.",
                  metadata_.what(), full(key));
    }
    return static_cast<int64_t>(std::min<uint64_t>(tokens->count, std::numeric_limits<int64_t>::max()));
  }

 private:
  [[nodiscard]] std::string full(const ConfigKey& key) const { return prefix_ + key.gguf; }

  const GgufMetadata& metadata_;
  std::string prefix_;  // "qwen2."
};

class HfConfigSource final : public ConfigSource {
 public:
  HfConfigSource(const HfConfig& config, std::string name) : config_(config), name_(std::move(name)) {}

  [[nodiscard]] bool is_gguf() const override { return false; }
  [[nodiscard]] Result<std::string> architecture() const override { return config_.get_string("model_type"); }
  [[nodiscard]] std::string model_name() const override { return name_; }
  [[nodiscard]] std::string describe(const ConfigKey& key) const override {
    return fmt::format("{}: '{}'", config_.what(), key.hf);
  }

  [[nodiscard]] bool has(const ConfigKey& key) const override {
    const auto place = find(key);
    return place.ok() && place->object.has(place->name);
  }
  [[nodiscard]] bool is_null(const ConfigKey& key) const override {
    const auto place = find(key);
    return place.ok() && place->object.is_null(place->name);
  }
  [[nodiscard]] Result<std::vector<std::string>> names(const ConfigKey& key) const override {
    if (!has(key)) return std::vector<std::string>{};
    MANG_TRY(const Place place, find(key));
    MANG_TRY(const HfConfig object, place.object.get_object(place.name));
    return object.keys();
  }
  [[nodiscard]] Result<int64_t> integer(const ConfigKey& key) const override {
    MANG_TRY(const Place place, find(key));
    return place.object.get_i64(place.name);
  }
  [[nodiscard]] Result<double> number(const ConfigKey& key) const override {
    MANG_TRY(const Place place, find(key));
    return place.object.get_float(place.name);
  }
  [[nodiscard]] Result<bool> boolean(const ConfigKey& key) const override {
    MANG_TRY(const Place place, find(key));
    return place.object.get_bool(place.name);
  }
  [[nodiscard]] Result<std::string> text(const ConfigKey& key) const override {
    MANG_TRY(const Place place, find(key));
    return place.object.get_string(place.name);
  }
  [[nodiscard]] bool is_list(const ConfigKey& key) const override {
    const auto place = find(key);
    return place.ok() && place->object.is_list(place->name);
  }
  [[nodiscard]] Result<std::vector<int64_t>> integers(const ConfigKey& key) const override {
    MANG_TRY(const Place place, find(key));
    MANG_TRY(const std::vector<uint64_t> values, place.object.get_u64s(place.name));
    std::vector<int64_t> out;
    for (const uint64_t value : values) {
      if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        return fail("{} holds {}, which is too large.", describe(key), value);
      }
      out.push_back(static_cast<int64_t>(value));
    }
    return out;
  }
  [[nodiscard]] Result<std::vector<std::string>> texts(const ConfigKey& key) const override {
    MANG_TRY(const Place place, find(key));
    return place.object.get_strings(place.name);
  }
  [[nodiscard]] Result<int64_t> vocabulary() const override { return integer({"vocab_size", ""}); }

 private:
  // The object a dotted path leads to, and the last name of the path.
  struct Place {
    HfConfig object;
    std::string name;
  };
  [[nodiscard]] Result<Place> find(const ConfigKey& key) const {
    if (key.hf.empty()) return not_in_format(key);
    Place place{config_, key.hf};
    for (size_t dot = place.name.find('.'); dot != std::string::npos; dot = place.name.find('.')) {
      MANG_TRY(HfConfig inner, place.object.get_object(place.name.substr(0, dot)));
      place.object = std::move(inner);
      place.name = place.name.substr(dot + 1);
    }
    return place;
  }

  const HfConfig& config_;
  std::string name_;
};

}  // namespace

std::unique_ptr<ConfigSource> config_source(const ModelFiles& files) {
  if (files.gguf() != nullptr) return std::make_unique<GgufConfig>(files.gguf()->metadata());
  std::string name = files.path();
  while (name.size() > 1 && name.back() == '/') name.pop_back();
  return std::make_unique<HfConfigSource>(*files.config(), name.substr(name.rfind('/') + 1));
}

}  // namespace mang
