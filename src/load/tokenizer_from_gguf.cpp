#include "load/tokenizer_from_gguf.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "load/end_tokens.h"
#include "load/gguf_pre_tokenizers.h"
#include "text/byte_level.h"
#include "text/flat_table.h"
#include "text/unicode.h"

namespace mang {

namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581
constexpr size_t kMaxTokens = size_t{1} << 24;
enum TokenType : int64_t {
  kUndefined = 0,
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

int64_t type_of(const GgufVocabulary& v, size_t id) { return v.token_types.empty() ? kNormal : v.token_types[id]; }

Result<void> check(const GgufVocabulary& v) {
  if (v.tokens.empty()) return fail("tokenizer.ggml.tokens is empty.");
  if (v.tokens.size() > kMaxTokens) return fail("a vocabulary of {} tokens is refused.", v.tokens.size());
  uint64_t bytes = 0;
  for (const auto& token : v.tokens) bytes += token.size();
  if (bytes > (uint64_t{1} << 30)) return fail("a vocabulary of {} bytes is refused.", bytes);
  if (!v.scores.empty() && v.scores.size() != v.tokens.size()) {
    return fail("tokenizer.ggml.scores has {} entries for {} tokens.", v.scores.size(), v.tokens.size());
  }
  if (!v.token_types.empty() && v.token_types.size() != v.tokens.size()) {
    return fail("tokenizer.ggml.token_type has {} entries for {} tokens.", v.token_types.size(), v.tokens.size());
  }
  for (size_t id = 0; id < v.tokens.size(); ++id) {
    const int64_t type = type_of(v, id);
    if (type < kUndefined || type > kByte) return fail("token {} has the type {}, which GGUF does not have.", id, type);
    if (!is_utf8(v.tokens[id])) return fail("token {} is not UTF-8.", id);
    if (type == kByte && byte_of_token(v.tokens[id]) < 0) {
      return fail("token {} ('{}') is to stand for a byte, but is none of <0x00> … <0xFF>.", id, v.tokens[id]);
    }
  }
  const auto size = static_cast<int64_t>(v.tokens.size());
  for (int64_t id : {v.bos_id, v.eos_id, v.unknown_id, v.pad_id, v.eot_id, v.eom_id}) {
    if (id < -1 || id >= size) return fail("a special token has the id {} among {} tokens.", id, size);
  }
  return {};
}

DecoderStep decoder_of(DecoderStep::Kind kind) {
  DecoderStep step;
  step.kind = kind;
  return step;
}

// Control tokens and what the user of the training program asked to keep whole.
void add_added_tokens(const GgufVocabulary& v, TokenizerSpec& spec) {
  for (size_t id = 0; id < v.tokens.size(); ++id) {
    const int64_t type = type_of(v, id);
    const bool special = type == kControl || (type == kUnknown && !v.tokens[id].empty());
    if ((!special && type != kUserDefined) || v.tokens[id].empty()) continue;
    AddedToken token;
    token.id = static_cast<int32_t>(id);
    token.content = v.tokens[id];
    token.special = special;
    spec.added_tokens.push_back(std::move(token));
  }
}

Result<void> add_post_template(const GgufVocabulary& v, bool add_bos, TokenizerSpec& spec) {
  if (add_bos && v.bos_id < 0) return fail("BOS is to be added, but tokenizer.ggml.bos_token_id is not there.");
  if (v.add_eos && v.eos_id < 0) return fail("EOS is to be added, but tokenizer.ggml.eos_token_id is not there.");
  if (add_bos) spec.post_template.push_back({false, {static_cast<int32_t>(v.bos_id)}});
  spec.post_template.push_back({true, {}});
  if (v.add_eos) spec.post_template.push_back({false, {static_cast<int32_t>(v.eos_id)}});
  return {};
}

Result<StringTable> index_tokens(const GgufVocabulary& v) {
  StringTable ids;
  size_t bytes = 0;
  for (const auto& token : v.tokens) bytes += token.size();
  ids.reserve(v.tokens.size(), bytes);
  for (size_t id = 0; id < v.tokens.size(); ++id) {
    if (!v.tokens[id].empty() && !ids.insert(v.tokens[id], static_cast<int32_t>(id))) {
      return fail("the vocabulary lists the token '{}' twice.", v.tokens[id]);
    }
  }
  return ids;
}

Result<void> byte_level_bpe(const GgufVocabulary& v, TokenizerSpec& spec) {
  bool adds_bos = false;
  if (v.pre.empty()) {
    return fail(
        "it does not name its pre-tokenizer (tokenizer.ggml.pre), as files of early 2024 and before do not; get a newer "
        "conversion of the model.");
  }
  if (!apply_pre_tokenizer(v.pre, spec, adds_bos)) {
    return fail("the pre-tokenizer '{}' (tokenizer.ggml.pre) is not supported.", v.pre);
  }
  MANG_TRY(StringTable ids, index_tokens(v));
  std::vector<bool> merged(v.tokens.size());
  std::string text;
  spec.merges.reserve(v.merges.size());
  for (size_t i = 0; i < v.merges.size(); ++i) {
    const std::string_view line = v.merges[i];
    const size_t space = line.find(' ', 1);
    if (space == std::string_view::npos) return fail("merge {} ('{}') is not two tokens.", i, line);
    text.assign(line.substr(0, space));
    text += line.substr(space + 1);
    const TokenizerSpec::Merge merge{ids.find(line.substr(0, space)), ids.find(line.substr(space + 1)), ids.find(text)};
    if (merge.left < 0 || merge.right < 0 || merge.merged < 0) {
      return fail("merge {} ('{}') has or makes a token that the vocabulary lacks.", i, line);
    }
    for (int32_t id : {merge.left, merge.right, merge.merged}) merged[static_cast<size_t>(id)] = true;
    spec.merges.push_back(merge);
  }
  // Tokens outside the model, as in the publishers' files: control tokens must not come out of plain text.
  for (size_t id = 0; id < v.tokens.size(); ++id) {
    const int64_t type = type_of(v, id);
    const bool added = type == kControl || type == kUserDefined || type == kUnknown;
    if (v.tokens[id].empty() || (added && !merged[id])) continue;
    spec.vocabulary.push_back({v.tokens[id], static_cast<int32_t>(id), 0});
  }
  spec.decoders.push_back(decoder_of(DecoderStep::Kind::kByteLevel));
  return add_post_template(v, v.has_add_bos ? v.add_bos : adds_bos, spec);
}

// Every way to make a token of two others, best score first: what SentencePiece's BPE does with its scores. Ties go by
// the lengths of the two in characters, then by ids, as in transformers' conversion.
Result<void> merges_from_scores(const GgufVocabulary& v, const StringTable& ids, TokenizerSpec& spec) {
  struct Candidate {
    float score;
    uint32_t left_length, right_length;
    TokenizerSpec::Merge merge;
  };
  std::vector<Candidate> candidates;
  candidates.reserve(v.tokens.size() * 2);
  for (size_t id = 0; id < v.tokens.size(); ++id) {
    const std::string_view token = v.tokens[id];
    const int64_t type = type_of(v, id);
    if (type == kControl || type == kUnknown || type == kByte) continue;
    // User-defined tokens go before all others; converters write another score for them.
    const float score = type == kUserDefined ? std::numeric_limits<float>::infinity() : v.scores[id];
    std::vector<uint32_t> cuts;
    for (uint32_t at = 0; at < token.size();) {
      at += decode_utf8(token.data() + at, token.data() + token.size()).length;
      cuts.push_back(at);
    }
    constexpr size_t kMaxCharacters = 512;
    if (cuts.size() > kMaxCharacters) return fail("token {} has {} characters.", id, cuts.size());
    const auto first = static_cast<ptrdiff_t>(candidates.size());
    for (uint32_t i = 0; i + 1 < cuts.size(); ++i) {
      const int32_t left = ids.find(token.substr(0, cuts[i]));
      if (left < 0) continue;
      const int32_t right = ids.find(token.substr(cuts[i]));
      if (right < 0) continue;
      const auto right_length = static_cast<uint32_t>(cuts.size()) - i - 1;
      candidates.push_back({score, i + 1, right_length, {left, right, static_cast<int32_t>(id)}});
    }
    std::sort(candidates.begin() + first, candidates.end(), [](const Candidate& a, const Candidate& b) {
      return std::pair(a.merge.left, a.merge.right) < std::pair(b.merge.left, b.merge.right);
    });
  }
  std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return std::tuple(a.score, a.left_length, a.right_length) > std::tuple(b.score, b.left_length, b.right_length);
  });
  spec.merges.reserve(candidates.size());
  for (const auto& candidate : candidates) spec.merges.push_back(candidate.merge);
  return {};
}

