// GgufFile: one file, or the parts of a split one, joined.
#include "format/gguf.h"

#include <fmt/format.h>

#include <iterator>
#include <optional>

#include "format/gguf_part.h"
#include "format/text_check.h"

namespace mang {

namespace {

struct SplitKeys {
  uint64_t number = 0;  // from 0
  uint64_t count = 1;
  std::optional<uint64_t> tensors;  // of all parts together
};

// What a part says about its place: one part of one where it says nothing.
Result<SplitKeys> read_split_keys(const GgufMetadata& metadata) {
  SplitKeys split;
  if (!metadata.has("split.count")) return split;
  MANG_TRY(split.count, metadata.get_u64("split.count"));
  MANG_TRY(split.number, metadata.get_u64("split.no"));
  if (split.count == 0 || split.count > kGgufMaxParts || split.number >= split.count) {
    return fail("{}: says it is part {} of {}; 1 to {} parts are read.", metadata.what(), split.number, split.count,
                kGgufMaxParts);
  }
  if (metadata.has("split.tensors.count")) {
    MANG_TRY(split.tensors, metadata.get_u64("split.tensors.count"));
  }
  return split;
}

std::string part_suffix(uint64_t number, uint64_t count) {
  return fmt::format("-{:05d}-of-{:05d}.gguf", number + 1, count);
}

// The path of part `number` beside the first.
Result<std::string> part_path(const std::string& first, uint64_t number, uint64_t count) {
  const std::string suffix = part_suffix(0, count);
  if (!first.ends_with(suffix)) {
    return fail("{}: is the first of {} parts, so its name must end in '{}'; the other parts are found by that name.",
                first, count, suffix);
  }
  return first.substr(0, first.size() - suffix.size()) + part_suffix(number, count);
}

// Part `number` must say so itself, and agree with the first on how many there are.
Result<void> check_part(const GgufPart& part, const SplitKeys& first, uint64_t number) {
  MANG_TRY(SplitKeys split, read_split_keys(part.metadata));
  if (split.count != first.count || split.number != number || (split.tensors && split.tensors != first.tensors)) {
    return fail("{}: does not belong to this split model: it says part {} of {}, where part {} of {} is needed.",
                part.metadata.what(), split.number + 1, split.count, number + 1, first.count);
  }
  return {};
}

struct OpenPart {
  MappedFile file;
  GgufPart part;
};

Result<OpenPart> open_part(const std::string& first, const SplitKeys& split, uint64_t number, const Log& log) {
  MANG_TRY(std::string path, part_path(first, number, split.count));
  auto file = MappedFile::open(path);
  if (!file) {
    return fail("Part {} of {} of the split model is missing: {} Put all parts in one folder.", number + 1, split.count,
                file.error());
  }
  MANG_TRY(GgufPart part, parse_gguf_part(file->bytes(), path, log));
  MANG_TRY(check_part(part, split, number));
  return OpenPart{std::move(*file), std::move(part)};
}

}  // namespace

Result<GgufFile> GgufFile::open(const std::string& path, const Log& log) {
  MANG_TRY(MappedFile file, MappedFile::open(path));
  MANG_TRY(GgufPart first, parse_gguf_part(file.bytes(), path, log));
  MANG_TRY(SplitKeys split, read_split_keys(first.metadata));
  if (split.number != 0) {
    return fail("{}: is part {} of {} of a split model; open the first part (its name ends in '{}').", path,
                split.number + 1, split.count, part_suffix(0, split.count));
  }
  std::vector<MappedFile> files;
  std::vector<StoredTensor> tensors = std::move(first.tensors);
  files.push_back(std::move(file));
  for (uint64_t i = 1; i < split.count; ++i) {
    MANG_TRY(OpenPart next, open_part(path, split, i, log));
    files.push_back(std::move(next.file));
    std::move(next.part.tensors.begin(), next.part.tensors.end(), std::back_inserter(tensors));
    if (tensors.size() > kGgufMaxTensors) {
      return fail("{}: has more than {} tensors in its parts, which is refused.", path, kGgufMaxTensors);
    }
  }
  if (split.tensors && *split.tensors != tensors.size()) {
    return fail("{}: the model should have {} tensors, but its {} parts hold {}.", path, *split.tensors, split.count,
                tensors.size());
  }
  GgufFile out;
  MANG_TRY(static_cast<TensorFiles&>(out), TensorFiles::create(std::move(files), std::move(tensors), path));
  out.version_ = first.version;
  out.metadata_ = std::move(first.metadata);
  return out;
}

}  // namespace mang
