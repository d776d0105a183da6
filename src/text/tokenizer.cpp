#include "text/tokenizer.h"

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/decoder.h"
#include "text/normalizer.h"
#include "text/pre_tokenizer.h"
#include "text/unicode.h"
#include "text/unigram.h"

namespace mang {

namespace {

// Texts of all ids, side by side.
class TextPool {
 public:
  void append(std::string_view text) {
    pool_ += text;
    ends_.push_back(pool_.size());
  }
  [[nodiscard]] std::string_view at(int32_t id) const {
    if (id < 0 || static_cast<size_t>(id) >= ends_.size()) return {};
    const size_t begin = id == 0 ? 0 : ends_[static_cast<size_t>(id) - 1];
    return std::string_view(pool_).substr(begin, ends_[static_cast<size_t>(id)] - begin);
  }

 private:
  std::string pool_;
  std::vector<size_t> ends_;
};

bool ends_in_byte_level(const TokenizerSpec& spec) {
  if (spec.pre_tokenizers.empty()) return false;
  for (const auto& step : spec.normalizers) {
    if (step.kind == NormalizerStep::Kind::kByteLevel) return false;
  }
  size_t count = 0;
  for (const auto& step : spec.pre_tokenizers) count += step.kind == PreTokenizerStep::Kind::kByteLevel ? 1 : 0;
  return count == 1 && spec.pre_tokenizers.back().kind == PreTokenizerStep::Kind::kByteLevel;
}

}  // namespace

struct Tokenizer::Parts {
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  std::optional<BpeModel> bpe;
  std::optional<UnigramModel> unigram;
  AddedTokenMatcher original_matcher;    // looked for in the text as it is
  AddedTokenMatcher normalized_matcher;  // and in the normalized text
  DecoderChain decoder;
  std::vector<TemplatePiece> post_template;

  int32_t vocab_size = 0;
  TextPool texts;          // as the vocabulary writes them
  TextPool decoded_texts;  // what the decoders start from
  TextPool bytes;
  std::vector<bool> exists;
  std::vector<bool> special;
  StringTable ids;
  int32_t bos_id = -1, eos_id = -1, pad_id = -1, unknown_id = -1;
  std::vector<int32_t> eog_ids;