void add_mark_decoders(bool strip_first, TokenizerSpec& spec) {
  DecoderStep replace = decoder_of(DecoderStep::Kind::kReplace);
  replace.pattern = {false, std::string(kSpaceMark)};
  replace.content = " ";
  spec.decoders.push_back(replace);
  spec.decoders.push_back(decoder_of(DecoderStep::Kind::kByteFallback));
  spec.decoders.push_back(decoder_of(DecoderStep::Kind::kFuse));
  if (!strip_first) return;
  DecoderStep strip = decoder_of(DecoderStep::Kind::kStrip);
  strip.content = " ";
  strip.start = 1;
  spec.decoders.push_back(strip);
}

// Converters write the user-defined tokens of SentencePiece with spaces in place of the mark.
void restore_space_marks(GgufVocabulary& v) {
  for (size_t id = 0; id < v.tokens.size(); ++id) {
    if (type_of(v, id) != kUserDefined || v.tokens[id].find(' ') == std::string::npos) continue;
    std::string text;
    for (char c : v.tokens[id]) c == ' ' ? text += kSpaceMark : text += c;
    v.tokens[id] = std::move(text);
  }
}

Result<void> sentencepiece_bpe(const GgufVocabulary& v, TokenizerSpec& spec) {
  if (v.scores.empty()) return fail("a SentencePiece vocabulary needs tokenizer.ggml.scores.");
  for (float score : v.scores) {
    if (score != score) return fail("tokenizer.ggml.scores has a NaN.");
  }
  MANG_TRY(StringTable ids, index_tokens(v));
  for (size_t id = 0; id < v.tokens.size(); ++id) {
    if (!v.tokens[id].empty()) spec.vocabulary.push_back({v.tokens[id], static_cast<int32_t>(id), 0});
  }
  MANG_TRY(merges_from_scores(v, ids, spec));
  spec.byte_fallback = ids.find("<0x00>") >= 0;
  spec.fuse_unknown = true;
  spec.unknown_id = static_cast<int32_t>(v.unknown_id);
  const bool prefix = v.has_add_space_prefix ? v.add_space_prefix : true;
  if (prefix) {
    NormalizerStep prepend;
    prepend.kind = NormalizerStep::Kind::kPrepend;
    prepend.content = std::string(kSpaceMark);
    spec.normalizers.push_back(prepend);
  }
  NormalizerStep replace;
  replace.kind = NormalizerStep::Kind::kReplace;
  replace.pattern = {false, " "};
  replace.content = std::string(kSpaceMark);
  spec.normalizers.push_back(replace);
  add_mark_decoders(prefix, spec);
  return add_post_template(v, v.has_add_bos ? v.add_bos : true, spec);
}

