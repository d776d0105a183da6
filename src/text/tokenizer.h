// Tokenizer: text → token ids → text, identical to Hugging Face's `tokenizers` for the same spec.
//
//   MANG_TRY(Tokenizer tokenizer, Tokenizer::build(std::move(spec)));
//   std::vector<int32_t> ids = tokenizer.encode(prompt, {.parse_special = true});
//   Detokenizer stream(tokenizer);
//   for (id …) print(stream.feed(id));
//   print(stream.finish());
//
// A built tokenizer never changes: every member function is const and may run on many threads at once.
// Source: Sennrich et al. 2016 (BPE), Kudo 2018 (unigram), and the behaviour of Hugging Face tokenizers 0.23.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer_spec.h"

namespace mang {

struct EncodeOptions {
  // Control tokens ("<|im_start|>", "<s>") written in the text become their ids, as in Hugging Face's encode. Off:
  // they are encoded as the plain characters they are, so that a user's text cannot forge a turn. Added tokens that
  // are not control tokens ("special": false in tokenizer.json) are part of the vocabulary and match either way.
  bool parse_special = false;
  // The post-processor's ids (BOS, EOS) around the text.
  bool add_special = false;
};

class Tokenizer {
 public:
  // Refuses, by name, what it cannot do exactly: an unsupported regular expression, a vocabulary with a token
  // missing, ids out of range.
  static Result<Tokenizer> build(TokenizerSpec spec);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // Any bytes are accepted: bytes that are not UTF-8 are kept as they are by vocabularies that have bytes (byte-level
  // BPE, byte fallback) and are unknown characters to the others.
  [[nodiscard]] std::vector<int32_t> encode(std::string_view text, EncodeOptions options = {}) const;
  // The same, appended to `out`.
  void encode_to(std::string_view text, EncodeOptions options, std::vector<int32_t>& out) const;

  // Always valid UTF-8: bytes that form no character become U+FFFD. Ids the vocabulary lacks are skipped.
  [[nodiscard]] std::string decode(std::span<const int32_t> ids, bool skip_special = false) const;

  // The largest id + 1. A model's head may have more rows (padding).
  [[nodiscard]] int32_t vocab_size() const;
  // The token as the vocabulary writes it ("Ġhello", "▁the", "<0x0A>"); empty for an id without a token.
  [[nodiscard]] std::string_view token_text(int32_t id) const;
  // The bytes a token stands for in the middle of a text ("Ġhello" → " hello", "<0x0A>" → "\n"): what a grammar or a
  // prefix match needs. Not always valid UTF-8 on its own.
  [[nodiscard]] std::string_view token_bytes(int32_t id) const;
  // The id of a token as the vocabulary writes it, added tokens first; −1: there is none.
  [[nodiscard]] int32_t token_id(std::string_view token) const;
  [[nodiscard]] bool is_special(int32_t id) const;  // a control token: dropped by decode(…, skip_special)

  [[nodiscard]] int32_t bos_id() const;
  [[nodiscard]] int32_t eos_id() const;
  [[nodiscard]] int32_t pad_id() const;
  [[nodiscard]] int32_t unknown_id() const;
  [[nodiscard]] std::span<const int32_t> eog_ids() const;  // each ends an answer
  [[nodiscard]] bool is_eog(int32_t id) const;

 private:
  friend class Detokenizer;
  struct Parts;
  explicit Tokenizer(std::unique_ptr<const Parts> parts);
  std::unique_ptr<const Parts> parts_;
};

// Decodes a stream of ids. What feed() returns never ends inside a character, and all of it followed by finish()
// equals Tokenizer::decode() of all the ids. One stream of one sequence; the tokenizer must outlive it.
class Detokenizer {
 public:
  explicit Detokenizer(const Tokenizer& tokenizer, bool skip_special = false);
  Detokenizer(Detokenizer&&) noexcept;
  Detokenizer& operator=(Detokenizer&&) noexcept;
  ~Detokenizer();

  // The text that is certain now; often one token's, empty while a character is incomplete.
  std::string feed(int32_t id);
  // What was held back. The stream then starts anew.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mang
