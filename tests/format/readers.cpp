#include "format/readers.h"

#include <fmt/format.h>

#include "format/gguf_part.h"
#include "format/safetensors.h"
#include "format/tensor_files.h"

namespace mang::test {

namespace {

NaiveTensor as_naive(const StoredTensor& t, const std::string& bytes) {
  const auto begin = static_cast<uint64_t>(reinterpret_cast<const char*>(t.bytes.data()) - bytes.data());
  return {static_cast<uint32_t>(t.dtype), t.shape, begin, begin + t.bytes.size()};
}

// The value as it stands in the file, with the type in front.
std::string as_naive(const GgufEntry& e) {
  std::string raw(reinterpret_cast<const char*>(e.payload.data()), e.payload.size());
  std::string head;
  const auto put = [&](uint64_t value, size_t width) { head.append(reinterpret_cast<const char*>(&value), width); };
  if (e.type == GgufType::string) put(raw.size(), 8);
  if (e.type == GgufType::array) {
    put(static_cast<uint32_t>(e.element), 4);
    put(e.count, 8);
  }
  return fmt::format("{}:", static_cast<uint32_t>(e.type)) + head + raw;
}

std::optional<NaiveFile> read_gguf(const std::string& bytes, std::string& error) {
  auto part = parse_gguf_part(std::as_bytes(std::span(bytes)), "file", {});
  if (!part) {
    error = part.error().message;
    return std::nullopt;
  }
  NaiveFile out;
  for (const auto& entry : part->metadata.entries()) out.metadata[std::string(entry.key)] = as_naive(entry);
  for (const auto& tensor : part->tensors) out.tensors[tensor.name] = as_naive(tensor, bytes);
  auto files = TensorFiles::create({}, std::move(part->tensors), "file");  // refuses two tensors of one name
  if (!files) {
    error = files.error().message;
    return std::nullopt;
  }
  return out;
}

std::optional<NaiveFile> read_safetensors(const std::string& bytes, std::string& error) {
  auto content = parse_safetensors(std::as_bytes(std::span(bytes)), "file");
  if (!content) {
    error = content.error().message;
    return std::nullopt;
  }
  NaiveFile out;
  for (const auto& [key, value] : content->metadata) out.metadata[key] = value;
  for (const auto& tensor : content->tensors) out.tensors[tensor.name] = as_naive(tensor, bytes);
  return out;
}

}  // namespace

ReaderUnderTest gguf_reader() { return {"GGUF", read_gguf, naive_gguf}; }
ReaderUnderTest safetensors_reader() { return {"safetensors", read_safetensors, naive_safetensors}; }

}  // namespace mang::test
