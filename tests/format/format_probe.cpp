// What the readers see in a file, as JSON lines, for tools/compare_formats.py to hold against Python's readers.
//
//   format_probe types                      one line a type: id, name, elements and bytes of a block
//   format_probe gguf|safetensors paths on stdin, one answer line each:
//     {"error": "…"} or {"metadata": [[key, type, element, count, digest]…], "tensors": [[name, dtype, shape,
//     digest]…]}
// A digest is the SHA-256 of the bytes. safetensors paths are directories.
#include <fmt/format.h>
#include <openssl/evp.h>

#include <iostream>
#include <string>

#include "base/json.h"
#include "format/gguf.h"
#include "format/safetensors.h"

namespace mang {

namespace {

std::string digest(std::span<const std::byte> bytes) {
  unsigned char out[32];
  EVP_Digest(bytes.data(), bytes.size(), out, nullptr, EVP_sha256(), nullptr);
  std::string text;
  for (const unsigned char c : out) text += fmt::format("{:02x}", c);
  return text;
}

Json tensors_of(const TensorFiles& files) {
  Json out = Json::array();
  for (const auto& t : files.tensors()) {
    out.push_back({t.name, std::string(dtype_name(t.dtype)), t.shape, digest(t.bytes)});
    files.release(t);
  }
  return out;
}

Json probe_gguf(const std::string& path) {
  auto file = GgufFile::open(path);
  if (!file) return {{"error", file.error().message}};
  Json metadata = Json::array();
  for (const GgufEntry& e : file->metadata().entries()) {
    metadata.push_back({std::string(e.key), static_cast<uint32_t>(e.type), static_cast<uint32_t>(e.element), e.count,
                        digest(e.payload)});
  }
  return {{"metadata", metadata}, {"tensors", tensors_of(*file)}};
}

Json probe_safetensors(const std::string& path) {
  auto files = SafetensorsDirectory::open(path);
  if (!files) return {{"error", files.error().message}};
  Json metadata = Json::array();
  for (const auto& [key, value] : files->metadata()) metadata.push_back({key, value});
  return {{"metadata", metadata}, {"tensors", tensors_of(*files)}};
}

void print_types() {
  for (uint32_t id = 0; id < 256; ++id) {
    const auto dtype = dtype_from_gguf_id(id);
    const auto info = dtype ? dtype_info(*dtype) : DTypeInfo{};
    std::cout << Json{id, std::string(gguf_type_name(id)), info.block_elements, info.block_bytes} << '\n';
  }
}

}  // namespace

}  // namespace mang

int main(int argc, char** argv) {
  const std::string mode = argc == 2 ? argv[1] : "";
  if (mode == "types") {
    mang::print_types();
    return 0;
  }
  if (mode != "gguf" && mode != "safetensors") {
    std::cerr << "usage: format_probe types|gguf|safetensors (paths on stdin)\n";
    return 2;
  }
  for (std::string path; std::getline(std::cin, path);) {
    std::cout << mang::dump_json(mode == "gguf" ? mang::probe_gguf(path) : mang::probe_safetensors(path)) << std::endl;
  }
  return 0;
}
