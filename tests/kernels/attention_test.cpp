#include "kernels/attention.h"

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "kernels/reference/attention.h"
#include "kernels/support.h"
#include "support/scale.h"

using namespace mang;
using test::first_difference;
using test::Random;
using test::reduced;

namespace {

// A sequence with its pages. What is never written keeps NaN's bits, so that reading it where it counts shows.
class Sequence {
 public:
  Sequence(const KvLayout& layout, int64_t positions) : layout_(layout) {
    const int64_t count = (positions + kPagePositions - 1) / kPagePositions;
    memory_.assign(static_cast<size_t>(count * layout.page_bytes()), std::byte{0xff});
    for (int64_t i = 0; i < count; ++i) pages_.push_back(memory_.data() + i * layout.page_bytes());
  }
  void fill(Random& random, int64_t positions) {
    for (int64_t p = 0; p < positions; ++p) {
      const std::vector<float> k = random.normals(layout_.kv_heads * layout_.head_dim);
      const std::vector<float> v = random.normals(layout_.kv_heads * layout_.v_head_dim);
      reference::kv_store(layout_, pages_[static_cast<size_t>(p / kPagePositions)], p % kPagePositions, k.data(),
                          v.data());
    }
  }
  [[nodiscard]] std::byte* page(int64_t i) { return pages_[static_cast<size_t>(i)]; }
  [[nodiscard]] const std::byte* const* pages() const { return pages_.data(); }
  [[nodiscard]] const std::vector<std::byte>& memory() const { return memory_; }

 private:
  KvLayout layout_;
  std::vector<std::byte> memory_;
  std::vector<std::byte*> pages_;
};

struct Shape {
  KvLayout layout;
  AttentionParams params;
  int64_t first = 0;  // position of the first query
  int64_t queries = 1;

  [[nodiscard]] int64_t q_size() const { return queries * params.ldq; }
  [[nodiscard]] int64_t out_size() const { return queries * params.ldout; }
};

Shape make_shape(KvType type, int64_t kv_heads, int64_t group, int64_t head_dim, int64_t v_head_dim, int64_t first,
                 int64_t queries) {
  Shape shape;
  shape.layout = {type, kv_heads, head_dim, v_head_dim};
  shape.params.heads = kv_heads * group;
  shape.params.ldq = shape.params.heads * head_dim + 5;
  shape.params.ldout = shape.params.heads * v_head_dim + 3;
  shape.params.scale = 1 / std::sqrt(static_cast<float>(head_dim));
  shape.first = first;
  shape.queries = queries;
  return shape;
}

Shape random_shape(Random& random) {
  const auto type = static_cast<KvType>(random.integer(0, 2));
  const int64_t unit = type == KvType::q8_0 ? 32 : 8;
  const auto dim = [&] { return unit * random.integer(1, (random.integer(0, 3) == 0 ? 256 : 96) / unit); };
  const int64_t head_dim = dim();
  const int64_t v_head_dim = random.integer(0, 2) == 0 ? dim() : head_dim;
  const int64_t depth = random.integer(0, 2) == 0 ? random.integer(0, reduced(900, 300)) : random.integer(0, 140);
  Shape shape = make_shape(type, random.integer(1, 3), random.integer(1, 9), head_dim, v_head_dim, depth,
                           random.integer(0, 1) == 0 ? 1 : random.integer(2, reduced(40, 12)));
  if (random.integer(0, 2) == 0) shape.params.window = random.integer(1, 200);
  if (random.integer(0, 3) == 0) shape.params.score_cap = 5;
  return shape;
}

// Runs queries [from, to) of the shape as one slice.
AttentionSlice slice_of(const Shape& shape, const Sequence& sequence, const std::vector<float>& q,
                        std::vector<float>& out, int64_t from, int64_t to) {
  return {to - from, shape.first + from, sequence.pages(), q.data() + from * shape.params.ldq,
          out.data() + from * shape.params.ldout};
}

std::vector<float> expected_of(const Shape& shape, const Sequence& sequence, const std::vector<float>& q) {
  std::vector<float> out(static_cast<size_t>(shape.out_size()), 0.0f);
  const AttentionSlice slice = slice_of(shape, sequence, q, out, 0, shape.queries);
  reference::attention(shape.layout, shape.params, &slice, 1);
  return out;
}

std::string describe(const Shape& s) {
  return fmt::format("type {} kv_heads {} heads {} head_dim {}/{} first {} queries {} window {} cap {}",
                     static_cast<int>(s.layout.type), s.layout.kv_heads, s.params.heads, s.layout.head_dim,
                     s.layout.v_head_dim, s.first, s.queries, s.params.window, s.params.score_cap);
}

}  // namespace

