#include "cli/settings_file.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>

#include "cli/messages.h"
#include "text/unicode.h"

namespace mang::cli {
namespace {

using Kind = SettingsValue::Kind;

bool is_key_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A decimal number of TOML: 7, -1.5, 1_000, 2e-3.
bool is_number(std::string_view text) {
  size_t at = 0;
  auto digits = [&] {
    const size_t begin = at;
    while (at < text.size() && (is_digit(text[at]) || (text[at] == '_' && at > begin && is_digit(text[at - 1])))) ++at;
    return at > begin && is_digit(text[at - 1]);
  };
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
  const size_t first = at;
  if (!digits()) return false;
  if (text[first] == '0' && at > first + 1) return false;  // 007
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (!digits()) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (!digits()) return false;
  }
  return at == text.size();
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<SettingsFile> file() {
    SettingsFile out;
    std::map<std::pair<std::string, std::string>, size_t> seen;  // → line
    std::string section;
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;  // some editors begin a file with it
    for (;;) {
      skip_blank_lines();
      if (at_ >= text_.size()) return out;
      if (text_[at_] == '[') {
        MANG_TRY(SettingsSection header, this->section());
        for (const SettingsSection& other : out.sections) {
          if (other.name != header.name) continue;
          line_ = header.line;
          return Error{say("[{}] is there already, at line {}. Put both together.", header.name, other.line)};
        }
        section = header.name;
        out.sections.push_back(std::move(header));
        continue;
      }
      MANG_TRY(SettingsEntry entry, this->entry());
      entry.section = section;
      const auto [first, added] = seen.try_emplace({section, entry.key}, entry.line);
      if (!added) {
        line_ = entry.line;
        return Error{say("'{}' is there already, at line {}. Keep one of them.", entry.key, first->second)};
      }
      out.entries.push_back(std::move(entry));
    }
  }

  // A value and nothing after it.
  Result<SettingsValue> only_value() {
    skip_spaces();
    MANG_TRY(SettingsValue out, value(true));
    skip_blank_lines();
    if (at_ < text_.size()) return Error{say("nothing may follow the value, but '{}' does.", excerpt())};
    return out;
  }

  [[nodiscard]] size_t line() const { return line_; }

 private:
  [[nodiscard]] bool at(std::string_view what) const { return text_.substr(at_).starts_with(what); }
  [[nodiscard]] bool at_line_end() const {
    return at_ >= text_.size() || text_[at_] == '\n' || (text_[at_] == '\r' && at("\r\n"));
  }
  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  // Spaces, a comment and the line's end, as far as they are there.
  void skip_rest_of_line() {
    skip_spaces();
    if (at("#")) at_ = std::min(text_.find('\n', at_), text_.size());
    if (at("\r\n")) ++at_;
    if (at("\n")) ++at_, ++line_;
  }
  void skip_blank_lines() {
    for (size_t before = text_.size() + 1; before != at_;) {
      before = at_;
      skip_rest_of_line();
    }
  }
  // What stands here, short enough for a sentence.
  [[nodiscard]] std::string excerpt() const {
    constexpr size_t kLongest = 40;
    std::string_view rest = text_.substr(at_, text_.substr(at_).find_first_of("\r\n"));
    if (rest.size() <= kLongest) return std::string(rest);
    size_t end = kLongest;
    while (end > 0 && (static_cast<unsigned char>(rest[end]) & 0xC0) == 0x80) --end;
    return std::string(rest.substr(0, end)) + "…";
  }
  Result<void> line_ended() {
    skip_spaces();
    if (!at_line_end() && !at("#")) {
      return Error{say("nothing but a comment may follow on the line, but '{}' does.", excerpt())};
    }
    skip_rest_of_line();
    return {};
  }

  Result<std::string> bare_word() {
    const size_t begin = at_;
    while (at_ < text_.size() && is_key_character(text_[at_])) ++at_;
    return settings_key(text_.substr(begin, at_ - begin));
  }

  Result<SettingsSection> section() {
    SettingsSection out;
    out.line = line_;
    out.begin = at_;
    ++at_;
    skip_spaces();
    MANG_TRY(out.name, bare_word());
    skip_spaces();
    if (out.name.empty() || !at("]")) {
      at_ = out.begin;
      return Error{say("'{}': the name of a command in brackets was expected, such as [run].", excerpt())};
    }
    ++at_;
    MANG_TRY(line_ended());
    out.end = at_;
    return out;
  }

