#include "engine/fake_model.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <thread>

namespace mang {

namespace {

// One position in a page of any layer.
struct Entry {
  int32_t id = -1;
  int32_t position = -1;
};

constexpr float kScripted = 40;

uint64_t mix(uint64_t x) {  // splitmix64
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

std::byte* entry_at(const KvPool& kv, const BatchSlice& slice, int64_t position, int64_t layer) {
  std::byte* page = kv.page(slice.blocks[static_cast<size_t>(position / kPagePositions)], layer);
  return page + position % kPagePositions * static_cast<int64_t>(sizeof(Entry));
}

}  // namespace

FakeModel::FakeModel(FakeModelOptions options) : options_(std::move(options)) {
  info_.architecture = "fake";
  info_.layers = options_.layers;
  info_.vocab = options_.vocab;
  info_.context = options_.context;
}

Result<std::vector<KvLayout>> FakeModel::kv_layout(KvType type) const {
  return std::vector<KvLayout>(static_cast<size_t>(options_.layers), KvLayout{type, 1, 32, 32});
}

void FakeModel::store(const BatchSlice& slice, KvPool& kv) {
  for (size_t i = 0; i < slice.tokens.size(); ++i) {
    const int64_t position = slice.first_position + static_cast<int64_t>(i);
    const auto block = static_cast<size_t>(position / kPagePositions);
    MANG_CHECK(block < slice.blocks.size());
    if (kv.references(slice.blocks[block]) != 1) ++faults_;
    const Entry entry{slice.tokens[i], static_cast<int32_t>(position)};
    for (int64_t layer = 0; layer < options_.layers; ++layer) {
      std::memcpy(entry_at(kv, slice, position, layer), &entry, sizeof entry);
    }
  }
}

// The tokens at [0, positions) as the pages hold them.
std::vector<int32_t> FakeModel::recall(const BatchSlice& slice, int64_t positions, const KvPool& kv) {
  std::vector<int32_t> ids;
  for (int64_t position = 0; position < positions; ++position) {
    Entry entry;
    std::memcpy(&entry, entry_at(kv, slice, position, 0), sizeof entry);
    bool sound = entry.position == position;
    for (int64_t layer = 1; layer < options_.layers; ++layer) {
      sound = sound && std::memcmp(&entry, entry_at(kv, slice, position, layer), sizeof entry) == 0;
    }
    if (!sound) ++faults_;
    ids.push_back(entry.id);
  }
  return ids;
}

void FakeModel::forward(const Device&, Arithmetic, const Batch& batch, KvPool& kv, float* logits) {
  std::vector<int64_t> counts;
  int64_t tokens = 0;
  for (const BatchSlice& slice : batch.slices) {
    store(slice, kv);
    counts.push_back(static_cast<int64_t>(slice.tokens.size()));
    tokens += counts.back();
  }
  steps_.push_back(counts);
  for (const BatchSlice& slice : batch.slices) {
    if (slice.logits == LogitsFor::none) continue;
    const int64_t end = slice.first_position + static_cast<int64_t>(slice.tokens.size());
    MANG_CHECK(static_cast<int64_t>(slice.blocks.size()) * kPagePositions >= end);
    const std::vector<int32_t> ids = recall(slice, end, kv);
    const int64_t first = slice.logits == LogitsFor::all ? slice.first_position : end - 1;
    for (int64_t position = first; position < end; ++position, logits += info_.vocab) {
      expected_logits(std::span(ids).first(static_cast<size_t>(position + 1)), logits);
    }
  }
  if (options_.seconds_a_token > 0) {
    std::this_thread::sleep_for(std::chrono::duration<double>(options_.seconds_a_token * static_cast<double>(tokens)));
  }
}

void FakeModel::expected_logits(std::span<const int32_t> tokens, float* row) const {
  uint64_t hash = 0;
  for (const int32_t id : tokens) hash = mix(hash ^ static_cast<uint32_t>(id));
  for (int64_t v = 0; v < info_.vocab; ++v) {
    const uint64_t bits = mix(hash + static_cast<uint64_t>(v));
    row[v] = static_cast<float>(static_cast<int64_t>(bits >> 44)) * 0x1p-16f - 8;  // −8 … 8
  }
  if (options_.script) {
    if (const auto next = options_.script(tokens)) row[*next] = kScripted;
  }
  if (options_.nan_token && tokens.back() == *options_.nan_token) row[0] = std::numeric_limits<float>::quiet_NaN();
}

int32_t FakeModel::expected_best(std::span<const int32_t> tokens) const {
  std::vector<float> row(static_cast<size_t>(info_.vocab));
  expected_logits(tokens, row.data());
  return static_cast<int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

}  // namespace mang