TEST_CASE("the layout's sizes") {
  const KvLayout f16{KvType::f16, 2, 128, 128};
  CHECK(f16.k_head_bytes() == 64 * 128 * 2);
  CHECK(f16.page_bytes() == 2 * 2 * 64 * 128 * 2);
  const KvLayout q8{KvType::q8_0, 1, 64, 32};
  CHECK(q8.k_head_bytes() == 64 * (64 + 2 * 4));
  CHECK(q8.v_head_bytes() == 64 * (32 + 4));
  const KvLayout odd{KvType::f32, 1, 8, 40};
  CHECK(odd.k_head_bytes() == 64 * 8 * 4);
  CHECK(odd.v_head_bytes() == 64 * 48 * 4);
}

TEST_CASE("kv_store writes the plain definition's bytes on every instruction set, and nothing else") {
  Random random(21);
  for (int i = 0; i < reduced(60, 15); ++i) {
    const Shape shape = random_shape(random);
    const KvLayout& layout = shape.layout;
    std::vector<float> k = random.normals(layout.kv_heads * layout.head_dim, 3);
    std::vector<float> v = random.normals(layout.kv_heads * layout.v_head_dim, 3);
    if (i % 5 == 0) std::fill(k.begin(), k.end(), 0.0f);
    if (i % 7 == 0) std::fill(v.begin(), v.end(), 1e-35f);
    const int64_t position = random.integer(0, 63);
    Sequence expected(layout, 64);
    reference::kv_store(layout, expected.page(0), position, k.data(), v.data());
    test::on_every_device(
        [&](const Device& device) {
          Sequence actual(layout, 64);
          kv_store(device, layout, actual.page(0), position, k.data(), v.data());
          // Every element reads back the same; the padding of V may take anything.
          int64_t different = 0;
          for (int64_t h = 0; h < layout.kv_heads; ++h) {
            for (int64_t p = 0; p < kPagePositions; ++p) {
              for (int64_t d = 0; d < layout.head_dim; ++d) {
                different += !test::same_bits(reference::kv_load_k(layout, actual.page(0), h, p, d),
                                              reference::kv_load_k(layout, expected.page(0), h, p, d));
              }
              for (int64_t d = 0; d < layout.v_head_dim; ++d) {
                different += !test::same_bits(reference::kv_load_v(layout, actual.page(0), h, p, d),
                                              reference::kv_load_v(layout, expected.page(0), h, p, d));
              }
            }
          }
          CHECK(different == 0);
        },
        {1});
  }
}

TEST_CASE("stored values are near what was given") {
  Random random(22);
  for (const auto& [type, bound] :
       {std::pair{KvType::f32, 0.0f}, {KvType::f16, 0x1p-11f}, {KvType::q8_0, 0.5f / 127}}) {
    const KvLayout layout{type, 1, 64, 64};
    Sequence sequence(layout, 64);
    const std::vector<float> k = random.normals(64);
    const std::vector<float> v = random.normals(64);
    reference::kv_store(layout, sequence.page(0), 17, k.data(), v.data());
    float largest = 0;
    for (const float x : k) largest = std::max(largest, std::fabs(x));
    for (const float x : v) largest = std::max(largest, std::fabs(x));
    for (int64_t d = 0; d < 64; ++d) {
      CHECK(std::fabs(reference::kv_load_k(layout, sequence.page(0), 0, 17, d) - k[static_cast<size_t>(d)]) <=
            bound * largest * 1.001f);
      CHECK(std::fabs(reference::kv_load_v(layout, sequence.page(0), 0, 17, d) - v[static_cast<size_t>(d)]) <=
            bound * largest * 1.001f);
    }
  }
}

