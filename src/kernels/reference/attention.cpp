#include "kernels/reference/attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/math.h"
#include "tensor/float16.h"

namespace mang::reference {

namespace {

constexpr int64_t kGroup = 32;  // elements that share a scale in q8_0
constexpr float kNegativeInfinity = -std::numeric_limits<float>::infinity();

float greater(float a, float b) { return a > b ? a : b; }  // b if either is NaN

template <typename T>
T read(const std::byte* base, int64_t index) {
  T value;
  std::memcpy(&value, base + index * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}
template <typename T>
void write(std::byte* base, int64_t index, T value) {
  std::memcpy(base + index * static_cast<int64_t>(sizeof(T)), &value, sizeof(T));
}

// Where element (position, d) lies among the elements, and its scale among the scales, of one head.
struct Place {
  int64_t element;
  int64_t scale;
  int64_t elements;  // of the head in a page: the scales lie behind them
};
Place place_k(const KvLayout& layout, int64_t position, int64_t d) {
  const int64_t lane = position % kKeyLanes;
  const int64_t group = position / kKeyLanes;
  return {(group * layout.head_dim + d) * kKeyLanes + lane,
          (group * (layout.head_dim / kGroup) + d / kGroup) * kKeyLanes + lane, kPagePositions * layout.head_dim};
}
Place place_v(const KvLayout& layout, int64_t position, int64_t d) {
  const int64_t row = (layout.v_head_dim + 15) / 16 * 16;
  return {position * row + d, position * (layout.v_head_dim / kGroup) + d / kGroup, kPagePositions * row};
}

float load(KvType type, const std::byte* head, const Place& at) {
  switch (type) {
    case KvType::f32:
      return read<float>(head, at.element);
    case KvType::f16:
      return f32_from_f16(read<uint16_t>(head, at.element));
    case KvType::q8_0:
      break;
  }
  return read<float>(head + at.elements, at.scale) * static_cast<float>(read<int8_t>(head, at.element));
}

// x [n] of one head at one position; place(d) says where element d goes.
template <typename PlaceOf>
void store(KvType type, std::byte* head, const float* x, int64_t n, PlaceOf place) {
  for (int64_t d = 0; d < n; ++d) {
    if (type == KvType::f32) write(head, place(d).element, x[d]);
    if (type == KvType::f16) write(head, place(d).element, f16_from_f32(x[d]));
  }
  if (type != KvType::q8_0) return;
  for (int64_t first = 0; first < n; first += kGroup) {
    float largest = 0;
    for (int64_t i = 0; i < kGroup; ++i) largest = std::max(largest, std::fabs(x[first + i]));
    const bool zero = largest < 0x1p-100f;
    const float inverse = zero ? 0.0f : 127.0f / largest;
    write(head + place(first).elements, place(first).scale, zero ? 0.0f : largest / 127.0f);
    for (int64_t i = 0; i < kGroup; ++i) {
      write(head, place(first + i).element, static_cast<int8_t>(std::nearbyint(x[first + i] * inverse)));
    }
  }
}

// The sums of one query, combined page by page.
struct Running {
  float M = kNegativeInfinity;
  float L = 0;
  std::vector<float> O;
};

float fold(float* lanes, float (*f)(float, float)) {
  for (int64_t half = kKeyLanes / 2; half > 0; half /= 2) {
    for (int64_t i = 0; i < half; ++i) lanes[i] = f(lanes[i], lanes[i + half]);
  }
  return lanes[0];
}

// Positions [from, to) of one page.
void add_page(const KvLayout& layout, const AttentionParams& params, const std::byte* page, int64_t kv_head,
              const float* q, int64_t from, int64_t to, Running& running) {
  float scores[kPagePositions];
  float largest[kKeyLanes];
  float sums[kKeyLanes] = {};
  std::fill(largest, largest + kKeyLanes, kNegativeInfinity);
  for (int64_t i = from; i < to; ++i) {
    float dot = 0;
    for (int64_t d = 0; d < layout.head_dim; ++d) {
      dot = std::fma(q[d], kv_load_k(layout, page, kv_head, i, d), dot);
    }
    float score = dot * params.scale;
    if (params.score_cap != 0) score = params.score_cap * tanh_f32(score / params.score_cap);
    scores[i] = score;
    largest[i % kKeyLanes] = greater(largest[i % kKeyLanes], score);
  }
  const float m = fold(largest, greater);
  for (int64_t i = from; i < to; ++i) {
    scores[i] = exp_f32(scores[i] - m);
    sums[i % kKeyLanes] += scores[i];
  }
  const float l = fold(sums, [](float a, float b) { return a + b; });
  const float larger = greater(running.M, m);
  const float a = exp_f32(running.M - larger);
  const float b = exp_f32(m - larger);
  running.L = std::fma(running.L, a, l * b);
  running.M = larger;
  for (int64_t d = 0; d < layout.v_head_dim; ++d) {
    float o = 0;
    for (int64_t i = from; i < to; ++i) o = std::fma(scores[i], kv_load_v(layout, page, kv_head, i, d), o);
    running.O[static_cast<size_t>(d)] = std::fma(running.O[static_cast<size_t>(d)], a, o * b);
  }
}

void attend(const KvLayout& layout, const AttentionParams& params, const std::byte* const* pages, int64_t position,
            int64_t kv_head, const float* q, float* out) {
  Running running;
  running.O.assign(static_cast<size_t>(layout.v_head_dim), 0.0f);
  const int64_t first = params.window > 0 ? std::max<int64_t>(0, position - params.window + 1) : 0;
  for (int64_t page = first / kPagePositions; page <= position / kPagePositions; ++page) {
    const int64_t start = page * kPagePositions;
    add_page(layout, params, pages[page], kv_head, q, std::max<int64_t>(0, first - start),
             std::min(kPagePositions, position + 1 - start), running);
  }
  for (int64_t d = 0; d < layout.v_head_dim; ++d) out[d] = running.O[static_cast<size_t>(d)] / running.L;
}

}  // namespace

float kv_load_k(const KvLayout& layout, const std::byte* page, int64_t kv_head, int64_t position_in_page, int64_t d) {
  return load(layout.type, page + kv_head * layout.k_head_bytes(), place_k(layout, position_in_page, d));
}

float kv_load_v(const KvLayout& layout, const std::byte* page, int64_t kv_head, int64_t position_in_page, int64_t d) {
  const std::byte* all_v = page + layout.kv_heads * layout.k_head_bytes();
  return load(layout.type, all_v + kv_head * layout.v_head_bytes(), place_v(layout, position_in_page, d));
}

void kv_store(const KvLayout& layout, std::byte* page, int64_t position_in_page, const float* k, const float* v) {
  for (int64_t h = 0; h < layout.kv_heads; ++h) {
    store(layout.type, page + h * layout.k_head_bytes(), k + h * layout.head_dim, layout.head_dim,
          [&](int64_t d) { return place_k(layout, position_in_page, d); });
    store(layout.type, page + layout.kv_heads * layout.k_head_bytes() + h * layout.v_head_bytes(),
          v + h * layout.v_head_dim, layout.v_head_dim,
          [&](int64_t d) { return place_v(layout, position_in_page, d); });
  }
}

void attention(const KvLayout& layout, const AttentionParams& params, const AttentionSlice* slices,
               int64_t slice_count) {
  const int64_t group = params.heads / layout.kv_heads;
  for (int64_t s = 0; s < slice_count; ++s) {
    const AttentionSlice& slice = slices[s];
    for (int64_t i = 0; i < slice.queries; ++i) {
      for (int64_t h = 0; h < params.heads; ++h) {
        attend(layout, params, slice.pages, slice.first_position + i, h / group,
               slice.q + i * params.ldq + h * layout.head_dim, slice.out + i * params.ldout + h * layout.v_head_dim);
      }
    }
  }
}

}  // namespace mang::reference
