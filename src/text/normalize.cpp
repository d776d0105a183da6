#include "text/normalize.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "text/origin_tracker.h"
#include "text/unicode.h"
#include "text/unicode_data.h"

namespace mang {

namespace {

using namespace unicode_data;

// Hangul syllables are composed by arithmetic (The Unicode Standard, section 3.12).
constexpr char32_t kSBase = 0xAC00, kLBase = 0x1100, kVBase = 0x1161, kTBase = 0x11A7;
constexpr uint32_t kLCount = 19, kVCount = 21, kTCount = 28, kNCount = kVCount * kTCount, kSCount = kLCount * kNCount;

struct Tables {
  std::unordered_map<char32_t, std::span<const uint32_t>> canonical;
  std::unordered_map<char32_t, std::span<const uint32_t>> compatible;
  std::unordered_map<char32_t, uint8_t> combining;
  std::unordered_map<uint64_t, char32_t> compositions;  // first << 32 | second

  Tables() {
    read(kCanonical, canonical);
    read(kCompatible, compatible);
    for (uint32_t entry : kCombiningClasses) combining[entry >> 8] = static_cast<uint8_t>(entry & 255);
    const std::span<const uint32_t> table(kCompositions);
    for (size_t i = 0; i < table.size(); i += 3) compositions[key(table[i], table[i + 1])] = table[i + 2];
  }
  static uint64_t key(char32_t first, char32_t second) { return uint64_t{first} << 32 | second; }
  static void read(std::span<const uint32_t> table, std::unordered_map<char32_t, std::span<const uint32_t>>& out) {
    for (size_t i = 0; i < table.size(); i += 1 + (table[i] & 31)) {
      out[table[i] >> 5] = table.subspan(i + 1, table[i] & 31);
    }
  }
  [[nodiscard]] uint8_t combining_class(char32_t c) const {
    if (c < 0x300) return 0;
    const auto it = combining.find(c);
    return it == combining.end() ? 0 : it->second;
  }
  // 0: the two do not compose.
  [[nodiscard]] char32_t compose(char32_t a, char32_t b) const {
    if (a >= kLBase && a < kLBase + kLCount && b >= kVBase && b < kVBase + kVCount) {
      return kSBase + ((a - kLBase) * kVCount + (b - kVBase)) * kTCount;
    }
    if (a >= kSBase && a < kSBase + kSCount && (a - kSBase) % kTCount == 0 && b > kTBase && b < kTBase + kTCount) {
      return a + (b - kTBase);
    }
    const auto it = compositions.find(key(a, b));
    return it == compositions.end() ? 0 : it->second;
  }
};

const Tables& tables() {
  static const Tables built;
  return built;
}

struct Mark {
  char32_t value;
  uint8_t combining_class;
  int32_t change = 0;  // characters of the original this adds (1) or takes together (below 0)
};

void decompose(char32_t c, bool compatibility, std::vector<Mark>& out) {
  const Tables& t = tables();
  if (c >= kSBase && c < kSBase + kSCount) {
    const uint32_t s = c - kSBase;
    out.push_back({kLBase + s / kNCount, 0});
    out.push_back({kVBase + s % kNCount / kTCount, 0, 1});
    if (s % kTCount != 0) out.push_back({kTBase + s % kTCount, 0, 1});
    return;
  }
  if (c >= 0xA0) {
    auto it = compatibility ? t.compatible.find(c) : t.compatible.end();
    bool found = it != t.compatible.end();
    if (!found) {
      it = t.canonical.find(c);
      found = it != t.canonical.end();
    }
    if (found) {
      const size_t first = out.size();
      for (uint32_t x : it->second) out.push_back({x, t.combining_class(x), out.size() == first ? 0 : 1});
      return;
    }
  }
  out.push_back({c, t.combining_class(c)});
}

// Canonical ordering: runs of marks (class above 0) sorted by class, equal ones in their order.
void order_marks(std::vector<Mark>& text) {
  for (size_t i = 0; i < text.size();) {
    if (text[i].combining_class == 0) {
      ++i;
      continue;
    }
    size_t j = i;
    while (j < text.size() && text[j].combining_class != 0) ++j;
    std::stable_sort(text.begin() + static_cast<ptrdiff_t>(i), text.begin() + static_cast<ptrdiff_t>(j),
                     [](const Mark& a, const Mark& b) { return a.combining_class < b.combining_class; });
    i = j;
  }
}

void compose(std::vector<Mark>& text) {
  constexpr size_t kNone = SIZE_MAX;
  const Tables& t = tables();
  size_t starter = kNone;
  size_t out = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const Mark mark = text[i];
    if (starter != kNone) {
      // Blocked when something between the two has a class of 0 or at least the mark's.
      const bool adjacent = out == starter + 1;
      const bool blocked = !adjacent && text[out - 1].combining_class >= mark.combining_class;
      if (!blocked) {
        if (const char32_t c = t.compose(text[starter].value, mark.value)) {
          text[starter].value = c;
          text[starter].change += mark.change - 1;
          continue;
        }
      }
    }
    if (mark.combining_class == 0) starter = out;
    text[out++] = mark;
  }
  text.resize(out);
}

void normalize_run(std::string_view run, NormalizationForm form, std::vector<Mark>& scratch) {
  scratch.clear();
  const bool compatibility = form == NormalizationForm::kNfkc || form == NormalizationForm::kNfkd;
  const char* end = run.data() + run.size();
  for (const char* p = run.data(); p < end;) {
    const Decoded d = decode_utf8(p, end);
    decompose(d.value, compatibility, scratch);
    p += d.length;
  }
  order_marks(scratch);
  if (form == NormalizationForm::kNfc || form == NormalizationForm::kNfkc) compose(scratch);
}

void append_run(std::string_view run, NormalizationForm form, std::vector<Mark>& scratch, std::string& out) {
  normalize_run(run, form, scratch);
  for (const Mark& mark : scratch) append_utf8(out, mark.value);
}

// Whether a run may end before this character: ASCII neither changes nor joins what stands before it, and in NFC the
// same holds for every stable character.
bool begins_run(char32_t c, NormalizationForm form) {
  return c < 0x80 || (form == NormalizationForm::kNfc && !Unicode::get().nfc_unstable(c));
}

}  // namespace