  Result<SettingsEntry> entry() {
    SettingsEntry out;
    out.line = line_;
    out.begin = at_;
    MANG_TRY(out.key, bare_word());
    skip_spaces();
    if (out.key.empty() || !at("=")) {
      at_ = out.begin;
      return Error{say("'{}': a setting was expected, such as threads = 4.", excerpt())};
    }
    ++at_;
    skip_spaces();
    out.value_begin = at_;
    MANG_TRY(out.value, value(true));
    out.value_end = at_;
    MANG_TRY(line_ended());
    return out;
  }

  Result<SettingsValue> value(bool list_allowed) {
    if (at("\"\"\"") || at("'''")) return multi_line_text();
    if (at("\"") || at("'")) return text();
    if (at("[") && list_allowed) return list();
    const size_t begin = at_;
    while (at_ < text_.size() && (is_key_character(text_[at_]) || text_[at_] == '+' || text_[at_] == '.')) ++at_;
    std::string word(text_.substr(begin, at_ - begin));
    if (word == "true" || word == "false") return SettingsValue{Kind::boolean, {word}};
    if (is_number(word)) {
      std::erase(word, '_');
      if (word.front() == '+') word.erase(0, 1);
      return SettingsValue{Kind::number, {word}};
    }
    at_ = begin;
    if (at_line_end() || at("#")) return Error{tr("there is no value after the '='.")};
    return Error{say("'{}': a number, true, false or a text in quotes was expected.", excerpt())};
  }

  Error unended(size_t first_line) {
    line_ = first_line;
    return Error{tr("the list that begins here has no ']'.")};
  }

  Result<SettingsValue> list() {
    SettingsValue out{Kind::list, {}};
    const size_t first_line = line_;
    ++at_;
    for (;;) {
      skip_blank_lines();
      if (at("]")) break;
      if (at_ >= text_.size()) return unended(first_line);
      MANG_TRY(SettingsValue each, value(false));
      if (each.kind == Kind::boolean) return Error{tr("a list holds texts or numbers.")};
      out.texts.push_back(std::move(each.texts.front()));
      skip_blank_lines();
      if (at("]")) break;
      if (at_ >= text_.size()) return unended(first_line);
      if (!at(",")) return Error{say("'{}': a ',' or the list's ']' was expected.", excerpt())};
      ++at_;
    }
    ++at_;
    return out;
  }

  Result<SettingsValue> text() {
    const char quote = text_[at_];
    const size_t begin = at_++;
    std::string out;
    while (!at_line_end() && text_[at_] != quote) {
      if (quote == '"' && text_[at_] == '\\') {
        MANG_TRY(escape(out));
      } else {
        MANG_TRY(character(out));
      }
    }
    if (at_line_end()) {
      at_ = begin;
      return Error{say("the text {} has no closing quote on its line.", excerpt())};
    }
    ++at_;
    return SettingsValue{Kind::text, {out}};
  }

  Result<SettingsValue> multi_line_text() {
    const std::string quotes(text_.substr(at_, 3));
    const size_t first_line = line_;
    at_ += 3;
    if (at("\r\n")) ++at_;
    if (at("\n")) ++at_, ++line_;
    std::string out;
    while (at_ < text_.size() && !at(quotes)) {
      if (quotes.front() == '"' && at("\\")) {
        MANG_TRY(escape(out));
        continue;
      }
      if (at_line_end()) {
        if (at("\r\n")) ++at_;
        ++at_, ++line_;
        out += '\n';
        continue;
      }
      MANG_TRY(character(out));
    }
    if (at_ >= text_.size()) {
      line_ = first_line;
      return Error{say("the text that begins here has no closing {}.", quotes)};
    }
    at_ += 3;
    for (int more = 0; more < 2 && at_ < text_.size() && text_[at_] == quotes.front(); ++more) out += text_[at_++];
    return SettingsValue{Kind::text, {out}};
  }

  // One byte of a text as it is; TOML has control characters escaped.
  Result<void> character(std::string& out) {
    const auto c = static_cast<unsigned char>(text_[at_]);
    if ((c < 0x20 && c != '\t') || c == 0x7F) {
      return Error{say("the text holds the control character {0:#04x}. Write it \\u{0:04X}.", c)};
    }
    out += text_[at_++];
    return {};
  }

