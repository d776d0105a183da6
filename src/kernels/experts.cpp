#include "kernels/experts.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/check.h"
#include "kernels/cpu/elementwise_kernels.h"
#include "kernels/cpu/kernels.h"
#include "kernels/gated.h"
#include "kernels/op_trace.h"
#include "kernels/part_product.h"

namespace mang {
namespace {

// ---- tokens sorted by expert ----------------------------------------------------------------------------------------

// The tokens of one expert: `tokens` rows of the sorted order, from `first` on.
struct Part {
  int32_t expert = 0;
  int64_t first = 0;
  int64_t tokens = 0;
};

struct SortedTokens {
  std::vector<Part> parts;      // the experts that have tokens, those with most first: the longest work is begun first
  std::vector<int64_t> sizes;   // [parts]
  std::vector<int32_t> source;  // [M · U]: which token stands at a place of the order
  std::vector<int32_t> places;  // [M, U]: where the token's r-th choice stands
};

SortedTokens sort_by_expert(const Routing& routing, int64_t experts) {
  std::vector<int64_t> counts(static_cast<size_t>(experts));
  for (const int32_t e : routing.experts) ++counts[static_cast<size_t>(e)];
  SortedTokens out;
  for (size_t e = 0; e < counts.size(); ++e) {
    if (counts[e] > 0) out.parts.push_back({static_cast<int32_t>(e), 0, counts[e]});
  }
  std::stable_sort(out.parts.begin(), out.parts.end(),
                   [](const Part& a, const Part& b) { return a.tokens > b.tokens; });
  int64_t first = 0;
  for (Part& part : out.parts) {
    part.first = first;
    counts[static_cast<size_t>(part.expert)] = first;  // from here on: the expert's next free place
    first += part.tokens;
    out.sizes.push_back(part.tokens);
  }
  out.source.resize(routing.experts.size());
  out.places.resize(routing.experts.size());
  for (size_t i = 0; i < routing.experts.size(); ++i) {
    const int64_t place = counts[static_cast<size_t>(routing.experts[i])]++;
    out.source[static_cast<size_t>(place)] = static_cast<int32_t>(static_cast<int64_t>(i) / routing.used);
    out.places[i] = static_cast<int32_t>(place);
  }
  return out;
}

// inner[place] = f(gate(x)) · up(x).
void inner_products(const Device& device, Arithmetic arithmetic, GateFunction f, const ExpertMatrices& experts,
                    const SortedTokens& sorted, const float* x, float* inner) {
  std::vector<GatedPart> parts;
  for (const Part& part : sorted.parts) {
    const auto e = static_cast<size_t>(part.expert);
    parts.push_back({{&experts.gate[e], &experts.up[e]}, part.first, part.tokens});
  }
  gated_parts(device, arithmetic, f, parts, sorted.source, x, inner);
}

// ---- down, and the sum over a token's experts -----------------------------------------------------------------------

// The outputs are cut by rows, each piece through all experts: a thread that has them adds them up where they are still
// in its cache, and no expert, however many tokens it has, leaves a thread waiting.
std::vector<Tiles> cut_outer(const Device& device, const SortedTokens& sorted, const PartProduct& product,
                             const PackedMatrix& down) {
  constexpr int64_t kLeastBytes = int64_t{64} << 10;
  constexpr int64_t kMostTiles = 8;  // of many tokens: their results are added up before they leave the cache
  const bool streams = product.is_direct(sorted.parts[0].tokens);  // and so do all that have fewer
  const int64_t bytes = static_cast<int64_t>(sorted.parts.size()) * down.tile_bytes();
  const int64_t even = std::min(down.tiles() / (4 * device.threads()), kMostTiles);
  const int shares = device.threads() == 1 ? 4 : 2 * device.threads();
  std::vector<Tiles> pieces;
  for (int64_t tile = 0; tile < down.tiles();) {
    const int64_t left = (down.tiles() - tile) * bytes;
    const int64_t wanted = streams ? std::max(left / shares, kLeastBytes) / bytes : even;
    const int64_t count = std::min(std::max<int64_t>(2, wanted / 2 * 2), down.tiles() - tile);
    pieces.push_back({tile, static_cast<int>(count)});
    tile += count;
  }
  return pieces;
}

void outer_products(const Device& device, Arithmetic arithmetic, const ExpertMatrices& experts, const Routing& routing,
                    const SortedTokens& sorted, const float* inner, float* y) {
  const PackedMatrix& down = experts.down[0];
  const int64_t D = down.rows();
  const int64_t F = down.cols();
  const int64_t U = routing.used;
  std::vector<int32_t> as_they_stand(sorted.source.size());
  std::iota(as_they_stand.begin(), as_they_stand.end(), 0);
  const std::vector<InputKind> kinds = kinds_of({&down}, arithmetic);
  const PreparedInput input(device, inner, F, as_they_stand, sorted.sizes, F, kinds);
  const PartProduct product(device, input, kinds[0]);
  const std::vector<Tiles> pieces = cut_outer(device, sorted, product, down);
  const auto add_weighted = device.kernels().elementwise->add_weighted;
  device.run(static_cast<int64_t>(pieces.size()), [&](int64_t chunk, int thread) {
    const Tiles& tiles = pieces[static_cast<size_t>(chunk)];
    const int64_t width = int64_t{tiles.count} * kTileRows;
    const int64_t rows = std::min(D - tiles.row(), width);
    auto* results = reinterpret_cast<float*>(
        device.scratch(thread, Device::kTile, sorted.source.size() * static_cast<size_t>(width) * sizeof(float)));
    for (size_t p = 0; p < sorted.parts.size(); ++p) {
      const Part& part = sorted.parts[p];
      product.multiply(thread, experts.down[static_cast<size_t>(part.expert)], tiles, p, part.tokens,
                       results + part.first * width, width);
    }
    for (int64_t m = 0; m < routing.tokens; ++m) {
      add_weighted(results, width, sorted.places.data() + m * U, routing.weights.data() + m * U, U, rows,
                   y + m * D + tiles.row());
    }
  });
}

// "experts Q4_K 2048 → 768 + 768": those that have tokens are read once.
void describe(Arithmetic arithmetic, const SortedTokens& sorted, std::initializer_list<const PackedMatrix*> matrices,
              std::string& name, OpWork& work) {
  const PackedMatrix& first = **matrices.begin();
  name = fmt::format("experts {} {} →", dtype_name(first.dtype()), first.cols());
  for (const PackedMatrix* w : matrices) {
    name += fmt::format("{}{}", w == &first ? " " : " + ", w->rows());
    const bool floats = is_float(w->dtype()) || arithmetic == Arithmetic::exact;
    const auto macs = static_cast<double>(static_cast<int64_t>(sorted.source.size()) * w->cols() * w->rows());
    (floats ? work.f32_macs : work.int8_macs) += macs;
    work.bytes += static_cast<double>(static_cast<int64_t>(sorted.parts.size()) * w->bytes());
  }
  if (arithmetic == Arithmetic::exact) name += ", exact";
}

}  // namespace

void expert_feed_forward(const Device& device, Arithmetic arithmetic, GateFunction f, const ExpertMatrices& experts,
                         const Routing& routing, const float* x, float* inner, float* y) {
  if (routing.tokens == 0) return;
  MANG_CHECK(arithmetic != Arithmetic::refined);
  MANG_CHECK(!experts.gate.empty() && experts.up.size() == experts.gate.size() &&
             experts.down.size() == experts.gate.size());
  const SortedTokens sorted = sort_by_expert(routing, static_cast<int64_t>(experts.gate.size()));
  {
    const OpScope scope(device, [&](std::string& name, OpWork& work) {
      describe(arithmetic, sorted, {&experts.gate[0], &experts.up[0]}, name, work);
    });
    inner_products(device, arithmetic, f, experts, sorted, x, inner);
  }
  const OpScope scope(
      device, [&](std::string& name, OpWork& work) { describe(arithmetic, sorted, {&experts.down[0]}, name, work); });
  outer_products(device, arithmetic, experts, routing, sorted, inner, y);
}

}  // namespace mang
