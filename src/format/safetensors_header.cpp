#include "format/safetensors_header.h"

#include <algorithm>
#include <unordered_map>

#include "format/json_events.h"
#include "format/safetensors.h"
#include "format/text_check.h"

namespace mang {

namespace {

constexpr std::string_view kMetadata = "__metadata__";

// Two equal names in a list of (name, …) pairs or entries; nullptr where all differ.
template <typename T, typename Name>
const std::string* find_double(const std::vector<T>& items, Name&& name) {
  std::vector<uint32_t> order(items.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return name(items[a]) < name(items[b]); });
  for (size_t i = 1; i < order.size(); ++i) {
    if (name(items[order[i]]) == name(items[order[i - 1]])) return &name(items[order[i]]);
  }
  return nullptr;
}

// {"__metadata__": {text: text}, NAME: {"dtype": text, "shape": [n…], "data_offsets": [n, n]}}
class HeaderEvents : public JsonEvents {
 public:
  SafetensorsHeader header;

  bool on_open_object() override {
    if (depth() == 0) return true;
    if (depth() == 1 && (in_metadata_ || in_tensor_)) return true;
    return surprise(Error{"an object"});
  }

  bool on_key(std::string& key) override {
    if (!spend(key.size())) return false;
    if (depth() == 1) return begin_member(key);
    if (in_metadata_) return begin_metadata(key);
    return begin_field(key);
  }

  bool on_string(std::string& text) override {
    if (depth() == 2 && in_metadata_) {
      if (!spend(text.size())) return false;
      header.metadata.back().second = std::move(text);
      return true;
    }
    if (depth() != 2 || field_ != Field::dtype) return surprise(Error{"a string"});
    const auto dtype = dtype_from_name(text);
    if (!dtype || !is_float(*dtype)) {
      return refuse(fail("{}: tensor {} is stored as {}, which is not read here; F32, F16 and BF16 are.", what(),
                         in_quotes(entry_.name), printable(text, 40)));
    }
    entry_.dtype = *dtype;
    return true;
  }

  bool on_open_array() override {
    if (depth() == 2 && (field_ == Field::shape || field_ == Field::offsets)) return true;
    return surprise(Error{"a list"});
  }

  bool on_unsigned(uint64_t n) override {
    if (depth() != 3) return surprise(Error{"a number"});
    if (field_ == Field::shape) {
      if (entry_.shape.size() == kSafetensorsMaxDimensions) {
        return refuse(fail("{}: tensor {} has more than {} dimensions.", what(), in_quotes(entry_.name),
                           kSafetensorsMaxDimensions));
      }
      entry_.shape.push_back(n);
      return true;
    }
    if (offsets_ == 2) return surprise(Error{"a third number"});
    (offsets_ == 0 ? entry_.begin : entry_.end) = n;
    ++offsets_;
    return true;
  }

  bool on_close_array() override {
    if (field_ == Field::offsets && offsets_ != 2) return surprise(Error{"a list of fewer"});
    return true;
  }

  bool on_close_object() override {
    if (depth() != 1) return true;
    in_metadata_ = false;
    if (!std::exchange(in_tensor_, false)) return true;
    if (seen_ != (bit(Field::dtype) | bit(Field::shape) | bit(Field::offsets))) {
      return refuse(fail("{}: tensor {} lacks its dtype, shape or data_offsets.", what(), in_quotes(entry_.name)));
    }
    header.entries.push_back(std::move(entry_));
    return true;
  }

 protected:
  Error wanted() const override {
    if (depth() == 0) return Error{"the header's object is expected"};
    if (in_metadata_) return Error{"the metadata's strings are expected"};
    const std::string tensor = in_quotes(entry_.name);
    if (depth() == 1) return fail("the object of tensor {} is expected", tensor);
    switch (field_) {
      case Field::none:
        return fail("a field of tensor {} is expected", tensor);
      case Field::dtype:
        return fail("dtype, a string, of tensor {} is expected", tensor);
      case Field::shape:
        return fail("shape, a list of sizes, of tensor {} is expected", tensor);
      case Field::offsets:
        break;
    }
    return fail("data_offsets, a list of two numbers, of tensor {} is expected", tensor);
  }

 private:
  enum class Field { none, dtype, shape, offsets };
  static unsigned bit(Field field) { return 1U << static_cast<unsigned>(field); }

  // Names and values are copied, so they get a budget.
  bool spend(uint64_t bytes) {
    text_bytes_ += bytes;
    if (text_bytes_ <= kSafetensorsMaxTextBytes) return true;
    return refuse(fail("{}: names and metadata of more than {} bytes are refused.", what(), kSafetensorsMaxTextBytes));
  }

  bool begin_member(std::string& key) {
    if (key == kMetadata) {
      if (std::exchange(seen_metadata_, true)) {
        return refuse(fail("{}: '__metadata__' is given twice.", what()));
      }
      in_metadata_ = true;
      return true;
    }
    if (header.entries.size() == kSafetensorsMaxTensors) {
      return refuse(fail("{}: more than {} tensors are refused.", what(), kSafetensorsMaxTensors));
    }
    entry_ = {};
    entry_.name = std::move(key);
    in_tensor_ = true;
    seen_ = 0;
    offsets_ = 0;
    field_ = Field::none;
    return true;
  }

