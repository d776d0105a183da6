// TokenizerSpec: everything that defines a tokenizer, as plain data. The loaders (load/tokenizer_from_json.h,
// load/tokenizer_from_gguf.h) fill one, Tokenizer::build (text/tokenizer.h) checks it and makes it run.
// The pipeline is Hugging Face's: added tokens are cut out, the rest is normalized, pre-tokenized into words, each
// word is tokenized by the model, the post-processor adds BOS and the like; decoding runs the decoders.
// Strings are UTF-8; ids are indices into the embedding.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mang {

// A literal string or a regular expression in Oniguruma's syntax (text/regex.h lists what is supported).
struct TextPattern {
  bool is_regex = false;
  std::string text;
};

struct NormalizerStep {
  enum class Kind {
    kNfc,
    kNfd,
    kNfkc,
    kNfkd,
    kLowercase,
    kStrip,         // strip_left, strip_right: Unicode white space at the ends
    kStripAccents,  // removes combining marks
    kPrepend,       // content in front of a text that is not empty
    kReplace,       // pattern → content
    kNmt,           // SentencePiece's clean-up of control characters and odd spaces
    kPrecompiled,   // charsmap: SentencePiece's compiled replacement trie
    kByteLevel,     // each byte becomes its printable stand-in character
  };
  Kind kind = Kind::kNfc;
  TextPattern pattern;
  std::string content;
  bool strip_left = true;
  bool strip_right = true;
  std::string charsmap;  // bytes
};

enum class SplitBehavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

struct PreTokenizerStep {
  enum class Kind {
    kSplit,            // pattern, behavior, invert
    kByteLevel,        // add_prefix_space, use_regex; bytes become stand-in characters
    kMetaspace,        // replacement, prepend, split
    kDigits,           // individual_digits
    kPunctuation,      // behavior
    kWhitespace,       // \w+|[^\w\s]+
    kWhitespaceSplit,  // cut at white space, which is dropped
  };
  enum class Prepend { kAlways, kFirst, kNever };
  Kind kind = Kind::kSplit;
  TextPattern pattern;
  SplitBehavior behavior = SplitBehavior::kIsolated;
  bool invert = false;
  bool add_prefix_space = false;
  bool use_regex = true;
  std::string replacement = "\xE2\x96\x81";  // one character, U+2581 unless the file says otherwise
  Prepend prepend = Prepend::kAlways;
  bool split = true;
  bool individual_digits = false;
};

// One entry of the post-processor's template for a single text: the text itself, or fixed ids.
struct TemplatePiece {
  bool is_text = false;
  std::vector<int32_t> ids;
};

struct DecoderStep {
  enum class Kind {
    kByteLevel,     // stand-in characters become bytes; the bytes are read as UTF-8
    kByteFallback,  // runs of <0xNN> tokens become characters
    kFuse,          // all pieces become one text
    kStrip,         // at most `start` / `stop` times `content` off the ends
    kReplace,       // pattern → content
    kMetaspace,     // replacement → space; dropped in the first piece if prepend is not kNever
  };
  Kind kind = Kind::kFuse;
  TextPattern pattern;
  std::string content;
  uint32_t start = 0;
  uint32_t stop = 0;
  std::string replacement = "\xE2\x96\x81";
  PreTokenizerStep::Prepend prepend = PreTokenizerStep::Prepend::kAlways;
};

struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool single_word = false;  // only between characters that are not of a word
  bool lstrip = false;       // takes the white space on its left with it
  bool rstrip = false;       // and on its right
  bool normalized = false;   // looked for in the normalized text instead of the original
  bool special = false;      // a control token: read from text only with EncodeOptions::parse_special
};

struct TokenizerSpec {
  enum class Model { kBpe, kUnigram };
  Model model = Model::kBpe;

  struct Token {
    std::string text;
    int32_t id = 0;
    double score = 0;  // unigram: log probability
  };
  // An entry for each token of the model, ids unique; holes are allowed. Unigram: ids 0 … n−1 in order.
  std::vector<Token> vocabulary;
  struct Merge {
    int32_t left = 0;   // ids
    int32_t right = 0;
    int32_t merged = 0;
  };
  std::vector<Merge> merges;  // BPE: best first; for a pair listed twice the last one holds

  bool byte_fallback = false;  // a character without a token becomes its bytes' <0xNN> tokens
  bool fuse_unknown = false;   // BPE: neighbouring unknown characters become one unknown token
  bool ignore_merges = false;  // BPE: a word that is a token is that token, whatever the merges say
  int32_t unknown_id = -1;     // −1: unknown characters are dropped (BPE); unigram needs one

  std::vector<AddedToken> added_tokens;
  std::vector<NormalizerStep> normalizers;
  std::vector<PreTokenizerStep> pre_tokenizers;
  std::vector<TemplatePiece> post_template;  // empty: the text alone
  std::vector<DecoderStep> decoders;
  bool has_decoder = true;  // false: decoded pieces are joined with spaces, as Hugging Face does without a decoder

  // What the model's files name them; −1: not named.
  int32_t bos_id = -1;
  int32_t eos_id = -1;
  int32_t pad_id = -1;
  std::vector<int32_t> eog_ids;  // every id that ends an answer (eos, end of turn, …), without repeats
};

}  // namespace mang
