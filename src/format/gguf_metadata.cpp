// Typed lookups in a GGUF file's metadata.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>

#include "format/gguf.h"
#include "format/text_check.h"

namespace mang {

namespace {

template <typename T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));  // the file aligns nothing
  return value;
}

// An integer of any of GGUF's types: a sign and a magnitude, so that the whole range of u64 and i64 fits.
struct Integer {
  bool negative = false;
  uint64_t magnitude = 0;
};

template <typename T>
Integer load_integer(const std::byte* at) {
  const T value = load<T>(at);
  if constexpr (std::is_signed_v<T>) {
    if (value < 0) return {true, uint64_t{0} - static_cast<uint64_t>(value)};
  }
  return {false, static_cast<uint64_t>(value)};
}

struct IntegerReader {
  size_t bytes = 0;  // of one value; 0: the type is not an integer
  Integer (*load)(const std::byte*) = nullptr;
};

IntegerReader integer_reader(GgufType type) {
  switch (type) {
    case GgufType::u8:
      return {1, load_integer<uint8_t>};
    case GgufType::i8:
      return {1, load_integer<int8_t>};
    case GgufType::u16:
      return {2, load_integer<uint16_t>};
    case GgufType::i16:
      return {2, load_integer<int16_t>};
    case GgufType::u32:
      return {4, load_integer<uint32_t>};
    case GgufType::i32:
      return {4, load_integer<int32_t>};
    case GgufType::u64:
      return {8, load_integer<uint64_t>};
    case GgufType::i64:
      return {8, load_integer<int64_t>};
    default:
      return {};
  }
}

Error type_text(const GgufEntry& entry) {
  if (entry.type != GgufType::array) return fail("{}", gguf_value_type_name(entry.type));
  return fail("array of {}", gguf_value_type_name(entry.element));
}

Error wrong_type(const GgufMetadata& metadata, const GgufEntry& entry, const Error& wanted) {
  return fail("{}: the metadata key {} holds {} (type {}), but {} is needed.", metadata.what(), in_quotes(entry.key),
              gguf_value_text(entry), type_text(entry), wanted);
}

std::string_view text_of(const GgufEntry& entry) {
  return {reinterpret_cast<const char*>(entry.payload.data()), entry.payload.size()};
}

std::string integer_text(Integer value) { return fmt::format("{}{}", value.negative ? "-" : "", value.magnitude); }

}  // namespace

std::string_view gguf_value_type_name(GgufType type) {
  constexpr std::string_view kNames[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                         "bool", "string", "array", "u64", "i64", "f64"};
  const auto id = static_cast<size_t>(type);
  return id < std::size(kNames) ? kNames[id] : "unknown";
}

Result<GgufMetadata> GgufMetadata::create(std::string what, std::vector<GgufEntry> entries) {
  GgufMetadata out;
  out.what_ = std::move(what);
  out.entries_ = std::move(entries);
  out.by_key_.resize(out.entries_.size());
  std::iota(out.by_key_.begin(), out.by_key_.end(), 0);
  const auto key = [&](uint32_t i) { return out.entries_[i].key; };
  std::sort(out.by_key_.begin(), out.by_key_.end(), [&](uint32_t a, uint32_t b) { return key(a) < key(b); });
  for (size_t i = 1; i < out.by_key_.size(); ++i) {
    if (key(out.by_key_[i]) == key(out.by_key_[i - 1])) {
      return fail("{}: the metadata key {} is given twice.", out.what_, in_quotes(key(out.by_key_[i])));
    }
  }
  return out;
}

const GgufEntry* GgufMetadata::find(std::string_view key) const {
  const auto at = std::lower_bound(by_key_.begin(), by_key_.end(), key,
                                   [&](uint32_t i, std::string_view wanted) { return entries_[i].key < wanted; });
  if (at == by_key_.end() || entries_[*at].key != key) return nullptr;
  return &entries_[*at];
}

Result<const GgufEntry*> GgufMetadata::need(std::string_view key) const {
  const GgufEntry* entry = find(key);
  if (entry == nullptr) {
    return fail("{}: has no metadata key {}. The file is incomplete or of another kind.", what_, in_quotes(key));
  }
  return entry;
}

Result<const GgufEntry*> GgufMetadata::need_array(std::string_view key) const {
  MANG_TRY(const GgufEntry* entry, need(key));
  if (entry->type != GgufType::array) return wrong_type(*this, *entry, Error{"an array"});
  return entry;
}

Result<uint64_t> GgufMetadata::get_u64(std::string_view key) const {
  MANG_TRY(const GgufEntry* entry, need(key));
  const IntegerReader reader = integer_reader(entry->type);
  if (reader.load == nullptr) return wrong_type(*this, *entry, Error{"an integer"});
  const Integer value = reader.load(entry->payload.data());
  if (value.negative) return wrong_type(*this, *entry, Error{"an integer of at least 0"});
  return value.magnitude;
}

Result<int64_t> GgufMetadata::get_i64(std::string_view key) const {
  MANG_TRY(const GgufEntry* entry, need(key));
  const IntegerReader reader = integer_reader(entry->type);
  if (reader.load == nullptr) return wrong_type(*this, *entry, Error{"an integer"});
  const Integer value = reader.load(entry->payload.data());
  if (!value.negative && value.magnitude > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return wrong_type(*this, *entry, Error{"an integer below 2^63"});
  }
  return static_cast<int64_t>(value.negative ? uint64_t{0} - value.magnitude : value.magnitude);
}

