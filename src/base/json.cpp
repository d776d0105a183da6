#include "base/json.h"

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mang {

namespace {

// nlohmann's SAX interface, making the tree that its own parser would make: of members with the same name the last one
// holds, in the place of the first. Its own looks at all members before it adds one, which takes minutes for an object
// with a million; here large objects have an index while they are open. Nesting is bounded on the way.
class TreeBuilder {
 public:
  explicit TreeBuilder(int max_depth) : max_depth_(max_depth) {}

  bool null() { return add(nullptr) != nullptr; }
  bool boolean(bool value) { return add(value) != nullptr; }
  bool number_integer(int64_t value) { return add(value) != nullptr; }
  bool number_unsigned(uint64_t value) { return add(value) != nullptr; }
  bool number_float(double value, const std::string&) { return add(value) != nullptr; }
  bool string(std::string& value) { return add(std::move(value)) != nullptr; }
  bool binary(nlohmann::json::binary_t&) { return false; }  // not in text
  bool key(std::string& name) {
    open_.back().key = std::move(name);
    return true;
  }
  bool start_object(size_t) { return open(Json::object()); }
  bool start_array(size_t) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool parse_error(size_t, const std::string&, const nlohmann::json::exception& e) {
    error_ = e.what();
    return false;
  }

  [[nodiscard]] bool too_deep() const { return too_deep_; }
  [[nodiscard]] const std::string& error() const { return error_; }
  Json take() { return std::move(root_); }

 private:
  struct Open {
    Json* container;
    std::string key;                                // of an object: the member whose value comes next
    std::unordered_map<std::string, size_t> index;  // of a large object: name → place
  };

  Json* add(Json value) {
    if (open_.empty()) return &(root_ = std::move(value));
    Open& at = open_.back();
    if (at.container->is_array()) {
      at.container->push_back(std::move(value));
      return &at.container->back();
    }
    auto& members = at.container->get_ref<Json::object_t&>();
    const size_t place = find(at, members);
    if (place < members.size()) return &(members.begin()[static_cast<ptrdiff_t>(place)].second = std::move(value));
    members.emplace_back(std::move(at.key), std::move(value));
    return &members.back().second;
  }

  // The place of the member at.key, or where it is to be.
  static size_t find(Open& at, const Json::object_t& members) {
    constexpr size_t kLarge = 32;
    if (members.size() < kLarge) {
      const auto it = std::find_if(members.begin(), members.end(), [&](const auto& m) { return m.first == at.key; });
      return static_cast<size_t>(it - members.begin());
    }
    if (at.index.empty()) {
      for (const auto& [name, value] : members) at.index.emplace(name, at.index.size());
    }
    return at.index.emplace(at.key, members.size()).first->second;
  }

  bool open(Json container) {
    too_deep_ = open_.size() >= static_cast<size_t>(max_depth_);
    if (too_deep_) return false;
    Json* placed = add(std::move(container));
    open_.push_back({placed, {}, {}});
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  int max_depth_;
  bool too_deep_ = false;
  Json root_;
  std::vector<Open> open_;
  std::string error_;
};

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view what, int max_depth) {
  // nlohmann takes a zero byte for the end of the text; JSON never has one.
  if (const size_t zero = text.find('\0'); zero != text.npos) {
    return fail("{}: is not valid JSON: there is a zero byte at {}.", what, zero);
  }
  TreeBuilder builder(max_depth);
  if (Json::sax_parse(text.begin(), text.end(), &builder)) return builder.take();
  if (builder.too_deep()) return fail("{}: JSON nested more than {} levels deep is refused.", what, max_depth);
  std::string why = builder.error();
  if (auto end = why.find("] "); end != std::string::npos) why.erase(0, end + 2);
  why.erase(std::min(why.size(), why.find("; last read")));  // quotes raw bytes, which may not be UTF-8
  return fail("{}: is not valid JSON: {}.", what, why);
}

std::string dump_json(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace mang
