#include <fmt/format.h>

#include "format/naive_readers.h"

namespace mang::test {

namespace {

using Wide = unsigned __int128;

// id → elements and bytes of a block, from the published table (tests/tensor/dtype_test.cpp holds it too).
const std::map<uint32_t, std::pair<uint64_t, uint64_t>> kSizes = {
    {0, {1, 4}},    {1, {1, 2}},      {2, {32, 18}},    {3, {32, 20}},    {6, {32, 22}},    {7, {32, 24}},
    {8, {32, 34}},  {10, {256, 84}},  {11, {256, 110}}, {12, {256, 144}}, {13, {256, 176}}, {14, {256, 210}},
    {20, {32, 18}}, {23, {256, 136}}, {30, {1, 2}},     {39, {32, 17}},
};

// A position in the bytes that turns bad at the first step past the end and stays so.
struct Walk {
  const std::string& bytes;
  uint64_t at = 0;
  bool bad = false;

  std::string text(Wide n) {
    if (bad || Wide{at} + n > bytes.size()) {
      bad = true;
      return "";
    }
    const uint64_t from = at;
    at += static_cast<uint64_t>(n);
    return bytes.substr(from, static_cast<uint64_t>(n));
  }
  uint64_t number(int width) {
    uint64_t value = 0;
    const std::string raw = text(width);
    for (size_t i = 0; i < raw.size(); ++i) value |= uint64_t{static_cast<uint8_t>(raw[i])} << (8 * i);
    return value;
  }
  std::string string() { return text(number(8)); }
};

// UTF-8 by decoding: every sequence must be the shortest form of a scalar value.
bool sound_utf8(const std::string& s) {
  for (size_t i = 0; i < s.size();) {
    const auto lead = static_cast<uint8_t>(s[i]);
    const int more = lead < 0x80 ? 0 : (lead >> 5) == 6 ? 1 : (lead >> 4) == 14 ? 2 : (lead >> 3) == 30 ? 3 : -1;
    if (more < 0 || i + more >= s.size()) return false;
    uint32_t code = more == 0 ? lead : lead & (0x3F >> more);
    for (int j = 1; j <= more; ++j) {
      const auto next = static_cast<uint8_t>(s[i + j]);
      if ((next >> 6) != 2) return false;
      code = code << 6 | (next & 0x3F);
    }
    constexpr uint32_t kFirst[] = {0, 0x80, 0x800, 0x10000};
    if (code < kFirst[more] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return false;
    i += more + 1;
  }
  return true;
}

int width_of(uint64_t type) {
  constexpr int kWidth[] = {1, 1, 2, 2, 4, 4, 4, 1, -1, -2, 8, 8, 8};
  return type < 13 ? kWidth[type] : 0;
}

// Walks over one value; false where it breaks a rule.
bool walk_value(Walk& w, uint64_t type, int nesting) {
  const int width = width_of(type);
  if (width == 0) return false;
  if (width > 0) {
    const uint64_t value = w.number(width);
    return !w.bad && (type != 7 || value < 2);
  }
  if (width == -1) {
    w.string();
    return !w.bad;
  }
  if (nesting == 4) return false;
  const uint64_t element = w.number(4);
  const uint64_t count = w.number(8);
  if (w.bad || width_of(element) == 0) return false;
  for (uint64_t i = 0; i < count; ++i) {
    if (!walk_value(w, element, nesting + 1)) return false;
  }
  return true;
}

bool read_metadata(Walk& w, uint64_t keys, NaiveFile& file) {
  if (keys > 65536) return false;
  for (uint64_t i = 0; i < keys; ++i) {
    const std::string key = w.string();
    const uint64_t type = w.number(4);
    const uint64_t from = w.at;
    if (w.bad || key.empty() || key.size() > 65535 || !sound_utf8(key) || !walk_value(w, type, 0)) return false;
    std::string value = fmt::format("{}:", type) + w.bytes.substr(from, w.at - from);
    if (!file.metadata.emplace(key, std::move(value)).second) return false;
  }
  return true;
}

// general.alignment, or 32; 0 where it is not sound.
uint64_t alignment_of(const NaiveFile& file) {
  const auto found = file.metadata.find("general.alignment");
  if (found == file.metadata.end()) return 32;
  const size_t colon = found->second.find(':');
  const uint64_t type = std::stoull(found->second);
  const std::string raw = found->second.substr(colon + 1);
  if (type > 11 || (type > 5 && type < 10)) return 0;  // not an integer
  const bool is_signed = type == 1 || type == 3 || type == 5 || type == 11;
  if (is_signed && static_cast<uint8_t>(raw.back()) >= 0x80) return 0;  // negative
  uint64_t value = 0;
  for (size_t i = 0; i < raw.size(); ++i) value |= uint64_t{static_cast<uint8_t>(raw[i])} << (8 * i);
  for (uint64_t legal = 8; legal <= 1 << 20; legal *= 2) {
    if (value == legal) return value;
  }
  return 0;
}

// Bytes of a tensor; 0 where the shape and the type do not go together.
Wide bytes_of(const NaiveTensor& t) {
  const auto size = kSizes.find(t.gguf_type);
  if (size == kSizes.end() || t.shape.empty() || t.shape.back() % size->second.first != 0) return 0;
  Wide total = Wide{t.shape.back() / size->second.first} * size->second.second;
  for (size_t d = 0; d + 1 < t.shape.size(); ++d) {
    if (total > ~uint64_t{0}) return 0;
    total *= t.shape[d];
  }
  return total > ~uint64_t{0} ? 0 : total;
}

bool read_tensors(Walk& w, uint64_t count, NaiveFile& file) {
  if (count > 131072) return false;
  const uint64_t alignment = alignment_of(file);
  if (alignment == 0) return false;
  for (uint64_t i = 0; i < count; ++i) {
    const std::string name = w.string();
    const uint64_t rank = w.number(4);
    if (w.bad || name.empty() || name.size() > 64 || !sound_utf8(name) || rank < 1 || rank > 4) return false;
    NaiveTensor t;
    for (uint64_t d = 0; d < rank; ++d) t.shape.insert(t.shape.begin(), w.number(8));
    t.gguf_type = static_cast<uint32_t>(w.number(4));
    t.begin = w.number(8);
    const Wide bytes = bytes_of(t);
    if (w.bad || bytes == 0 || t.begin % alignment != 0) return false;
    if (Wide{t.begin} + bytes > w.bytes.size()) return false;
    t.end = t.begin + static_cast<uint64_t>(bytes);
    if (!file.tensors.emplace(name, t).second) return false;
  }
  uint64_t data = w.at;
  while (data % alignment != 0) ++data;
  for (auto& [name, t] : file.tensors) {
    t.begin += data;
    t.end += data;
    if (t.end > w.bytes.size()) return false;
    for (const auto& [other, u] : file.tensors) {  // every pair, in file coordinates as far as they are known
      if (&t == &u) break;
      if (t.begin < u.end && u.begin < t.end) return false;
    }
  }
  return true;
}

}  // namespace

std::optional<NaiveFile> naive_gguf(const std::string& bytes) {
  Walk w{bytes};
  NaiveFile file;
  if (w.text(4) != "GGUF") return std::nullopt;
  const uint64_t version = w.number(4);
  if (version != 2 && version != 3) return std::nullopt;
  const uint64_t tensors = w.number(8);
  const uint64_t keys = w.number(8);
  if (w.bad || !read_metadata(w, keys, file) || !read_tensors(w, tensors, file)) return std::nullopt;
  return file;
}

}  // namespace mang::test