  Result<void> escape(std::string& out) {
    constexpr std::string_view kNames = "btnfr\"\\", kMeanings = "\b\t\n\f\r\"\\";
    const char name = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (const size_t which = kNames.find(name); which != std::string_view::npos && name != '\0') {
      out += kMeanings[which];
      at_ += 2;
      return {};
    }
    const size_t length = name == 'u' ? 4 : name == 'U' ? 8 : 0;
    const std::string digits(text_.substr(std::min(at_ + 2, text_.size()), length));
    const bool hex = digits.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
    if (length == 0 || digits.size() != length || !hex) {
      return Error{say("'{}': no such escape. A backslash is written \\\\ , or the text put in single quotes.",
                       text_.substr(at_, 2))};
    }
    uint32_t code = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
      return Error{say("'{}': there is no such character.", text_.substr(at_, length + 2))};
    }
    append_utf8(out, static_cast<char32_t>(code));
    at_ += length + 2;
    return {};
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t line_ = 1;
};

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    constexpr std::string_view kEscaped = "\b\t\n\f\r\"\\", kNames = "btnfr\"\\";
    const size_t which = kEscaped.find(c);
    if (which != std::string_view::npos && c != '\0') {
      out += '\\';
      out += kNames[which];
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

// Where a new line of this section goes: behind its last entry, else behind its header; without a section, before the
// first one but behind the comments the file begins with.
size_t place_in(const SettingsFile& file, const std::string& section) {
  size_t place = std::string::npos;
  for (const SettingsEntry& entry : file.entries) {
    if (entry.section == section) place = std::min(file.text.find('\n', entry.value_end), file.text.size() - 1) + 1;
  }
  if (place != std::string::npos) return place;
  for (const SettingsSection& each : file.sections) {
    if (each.name == section) return each.end;
  }
  if (!section.empty()) return file.text.size();
  place = file.text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  size_t blank = place;  // behind the last blank line of the comments: what follows may speak of a section
  const size_t end = file.sections.empty() ? file.text.size() : file.sections.front().begin;
  while (place < end) {
    const size_t next = std::min(file.text.find('\n', place), file.text.size() - 1) + 1;
    if (file.text.find_first_not_of(" \t\r\n", place) >= next) blank = next;
    place = next;
  }
  return file.sections.empty() ? file.text.size() : blank;
}

}  // namespace

const SettingsEntry* SettingsFile::find(std::string_view section, std::string_view key) const {
  for (const SettingsEntry& entry : entries) {
    if (entry.section == section && entry.key == key) return &entry;
  }
  return nullptr;
}

std::string settings_key(std::string_view written) {
  std::string out(written);
  std::replace(out.begin(), out.end(), '_', '-');
  return out;
}

Result<SettingsFile> parse_settings(std::string text, const std::string& name) {
  if (text.size() > kMaxSettingsBytes) {
    return Error{
        say("{}: a settings file is at most {} bytes long; this one has {}.", name, kMaxSettingsBytes, text.size())};
  }
  if (!is_utf8(text) || text.find('\0') != std::string::npos) {
    return Error{say("{}: this is not a text in UTF-8. Save it as one, or put another in its place.", name)};
  }
  Reader reader(text);
  Result<SettingsFile> out = reader.file();
  if (!out.ok()) return Error{say("{}, line {}: {}", name, reader.line(), out.error())};
  out->text = std::move(text);
  return out;
}

Result<SettingsValue> parse_settings_value(const std::string& text) { return Reader(text).only_value(); }

std::string written_value(const SettingsValue& value) {
  if (value.kind == Kind::boolean || value.kind == Kind::number) return value.texts.front();
  if (value.kind == Kind::text) return quoted(value.texts.front());
  std::string out = "[";
  for (const std::string& each : value.texts) out += (out.size() > 1 ? ", " : "") + quoted(each);
  return out + "]";
}

std::string with_setting(const SettingsFile& file, const std::string& section, const std::string& key,
                         const SettingsValue& value) {
  std::string text = file.text;
  if (const SettingsEntry* old = file.find(section, key)) {
    return text.replace(old->value_begin, old->value_end - old->value_begin, written_value(value));
  }
  std::string added = key + " = " + written_value(value) + "\n";
  const bool known = section.empty() || std::any_of(file.sections.begin(), file.sections.end(),
                                                    [&](const SettingsSection& each) { return each.name == section; });
  if (!known) added = (text.empty() ? "[" : "\n[") + section + "]\n" + added;
  size_t place = place_in(file, section);
  const size_t begin = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  if (place > begin && text[place - 1] != '\n') added = "\n" + added;
  return text.insert(place, added);
}

std::string without_setting(const SettingsFile& file, const SettingsEntry& entry) {
  const size_t before = entry.begin == 0 ? std::string::npos : file.text.rfind('\n', entry.begin - 1);
  const size_t begin = before == std::string::npos ? 0 : before + 1;
  const size_t end = std::min(file.text.find('\n', entry.value_end), file.text.size() - 1) + 1;
  std::string text = file.text;
  return text.erase(begin, end - begin);
}

}  // namespace mang::cli