Result<void> unigram(const GgufVocabulary& v, TokenizerSpec& spec) {
  if (v.scores.empty()) return fail("a unigram vocabulary needs tokenizer.ggml.scores.");
  if (v.unknown_id < 0) return fail("a unigram vocabulary needs tokenizer.ggml.unknown_token_id.");
  spec.model = TokenizerSpec::Model::kUnigram;
  for (size_t id = 0; id < v.tokens.size(); ++id) {
    spec.vocabulary.push_back({v.tokens[id], static_cast<int32_t>(id), v.scores[id]});
  }
  spec.unknown_id = static_cast<int32_t>(v.unknown_id);
  spec.byte_fallback = std::find(v.tokens.begin(), v.tokens.end(), "<0x00>") != v.tokens.end();
  if (!v.precompiled_charsmap.empty()) {
    NormalizerStep charsmap;
    charsmap.kind = NormalizerStep::Kind::kPrecompiled;
    charsmap.charsmap = v.precompiled_charsmap;
    spec.normalizers.push_back(charsmap);
  }
  if (v.remove_extra_whitespaces) {
    NormalizerStep strip;
    strip.kind = NormalizerStep::Kind::kStrip;
    strip.strip_left = false;
    spec.normalizers.push_back(strip);
    NormalizerStep spaces;
    spaces.kind = NormalizerStep::Kind::kReplace;
    spaces.pattern = {true, " {2,}"};
    spaces.content = std::string(kSpaceMark);
    spec.normalizers.push_back(spaces);
  }
  using Prepend = PreTokenizerStep::Prepend;
  const Prepend prepend = !v.has_add_space_prefix || v.add_space_prefix ? Prepend::kAlways : Prepend::kNever;
  PreTokenizerStep metaspace;
  metaspace.kind = PreTokenizerStep::Kind::kMetaspace;
  metaspace.prepend = prepend;
  spec.pre_tokenizers.push_back(metaspace);
  if (spec.byte_fallback) {
    add_mark_decoders(prepend == Prepend::kAlways, spec);
  } else {
    DecoderStep spaces = decoder_of(DecoderStep::Kind::kMetaspace);
    spaces.prepend = prepend;
    spec.decoders.push_back(spaces);
  }
  return add_post_template(v, v.has_add_bos && v.add_bos, spec);
}

// An optional key: false if it is not there.
Result<bool> optional_id(const GgufMetadata& metadata, const char* key, int64_t& out) {
  if (!metadata.has(key)) return false;
  MANG_TRY(out, metadata.get_i64(key));
  return true;
}

