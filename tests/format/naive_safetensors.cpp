#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "format/naive_readers.h"

namespace mang::test {

namespace {

using Json = nlohmann::ordered_json;
using Wide = unsigned __int128;

// The tree, or a discarded value where the text is not JSON, or a key that matters stands twice in one object.
Json strict_tree(const std::string& text) {
  if (text.find('\0') != std::string::npos) return Json(Json::value_t::discarded);
  std::vector<std::set<std::string>> open;
  std::string member;  // the key of the header's object at hand
  bool twice = false;
  size_t deepest = 0;
  const auto watch = [&](int, Json::parse_event_t event, Json& value) {
    using Event = Json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) open.emplace_back();
    deepest = std::max(deepest, open.size());
    if (event == Event::object_end || event == Event::array_end) open.pop_back();
    if (event != Event::key || open.size() > 2) return true;
    const auto key = value.get<std::string>();
    if (open.size() == 1) member = key;
    const bool known = key == "dtype" || key == "shape" || key == "data_offsets";  // others may hold anything
    if (open.size() == 1 || member == "__metadata__" || known) twice |= !open.back().insert(key).second;
    return true;
  };
  Json tree = Json::parse(text, watch, false);
  if (twice || deepest > 64) return Json(Json::value_t::discarded);
  return tree;
}

bool is_sizes(const Json& list) {
  if (!list.is_array()) return false;
  for (const auto& n : list) {
    if (!n.is_number_unsigned()) return false;
  }
  return true;
}

const std::map<std::string, std::pair<uint32_t, uint64_t>> kTypes = {
    {"F32", {0, 4}}, {"F16", {1, 2}}, {"BF16", {30, 2}}};

std::optional<NaiveTensor> tensor_of(const Json& entry) {
  if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") || !entry.contains("data_offsets")) {
    return std::nullopt;
  }
  const Json &dtype = entry["dtype"], &shape = entry["shape"], &offsets = entry["data_offsets"];
  if (!dtype.is_string() || !is_sizes(shape) || !is_sizes(offsets)) return std::nullopt;
  const auto type = kTypes.find(dtype.get<std::string>());
  if (type == kTypes.end() || shape.size() > 8 || offsets.size() != 2) return std::nullopt;
  NaiveTensor t;
  t.gguf_type = type->second.first;
  t.shape = shape.get<std::vector<uint64_t>>();
  t.begin = offsets[0].get<uint64_t>();
  t.end = offsets[1].get<uint64_t>();
  Wide bytes = type->second.second;
  for (const uint64_t d : t.shape) {
    bytes *= d;
    if (bytes > ~uint64_t{0}) return std::nullopt;
  }
  if (Wide{t.begin} + bytes != t.end) return std::nullopt;
  return t;
}

// The data is covered from front to back, each byte once.
bool covers(const NaiveFile& file, uint64_t data_bytes) {
  std::multimap<std::pair<uint64_t, uint64_t>, int> extents;
  for (const auto& [name, t] : file.tensors) extents.emplace(std::pair(t.begin, t.end), 0);
  uint64_t next = 0;
  for (const auto& [extent, unused] : extents) {
    if (extent.first != next) return false;
    next = extent.second;
  }
  return next == data_bytes;
}

}  // namespace

std::optional<NaiveFile> naive_safetensors(const std::string& bytes) {
  if (bytes.size() < 8) return std::nullopt;
  uint64_t size = 0;
  for (int i = 7; i >= 0; --i) size = size << 8 | static_cast<uint8_t>(bytes[i]);
  if (size > 100'000'000 || size > bytes.size() - 8) return std::nullopt;
  const std::string text = bytes.substr(8, size);
  if (text.empty() || text[0] != '{') return std::nullopt;
  const Json tree = strict_tree(text);
  if (!tree.is_object()) return std::nullopt;
  NaiveFile file;
  for (const auto& [name, entry] : tree.items()) {
    if (name == "__metadata__") {
      if (!entry.is_object()) return std::nullopt;
      for (const auto& [key, value] : entry.items()) {
        if (!value.is_string()) return std::nullopt;
        file.metadata[key] = value.get<std::string>();
      }
      continue;
    }
    const auto tensor = tensor_of(entry);
    if (!tensor) return std::nullopt;
    file.tensors[name] = *tensor;
  }
  if (!covers(file, bytes.size() - 8 - size)) return std::nullopt;
  for (auto& [name, t] : file.tensors) {
    t.begin += 8 + size;
    t.end += 8 + size;
  }
  return file;
}

}  // namespace mang::test