  bool begin_metadata(std::string& key) {
    if (header.metadata.size() == kSafetensorsMaxMetadata) {
      return refuse(fail("{}: more than {} metadata entries are refused.", what(), kSafetensorsMaxMetadata));
    }
    header.metadata.emplace_back(std::move(key), "");
    return true;
  }

  bool begin_field(const std::string& key) {
    field_ = key == "dtype"          ? Field::dtype
             : key == "shape"        ? Field::shape
             : key == "data_offsets" ? Field::offsets
                                     : Field::none;
    if (field_ == Field::none) return skip();  // the reference passes over fields it does not know
    if ((seen_ & bit(field_)) != 0) {
      return refuse(fail("{}: tensor {} gives {} twice.", what(), in_quotes(entry_.name), key));
    }
    seen_ |= bit(field_);
    return true;
  }

  SafetensorsEntry entry_;
  uint64_t text_bytes_ = 0;
  bool in_metadata_ = false;
  bool in_tensor_ = false;
  bool seen_metadata_ = false;
  unsigned seen_ = 0;  // fields of the tensor at hand
  Field field_ = Field::none;
  int offsets_ = 0;  // numbers of data_offsets read
};

// {"weight_map": {NAME: "file.safetensors"}}, all else passed over.
class IndexEvents : public JsonEvents {
 public:
  SafetensorsIndex index;
  bool seen = false;

  bool on_open_object() override { return depth() <= 1 || surprise(Error{"an object"}); }

  bool on_key(std::string& key) override {
    if (depth() == 1) {
      if (key != "weight_map") return skip();
      if (std::exchange(seen, true)) return refuse(fail("{}: 'weight_map' is given twice.", what()));
      return true;
    }
    if (index.weights.size() == kSafetensorsMaxTensors) {
      return refuse(fail("{}: more than {} tensors are refused.", what(), kSafetensorsMaxTensors));
    }
    text_bytes_ += key.size();
    if (text_bytes_ > kSafetensorsMaxTextBytes) {
      return refuse(fail("{}: names of more than {} bytes are refused.", what(), kSafetensorsMaxTextBytes));
    }
    index.weights.emplace_back(std::move(key), 0);
    return true;
  }

  bool on_string(std::string& shard) override {
    if (depth() != 2) return surprise(Error{"a string"});
    const auto [at, added] = numbers_.try_emplace(shard, static_cast<uint32_t>(index.shards.size()));
    if (added) {
      if (index.shards.size() == kSafetensorsMaxShards) {
        return refuse(fail("{}: more than {} shards are refused.", what(), kSafetensorsMaxShards));
      }
      index.shards.push_back(shard);
    }
    index.weights.back().second = at->second;
    return true;
  }

 protected:
  Error wanted() const override {
    return depth() == 2 ? Error{"the name of a shard is expected"} : Error{"an object with 'weight_map' is expected"};
  }

 private:
  uint64_t text_bytes_ = 0;
  std::unordered_map<std::string, uint32_t> numbers_;  // at most kSafetensorsMaxShards entries
};

// A shard stands beside its index: a plain file name that cannot lead out of the directory.
Result<void> check_shard_name(const std::string& name, const std::string& what) {
  const bool plain = name.find('/') == std::string::npos && name.find('\\') == std::string::npos &&
                     name.find('\0') == std::string::npos && name.find("..") == std::string::npos;
  if (!plain || !name.ends_with(".safetensors") || name.size() > 255) {
    return fail("{}: the shard name {} is refused; a file name ending in .safetensors, without folders, is needed.",
                what, in_quotes(name));
  }
  return {};
}

}  // namespace

Result<SafetensorsHeader> parse_safetensors_header(std::string_view json, const std::string& what) {
  HeaderEvents events;
  MANG_TRY(events.parse(json, what));
  const auto& name = [](const SafetensorsEntry& e) -> const std::string& { return e.name; };
  if (const auto* twice = find_double(events.header.entries, name)) {
    return fail("{}: two tensors are named {}.", what, in_quotes(*twice));
  }
  const auto& key = [](const std::pair<std::string, std::string>& m) -> const std::string& { return m.first; };
  if (const auto* twice = find_double(events.header.metadata, key)) {
    return fail("{}: the metadata key {} is given twice.", what, in_quotes(*twice));
  }
  return std::move(events.header);
}

Result<SafetensorsIndex> parse_safetensors_index(std::string_view json, const std::string& what) {
  IndexEvents events;
  MANG_TRY(events.parse(json, what));
  if (!events.seen || events.index.weights.empty()) {
    return fail("{}: has no 'weight_map' that says which shard holds which tensor.", what);
  }
  const auto& name = [](const std::pair<std::string, uint32_t>& w) -> const std::string& { return w.first; };
  if (const auto* twice = find_double(events.index.weights, name)) {
    return fail("{}: the tensor {} is listed twice.", what, in_quotes(*twice));
  }
  for (const auto& shard : events.index.shards) MANG_TRY(check_shard_name(shard, what));
  return std::move(events.index);
}

}  // namespace mang
