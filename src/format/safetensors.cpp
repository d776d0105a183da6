#include "format/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "base/byte_cursor.h"
#include "format/safetensors_header.h"
#include "format/text_check.h"

namespace mang {

namespace {

constexpr std::string_view kSingle = "model.safetensors";
constexpr std::string_view kIndex = "model.safetensors.index.json";

// A tensor's offsets say exactly as many bytes as its shape needs.
Result<void> check_size(const SafetensorsEntry& entry, const std::string& what) {
  uint64_t bytes = dtype_info(entry.dtype).block_bytes;
  for (const uint64_t size : entry.shape) {
    if (!checked_mul(bytes, size, bytes)) {
      return fail("{}: the size of tensor {} overflows. The file is damaged.", what, in_quotes(entry.name));
    }
  }
  if (entry.begin > entry.end || entry.end - entry.begin != bytes) {
    return fail("{}: tensor {} needs {} bytes for its shape, but its data_offsets are {} and {}.", what,
                in_quotes(entry.name), bytes, entry.begin, entry.end);
  }
  return {};
}

// Sorted by offset, the tensors fill the data exactly: no overlap, no hole, nothing missing, nothing more.
Result<void> check_layout(const std::vector<SafetensorsEntry>& entries, uint64_t data_bytes, const std::string& what) {
  uint64_t end = 0;
  for (const auto& entry : entries) {
    if (entry.begin != end) {
      return fail("{}: tensor {} begins at byte {} of the data where {} is expected: tensors overlap or leave a hole.",
                  what, in_quotes(entry.name), entry.begin, end);
    }
    end = entry.end;
  }
  if (end != data_bytes) {
    return fail("{}: its tensors take {} bytes, but {} bytes of data are there. {}", what, end, data_bytes,
                end > data_bytes ? Error{"The file is incomplete: download it again."} : Error{"The file is damaged."});
  }
  return {};
}

bool exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

struct OpenShard {
  MappedFile file;
  SafetensorsContent content;
};

Result<OpenShard> open_file(const std::string& path) {
  MANG_TRY(MappedFile file, MappedFile::open(path));
  MANG_TRY(SafetensorsContent content, parse_safetensors(file.bytes(), path));
  return OpenShard{std::move(file), std::move(content)};
}

// All shards' tensors against the index: everything listed must be in the shard that is said to hold it.
Result<void> check_index(const SafetensorsIndex& index, const TensorFiles& files, const std::string& what,
                         const Log& log) {
  for (const auto& [name, shard] : index.weights) {
    const StoredTensor* tensor = files.find_tensor(name);
    const auto bytes = files.files()[shard].bytes();
    const auto begin = reinterpret_cast<uintptr_t>(bytes.data());
    const auto at = tensor == nullptr ? 0 : reinterpret_cast<uintptr_t>(tensor->bytes.data());
    if (at < begin || at - begin > bytes.size()) {
      return fail("{}: lists tensor {} in {}, but it is not there.", what, in_quotes(name),
                  in_quotes(index.shards[shard]));
    }
  }
  if (files.tensors().size() != index.weights.size()) {
    log_warning(log, fail("{}: its shards hold {} tensors, but it lists only {}.", what, files.tensors().size(),
                          index.weights.size()));
  }
  return {};
}

}  // namespace

Result<SafetensorsContent> parse_safetensors(std::span<const std::byte> bytes, const std::string& what) {
  ByteCursor in(bytes, what);
  MANG_TRY(uint64_t header_bytes, in.read<uint64_t>());
  if (header_bytes > kSafetensorsMaxHeaderBytes) {
    return fail("{}: announces a header of {} bytes; more than {} are refused. It may not be a safetensors file.", what,
                header_bytes, kSafetensorsMaxHeaderBytes);
  }
  MANG_TRY(std::string_view json, in.take_text(header_bytes));
  if (!json.starts_with('{')) return fail("{}: is not a safetensors file: its header is not a JSON object.", what);
  MANG_TRY(SafetensorsHeader header, parse_safetensors_header(json, what));
  auto& entries = header.entries;
  for (const auto& entry : entries) MANG_TRY(check_size(entry, what));
  std::sort(entries.begin(), entries.end(), [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  const auto data = bytes.subspan(in.position());
  MANG_TRY(check_layout(entries, data.size(), what));

  SafetensorsContent content;
  content.metadata = std::move(header.metadata);
  content.tensors.reserve(entries.size());
  for (auto& entry : entries) {
    content.tensors.push_back({std::move(entry.name), entry.dtype, std::move(entry.shape),
                               data.subspan(entry.begin, entry.end - entry.begin)});
  }
  return content;
}

Result<SafetensorsDirectory> SafetensorsDirectory::open(const std::string& directory, const Log& log) {
  const std::string single = fmt::format("{}/{}", directory, kSingle);
  const std::string index_path = fmt::format("{}/{}", directory, kIndex);
  const bool sharded = !exists(single);
  if (sharded && !exists(index_path)) {
    return fail("{}: has neither {} nor {}. Weights in other formats (.bin, .pt) are not read.", directory, kSingle,
                kIndex);
  }
  SafetensorsIndex index;
  if (sharded) {
    MANG_TRY(MappedFile file, MappedFile::open(index_path));
    const auto bytes = file.bytes();
    if (bytes.size() > kSafetensorsMaxHeaderBytes) {
      return fail("{}: has {} bytes; more than {} are refused.", index_path, bytes.size(), kSafetensorsMaxHeaderBytes);
    }
    MANG_TRY(index, parse_safetensors_index({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, index_path));
  } else {
    index.shards.emplace_back(kSingle);
  }

  SafetensorsDirectory out;
  std::vector<MappedFile> files;
  std::vector<StoredTensor> tensors;
  for (const auto& shard : index.shards) {
    MANG_TRY(OpenShard next, open_file(fmt::format("{}/{}", directory, shard)));
    if (files.empty()) out.metadata_ = std::move(next.content.metadata);
    files.push_back(std::move(next.file));
    std::move(next.content.tensors.begin(), next.content.tensors.end(), std::back_inserter(tensors));
    if (tensors.size() > kSafetensorsMaxTensors) {
      return fail("{}: more than {} tensors are refused.", directory, kSafetensorsMaxTensors);
    }
  }
  MANG_TRY(static_cast<TensorFiles&>(out), TensorFiles::create(std::move(files), std::move(tensors), directory));
  if (sharded) MANG_TRY(check_index(index, out, index_path, log));
  return out;
}

}  // namespace mang
