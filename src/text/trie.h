// A trie over bytes, built once from sorted strings; the children of a node lie side by side.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mang {

class Trie {
 public:
  static constexpr uint32_t kRoot = 0;
  static constexpr uint32_t kNowhere = UINT32_MAX;

  Trie() : nodes_(1), bytes_(1), root_(256, kNowhere) {}
  // The last value of a key given twice holds. Keys must not be empty.
  explicit Trie(std::vector<std::pair<std::string_view, int32_t>> entries);

  [[nodiscard]] uint32_t child(uint32_t node, char byte) const {
    if (node == kRoot) return root_[static_cast<uint8_t>(byte)];
    const Node& n = nodes_[node];
    const char* bytes = bytes_.data() + n.first_child;  // sorted
    uint32_t low = 0;
    uint32_t high = n.children;
    while (high - low > 4) {
      const uint32_t middle = (low + high) / 2;
      (static_cast<uint8_t>(bytes[middle]) <= static_cast<uint8_t>(byte) ? low : high) = middle;
    }
    for (uint32_t i = low; i < high; ++i) {
      if (bytes[i] == byte) return n.first_child + i;
    }
    return kNowhere;
  }
  // −1: no key ends here.
  [[nodiscard]] int32_t value(uint32_t node) const { return nodes_[node].value; }
  [[nodiscard]] int32_t find(std::string_view key) const;
  [[nodiscard]] bool empty() const { return nodes_.size() == 1; }
  [[nodiscard]] bool may_begin(char byte) const { return root_[static_cast<uint8_t>(byte)] != kNowhere; }

 private:
  struct Node {
    uint32_t first_child = 0;
    uint32_t children = 0;
    int32_t value = -1;
  };
  std::vector<Node> nodes_;
  std::vector<char> bytes_;  // of each node: the byte that leads to it
  std::vector<uint32_t> root_;  // the root's children, by byte
};

}  // namespace mang
