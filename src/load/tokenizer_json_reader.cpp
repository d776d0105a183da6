#include "load/tokenizer_json_reader.h"

namespace mang {

namespace {

constexpr size_t kMaxMembers = 512;  // of one object outside the tables: names are compared with all before them
constexpr size_t kMaxNodes = 1 << 21;

// nlohmann's SAX interface.
class Reader {
 public:
  explicit Reader(TokenizerJson& out) : out_(out) {}

  bool null() { return mode_ == Mode::kTree ? add(nullptr) : wrong(); }
  bool boolean(bool value) { return mode_ == Mode::kTree ? add(value) : wrong(); }
  bool number_integer(int64_t value) { return number(value, static_cast<double>(value)); }
  bool number_unsigned(uint64_t value) {
    if (mode_ == Mode::kTree) return add(value);
    return number(value > INT64_MAX ? -1 : static_cast<int64_t>(value), static_cast<double>(value));
  }
  bool number_float(double value, const std::string&) {
    if (mode_ == Mode::kTree) return add(value);
    if (mode_ == Mode::kVocabList && depth_ == 2) return score(value);
    return wrong();
  }
  bool string(std::string& value) {
    switch (mode_) {
      case Mode::kTree:
        return add(value);
      case Mode::kVocabList:
        if (depth_ != 2 || has_text_) return wrong();
        out_.vocab.push_back({std::move(value), static_cast<int64_t>(out_.vocab.size()), 0});
        has_text_ = true;
        return true;
      case Mode::kMerges:
        if (depth_ == 0 || (depth_ == 1 && out_.merges_are_pairs)) return wrong();
        if (depth_ == 2 && ++in_pair_ > 2) return wrong();
        out_.merges.push_back(std::move(value));
        return true;
      default:
        return wrong();
    }
  }
  bool binary(Json::binary_t&) { return wrong(); }

  bool key(std::string& name) {
    if (mode_ == Mode::kVocabMap) {
      out_.vocab.push_back({std::move(name), -1, 0});
      return true;
    }
    const bool in_model = stack_.size() == 2 && model_open_;
    if (in_model && name == "vocab") {
      if (out_.has_vocab) return refuse(Error{"\"vocab\" stands there twice"});
      mode_ = Mode::kVocab;
      out_.has_vocab = true;
      return true;
    }
    if (in_model && name == "merges") {
      if (out_.has_merges) return refuse(Error{"\"merges\" stands there twice"});
      mode_ = Mode::kMerges;
      out_.has_merges = true;
      depth_ = 0;
      return true;
    }
    if (stack_.size() == 1) model_next_ = name == "model";
    key_ = std::move(name);
    return true;
  }

  bool start_object(size_t) {
    if (mode_ == Mode::kVocab) {
      mode_ = Mode::kVocabMap;
      return true;
    }
    if (mode_ != Mode::kTree) return wrong();
    return open(Json::object());
  }
  bool end_object() {
    if (mode_ == Mode::kVocabMap) {
      mode_ = Mode::kTree;
      return true;
    }
    return close();
  }
  bool start_array(size_t) {
    switch (mode_) {
      case Mode::kVocab:
        mode_ = Mode::kVocabList;
        out_.vocab_is_list = true;
        depth_ = 1;
        return true;
      case Mode::kVocabList:
        if (depth_ != 1) return wrong();
        depth_ = 2;
        has_text_ = has_score_ = false;
        return true;
      case Mode::kMerges:
        if (depth_ == 2) return wrong();
        if (depth_ == 1) {
          if (out_.merges.empty()) out_.merges_are_pairs = true;
          if (!out_.merges_are_pairs) return wrong();
          in_pair_ = 0;
        }
        ++depth_;
        return true;
      case Mode::kVocabMap:
        return wrong();
      case Mode::kTree:
        return open(Json::array());
    }
    return wrong();
  }
  bool end_array() {
    if (mode_ == Mode::kVocabList) {
      if (depth_ == 2 && (!has_text_ || !has_score_)) return wrong();
      if (--depth_ == 0) mode_ = Mode::kTree;
      return true;
    }
    if (mode_ == Mode::kMerges) {
      if (depth_ == 2 && in_pair_ != 2) return wrong();
      if (--depth_ == 0) mode_ = Mode::kTree;
      return true;
    }
    return close();
  }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) {
    error_ = fail("is not valid JSON near byte {}", position);
    return false;
  }