TEST_CASE("the plain definition is softmax(scale · QKᵀ) V") {
  Random random(23);
  for (const int64_t window : {0, 1, 70}) {
    Shape shape = make_shape(KvType::f32, 2, 3, 24, 16, 150, 4);
    shape.params.window = window;
    shape.params.score_cap = window == 70 ? 2.0f : 0.0f;
    Sequence sequence(shape.layout, shape.first + shape.queries);
    sequence.fill(random, shape.first + shape.queries);
    const std::vector<float> q = random.normals(shape.q_size());
    const std::vector<float> out = expected_of(shape, sequence, q);
    for (int64_t i = 0; i < shape.queries; ++i) {
      for (int64_t h = 0; h < 6; ++h) {
        const int64_t position = shape.first + i;
        std::vector<double> weights;
        double total = 0;
        const int64_t from = window > 0 ? position - window + 1 : 0;
        for (int64_t p = from; p <= position; ++p) {
          double score = 0;
          for (int64_t d = 0; d < 24; ++d) {
            score +=
                static_cast<double>(q[static_cast<size_t>(i * shape.params.ldq + h * 24 + d)]) *
                static_cast<double>(reference::kv_load_k(shape.layout, sequence.pages()[p / 64], h / 3, p % 64, d));
          }
          score *= static_cast<double>(shape.params.scale);
          if (shape.params.score_cap != 0) score = 2.0 * std::tanh(score / 2.0);
          weights.push_back(std::exp(score));
          total += weights.back();
        }
        for (int64_t d = 0; d < 16; ++d) {
          double value = 0;
          for (int64_t p = from; p <= position; ++p) {
            value +=
                weights[static_cast<size_t>(p - from)] / total *
                static_cast<double>(reference::kv_load_v(shape.layout, sequence.pages()[p / 64], h / 3, p % 64, d));
          }
          REQUIRE(std::fabs(value -
                            static_cast<double>(out[static_cast<size_t>(i * shape.params.ldout + h * 16 + d)])) < 2e-6);
        }
      }
    }
  }
}

TEST_CASE("attention is its definition on every instruction set and any number of threads") {
  Random random(24);
  for (int i = 0; i < reduced(60, 15); ++i) {
    const Shape shape = random_shape(random);
    Sequence sequence(shape.layout, shape.first + shape.queries);
    sequence.fill(random, shape.first + shape.queries);
    const std::vector<float> q = random.normals(shape.q_size(), 2);
    const std::vector<float> expected = expected_of(shape, sequence, q);
    CAPTURE(describe(shape));
    test::on_every_device(
        [&](const Device& device) {
          std::vector<float> out(expected.size(), 0.0f);
          const AttentionSlice slice = slice_of(shape, sequence, q, out, 0, shape.queries);
          attention(device, shape.layout, shape.params, &slice, 1);
          CHECK(first_difference(out, expected) == -1);
        },
        {1, 2, 5});
  }
}

