#include "text/normalizer.h"

#include "text/byte_level.h"
#include "text/normalize.h"
#include "text/unicode.h"

namespace mang {

namespace {

using Kind = NormalizerStep::Kind;

// Calls f(character, its bytes) for each character.
template <typename F>
void for_each_character(std::string_view text, F&& f) {
  const char* const end = text.data() + text.size();
  for (const char* p = text.data(); p < end;) {
    const Decoded d = decode_utf8(p, end);
    f(d.value, std::string_view(p, d.length));
    p += d.length;
  }
}

// Each character becomes what f appends for it: origins follow by characters.
template <typename F>
void map_characters(std::string_view text, size_t& origin, std::string& out, F&& f) {
  size_t position = 0;
  size_t new_origin = 0;
  for_each_character(text, [&](char32_t c, std::string_view bytes) {
    f(c, bytes);
    if (position < origin) new_origin = out.size();
    position += bytes.size();
  });
  origin = new_origin;
}

std::string_view strip(std::string_view text, bool left, bool right) {
  const Unicode& unicode = Unicode::get();
  size_t begin = text.size();
  size_t end = 0;
  size_t position = 0;
  for_each_character(text, [&](char32_t c, std::string_view bytes) {
    if (!unicode.is_space(c)) {
      begin = std::min(begin, position);
      end = position + bytes.size();
    }
    position += bytes.size();
  });
  if (!left) begin = 0;
  if (!right) end = text.size();
  return begin < end ? text.substr(begin, end - begin) : std::string_view();
}

void nmt(std::string_view text, size_t& origin, std::string& out) {
  map_characters(text, origin, out, [&](char32_t c, std::string_view bytes) {
    const bool dropped = (c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F ||
                         c == 0x9F;
    const bool space = c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
                       c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
    if (dropped) return;
    if (space) {
      out += ' ';
    } else {
      out += bytes;
    }
  });
}

std::optional<NormalizationForm> form_of(Kind kind) {
  switch (kind) {
    case Kind::kNfc: return NormalizationForm::kNfc;
    case Kind::kNfd: return NormalizationForm::kNfd;
    case Kind::kNfkc: return NormalizationForm::kNfkc;
    case Kind::kNfkd: return NormalizationForm::kNfkd;
    default: return std::nullopt;
  }
}

bool is_ascii(std::string_view text) {
  for (char c : text) {
    if (static_cast<uint8_t>(c) >= 0x80) return false;
  }
  return true;
}

}  // namespace

namespace {

// Collects a text with matches replaced, and where its origin ends: a replacement counts if the last byte of what it
// replaces does.
class Replacer {
 public:
  Replacer(std::string_view text, std::string_view content, std::string& out, size_t& origin)
      : text_(text), content_(content), out_(out), origin_(origin), base_(out.size()) {}
  void match(size_t begin, size_t end) {
    copy(begin);
    out_ += content_;
    if (origin_ > 0 && (end == 0 || end - 1 < origin_)) new_origin_ = out_.size() - base_;
    done_ = end;
  }
  void finish() {
    copy(text_.size());
    origin_ = new_origin_;
  }

