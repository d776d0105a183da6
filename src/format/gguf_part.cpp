#include "format/gguf_part.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "base/byte_cursor.h"
#include "format/text_check.h"

namespace mang {

namespace {

constexpr uint64_t kDefaultAlignment = 32;
constexpr uint64_t kMinAlignment = 8;  // the specification: a multiple of 8
constexpr uint64_t kMaxAlignment = uint64_t{1} << 20;
constexpr uint64_t kMinEntryBytes = 8 + 1 + 4 + 1;               // key length, one character, type, a one-byte value
constexpr uint64_t kMinTensorInfoBytes = 8 + 1 + 4 + 8 + 4 + 8;  // name, dimensions, one of them, type, offset
constexpr uint32_t kMaxDimensions = 4;

// Bytes of a scalar; 0 for strings and arrays, whose size is in the file.
uint64_t scalar_bytes(GgufType type) {
  switch (type) {
    case GgufType::u8:
    case GgufType::i8:
    case GgufType::boolean:
      return 1;
    case GgufType::u16:
    case GgufType::i16:
      return 2;
    case GgufType::u32:
    case GgufType::i32:
    case GgufType::f32:
      return 4;
    case GgufType::u64:
    case GgufType::i64:
    case GgufType::f64:
      return 8;
    case GgufType::string:
    case GgufType::array:
      return 0;
  }
  return 0;
}

struct TensorInfo {  // as the file lists it
  std::string_view name;
  DType dtype = DType::F32;
  Shape shape;          // outermost first
  uint64_t bytes = 0;   // of the elements
  uint64_t offset = 0;  // from the start of the data section
};

struct Counts {
  uint32_t version = 0;
  uint64_t tensors = 0;
  uint64_t entries = 0;
};

Result<std::string_view> read_string(ByteCursor& in) {
  MANG_TRY(uint64_t size, in.read<uint64_t>());
  return in.take_text(size);
}

Result<GgufType> read_type(ByteCursor& in) {
  MANG_TRY(uint32_t id, in.read<uint32_t>());
  if (id > static_cast<uint32_t>(GgufType::f64)) {
    return fail("{}: value type {} at byte {} does not exist in GGUF. The file is damaged.", in.what(), id,
                in.position() - 4);
  }
  return static_cast<GgufType>(id);
}

Result<Counts> read_header(ByteCursor& in) {
  MANG_TRY(std::string_view magic, in.take_text(4));
  if (magic != "GGUF") {
    return fail("{}: is not a GGUF file: it begins with {} instead of 'GGUF'.", in.what(), in_quotes(magic));
  }
  Counts counts;
  MANG_TRY(counts.version, in.read<uint32_t>());
  if (counts.version == 0x02000000 || counts.version == 0x03000000) {
    return fail("{}: is a big-endian GGUF file; only little-endian ones are read. Convert it with gguf-convert-endian.",
                in.what());
  }
  if (counts.version != 2 && counts.version != 3) {
    return fail("{}: GGUF version {} is not read, only 2 and 3. Fetch or convert a newer file.", in.what(),
                counts.version);
  }
  MANG_TRY(counts.tensors, in.read<uint64_t>());
  MANG_TRY(counts.entries, in.read<uint64_t>());
  if (counts.tensors > kGgufMaxTensors) {
    return fail("{}: announces {} tensors; more than {} are refused.", in.what(), counts.tensors, kGgufMaxTensors);
  }
  if (counts.entries > kGgufMaxKeys) {
    return fail("{}: announces {} metadata keys; more than {} are refused.", in.what(), counts.entries, kGgufMaxKeys);
  }
  MANG_TRY(in.expect_room(counts.entries, kMinEntryBytes, Error{"metadata keys"}));
  MANG_TRY(in.expect_room(counts.tensors, kMinTensorInfoBytes, Error{"tensors"}));
  return counts;
}

Result<void> check_booleans(std::span<const std::byte> bytes, const ByteCursor& in) {
  for (const std::byte b : bytes) {
    if (b > std::byte{1}) {
      return fail("{}: a boolean before byte {} holds {}; only 0 and 1 are legal.", in.what(), in.position(),
                  static_cast<unsigned>(b));
    }
  }
  return {};
}

struct ArrayHead {
  GgufType element = GgufType::u8;
  uint64_t count = 0;
};

Result<ArrayHead> read_array_head(ByteCursor& in) {
  ArrayHead head;
  MANG_TRY(head.element, read_type(in));
  MANG_TRY(head.count, in.read<uint64_t>());
  return head;
}

// Passes over the elements of an array, checking every length inside. Each element takes at least a byte, so the work
// is bounded by the file's size.
Result<void> skip_elements(ByteCursor& in, const ArrayHead& head, int depth) {
  if (depth > kGgufMaxArrayDepth) {
    return fail("{}: arrays nested more than {} deep at byte {} are refused.", in.what(), kGgufMaxArrayDepth,
                in.position());
  }
  if (const uint64_t each = scalar_bytes(head.element); each != 0) {
    MANG_TRY(in.expect_room(head.count, each, Error{"array elements"}));
    MANG_TRY(std::span<const std::byte> raw, in.take(head.count * each));
    if (head.element == GgufType::boolean) MANG_TRY(check_booleans(raw, in));
    return {};
  }
  const bool strings = head.element == GgufType::string;
  MANG_TRY(in.expect_room(head.count, strings ? 8 : 12, Error{"array elements"}));
  for (uint64_t i = 0; i < head.count; ++i) {
    if (strings) {
      MANG_TRY(read_string(in));
    } else {
      MANG_TRY(ArrayHead inner, read_array_head(in));
      MANG_TRY(skip_elements(in, inner, depth + 1));
    }
  }
  return {};
}

// Reads a value of the given type; `all` is the file, of which the payload is a view.
Result<void> read_value(ByteCursor& in, std::span<const std::byte> all, GgufEntry& entry) {
  if (const uint64_t bytes = scalar_bytes(entry.type); bytes != 0) {
    MANG_TRY(entry.payload, in.take(bytes));
    if (entry.type == GgufType::boolean) MANG_TRY(check_booleans(entry.payload, in));
  } else if (entry.type == GgufType::string) {
    MANG_TRY(uint64_t size, in.read<uint64_t>());
    MANG_TRY(entry.payload, in.take(size));
  } else {
    MANG_TRY(ArrayHead head, read_array_head(in));
    const uint64_t begin = in.position();
    MANG_TRY(skip_elements(in, head, 1));
    entry.element = head.element;
    entry.count = head.count;
    entry.payload = all.subspan(begin, in.position() - begin);
  }
  return {};
}

Result<GgufEntry> read_entry(ByteCursor& in, std::span<const std::byte> all) {
  GgufEntry entry;
  const uint64_t begin = in.position();
  MANG_TRY(entry.key, read_string(in));
  if (entry.key.empty() || entry.key.size() > kGgufMaxKeyBytes) {
    return fail("{}: a metadata key of {} bytes at byte {} is refused; 1 to {} are legal.", in.what(), entry.key.size(),
                begin, kGgufMaxKeyBytes);
  }
  if (!is_valid_utf8(entry.key)) {
    return fail("{}: the metadata key {} is not UTF-8.", in.what(), in_quotes(entry.key));
  }
  MANG_TRY(entry.type, read_type(in));
  if (auto read = read_value(in, all, entry); !read) {
    return fail("{} (value of the key {})", read.error(), in_quotes(entry.key));
  }
  return entry;
}

Result<uint64_t> data_alignment(const GgufMetadata& metadata) {
  if (!metadata.has("general.alignment")) return kDefaultAlignment;
  MANG_TRY(uint64_t alignment, metadata.get_u64("general.alignment"));
  if (alignment < kMinAlignment || alignment > kMaxAlignment || !std::has_single_bit(alignment)) {
    return fail("{}: general.alignment is {}; a power of two from {} to {} is needed.", metadata.what(), alignment,
                kMinAlignment, kMaxAlignment);
  }
  return alignment;
}

// Reads the dimensions (the file lists the innermost first) into a shape, outermost first.
Result<void> read_shape(ByteCursor& in, TensorInfo& info) {
  MANG_TRY(uint32_t dimensions, in.read<uint32_t>());
  if (dimensions == 0 || dimensions > kMaxDimensions) {
    return fail("{}: tensor {} has {} dimensions; 1 to {} are read.", in.what(), in_quotes(info.name), dimensions,
                kMaxDimensions);
  }
  info.shape.resize(dimensions);
  for (uint32_t d = 0; d < dimensions; ++d) {
    MANG_TRY(uint64_t size, in.read<uint64_t>());
    if (size == 0) return fail("{}: tensor {} has a dimension of size 0.", in.what(), in_quotes(info.name));
    info.shape[dimensions - 1 - d] = size;
  }
  return {};
}

// The bytes of all elements, with every product checked.
Result<uint64_t> stored_bytes(const TensorInfo& info, std::string_view what) {
  const DTypeInfo& type = dtype_info(info.dtype);
  const uint64_t row = info.shape.back();
  if (row % type.block_elements != 0) {
    return fail("{}: tensor {} has rows of {} elements, not a multiple of the {} in a block of {}.", what,
                in_quotes(info.name), row, type.block_elements, type.name);
  }
  uint64_t bytes = 0;
  bool fits = checked_mul(row / type.block_elements, type.block_bytes, bytes);
  for (size_t d = 0; fits && d + 1 < info.shape.size(); ++d) fits = checked_mul(bytes, info.shape[d], bytes);
  if (!fits) return fail("{}: the size of tensor {} overflows. The file is damaged.", what, in_quotes(info.name));
  return bytes;
}

Result<TensorInfo> read_tensor_info(ByteCursor& in) {
  TensorInfo info;
  const uint64_t begin = in.position();
  MANG_TRY(info.name, read_string(in));
  if (info.name.empty() || info.name.size() > kGgufMaxNameBytes) {
    return fail("{}: a tensor name of {} bytes at byte {} is refused; 1 to {} are legal.", in.what(), info.name.size(),
                begin, kGgufMaxNameBytes);
  }
  if (!is_valid_utf8(info.name)) return fail("{}: the tensor name {} is not UTF-8.", in.what(), in_quotes(info.name));
  MANG_TRY(read_shape(in, info));
  MANG_TRY(uint32_t id, in.read<uint32_t>());
  const auto dtype = dtype_from_gguf_id(id);
  if (!dtype) {
    const std::string_view name = gguf_type_name(id);
    return fail(
        "{}: tensor {} is stored as {} (type {}), which is not read here. Choose a file quantized as Q4_K_M, Q8_0 "
        "or another type that is.",
        in.what(), in_quotes(info.name), name.empty() ? Error{"an unknown type"} : fail("{}", name), id);
  }
  info.dtype = *dtype;
  MANG_TRY(info.bytes, stored_bytes(info, in.what()));
  MANG_TRY(info.offset, in.read<uint64_t>());
  return info;
}

// One tensor's extent inside the data section.
Result<void> check_extent(const TensorInfo& info, uint64_t data_bytes, uint64_t alignment, std::string_view what) {
  if (info.offset % alignment != 0) {
    return fail("{}: tensor {} begins at offset {}, not a multiple of the alignment {}.", what, in_quotes(info.name),
                info.offset, alignment);
  }
  if (info.offset > data_bytes || info.bytes > data_bytes - info.offset) {
    return fail(
        "{}: tensor {} takes {} bytes at offset {} of the data, but the file has only {} bytes of data. The file "
        "is incomplete: download it again.",
        what, in_quotes(info.name), info.bytes, info.offset, data_bytes);
  }
  return {};
}

// Overlaps, and bytes nobody owns at the end (legal, but worth a word). Extents have been checked.
Result<void> check_layout(const std::vector<TensorInfo>& infos, uint64_t data_bytes, uint64_t alignment,
                          std::string_view what, const Log& log) {
  std::vector<uint32_t> order(infos.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return infos[a].offset < infos[b].offset; });
  uint64_t end = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    const TensorInfo& info = infos[order[i]];
    if (i > 0 && info.offset < end) {
      return fail("{}: tensors {} and {} overlap in the file.", what, in_quotes(infos[order[i - 1]].name),
                  in_quotes(info.name));
    }
    end = info.offset + info.bytes;
  }
  if (!order.empty() && data_bytes - end >= alignment) {
    log_warning(log, fail("{}: {} bytes after the last tensor belong to nothing.", what, data_bytes - end));
  }
  return {};
}