Result<double> GgufMetadata::get_float(std::string_view key) const {
  MANG_TRY(const GgufEntry* entry, need(key));
  if (entry->type == GgufType::f32) return static_cast<double>(load<float>(entry->payload.data()));
  if (entry->type == GgufType::f64) return load<double>(entry->payload.data());
  return wrong_type(*this, *entry, Error{"a floating-point number"});
}

Result<bool> GgufMetadata::get_bool(std::string_view key) const {
  MANG_TRY(const GgufEntry* entry, need(key));
  if (entry->type != GgufType::boolean) return wrong_type(*this, *entry, Error{"a boolean"});
  return entry->payload[0] != std::byte{0};
}

Result<std::string_view> GgufMetadata::get_string(std::string_view key) const {
  MANG_TRY(const GgufEntry* entry, need(key));
  if (entry->type != GgufType::string) return wrong_type(*this, *entry, Error{"a string"});
  return text_of(*entry);
}

Result<std::vector<std::string_view>> GgufMetadata::get_strings(std::string_view key) const {
  MANG_TRY(const GgufEntry* entry, need_array(key));
  if (entry->element != GgufType::string) return wrong_type(*this, *entry, Error{"an array of strings"});
  std::vector<std::string_view> out;
  out.reserve(entry->count);  // at most payload / 8: checked when the file was opened
  const std::byte* at = entry->payload.data();
  for (uint64_t i = 0; i < entry->count; ++i) {
    const auto size = load<uint64_t>(at);
    out.emplace_back(reinterpret_cast<const char*>(at + 8), size);
    at += 8 + size;
  }
  return out;
}

Result<std::vector<float>> GgufMetadata::get_floats(std::string_view key) const {
  MANG_TRY(const GgufEntry* entry, need_array(key));
  if (entry->element != GgufType::f32) return wrong_type(*this, *entry, Error{"an array of f32"});
  std::vector<float> out(entry->count);
  if (!out.empty()) std::memcpy(out.data(), entry->payload.data(), entry->payload.size());
  return out;
}

Result<std::vector<int64_t>> GgufMetadata::get_integers(std::string_view key) const {
  MANG_TRY(const GgufEntry* entry, need_array(key));
  const IntegerReader reader = integer_reader(entry->element);
  if (reader.load == nullptr) return wrong_type(*this, *entry, Error{"an array of integers"});
  std::vector<int64_t> out(entry->count);
  for (uint64_t i = 0; i < entry->count; ++i) {
    const Integer value = reader.load(entry->payload.data() + i * reader.bytes);
    if (!value.negative && value.magnitude > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return fail("{}: element {} of the metadata key {} is {}; integers below 2^63 are needed.", what_, i,
                  in_quotes(key), value.magnitude);
    }
    out[i] = static_cast<int64_t>(value.negative ? uint64_t{0} - value.magnitude : value.magnitude);
  }
  return out;
}

Result<std::vector<bool>> GgufMetadata::get_bools(std::string_view key) const {
  MANG_TRY(const GgufEntry* entry, need_array(key));
  if (entry->element != GgufType::boolean) return wrong_type(*this, *entry, Error{"an array of booleans"});
  std::vector<bool> out(entry->count);
  for (uint64_t i = 0; i < entry->count; ++i) out[i] = entry->payload[i] != std::byte{0};
  return out;
}

Result<std::vector<uint64_t>> GgufMetadata::get_u64_each(std::string_view key, uint64_t count) const {
  MANG_TRY(const GgufEntry* entry, need(key));
  if (entry->type != GgufType::array) {
    MANG_TRY(uint64_t value, get_u64(key));
    return std::vector<uint64_t>(count, value);
  }
  if (entry->count != count) {
    return fail("{}: the metadata key {} has {} elements, but {} are needed.", what_, in_quotes(key), entry->count,
                count);
  }
  MANG_TRY(std::vector<int64_t> values, get_integers(key));
  for (uint64_t i = 0; i < count; ++i) {
    if (values[i] < 0) {
      return fail("{}: element {} of the metadata key {} is {}; at least 0 is needed.", what_, i, in_quotes(key),
                  values[i]);
    }
  }
  return std::vector<uint64_t>(values.begin(), values.end());
}

std::string gguf_value_text(const GgufEntry& entry, size_t max_bytes) {
  const std::byte* at = entry.payload.data();
  if (const IntegerReader reader = integer_reader(entry.type); reader.load != nullptr) {
    return integer_text(reader.load(at));
  }
  switch (entry.type) {
    case GgufType::f32:
      return fmt::format("{}", load<float>(at));
    case GgufType::f64:
      return fmt::format("{}", load<double>(at));
    case GgufType::boolean:
      return *at != std::byte{0} ? "true" : "false";
    case GgufType::string:
      return in_quotes(text_of(entry), max_bytes);
    default:
      return fmt::format("[{} × {}]", entry.count, gguf_value_type_name(entry.element));
  }
}

}  // namespace mang