  class Encoder;
};

namespace {

Result<int32_t> check_ids(const TokenizerSpec& spec) {
  // Ids far beyond the number of tokens would only make tables of nothing.
  constexpr int64_t kSlack = 1 << 16;
  const auto count = static_cast<int64_t>(spec.vocabulary.size() + spec.added_tokens.size());
  int64_t largest = -1;
  uint64_t bytes = 0;
  const auto check = [&](int32_t id, std::string_view text) -> Result<void> {
    if (id < 0 || id > 2 * count + kSlack) return fail("the token '{}' has the id {} among {} tokens.", text, id, count);
    largest = std::max<int64_t>(largest, id);
    bytes += text.size();
    return {};
  };
  for (const auto& token : spec.vocabulary) {
    MANG_TRY(check(token.id, token.text));
  }
  for (const auto& token : spec.added_tokens) {
    if (token.content.empty()) return fail("the added token {} is empty.", token.id);
    MANG_TRY(check(token.id, token.content));
  }
  if (largest < 0) return fail("the vocabulary is empty.");
  if (bytes > (uint64_t{1} << 30)) return fail("a vocabulary of {} bytes is refused.", bytes);
  std::vector<bool> seen(static_cast<size_t>(largest) + 1);
  for (const auto& token : spec.vocabulary) {
    if (seen[static_cast<size_t>(token.id)]) return fail("two tokens have the id {}.", token.id);
    seen[static_cast<size_t>(token.id)] = true;
  }
  return static_cast<int32_t>(largest + 1);
}

Result<void> check_merges(const TokenizerSpec& spec, int32_t vocab_size) {
  std::vector<const std::string*> text_of(static_cast<size_t>(vocab_size));
  for (const auto& token : spec.vocabulary) text_of[static_cast<size_t>(token.id)] = &token.text;
  const auto known = [&](int32_t id) { return id >= 0 && id < vocab_size && text_of[static_cast<size_t>(id)] != nullptr; };
  for (size_t i = 0; i < spec.merges.size(); ++i) {
    const auto& merge = spec.merges[i];
    if (!known(merge.left) || !known(merge.right) || !known(merge.merged)) return fail("merge {} has an unknown token.", i);
    const std::string& left = *text_of[static_cast<size_t>(merge.left)];
    const std::string& right = *text_of[static_cast<size_t>(merge.right)];
    const std::string_view merged = *text_of[static_cast<size_t>(merge.merged)];
    if (merged.size() != left.size() + right.size() || merged.substr(0, left.size()) != left ||
        merged.substr(left.size()) != right) {
      return fail("merge {} of '{}' and '{}' gives '{}'.", i, left, right, merged);
    }
  }
  if (spec.unknown_id >= 0 && !known(spec.unknown_id)) return fail("the unknown token's id {} has no token.", spec.unknown_id);
  return {};
}

Result<void> check_references(const TokenizerSpec& spec, int32_t vocab_size) {
  const auto check = [&](int32_t id, const Error& what) -> Result<void> {
    if (id < -1 || id >= vocab_size) return fail("the {} token's id {} is not below {}.", what, id, vocab_size);
    return {};
  };
  MANG_TRY(check(spec.bos_id, Error{"bos"}));
  MANG_TRY(check(spec.eos_id, Error{"eos"}));
  MANG_TRY(check(spec.pad_id, Error{"padding"}));
  for (int32_t id : spec.eog_ids) {
    MANG_TRY(check(id, Error{"end-of-generation"}));
  }
  size_t texts = 0;
  for (const auto& piece : spec.post_template) {
    texts += piece.is_text ? 1 : 0;
    for (int32_t id : piece.ids) {
      MANG_TRY(check(id, Error{"post-processor's"}));
    }
  }
  if (!spec.post_template.empty() && texts != 1) return fail("the post-processor has the text {} times.", texts);
  return {};
}

}  // namespace

Result<Tokenizer> Tokenizer::build(TokenizerSpec spec) {
  auto parts = std::make_unique<Parts>();
  MANG_TRY(const int32_t vocab_size, check_ids(spec));
  MANG_TRY(check_references(spec, vocab_size));
  parts->vocab_size = vocab_size;
  const bool raw_bytes = spec.model == TokenizerSpec::Model::kBpe && !spec.byte_fallback && ends_in_byte_level(spec);
  MANG_TRY(parts->normalizer, Normalizer::build(spec.normalizers));
  MANG_TRY(parts->pre_tokenizer, PreTokenizer::build(spec.pre_tokenizers, raw_bytes));
  MANG_TRY(parts->decoder, DecoderChain::build(spec.decoders, spec.has_decoder));
  if (spec.model == TokenizerSpec::Model::kBpe) {
    MANG_TRY(check_merges(spec, vocab_size));
    MANG_TRY(parts->bpe, BpeModel::build(spec, raw_bytes));
  } else {
    MANG_TRY(parts->unigram, UnigramModel::build(spec));
  }

  const auto rows = static_cast<size_t>(vocab_size);
  std::vector<std::string_view> texts(rows);
  std::vector<std::string_view> decoded(rows);
  parts->exists.resize(rows);
  parts->special.resize(rows);
  size_t bytes = 0;
  for (const auto& token : spec.vocabulary) {
    texts[static_cast<size_t>(token.id)] = decoded[static_cast<size_t>(token.id)] = token.text;
    parts->exists[static_cast<size_t>(token.id)] = true;
    bytes += token.text.size();
  }

  // Added tokens: in two sets, by the text they are looked for in.
  std::vector<AddedToken> original, normalized;
  std::vector<std::string> original_patterns, normalized_patterns(0);
  normalized_patterns.reserve(spec.added_tokens.size());
  std::unordered_set<std::string_view> special_texts;
  for (const auto& token : spec.added_tokens) {
    const auto id = static_cast<size_t>(token.id);
    texts[id] = decoded[id] = token.content;
    parts->exists[id] = true;
    bytes += token.content.size();
    if (token.special) special_texts.insert(token.content);
    if (token.normalized) {
      std::string a, b;
      size_t origin = 0;
      normalized_patterns.emplace_back(parts->normalizer.apply(token.content, a, b, origin));
      decoded[id] = normalized_patterns.back();
      normalized.push_back(token);
    } else {
      original_patterns.push_back(token.content);
      original.push_back(token);
    }
  }
  parts->ids.reserve(spec.vocabulary.size() + spec.added_tokens.size(), bytes);
  for (const auto& token : spec.added_tokens) {
    if (!parts->ids.insert(token.content, token.id)) return fail("the added token '{}' is listed twice.", token.content);
  }
  for (const auto& token : spec.vocabulary) {
    const bool is_new = parts->ids.insert(token.text, token.id);
    if (!is_new && parts->ids.find(token.text) != token.id) {
      return fail("the token '{}' has the ids {} and {}.", token.text, parts->ids.find(token.text), token.id);
    }
  }
  for (size_t id = 0; id < rows; ++id) {
    parts->texts.append(texts[id]);
    parts->decoded_texts.append(decoded[id]);
    parts->bytes.append(parts->decoder.bytes_of(decoded[id]));
    parts->special[id] = parts->exists[id] && special_texts.count(decoded[id]) != 0;
  }
  parts->original_matcher = AddedTokenMatcher(std::move(original), original_patterns);
  parts->normalized_matcher = AddedTokenMatcher(std::move(normalized), normalized_patterns);
  parts->post_template = std::move(spec.post_template);
  parts->bos_id = spec.bos_id;
  parts->eos_id = spec.eos_id;
  parts->pad_id = spec.pad_id;
  parts->unknown_id = spec.unknown_id;
  parts->eog_ids = std::move(spec.eog_ids);
  return Tokenizer(std::unique_ptr<const Parts>(std::move(parts)));
}

Tokenizer::Tokenizer(std::unique_ptr<const Parts> parts) : parts_(std::move(parts)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

// One encode() call: the words of the pre-tokenizer go to the model.
class Tokenizer::Parts::Encoder final : public WordSink {
 public:
  Encoder(const Parts& parts, std::vector<int32_t>& out) : parts_(parts), out_(out) {}

  void word(std::string_view text) override {
    if (parts_.bpe) {
      parts_.bpe->encode(text, bpe_, out_);
    } else {
      parts_.unigram->encode(text, unigram_, out_);
    }
  }

  void encode(std::string_view text, bool parse_special) {
    parts_.original_matcher.split(text, parse_special, [&](const AddedTokenMatcher::Piece& piece) {
      if (piece.id >= 0) {
        out_.push_back(piece.id);
      } else {
        encode_normalized(piece.text, piece.text.data() == text.data(), parse_special);
      }
    });
  }

 private:
  void encode_normalized(std::string_view text, bool at_origin, bool parse_special) {
    size_t origin = at_origin && !text.empty() ? decode_utf8(text.data(), text.data() + text.size()).length : 0;
    const std::string_view normalized = parts_.normalizer.apply(text, a_, b_, origin);
    parts_.normalized_matcher.split(normalized, parse_special, [&](const AddedTokenMatcher::Piece& piece) {
      if (piece.id >= 0) {
        out_.push_back(piece.id);
      } else {
        const auto begin = static_cast<size_t>(piece.text.data() - normalized.data());
        parts_.pre_tokenizer.run(piece.text, origin > begin ? origin - begin : 0, *this);
      }
    });
  }

  const Parts& parts_;
  std::vector<int32_t>& out_;
  std::string a_, b_;
  BpeScratch bpe_;
  UnigramScratch unigram_;
};

void Tokenizer::encode_to(std::string_view text, EncodeOptions options, std::vector<int32_t>& out) const {
  MANG_CHECK(text.size() < (size_t{1} << 31));
  Parts::Encoder encoder(*parts_, out);
  if (!options.add_special || parts_->post_template.empty()) {
    encoder.encode(text, options.parse_special);
    return;
  }
  for (const auto& piece : parts_->post_template) {
    if (piece.is_text) {
      encoder.encode(text, options.parse_special);
    } else {
      out.insert(out.end(), piece.ids.begin(), piece.ids.end());
    }
  }
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, EncodeOptions options) const {
  std::vector<int32_t> out;
  out.reserve(text.size() / 4 + 8);
  encode_to(text, options, out);
  return out;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::string out;
  auto state = parts_->decoder.start();
  for (int32_t id : ids) {
    if (id < 0 || id >= parts_->vocab_size || !parts_->exists[static_cast<size_t>(id)]) continue;
    if (skip_special && parts_->special[static_cast<size_t>(id)]) continue;
    parts_->decoder.feed(parts_->decoded_texts.at(id), state, out);
  }
  parts_->decoder.finish(state, out);
  return out;
}

int32_t Tokenizer::vocab_size() const { return parts_->vocab_size; }
std::string_view Tokenizer::token_text(int32_t id) const { return parts_->texts.at(id); }
std::string_view Tokenizer::token_bytes(int32_t id) const { return parts_->bytes.at(id); }
int32_t Tokenizer::token_id(std::string_view token) const { return parts_->ids.find(token); }
bool Tokenizer::is_special(int32_t id) const {
  return id >= 0 && id < parts_->vocab_size && parts_->special[static_cast<size_t>(id)];
}
int32_t Tokenizer::bos_id() const { return parts_->bos_id; }
int32_t Tokenizer::eos_id() const { return parts_->eos_id; }
int32_t Tokenizer::pad_id() const { return parts_->pad_id; }
int32_t Tokenizer::unknown_id() const { return parts_->unknown_id; }
std::span<const int32_t> Tokenizer::eog_ids() const { return parts_->eog_ids; }
bool Tokenizer::is_eog(int32_t id) const {
  return std::find(parts_->eog_ids.begin(), parts_->eog_ids.end(), id) != parts_->eog_ids.end();
}

struct Detokenizer::State {
  const Tokenizer::Parts* parts;
  bool skip_special;
  DecoderChain::State chain;
};

Detokenizer::Detokenizer(const Tokenizer& tokenizer, bool skip_special)
    : state_(std::make_unique<State>(
          State{tokenizer.parts_.get(), skip_special, tokenizer.parts_->decoder.start()})) {}
Detokenizer::Detokenizer(Detokenizer&&) noexcept = default;
Detokenizer& Detokenizer::operator=(Detokenizer&&) noexcept = default;
Detokenizer::~Detokenizer() = default;

std::string Detokenizer::feed(int32_t id) {
  const auto& parts = *state_->parts;
  std::string out;
  if (id < 0 || id >= parts.vocab_size || !parts.exists[static_cast<size_t>(id)]) return out;
  if (state_->skip_special && parts.special[static_cast<size_t>(id)]) return out;
  parts.decoder.feed(parts.decoded_texts.at(id), state_->chain, out);
  return out;
}

std::string Detokenizer::finish() {
  std::string out;
  state_->parts->decoder.finish(state_->chain, out);
  return out;
}

}  // namespace mang
