#include "format/random_files.h"

#include <algorithm>
#include <cstring>

#include "support/gguf_writer.h"
#include "support/safetensors_writer.h"
#include "tensor/dtype.h"

namespace mang::test {

namespace {

const char* const kNames[] = {"a",        "blk.0.attn_q.weight", "măng", "output.weight", "\xc3", "", "a",
                              "t\x1b[0m", "\xed\xa0\x80",        "x"};

// Mostly fresh sound names, sometimes one of the list: repeated, empty, not UTF-8.
std::string random_name(Random& random, uint64_t number) {
  if (random.one_in(25)) return random.pick(kNames);
  if (random.one_in(60)) return std::string(60 + random.below(10), 'n');  // around the limit of 64
  return fmt::format("name.{}", number);
}

void add_array(GgufWriter& w, const std::string& key, Random& random) {
  const uint64_t n = random.below(6);
  switch (random.below(5)) {
    case 0: {
      std::vector<std::string> strings;
      for (uint64_t i = 0; i < n; ++i) strings.push_back(random.bytes(random.below(5)));
      w.add_strings(key, strings);
      return;
    }
    case 1:
      w.add_array(key, std::vector<float>(n, 0.5F));
      return;
    case 2:
      w.add_array(key, std::vector<int32_t>(n, -1));
      return;
    case 3:
      w.add_raw(key, 9,
                std::string("\7\0\0\0\2\0\0\0\0\0\0\0\1", 13) + static_cast<char>(random.below(3)));  // booleans
      return;
    default: {
      std::string nested;  // arrays around a byte, up to six deep
      const uint64_t depth = random.below(6);
      for (uint64_t i = 0; i <= depth; ++i) {
        GgufWriter::put(nested, static_cast<uint32_t>(i < depth ? 9 : 0));
        GgufWriter::put(nested, uint64_t{1});
      }
      w.add_raw(key, 9, nested + "x");
    }
  }
}

void add_value(GgufWriter& w, const std::string& key, Random& random) {
  switch (random.below(9)) {
    case 0:
      w.add(key, static_cast<uint8_t>(random.bits()));
      return;
    case 1:
      w.add(key, static_cast<int32_t>(random.bits()));
      return;
    case 2:
      w.add(key, random.bits());
      return;
    case 3:
      w.add(key, 1.5);
      return;
    case 4:
      w.add(key, random.one_in(2));
      return;
    case 5:
      w.add(key, random.bytes(random.below(20)));
      return;
    case 6:
      w.add_raw(key, static_cast<uint32_t>(random.one_in(4) ? 13 : 7),
                std::string(1, static_cast<char>(random.below(3))));
      return;
    default:
      add_array(w, key, random);
  }
}

void add_tensor(GgufWriter& w, const std::string& name, Random& random) {
  constexpr uint32_t kRead[] = {0, 1, 2, 3, 6, 7, 8, 10, 11, 12, 13, 14, 20, 23, 30, 39};
  const uint32_t type = random.one_in(30) ? static_cast<uint32_t>(random.below(45)) : random.pick(kRead);
  const auto dtype = dtype_from_gguf_id(type);
  const uint64_t block = dtype ? dtype_info(*dtype).block_elements : 32;
  const uint64_t block_bytes = dtype ? dtype_info(*dtype).block_bytes : 18;
  Shape shape;
  uint64_t blocks = 1;
  for (uint64_t d = random.one_in(40) ? random.below(6) : 1 + random.below(4); d > 0; --d) {
    shape.push_back(random.one_in(50) ? 0 : 1 + random.below(3));
    blocks *= shape.back();
  }
  if (!shape.empty()) shape.back() *= block;
  if (!shape.empty() && random.one_in(30)) shape.back() += 1;
  std::string bytes(blocks * block_bytes, 'w');
  if (random.one_in(40)) bytes.resize(bytes.size() / 2);  // the next tensor then begins inside this one
  w.add_tensor(name, type, shape, bytes);
}

// Overwrites one of the header's numbers.
void break_field(std::string& bytes, const std::vector<GgufField>& fields, Random& random) {
  const GgufField& field = random.pick(fields);
  uint64_t value = 0;
  std::memcpy(&value, bytes.data() + field.at, field.width);
  value = random.one_in(2) ? random.pick(kExtremes) : value + random.below(65) - 32;
  std::memcpy(bytes.data() + field.at, &value, field.width);
}

}  // namespace

std::string random_gguf(Random& random) {
  constexpr uint64_t kAlignments[] = {8, 16, 32, 64, 256, 4096};
  const uint64_t alignment = random.one_in(3) ? random.pick(kAlignments) : 32;
  GgufWriter w(random.one_in(4) ? 2 : random.one_in(40) ? static_cast<uint32_t>(random.below(5)) : 3, alignment);
  if (alignment != 32 || random.one_in(5)) {
    const uint64_t said = random.one_in(12) ? random.pick(kExtremes) : alignment;
    if (random.one_in(2)) {
      w.add("general.alignment", static_cast<uint32_t>(said));
    } else {
      w.add("general.alignment", static_cast<int64_t>(said));
    }
  }
  for (uint64_t i = random.below(7); i > 0; --i) add_value(w, random_name(random, i), random);
  for (uint64_t i = random.below(5); i > 0; --i) add_tensor(w, random_name(random, i), random);
  std::string bytes = w.bytes();
  if (random.one_in(4)) break_field(bytes, w.fields(), random);
  if (random.one_in(10)) bytes.resize(random.below(bytes.size() + 1));
  if (random.one_in(10)) bytes += random.bytes(random.below(100));
  return bytes;
}

std::string random_safetensors(Random& random) {
  const char* const kTypes[] = {"F32", "F16", "BF16", "F32", "BF16", "F16", "F32", "BF16", "I64", "F8_E4M3", "f32"};
  SafetensorsWriter w;
  if (random.one_in(3)) w.raw_entry(R"("__metadata__":{"format":"pt"})");
  if (random.one_in(20)) w.raw_entry(R"("__metadata__":{"format":7})");
  uint64_t end = 0;
  for (uint64_t i = random.below(5); i > 0; --i) {
    const std::string type = random.one_in(6) ? random.pick(kTypes) : kTypes[random.below(3)];
    Shape shape;
    uint64_t bytes = type == "F32" ? 4 : 2;
    for (uint64_t d = random.one_in(30) ? random.below(12) : random.below(4); d > 0; --d) {
      shape.push_back(random.one_in(15) ? 0 : 1 + random.below(3));
      bytes *= shape.back();
    }
    if (!shape.empty() && random.one_in(25)) random.one_in(2) ? shape[0] = random.pick(kExtremes) : shape[0] += 1;
    uint64_t begin = end;
    if (random.one_in(25)) begin += random.below(5) - 2;
    if (random.one_in(40)) begin = random.pick(kExtremes);
    end = begin + bytes;
    const std::string name = random.one_in(25) ? "name.1" : fmt::format("name.{}", i);
    w.entry(name, type, shape, begin, end);
    if (random.one_in(30))
      w.raw_entry(fmt::format(R"("x{}":{{"dtype":"F16","shape":[0],"data_offsets":[{},{}],"y":[1]}})", i, end, end));
  }
  w.raw_data(std::string(std::min<uint64_t>(end, 4096), 'w'));
  std::string bytes = w.bytes();
  if (random.one_in(8)) bytes = damaged(std::move(bytes), random);
  return bytes;
}

std::string damaged(std::string bytes, Random& random) {
  if (bytes.empty()) return bytes;
  const uint64_t at = random.below(bytes.size());
  const uint64_t rest = bytes.size() - at;
  switch (random.below(6)) {
    case 0:
      bytes.resize(at);
      break;
    case 1:
      for (uint64_t i = 1 + random.below(4); i > 0; --i)
        bytes[random.below(bytes.size())] = static_cast<char>(random.bits());
      break;
    case 2: {
      const uint64_t value = random.pick(kExtremes);
      std::memcpy(bytes.data() + at, &value, std::min<uint64_t>(rest, random.one_in(2) ? 8 : 4));
      break;
    }
    case 3:
      bytes.insert(at, random.bytes(1 + random.below(40)));
      break;
    case 4:
      bytes.erase(at, 1 + random.below(40));
      break;
    default:
      bytes.insert(at, bytes.substr(random.below(bytes.size()), 1 + random.below(200)));
  }
  return bytes;
}

}  // namespace mang::test