TEST_CASE("a query's result does not depend on how the batch was cut, nor on what else was in it") {
  Random random(25);
  for (int i = 0; i < reduced(12, 3); ++i) {
    Shape shape = random_shape(random);
    shape.queries = random.integer(reduced(30, 8), reduced(150, 30));
    Sequence sequence(shape.layout, shape.first + shape.queries);
    sequence.fill(random, shape.first + shape.queries);
    const std::vector<float> q = random.normals(shape.q_size(), 2);
    ThreadPool one_thread(1);
    const Device plain(one_thread, best_isa());
    std::vector<float> alone(static_cast<size_t>(shape.out_size()), 0.0f);
    for (int64_t query = 0; query < shape.queries; ++query) {
      const AttentionSlice slice = slice_of(shape, sequence, q, alone, query, query + 1);
      attention(plain, shape.layout, shape.params, &slice, 1);
    }
    // Another sequence that shares the batch, and the same queries cut at random.
    Shape other = shape;
    other.first = random.integer(0, 300);
    other.queries = random.integer(1, 20);
    Sequence beside(shape.layout, other.first + other.queries);
    beside.fill(random, other.first + other.queries);
    const std::vector<float> other_q = random.normals(other.q_size());
    std::vector<float> other_out(static_cast<size_t>(other.out_size()));
    test::on_every_device(
        [&](const Device& device) {
          std::vector<float> out(alone.size(), 0.0f);
          std::vector<AttentionSlice> slices = {slice_of(other, beside, other_q, other_out, 0, other.queries)};
          for (int64_t from = 0; from < shape.queries;) {
            const int64_t to = std::min(shape.queries, from + random.integer(1, reduced(60, 12)));
            slices.push_back(slice_of(shape, sequence, q, out, from, to));
            from = to;
          }
          attention(device, shape.layout, shape.params, slices.data(), static_cast<int64_t>(slices.size()));
          CHECK(first_difference(out, alone) == -1);
        },
        {1, 3});
  }
}

TEST_CASE("what lies in the cache after a query's position is never used") {
  Random random(26);
  for (const KvType type : {KvType::f32, KvType::f16, KvType::q8_0}) {
    const Shape shape = make_shape(type, 2, 2, 64, 64, 70, 7);
    Sequence sequence(shape.layout, 192);
    sequence.fill(random, shape.first + shape.queries);
    const std::vector<float> q = random.normals(shape.q_size());
    const auto run = [&](const Device& device) {
      std::vector<float> out(static_cast<size_t>(shape.out_size()), 0.0f);
      const AttentionSlice slice = slice_of(shape, sequence, q, out, 0, shape.queries);
      attention(device, shape.layout, shape.params, &slice, 1);
      return out;
    };
    test::on_every_device(
        [&](const Device& device) {
          const std::vector<float> before = run(device);
          for (const float x : before) REQUIRE(std::isfinite(x));  // the rest of the page is NaN
        },
        {1});
    // Later positions written with large numbers change nothing.
    ThreadPool pool(1);
    const Device device(pool, best_isa());
    const std::vector<float> before = run(device);
    const std::vector<float> huge(static_cast<size_t>(2 * 64), 3e4f);
    for (int64_t p = shape.first + shape.queries; p < 192; ++p) {
      reference::kv_store(shape.layout, sequence.page(p / 64), p % 64, huge.data(), huge.data());
    }
    CHECK(first_difference(before, run(device)) == -1);
  }
}

TEST_CASE("extreme scores: one position takes all, and equal ones share") {
  Shape shape = make_shape(KvType::f32, 1, 1, 16, 16, 99, 1);
  shape.params.scale = 1;
  Sequence sequence(shape.layout, 100);
  for (int64_t p = 0; p < 100; ++p) {
    const std::vector<float> k(16, p == 42 ? 1000.0f : -1000.0f);
    const std::vector<float> v(16, static_cast<float>(p));
    reference::kv_store(shape.layout, sequence.page(p / 64), p % 64, k.data(), v.data());
  }
  test::on_every_device([&](const Device& device) {
    std::vector<float> out(static_cast<size_t>(shape.out_size()), 0.0f);
    const std::vector<float> ones(64, 1.0f);
    AttentionSlice slice = slice_of(shape, sequence, ones, out, 0, 1);
    attention(device, shape.layout, shape.params, &slice, 1);
    CHECK(out[0] == 42.0f);
    const std::vector<float> zeros(64, 0.0f);
    slice.q = zeros.data();
    attention(device, shape.layout, shape.params, &slice, 1);
    CHECK(std::fabs(out[0] - 49.5f) < 1e-4f);
  });
}