std::string normalize_unicode(std::string_view text, NormalizationForm form) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  std::vector<Mark> scratch;
  const char* const end = text.data() + text.size();
  const char* run = text.data();  // from here on nothing is written yet
  bool plain = true;  // the run needs no work
  for (const char* p = run; p < end;) {
    const Decoded d = decode_utf8(p, end);
    if (begins_run(d.value, form)) {
      if (!plain) append_run({run, size_t(p - run)}, form, scratch, out);
      if (plain) out.append(run, size_t(p - run));
      run = p;
      plain = true;
    } else {
      plain = false;
    }
    p += d.length;
  }
  if (plain) {
    out.append(run, size_t(end - run));
  } else {
    append_run({run, size_t(end - run)}, form, scratch, out);
  }
  return out;
}

size_t normalized_origin(std::string_view text, size_t origin, NormalizationForm form) {
  // The run of characters that ends at the first boundary after the origin.
  const char* const end = text.data() + text.size();
  const char* run_end = text.data();
  while (run_end < end) {
    const Decoded d = decode_utf8(run_end, end);
    if (run_end >= text.data() + origin && begins_run(d.value, form)) break;
    run_end += d.length;
  }
  std::vector<Mark> marks;
  normalize_run({text.data(), size_t(run_end - text.data())}, form, marks);
  OriginTracker tracker(text, origin);
  for (const Mark& mark : marks) tracker.add(to_utf8(mark.value).size(), mark.change);
  return tracker.origin();
}

bool is_nfc_quick(std::string_view text) {
  const Unicode& unicode = Unicode::get();
  const char* const end = text.data() + text.size();
  for (const char* p = text.data(); p < end;) {
    if (static_cast<uint8_t>(*p) < 0x80) {
      ++p;
      continue;
    }
    const Decoded d = decode_utf8(p, end);
    if (unicode.nfc_unstable(d.value)) return false;
    p += d.length;
  }
  return true;
}

void normalize_detail::visit_nfc_unstable(void (*visit)(void*, char32_t), void* context) {
  const Tables& t = tables();
  for (const auto& [c, combining_class] : t.combining) visit(context, c);
  for (const auto& [pair, composed] : t.compositions) visit(context, static_cast<char32_t>(pair));
  for (char32_t c = kVBase; c < kVBase + kVCount; ++c) visit(context, c);
  for (char32_t c = kTBase + 1; c < kTBase + kTCount; ++c) visit(context, c);
  for (const auto& [c, parts] : t.canonical) {
    // What decomposes and does not come back (singletons, exclusions).
    std::vector<Mark> text;
    decompose(c, false, text);
    order_marks(text);
    compose(text);
    if (text.size() != 1 || text[0].value != c) visit(context, c);
  }
}

}  // namespace mang
