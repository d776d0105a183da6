#include "text/decoder.h"

#include <algorithm>

#include "text/byte_level.h"
#include "text/normalizer.h"
#include "text/unicode.h"

namespace mang {

namespace {

using Kind = DecoderStep::Kind;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// "<0x0A>" → 10, −1: not a byte token. Reads the two places as Rust's from_str_radix does: "+A" is a number there.
int decoded_byte(std::string_view token) {
  if (token.size() != 6 || token.substr(0, 3) != "<0x" || token[5] != '>') return -1;
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  const int high = token[3] == '+' ? 0 : digit(token[3]);
  const int low = digit(token[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// How often `content` stands at the beginning, at most `limit` times.
uint32_t count_front(std::string_view text, std::string_view content, uint32_t limit) {
  uint32_t n = 0;
  while (n < limit && text.substr(0, content.size()) == content) {
    text.remove_prefix(content.size());
    ++n;
  }
  return n;
}

uint32_t count_back(std::string_view text, std::string_view content, uint32_t limit) {
  uint32_t n = 0;
  while (n < limit && text.size() >= content.size() && text.substr(text.size() - content.size()) == content) {
    text.remove_suffix(content.size());
    ++n;
  }
  return n;
}

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::kByteLevel: return "ByteLevel";
    case Kind::kByteFallback: return "ByteFallback";
    case Kind::kFuse: return "Fuse";
    case Kind::kStrip: return "Strip";
    case Kind::kReplace: return "Replace";
    case Kind::kMetaspace: return "Metaspace";
  }
  return "?";
}

// What a token's characters stand for: stand-ins become bytes, a token with other characters is its own text.
std::string byte_level_bytes(std::string_view token) {
  auto bytes = stand_ins_to_bytes(token);
  return bytes ? std::move(*bytes) : std::string(token);
}

}  // namespace

Result<DecoderChain> DecoderChain::build(const std::vector<DecoderStep>& steps, bool has_decoder) {
  constexpr size_t kMaxSteps = 64;
  if (steps.size() > kMaxSteps) return fail("more than {} decoders are refused.", kMaxSteps);
  DecoderChain chain;
  chain.has_decoder_ = has_decoder;
  bool fused = false;
  for (const auto& spec : steps) {
    Step step{spec, {}, fused};
    if (fused && spec.kind != Kind::kStrip && spec.kind != Kind::kFuse) {
      return fail("the decoder {} after Fuse or ByteLevel is not supported.", name_of(spec.kind));
    }
    if (spec.kind == Kind::kReplace) {
      if (spec.pattern.text.empty()) return fail("the decoder Replace looks for an empty string.");
      if (spec.pattern.is_regex) {
        MANG_TRY(step.regex, Regex::compile(spec.pattern.text));
      }
    }
    if (spec.kind == Kind::kStrip && spec.content.empty()) return fail("the decoder Strip has no content.");
    if (spec.kind == Kind::kStrip && (spec.start > 4096 || spec.stop > 4096)) {
      return fail("the decoder Strip takes more than 4096 characters.");
    }
    fused = fused || spec.kind == Kind::kFuse || spec.kind == Kind::kByteLevel;
    chain.steps_.push_back(std::move(step));
  }
  return chain;
}

std::string DecoderChain::replaced(const Step& step, std::string_view piece) {
  std::string out;
  if (step.regex) {
    replace_matches(piece, *step.regex, step.spec.content, out);
  } else {
    replace_string(piece, step.spec.pattern.text, step.spec.content, out);
  }
  return out;
}

void DecoderChain::run(size_t index, std::string_view piece, State& state, std::string& out) const {
  if (index == steps_.size()) {
    if (!has_decoder_ && state[index].pieces > 0) out += ' ';
    ++state[index].pieces;
    out += piece;
    return;
  }
  const Step& step = steps_[index];
  StepState& s = state[index];
  switch (step.spec.kind) {
    case Kind::kFuse: run(index + 1, piece, state, out); return;
    case Kind::kReplace: run(index + 1, replaced(step, piece), state, out); return;
    case Kind::kMetaspace: {
      const bool first = s.pieces++ == 0 && step.spec.prepend != PreTokenizerStep::Prepend::kNever;
      std::string text;
      replace_string(piece, step.spec.replacement, first ? "" : " ", text);
      run(index + 1, text, state, out);
      return;
    }
    case Kind::kByteLevel: {
      s.pending += byte_level_bytes(piece);
      const size_t complete = s.pending.size() - incomplete_suffix(s.pending);
      if (complete == 0) return;
      const std::string text = replace_invalid_utf8(std::string_view(s.pending).substr(0, complete));
      s.pending.erase(0, complete);
      run(index + 1, text, state, out);
      return;
    }
    case Kind::kByteFallback:
      if (const int byte = decoded_byte(piece); byte >= 0) {
        s.pending += static_cast<char>(byte);
        return;
      }
      flush_bytes(index, state, out);
      run(index + 1, piece, state, out);
      return;
    case Kind::kStrip:
      if (step.fused) {
        strip_fused(index, piece, state, out);
        return;
      }
      piece.remove_prefix(count_front(piece, step.spec.content, step.spec.start) * step.spec.content.size());
      piece.remove_suffix(count_back(piece, step.spec.content, step.spec.stop) * step.spec.content.size());
      run(index + 1, piece, state, out);
      return;
  }
}

// A run of byte tokens is a text if it is UTF-8 as a whole, and as many U+FFFD as bytes if it is not.
void DecoderChain::flush_bytes(size_t index, State& state, std::string& out) const {
  std::string bytes;
  std::swap(bytes, state[index].pending);
  if (bytes.empty()) return;
  if (is_utf8(bytes)) {
    run(index + 1, bytes, state, out);
  } else {
    for (size_t i = 0; i < bytes.size(); ++i) run(index + 1, kReplacement, state, out);
  }
}

void DecoderChain::strip_fused(size_t index, std::string_view piece, State& state, std::string& out) const {
  const DecoderStep& spec = steps_[index].spec;
  StepState& s = state[index];
  if (s.open) {
    const uint32_t n = count_front(piece, spec.content, spec.start - s.stripped);
    piece.remove_prefix(n * spec.content.size());
    s.stripped += n;
    s.open = piece.empty() && s.stripped < spec.start;
  }
  if (piece.empty()) return;
  // The last `stop` contents may turn out to be the end of the text.
  s.pending += piece;
  const size_t held = count_back(s.pending, spec.content, spec.stop) * spec.content.size();
  const std::string ready = s.pending.substr(0, s.pending.size() - held);
  s.pending.erase(0, ready.size());
  if (!ready.empty()) run(index + 1, ready, state, out);
}

void DecoderChain::finish(State& state, std::string& out) const {
  for (size_t i = 0; i < steps_.size(); ++i) {
    switch (steps_[i].spec.kind) {
      case Kind::kByteLevel: {
        const std::string text = replace_invalid_utf8(state[i].pending);
        state[i].pending.clear();
        if (!text.empty()) run(i + 1, text, state, out);
        break;
      }
      case Kind::kByteFallback: flush_bytes(i, state, out); break;
      case Kind::kStrip: state[i].pending.clear(); break;
      default: break;
    }
  }
  state = start();
}

std::string DecoderChain::bytes_of(std::string_view token) const {
  std::string text(token);
  for (const Step& step : steps_) {
    switch (step.spec.kind) {
      case Kind::kByteLevel: return byte_level_bytes(text);
      case Kind::kByteFallback:
        if (const int byte = decoded_byte(text); byte >= 0) return std::string(1, static_cast<char>(byte));
        break;
      case Kind::kReplace: text = replaced(step, text); break;
      case Kind::kMetaspace: {
        std::string out;
        replace_string(text, step.spec.replacement, " ", out);
        text = std::move(out);
        break;
      }
      case Kind::kStrip:
      case Kind::kFuse: break;
    }
  }
  return text;
}

}  // namespace mang