  [[nodiscard]] const Error& error() const { return error_; }

 private:
  enum class Mode { kTree, kVocab, kVocabMap, kVocabList, kMerges };

  bool refuse(Error why) {
    error_ = std::move(why);
    return false;
  }
  bool wrong() {
    return refuse(mode_ == Mode::kMerges ? Error{"\"merges\" is not a list of pairs of strings"}
                                         : Error{"\"vocab\" is neither a map of ids nor a list of [string, score]"});
  }
  bool score(double value) {
    if (!has_text_ || has_score_) return wrong();
    out_.vocab.back().score = value;
    has_score_ = true;
    return true;
  }
  bool number(int64_t value, double as_double) {
    switch (mode_) {
      case Mode::kTree:
        return add(value);
      case Mode::kVocabMap:
        if (value < 0) return refuse(Error{"a token has an id that is negative or too large"});
        out_.vocab.back().id = value;
        return true;
      case Mode::kVocabList:
        return depth_ == 2 ? score(as_double) : wrong();
      default:
        return wrong();
    }
  }

  // Puts a value where the parser stands; null: refused.
  Json* place(Json value) {
    if (++nodes_ > kMaxNodes) {
      refuse(Error{"has too many values outside the vocabulary"});
      return nullptr;
    }
    if (stack_.empty()) {
      out_.root = std::move(value);
      return &out_.root;
    }
    Json& parent = *stack_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    if (parent.size() >= kMaxMembers) {
      refuse(Error{"an object outside the vocabulary has too many members"});
      return nullptr;
    }
    if (parent.contains(key_)) {
      refuse(fail("\"{}\" stands there twice", key_));
      return nullptr;
    }
    auto& members = parent.get_ref<Json::object_t&>();
    members.emplace_back(key_, std::move(value));
    return &members.back().second;
  }
  bool add(Json value) { return place(std::move(value)) != nullptr; }
  bool open(Json container) {
    if (stack_.size() >= static_cast<size_t>(kJsonMaxDepth)) return refuse(Error{"is nested too deep"});
    if (stack_.size() == 1) model_open_ = model_next_ && container.is_object();
    Json* placed = place(std::move(container));
    if (placed == nullptr) return false;
    stack_.push_back(placed);
    return true;
  }
  bool close() {
    stack_.pop_back();
    return true;
  }

  TokenizerJson& out_;
  Mode mode_ = Mode::kTree;
  int depth_ = 0;  // inside a table
  int in_pair_ = 0;
  bool has_text_ = false, has_score_ = false;
  bool model_next_ = false, model_open_ = false;
  std::vector<Json*> stack_;
  std::string key_;
  size_t nodes_ = 0;
  Error error_ = Error{"is not valid JSON"};
};

}  // namespace

Result<TokenizerJson> read_tokenizer_json(std::string_view json, std::string_view what) {
  TokenizerJson out;
  Reader reader(out);
  if (json.find('\0') != std::string_view::npos) return fail("{}: is not valid JSON: it has a zero byte.", what);
  if (!Json::sax_parse(json.begin(), json.end(), &reader)) {
    return fail("{}: {}.", what, reader.error());
  }
  if (!out.root.is_object()) return fail("{}: is not a JSON object.", what);
  for (const auto& entry : out.vocab) {
    if (entry.id < 0 || entry.id > INT32_MAX / 2) {
      return fail("{}: the token '{}' has no id in range.", what, entry.text);
    }
  }
  return out;
}

}  // namespace mang
