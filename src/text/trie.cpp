#include "text/trie.h"

#include <algorithm>

namespace mang {

Trie::Trie(std::vector<std::pair<std::string_view, int32_t>> entries) : Trie() {
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  // Breadth first: each pending node owns the entries [begin, end), equal in their first `depth` bytes.
  struct Pending {
    uint32_t node;
    size_t begin, end, depth;
  };
  std::vector<Pending> pending = {{kRoot, 0, entries.size(), 0}};
  for (size_t i = 0; i < pending.size(); ++i) {
    auto [node, begin, end, depth] = pending[i];
    while (begin < end && entries[begin].first.size() == depth) nodes_[node].value = entries[begin++].second;
    nodes_[node].first_child = static_cast<uint32_t>(nodes_.size());
    while (begin < end) {
      const char byte = entries[begin].first[depth];
      size_t last = begin;
      while (last < end && entries[last].first[depth] == byte) ++last;
      const auto child = static_cast<uint32_t>(nodes_.size());
      nodes_.emplace_back();
      bytes_.push_back(byte);
      ++nodes_[node].children;
      pending.push_back({child, begin, last, depth + 1});
      begin = last;
    }
  }
  for (uint32_t i = 0; i < nodes_[kRoot].children; ++i) {
    const uint32_t child = nodes_[kRoot].first_child + i;
    root_[static_cast<uint8_t>(bytes_[child])] = child;
  }
}

int32_t Trie::find(std::string_view key) const {
  uint32_t node = kRoot;
  for (char byte : key) {
    node = child(node, byte);
    if (node == kNowhere) return -1;
  }
  return value(node);
}

}  // namespace mang
