#include "load/binder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/units.h"
#include "tensor/float16.h"

namespace mang {
namespace {

constexpr int64_t kSlabBytes = int64_t{16} << 20;
constexpr int64_t kTileRows = 16;  // packed matrices are filled from a multiple of it on

std::string shape_text(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

Error kind_of(const Shape& shape) {
  return shape.size() == 1 ? Error{"vector"} : shape.size() == 2 ? Error{"matrix"} : Error{"stack of matrices"};
}

// order[r]: the canonical row of stored row r; empty: the same. Within the rotated part of a head, stored row 2i + s is
// canonical row i + s · rotary_dim / 2; the rest stays.
std::vector<int32_t> canonical_order(const std::optional<InterleavedRows>& rows, int64_t count) {
  if (!rows) return {};
  MANG_CHECK(rows->heads * rows->head_dim == count && rows->rotary_dim <= rows->head_dim);
  std::vector<int32_t> order(static_cast<size_t>(count));
  for (int64_t r = 0; r < count; ++r) {
    const int64_t in_head = r % rows->head_dim;
    const bool rotates = in_head < rows->rotary_dim;
    const int64_t to = rotates ? in_head / 2 + in_head % 2 * (rows->rotary_dim / 2) : in_head;
    order[static_cast<size_t>(r)] = static_cast<int32_t>(r - in_head + to);
  }
  return order;
}

float element(DType dtype, const std::byte* at) {
  if (dtype == DType::F32) {
    float value;
    std::memcpy(&value, at, sizeof(value));
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, at, sizeof(bits));
  return dtype == DType::F16 ? f32_from_f16(bits) : f32_from_bf16(bits);
}

}  // namespace

Binder::Binder(const TensorFiles& files, bool is_gguf, std::string what, const Device& device)
    : files_(files), is_gguf_(is_gguf), what_(std::move(what)), device_(device) {}

bool Binder::has(const TensorName& name) const {
  return !of(name).empty() && files_.find_tensor(of(name) + ".weight") != nullptr;
}

Result<const StoredTensor*> Binder::expect(const std::string& name, Wanted wanted, const Shape& shape) {
  const StoredTensor* tensor = files_.find_tensor(name);
  if (tensor == nullptr) {
    return fail("{}: tensor '{}' is missing; a {} of shape {} is wanted. The file is incomplete or of another model.",
                what_, name, kind_of(shape), shape_text(shape));
  }
  if (tensor->shape != shape) {
    return fail("{}: tensor '{}' has shape {}; {} is wanted. The file and its configuration do not belong together.",
                what_, name, shape_text(tensor->shape), shape_text(shape));
  }
  if (wanted == Wanted::floats && !is_float(tensor->dtype)) {
    return fail("{}: tensor '{}' is of type {}; F32, F16 or BF16 is wanted.", what_, name, dtype_name(tensor->dtype));
  }
  used_.insert(tensor->name);
  return tensor;
}

Error Binder::not_finite(const std::string& name) const {
  return fail("{}: tensor '{}' holds values that are not finite numbers or too large for weights. The file is damaged.",
              what_, name);
}

Result<PackedMatrix> Binder::pack(const std::string& name, int64_t rows, int64_t cols, const Rows& stored_rows) {
  MANG_TRY(const StoredTensor* tensor,
           expect(name, Wanted::any_type, {static_cast<uint64_t>(rows), static_cast<uint64_t>(cols)}));
  return pack(*tensor, rows, cols, stored_rows);
}

Result<PackedMatrix> Binder::pack(const StoredTensor& tensor, int64_t rows, int64_t cols, const Rows& stored_rows) {
  PackedMatrix out = PackedMatrix::allocate(tensor.dtype, rows, cols, arena_);
  if (!out.allocated()) {
    return fail("{}: no room for tensor '{}' ({}). Use a smaller model, or let this program use more memory.", what_,
                tensor.name, human_bytes(static_cast<uint64_t>(out.bytes())));
  }
  const std::vector<int32_t> order = canonical_order(stored_rows, rows);
  // Slab by slab, so that a large matrix is never in memory twice; one whose rows change places goes in one piece.
  const auto stride = static_cast<int64_t>(row_bytes(tensor.dtype, static_cast<uint64_t>(cols)));
  const int64_t slab = order.empty() ? std::max<int64_t>(kSlabBytes / stride / kTileRows, 1) * kTileRows : rows;
  StoredTensor part = tensor;
  for (int64_t first = 0; first < rows; first += slab) {
    const int64_t count = std::min(slab, rows - first);
    part.bytes = tensor.bytes.subspan(static_cast<size_t>(first * stride), static_cast<size_t>(count * stride));
    if (!pack_rows(device_, part.bytes, count, first, order, out)) return not_finite(tensor.name);
    files_.release(part);
  }
  parameters_ += static_cast<uint64_t>(rows) * static_cast<uint64_t>(cols);
  packed_bytes_ += static_cast<uint64_t>(out.bytes());
  return out;
}

Result<std::vector<float>> Binder::floats(const std::string& name, int64_t n, const Rows& stored_rows) {
  MANG_TRY(const StoredTensor* tensor, expect(name, Wanted::floats, {static_cast<uint64_t>(n)}));
  const std::vector<int32_t> order = canonical_order(stored_rows, n);
  const size_t width = dtype_info(tensor->dtype).block_bytes;
  std::vector<float> out(static_cast<size_t>(n));
  for (size_t i = 0; i < out.size(); ++i) {
    const float value = element(tensor->dtype, tensor->bytes.data() + i * width);
    if (!std::isfinite(value)) return not_finite(name);
    out[order.empty() ? i : static_cast<size_t>(order[i])] = value;
  }
  parameters_ += static_cast<uint64_t>(n);
  packed_bytes_ += out.size() * sizeof(float);
  return out;
}

Result<PackedMatrix> Binder::matrix(const TensorName& name, int64_t rows, int64_t cols) {
  return pack(of(name) + ".weight", rows, cols, std::nullopt);
}

Result<Linear> Binder::linear(const TensorName& name, int64_t rows, int64_t cols, Bias bias,
                              const std::optional<InterleavedRows>& gguf_rows) {
  const Rows stored_rows = is_gguf_ ? gguf_rows : std::nullopt;
  Linear out;
  MANG_TRY(out.weight, pack(of(name) + ".weight", rows, cols, stored_rows));
  const std::string bias_name = of(name) + ".bias";
  if (bias == Bias::required || (bias == Bias::by_file && files_.find_tensor(bias_name) != nullptr)) {
    MANG_TRY(out.bias, floats(bias_name, rows, stored_rows));
  }
  return out;
}

Result<std::vector<StoredTensor>> Binder::expert_tensors(const ExpertsName& name, int64_t count, int64_t rows,
                                                         int64_t cols) {
  const auto E = static_cast<uint64_t>(count);
  const auto r = static_cast<uint64_t>(rows);
  const auto c = static_cast<uint64_t>(cols);
  std::vector<StoredTensor> out;
  if (is_gguf_) {
    MANG_TRY(const StoredTensor* stack, expect(name.name.gguf + ".weight", Wanted::any_type, {E, r, c}));
    const size_t each = stack->bytes.size() / E;
    for (size_t e = 0; e < E; ++e) {
      out.push_back({stack->name, stack->dtype, {r, c}, stack->bytes.subspan(e * each, each)});
    }
    return out;
  }
  for (uint64_t e = 0; e < E; ++e) {
    const std::string one = fmt::format("{}.{}.{}.weight", name.name.hf, e, name.hf_part);
    MANG_TRY(const StoredTensor* tensor, expect(one, Wanted::any_type, {r, c}));
    out.push_back(*tensor);
    if (tensor->dtype == out[0].dtype) continue;
    return fail("{}: tensor '{}' is of type {}, but '{}' is of type {}; the experts of a layer are read of one type.",
                what_, one, dtype_name(tensor->dtype), out[0].name, dtype_name(out[0].dtype));
  }
  return out;
}

Result<std::vector<PackedMatrix>> Binder::experts(const ExpertsName& name, int64_t count, int64_t rows, int64_t cols) {
  MANG_TRY(const std::vector<StoredTensor> tensors, expert_tensors(name, count, rows, cols));
  std::vector<PackedMatrix> out;
  out.reserve(tensors.size());
  for (const StoredTensor& tensor : tensors) {
    MANG_TRY(PackedMatrix matrix, pack(tensor, rows, cols, std::nullopt));
    out.push_back(std::move(matrix));
  }
  return out;
}

Result<std::vector<float>> Binder::vector(const TensorName& name, int64_t n, float hf_offset) {
  MANG_TRY(std::vector<float> out, floats(of(name) + ".weight", n, std::nullopt));
  if (!is_gguf_ && hf_offset != 0) {
    for (float& value : out) value += hf_offset;
  }
  return out;
}

Result<bool> Binder::same_bytes(const TensorName& name, const TensorName& other) {
  const StoredTensor* a = files_.find_tensor(of(name) + ".weight");
  const StoredTensor* b = files_.find_tensor(of(other) + ".weight");
  if (a == nullptr || b == nullptr) {
    return fail("{}: tensor '{}.weight' is missing.", what_, of(a == nullptr ? name : other));
  }
  const bool same = a->dtype == b->dtype && a->shape == b->shape && a->bytes.size() == b->bytes.size() &&
                    std::equal(a->bytes.begin(), a->bytes.end(), b->bytes.begin());
  if (same) {
    used_.insert(a->name);
    files_.release(*a);
  }
  return same;
}

std::vector<std::string_view> Binder::leftover() const {
  std::vector<std::string_view> out;
  for (const StoredTensor& tensor : files_.tensors()) {
    // Older checkpoints and converters saved the rotary frequencies, which follow from the configuration.
    const std::string_view name = tensor.name;
    const bool table = name.ends_with(".rotary_emb.inv_freq") || name.ends_with(".attn_rot_embd.weight");
    if (!table && !used_.contains(name)) out.push_back(name);
  }
  return out;
}

}  // namespace mang
