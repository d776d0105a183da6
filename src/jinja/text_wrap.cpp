#include "jinja/text_wrap.h"

#include <algorithm>
#include <deque>

#include "jinja/methods_text.h"
#include "jinja/unicode.h"

namespace mang::jinja {
namespace {

bool is_space(char32_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_word(char32_t c) {
  constexpr uint16_t word = unicode::kAlpha | unicode::kDecimal | unicode::kDigit | unicode::kNumeric;
  return c == '_' || (unicode::properties(c) & word) != 0;
}
bool is_letter(char32_t c) { return is_word(c) && !unicode::has(c, unicode::kDecimal); }
bool is_word_or_mark(char32_t c) {
  return is_word(c) || (c < 0x80 && std::string_view("!\"'&.,?").find(static_cast<char>(c)) != std::string_view::npos);
}

// textwrap's cuts: whitespace, words, words up to a hyphen between letters, em-dashes.
class Chunker {
 public:
  Chunker(std::u32string_view text, bool hyphens) : text_(text), hyphens_(hyphens), dashes_end_(text.size() + 1) {
    dashes_end_[text.size()] = text.size();
    for (size_t i = text.size(); i-- > 0;) dashes_end_[i] = text[i] == '-' ? dashes_end_[i + 1] : i;
  }

  std::deque<std::u32string> run() const {
    std::deque<std::u32string> out;
    for (size_t at = 0; at < text_.size();) {
      const size_t end = is_space(text_[at]) ? space_end(at) : hyphens_ ? piece_end(at) : word_end(at);
      out.emplace_back(text_.substr(at, end - at));
      at = end;
    }
    return out;
  }

 private:
  [[nodiscard]] char32_t at(size_t i) const { return i < text_.size() ? text_[i] : U'\0'; }
  [[nodiscard]] bool letter(size_t i) const { return i < text_.size() && is_letter(text_[i]); }
  [[nodiscard]] size_t space_end(size_t i) const {
    while (i < text_.size() && is_space(text_[i])) ++i;
    return i;
  }
  [[nodiscard]] size_t word_end(size_t i) const {
    while (i < text_.size() && !is_space(text_[i])) ++i;
    return i;
  }
  // Two or more dashes at i, a word behind them.
  [[nodiscard]] bool em_dash(size_t i) const {
    const size_t end = dashes_end_[i];
    return end - i >= 2 && end < text_.size() && is_word(text_[end]);
  }
  [[nodiscard]] size_t piece_end(size_t start) const {
    if (start > 0 && is_word_or_mark(text_[start - 1]) && em_dash(start)) return dashes_end_[start];
    for (size_t end = start + 1;; ++end) {
      if (end >= text_.size() || is_space(text_[end])) return end;
      if (text_[end] == '-') {
        const bool two_letters = end >= 2 && letter(end - 1) && letter(end - 2);
        const bool second_hyphen =
            end >= 3 && is_word_or_mark(text_[end - 1]) && text_[end - 2] == '-' && letter(end - 3);
        const bool letters_follow = letter(end + 1) && (letter(end + 2) || (at(end + 2) == '-' && letter(end + 3)));
        if ((two_letters || second_hyphen) && letters_follow) return end + 1;
        if (is_word_or_mark(text_[end - 1]) && em_dash(end)) return end;
      }
    }
  }

  std::u32string_view text_;
  bool hyphens_;
  std::vector<size_t> dashes_end_;
};

bool blank(const std::u32string& chunk) {
  return std::all_of(chunk.begin(), chunk.end(), [](char32_t c) { return unicode::has(c, unicode::kSpace); });
}

// Puts as much of an overlong chunk on the line as fits.
void break_chunk(std::deque<std::u32string>& chunks, std::vector<std::u32string>& line, size_t used,
                 const WrapOptions& options) {
  auto& chunk = chunks.front();
  if (!options.break_long_words) {
    if (line.empty()) {
      line.push_back(std::move(chunk));
      chunks.pop_front();
    }
    return;
  }
  const size_t room = static_cast<size_t>(options.width) - used;
  size_t end = room;
  if (options.break_on_hyphens && chunk.size() > room && room > 0) {
    const size_t hyphen = chunk.rfind(U'-', room - 1);
    const bool more = hyphen != std::u32string::npos && hyphen > 0 &&
                      std::any_of(chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(hyphen),
                                  [](char32_t c) { return c != '-'; });
    if (more) end = hyphen + 1;
  }
  line.push_back(chunk.substr(0, end));
  chunk.erase(0, end);
}

Result<void> wrap_line(Runtime& rt, std::string_view text, const WrapOptions& options, Builder& out) {
  std::u32string code_points;
  for (size_t at = 0; at < text.size();) code_points.push_back(unicode::decode(text, at));
  auto chunks = Chunker(code_points, options.break_on_hyphens).run();
  bool any_line = false;
  const auto width = static_cast<size_t>(options.width);
  while (!chunks.empty()) {
    MANG_TRY(rt.step());
    std::vector<std::u32string> line;
    size_t used = 0;
    if (any_line && blank(chunks.front())) chunks.pop_front();
    while (!chunks.empty() && used + chunks.front().size() <= width) {
      used += chunks.front().size();
      line.push_back(std::move(chunks.front()));
      chunks.pop_front();
    }
    if (!chunks.empty() && chunks.front().size() > width) {
      MANG_TRY(rt.step(chunks.front().size() / 64));
      break_chunk(chunks, line, used, options);
    }
    if (!line.empty() && blank(line.back())) line.pop_back();
    if (line.empty()) continue;
    if (any_line) MANG_TRY(out.append(options.between));
    any_line = true;
    std::string bytes;
    for (const auto& chunk : line) {
      for (const char32_t c : chunk) unicode::append(bytes, c);
    }
    MANG_TRY(out.append(bytes));
  }
  return {};
}

// pprint.PrettyPrinter with its defaults: width 80, indent 1, sorted dicts.
class PrettyPrinter {
 public:
  explicit PrettyPrinter(Runtime& rt) : rt_(rt), out_(rt) {}

  Result<std::string> run(const Value& value) {
    MANG_TRY(write(value, 0, 0, 0));
    return out_.take();
  }

 private:
  static constexpr int64_t kWidth = 80;

  // Pairs by key, as far as keys compare; others by their type's name.
  Result<std::vector<size_t>> sorted_pairs(const Dict& dict) {
    std::vector<Value> keys;
    bool mixed = false;
    for (const auto& [key, value] : dict.pairs) {
      mixed |= key.kind() != dict.pairs[0].first.kind() && !(key.is_number() && dict.pairs[0].first.is_number());
      keys.push_back(key);
    }
    if (mixed || (!keys.empty() && !keys[0].is_number() && !keys[0].is(Kind::string) && !keys[0].is(Kind::tuple))) {
      for (Value& key : keys) key = rt_.string(std::string(type_name(key)));
    }
    return sorted_order(rt_, keys, false);
  }

  Result<Value> sorted_copy(const Value& value) {
    MANG_TRY(rt_.step());
    const DepthGuard depth(rt_);
    MANG_TRY(depth.check());
    if (value.is_sequence()) {
      std::vector<Value> items;
      for (const Value& item : value.items()) {
        MANG_TRY(Value copy, sorted_copy(item));
        items.push_back(std::move(copy));
      }
      return rt_.sequence(value.kind(), std::move(items));
    }
    if (!value.is(Kind::dict)) return value;
    MANG_TRY(auto order, sorted_pairs(value.dict()));
    auto out = rt_.new_dict();
    for (const size_t i : order) {
      const auto& [key, item] = value.dict().pairs[i];
      MANG_TRY(Value copy, sorted_copy(item));
      MANG_TRY(dict_set(rt_, *out, key, std::move(copy)));
    }
    return rt_.dict(out);
  }

  Result<void> new_line(int64_t indent) {
    MANG_TRY(out_.append("\n"));
    return out_.append(static_cast<size_t>(indent), ' ');
  }

  Result<void> write(const Value& value, int64_t indent, int64_t allowance, int level) {
    const DepthGuard depth(rt_);
    MANG_TRY(depth.check());
    MANG_TRY(Value sorted, sorted_copy(value));
    MANG_TRY(std::string whole, repr_of(rt_, sorted));
    if (static_cast<int64_t>(unicode::count(whole)) <= kWidth - indent - allowance) return out_.append(whole);
    if (value.is(Kind::dict)) return write_dict(sorted.dict(), indent, allowance + 1, level + 1);
    if (value.is(Kind::list)) {
      MANG_TRY(out_.append("["));
      MANG_TRY(write_items(value.items(), indent, allowance + 1, level + 1));
      return out_.append("]");
    }
    if (value.is(Kind::tuple)) {
      const std::string_view end = value.items().size() == 1 ? ",)" : ")";
      MANG_TRY(out_.append("("));
      MANG_TRY(write_items(value.items(), indent, allowance + static_cast<int64_t>(end.size()), level + 1));
      return out_.append(end);
    }
    if (value.is(Kind::string) && !value.text().safe)
      return write_text(value.str(), whole, indent, allowance, level + 1);
    return out_.append(whole);
  }

  Result<void> write_dict(const Dict& dict, int64_t indent, int64_t allowance, int level) {
    MANG_TRY(out_.append("{"));
    indent += 1;
    for (size_t i = 0; i < dict.pairs.size(); ++i) {
      const bool last = i + 1 == dict.pairs.size();
      MANG_TRY(std::string key, repr_of(rt_, dict.pairs[i].first));
      MANG_TRY(out_.append(key));
      MANG_TRY(out_.append(": "));
      const auto inner = indent + static_cast<int64_t>(unicode::count(key)) + 2;
      MANG_TRY(write(dict.pairs[i].second, inner, last ? allowance : 1, level));
      if (last) break;
      MANG_TRY(out_.append(","));
      MANG_TRY(new_line(indent));
    }
    return out_.append("}");
  }

  Result<void> write_items(const std::vector<Value>& items, int64_t indent, int64_t allowance, int level) {
    indent += 1;
    for (size_t i = 0; i < items.size(); ++i) {
      const bool last = i + 1 == items.size();
      if (i > 0) {
        MANG_TRY(out_.append(","));
        MANG_TRY(new_line(indent));
      }
      MANG_TRY(write(items[i], indent, last ? allowance : 1, level));
    }
    return {};
  }

  static int64_t repr_size(std::string_view text) { return static_cast<int64_t>(unicode::count(string_repr(text))); }

  // Words with the whitespace behind them.
  static std::vector<std::string_view> spaced_words(std::string_view line) {
    std::vector<std::string_view> out;
    size_t start = 0;
    bool in_space = false;
    for (size_t at = 0; at < line.size();) {
      const size_t here = at;
      const bool space = unicode::has(unicode::decode(line, at), unicode::kSpace);
      if (in_space && !space) {
        out.push_back(line.substr(start, here - start));
        start = here;
      }
      in_space = space;
    }
    out.push_back(line.substr(start));
    return out;
  }

  // A long string becomes several literals, cut at lines and words.
  Result<void> write_text(std::string_view text, const std::string& whole, int64_t indent, int64_t allowance,
                          int level) {
    MANG_TRY(rt_.letters(text.size()));
    const auto lines = text_methods::lines_of(text, true);
    if (level == 1) {
      indent += 1;
      allowance += 1;
    }
    const int64_t width = kWidth - indent;
    std::vector<std::string> chunks;
    for (size_t i = 0; i < lines.size(); ++i) {
      const bool last_line = i + 1 == lines.size();
      if (repr_size(lines[i]) <= width - (last_line ? allowance : 0)) {
        chunks.push_back(string_repr(lines[i]));
        continue;
      }
      std::string current;
      const auto words = spaced_words(lines[i]);
      for (size_t j = 0; j < words.size(); ++j) {
        MANG_TRY(rt_.step(1 + (current.size() + words[j].size()) / 8));
        const std::string candidate = current + std::string(words[j]);
        const bool last_word = last_line && j + 1 == words.size();
        if (repr_size(candidate) > width - (last_word ? allowance : 0)) {
          if (!current.empty()) chunks.push_back(string_repr(current));
          current = words[j];
        } else {
          current = candidate;
        }
      }
      if (!current.empty()) chunks.push_back(string_repr(current));
    }
    if (chunks.size() <= 1) return out_.append(whole);
    if (level == 1) MANG_TRY(out_.append("("));
    for (size_t i = 0; i < chunks.size(); ++i) {
      if (i > 0) MANG_TRY(new_line(indent));
      MANG_TRY(out_.append(chunks[i]));
    }
    return level == 1 ? out_.append(")") : Result<void>();
  }

  Runtime& rt_;
  Builder out_;
};

}  // namespace

Result<std::string> wrap_text(Runtime& rt, std::string_view text, const WrapOptions& options) {
  if (options.width <= 0 && !text.empty()) return fail("invalid width {} (must be > 0)", options.width);
  MANG_TRY(rt.work(text.size() * 16));
  Builder out(rt);
  bool first = true;
  for (const auto line : text_methods::lines_of(text, false)) {
    if (!first) MANG_TRY(out.append(options.between));
    first = false;
    MANG_TRY(wrap_line(rt, line, options, out));
  }
  return out.take();
}

Result<std::string> pretty_print(Runtime& rt, const Value& value) { return PrettyPrinter(rt).run(value); }

}  // namespace mang::jinja