 private:
  void copy(size_t end) {
    if (done_ < origin_ && done_ < end) new_origin_ = out_.size() - base_ + std::min(end, origin_) - done_;
    out_ += text_.substr(done_, end - done_);
  }
  std::string_view text_, content_;
  std::string& out_;
  size_t& origin_;
  size_t base_;
  size_t new_origin_ = 0;
  size_t done_ = 0;
};

}  // namespace

void replace_matches(std::string_view text, const Regex& regex, std::string_view content, std::string& out,
                     size_t& origin) {
  Replacer replacer(text, content, out, origin);
  RegexFinder finder(regex, text);
  size_t begin = 0;
  size_t end = 0;
  while (!text.empty() && finder.next(begin, end)) replacer.match(begin, end);
  replacer.finish();
}

void replace_string(std::string_view text, std::string_view pattern, std::string_view content, std::string& out,
                    size_t& origin) {
  Replacer replacer(text, content, out, origin);
  for (size_t at = 0; (at = text.find(pattern, at)) != std::string_view::npos; at += pattern.size()) {
    replacer.match(at, at + pattern.size());
  }
  replacer.finish();
}

void replace_matches(std::string_view text, const Regex& regex, std::string_view content, std::string& out) {
  size_t origin = 0;
  replace_matches(text, regex, content, out, origin);
}

void replace_string(std::string_view text, std::string_view pattern, std::string_view content, std::string& out) {
  size_t origin = 0;
  replace_string(text, pattern, content, out, origin);
}

Result<Normalizer> Normalizer::build(const std::vector<NormalizerStep>& steps) {
  Normalizer normalizer;
  for (const auto& spec : steps) {
    Step step{spec, {}, {}};
    if (spec.kind == Kind::kReplace && spec.pattern.is_regex) {
      MANG_TRY(step.regex, Regex::compile(spec.pattern.text));
    } else if (spec.kind == Kind::kReplace && spec.pattern.text.empty()) {
      return fail("the normalizer Replace looks for an empty string.");
    }
    if (spec.kind == Kind::kPrecompiled) {
      MANG_TRY(step.charsmap, Charsmap::build(spec.charsmap));
    }
    normalizer.steps_.push_back(std::move(step));
  }
  return normalizer;
}

bool Normalizer::run(const Step& step, std::string_view text, size_t& origin, std::string& out) {
  const NormalizerStep& spec = step.spec;
  if (const auto form = form_of(spec.kind)) {
    if (form == NormalizationForm::kNfc ? is_nfc_quick(text) : is_ascii(text)) return false;
    out = normalize_unicode(text, *form);
    if (origin > 0) origin = normalized_origin(text, origin, *form);
    return true;
  }
  switch (spec.kind) {
    case Kind::kLowercase:
      map_characters(text, origin, out, [&](char32_t c, std::string_view) { append_lower_case(out, c); });
      return true;
    case Kind::kStrip: {
      const std::string_view stripped = strip(text, spec.strip_left, spec.strip_right);
      const size_t begin = stripped.empty() ? text.size() : static_cast<size_t>(stripped.data() - text.data());
      origin = origin > begin ? std::min(origin - begin, stripped.size()) : 0;
      out = stripped;
      return true;
    }
    case Kind::kStripAccents:
      if (is_ascii(text)) return false;
      map_characters(text, origin, out, [&](char32_t c, std::string_view bytes) {
        if (!is_combining_mark(c)) out += bytes;
      });
      return true;
    case Kind::kPrepend:
      if (text.empty()) return false;
      out = spec.content;
      out += text;
      if (origin > 0) origin += spec.content.size();
      return true;
    case Kind::kReplace:
      if (step.regex) {
        replace_matches(text, *step.regex, spec.content, out, origin);
      } else {
        if (text.find(spec.pattern.text) == std::string_view::npos) return false;
        replace_string(text, spec.pattern.text, spec.content, out, origin);
      }
      return true;
    case Kind::kNmt: nmt(text, origin, out); return true;
    case Kind::kPrecompiled: out = step.charsmap->apply(text, origin); return true;
    case Kind::kByteLevel:
      map_characters(text, origin, out, [&](char32_t, std::string_view bytes) { out += bytes_to_stand_ins(bytes); });
      return true;
    default: return false;
  }
}

std::string_view Normalizer::apply(std::string_view text, std::string& a, std::string& b, size_t& origin) const {
  std::string* free = &a;
  std::string* used = &b;
  for (const Step& step : steps_) {
    free->clear();
    if (!run(step, text, origin, *free)) continue;
    text = *free;
    std::swap(free, used);
  }
  return text;
}

}  // namespace mang