Result<std::vector<StoredTensor>> read_tensors(ByteCursor& in, std::span<const std::byte> all, uint64_t count,
                                               uint64_t alignment, const Log& log) {
  std::vector<TensorInfo> infos;
  infos.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    MANG_TRY(TensorInfo info, read_tensor_info(in));
    infos.push_back(std::move(info));
  }
  const uint64_t header_end = in.position();
  const uint64_t data_begin = (header_end + alignment - 1) / alignment * alignment;  // header_end ≤ a file's size
  const auto data = all.subspan(std::min<uint64_t>(data_begin, all.size()));
  for (const TensorInfo& info : infos) MANG_TRY(check_extent(info, data.size(), alignment, in.what()));
  MANG_TRY(check_layout(infos, data.size(), alignment, in.what(), log));

  std::vector<StoredTensor> tensors;
  tensors.reserve(count);
  for (TensorInfo& info : infos) {
    tensors.push_back(
        {std::string(info.name), info.dtype, std::move(info.shape), data.subspan(info.offset, info.bytes)});
  }
  return tensors;
}

}  // namespace

Result<GgufPart> parse_gguf_part(std::span<const std::byte> bytes, const std::string& what, const Log& log) {
  ByteCursor in(bytes, what);
  MANG_TRY(Counts counts, read_header(in));
  GgufPart part;
  part.version = counts.version;
  std::vector<GgufEntry> entries;
  entries.reserve(counts.entries);
  for (uint64_t i = 0; i < counts.entries; ++i) {
    MANG_TRY(GgufEntry entry, read_entry(in, bytes));
    entries.push_back(entry);
  }
  MANG_TRY(part.metadata, GgufMetadata::create(what, std::move(entries)));
  MANG_TRY(uint64_t alignment, data_alignment(part.metadata));
  MANG_TRY(part.tensors, read_tensors(in, bytes, counts.tensors, alignment, log));
  return part;
}

}  // namespace mang