Result<bool> optional_flag(const GgufMetadata& metadata, const char* key, bool& out) {
  if (!metadata.has(key)) return false;
  MANG_TRY(out, metadata.get_bool(key));
  return true;
}

}  // namespace

Result<GgufVocabulary> read_gguf_vocabulary(const GgufMetadata& metadata) {
  GgufVocabulary v;
  MANG_TRY(std::string_view model, metadata.get_string("tokenizer.ggml.model"));
  v.model = std::string(model);
  if (metadata.has("tokenizer.ggml.pre")) {
    MANG_TRY(std::string_view pre, metadata.get_string("tokenizer.ggml.pre"));
    v.pre = std::string(pre);
  }
  MANG_TRY(std::vector<std::string_view> tokens, metadata.get_strings("tokenizer.ggml.tokens"));
  v.tokens.assign(tokens.begin(), tokens.end());
  if (metadata.has("tokenizer.ggml.scores")) {
    MANG_TRY(v.scores, metadata.get_floats("tokenizer.ggml.scores"));
  }
  if (metadata.has("tokenizer.ggml.token_type")) {
    MANG_TRY(v.token_types, metadata.get_integers("tokenizer.ggml.token_type"));
  }
  if (metadata.has("tokenizer.ggml.merges")) {
    MANG_TRY(v.merges, metadata.get_strings("tokenizer.ggml.merges"));
  } else if (v.model == "gpt2") {
    return fail("{}: a byte-level vocabulary needs tokenizer.ggml.merges.", metadata.what());
  }
  if (metadata.has("tokenizer.ggml.precompiled_charsmap")) {
    MANG_TRY(std::vector<int64_t> bytes, metadata.get_integers("tokenizer.ggml.precompiled_charsmap"));
    for (int64_t byte : bytes) v.precompiled_charsmap += static_cast<char>(byte);
  }
  MANG_TRY(optional_id(metadata, "tokenizer.ggml.bos_token_id", v.bos_id));
  MANG_TRY(optional_id(metadata, "tokenizer.ggml.eos_token_id", v.eos_id));
  MANG_TRY(optional_id(metadata, "tokenizer.ggml.unknown_token_id", v.unknown_id));
  MANG_TRY(optional_id(metadata, "tokenizer.ggml.padding_token_id", v.pad_id));
  MANG_TRY(optional_id(metadata, "tokenizer.ggml.eot_token_id", v.eot_id));
  MANG_TRY(optional_id(metadata, "tokenizer.ggml.eom_token_id", v.eom_id));
  MANG_TRY(v.has_add_bos, optional_flag(metadata, "tokenizer.ggml.add_bos_token", v.add_bos));
  MANG_TRY(optional_flag(metadata, "tokenizer.ggml.add_eos_token", v.add_eos));
  MANG_TRY(v.has_add_space_prefix, optional_flag(metadata, "tokenizer.ggml.add_space_prefix", v.add_space_prefix));
  MANG_TRY(optional_flag(metadata, "tokenizer.ggml.remove_extra_whitespaces", v.remove_extra_whitespaces));
  return v;
}

Result<TokenizerSpec> tokenizer_from_vocabulary(GgufVocabulary v) {
  MANG_TRY(check(v));
  TokenizerSpec spec;
  if (v.model == "llama") restore_space_marks(v);
  if (v.model == "gpt2") {
    MANG_TRY(byte_level_bpe(v, spec));
  } else if (v.model == "llama") {
    MANG_TRY(sentencepiece_bpe(v, spec));
  } else if (v.model == "t5") {
    MANG_TRY(unigram(v, spec));
  } else {
    return fail("the tokenizer '{}' (tokenizer.ggml.model) is not supported (gpt2, llama and t5 are).", v.model);
  }
  add_added_tokens(v, spec);
  spec.bos_id = static_cast<int32_t>(v.bos_id);
  spec.eos_id = static_cast<int32_t>(v.eos_id);
  spec.pad_id = static_cast<int32_t>(v.pad_id);
  add_end_tokens(spec);
  add_end_token(spec, static_cast<int32_t>(v.eot_id));
  add_end_token(spec, static_cast<int32_t>(v.eom_id));
  return spec;
}

Result<TokenizerSpec> tokenizer_from_gguf(const GgufMetadata& metadata) {
  MANG_TRY(GgufVocabulary vocabulary, read_gguf_vocabulary(metadata));
  auto spec = tokenizer_from_vocabulary(std::move(vocabulary));
  if (!spec) return spec.error().in(metadata.what());
  return spec;
}

}  // namespace mang
