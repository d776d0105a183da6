#include "load/tokenizer_from_json.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "load/end_tokens.h"
#include "load/tokenizer_json_parts.h"
#include "load/tokenizer_json_reader.h"
#include "text/flat_table.h"

namespace mang {

namespace {

const Json& member(const Json& object, const char* name) {
  static const Json kNull;
  const auto it = object.find(name);
  return it == object.end() ? kNull : *it;
}

Result<void> read_vocabulary(TokenizerJson& json, TokenizerSpec& spec, StringTable& ids) {
  size_t bytes = 0;
  for (const auto& entry : json.vocab) bytes += entry.text.size();
  if (bytes > (uint64_t{1} << 30)) return fail("a vocabulary of {} bytes is refused.", bytes);
  ids.reserve(json.vocab.size(), bytes);
  spec.vocabulary.reserve(json.vocab.size());
  for (auto& entry : json.vocab) {
    if (!ids.insert(entry.text, static_cast<int32_t>(entry.id)) && !json.vocab_is_list) {
      return fail("the vocabulary lists the token '{}' twice.", entry.text);
    }
    spec.vocabulary.push_back({std::move(entry.text), static_cast<int32_t>(entry.id), entry.score});
  }
  return {};
}

Result<int32_t> find_token(const StringTable& ids, std::string_view text, size_t merge) {
  const int32_t id = ids.find(text);
  if (id < 0) return fail("merge {} has the token '{}', which the vocabulary lacks.", merge, text);
  return id;
}

Result<void> read_merges(const TokenizerJson& json, const StringTable& ids, TokenizerSpec& spec) {
  const size_t step = json.merges_are_pairs ? 2 : 1;
  spec.merges.reserve(json.merges.size() / step);
  std::string merged;
  for (size_t i = 0; i < json.merges.size(); i += step) {
    std::string_view left = json.merges[i];
    std::string_view right;
    if (json.merges_are_pairs) {
      right = json.merges[i + 1];
    } else {
      if (left.substr(0, 8) == "#version") continue;
      const size_t space = left.find(' ');
      if (space == std::string_view::npos || left.find(' ', space + 1) != std::string_view::npos) {
        return fail("merge {} ('{}') is not two tokens with a space between.", i, left);
      }
      right = left.substr(space + 1);
      left = left.substr(0, space);
    }
    TokenizerSpec::Merge merge;
    MANG_TRY(merge.left, find_token(ids, left, i));
    MANG_TRY(merge.right, find_token(ids, right, i));
    merged.assign(left);
    merged += right;
    MANG_TRY(merge.merged, find_token(ids, merged, i));
    spec.merges.push_back(merge);
  }
  return {};
}

Result<void> read_bpe(const Json& model, TokenizerJson& json, TokenizerSpec& spec, StringTable& ids) {
  if (json.vocab_is_list) return fail("the vocabulary of a BPE model is not a map.");
  if (!json.has_merges) return fail("the BPE model has no \"merges\".");
  const Json& dropout = member(model, "dropout");
  if (!dropout.is_null() && !(dropout.is_number() && dropout.get<double>() == 0)) {
    return fail("BPE with dropout is not supported.");
  }
  for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const Json& value = member(model, name);
    if (!value.is_null() && !(value.is_string() && value.get<std::string>().empty())) {
      return fail("BPE with \"{}\" is not supported.", name);
    }
  }
  MANG_TRY(read_vocabulary(json, spec, ids));
  MANG_TRY(read_merges(json, ids, spec));
  MANG_TRY(spec.byte_fallback, json_bool_or(model, "BPE", "byte_fallback", false));
  MANG_TRY(spec.fuse_unknown, json_bool_or(model, "BPE", "fuse_unk", false));
  MANG_TRY(spec.ignore_merges, json_bool_or(model, "BPE", "ignore_merges", false));
  const Json& unknown = member(model, "unk_token");
  if (unknown.is_null()) return {};
  MANG_TRY(std::string text, json_string(model, "BPE", "unk_token"));
  spec.unknown_id = ids.find(text);
  // A byte-level vocabulary with all bytes never needs it, and some name a token that only exists as an added one.
  const bool byte_level = std::any_of(spec.pre_tokenizers.begin(), spec.pre_tokenizers.end(), [](const auto& step) {
    return step.kind == PreTokenizerStep::Kind::kByteLevel;
  });
  if (spec.unknown_id < 0 && !byte_level) return fail("the unknown token '{}' is not in the vocabulary.", text);
  return {};
}

Result<void> read_unigram(const Json& model, TokenizerJson& json, TokenizerSpec& spec, StringTable& ids) {
  if (!json.vocab_is_list) return fail("the vocabulary of a Unigram model is not a list.");
  spec.model = TokenizerSpec::Model::kUnigram;
  MANG_TRY(read_vocabulary(json, spec, ids));
  MANG_TRY(spec.byte_fallback, json_bool_or(model, "Unigram", "byte_fallback", false));
  if (member(model, "unk_id").is_null()) return fail("a Unigram model without \"unk_id\" is not supported.");
  MANG_TRY(uint64_t unknown, json_unsigned(model, "Unigram", "unk_id"));
  if (unknown >= spec.vocabulary.size()) return fail("\"unk_id\" {} is not in the vocabulary.", unknown);
  spec.unknown_id = static_cast<int32_t>(unknown);
  return {};
}

Result<void> only_known(const Json& object, std::string_view where, std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : object.items()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return fail("{} has \"{}\", which is not supported.", where, name);
    }
  }
  return {};
}

Result<void> read_model(const Json& model, TokenizerJson& json, TokenizerSpec& spec, StringTable& ids) {
  if (!model.is_object()) return fail("there is no \"model\".");
  if (!json.has_vocab) return fail("the model has no \"vocab\".");
  std::string type = json.has_merges ? "BPE" : "";
  if (model.contains("type")) {
    MANG_TRY(type, json_string(model, "model", "type"));
  }
  if (type == "BPE") {
    MANG_TRY(only_known(model, "the BPE model",
                        {"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
                         "byte_fallback", "ignore_merges"}));
    return read_bpe(model, json, spec, ids);
  }
  if (type == "Unigram") {
    MANG_TRY(only_known(model, "the Unigram model", {"type", "unk_id", "byte_fallback"}));
    return read_unigram(model, json, spec, ids);
  }
  return fail("the tokenizer model '{}' is not supported (BPE and Unigram are).", type);
}

Result<AddedToken> read_added_token(const Json& json) {
  constexpr std::string_view kWhere = "added_tokens";
  if (!json.is_object()) return fail("an added token is not an object.");
  MANG_TRY(only_known(json, kWhere, {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"}));
  AddedToken token;
  MANG_TRY(uint64_t id, json_unsigned(json, kWhere, "id"));
  if (id > INT32_MAX / 2) return fail("an added token has the id {}.", id);
  token.id = static_cast<int32_t>(id);
  MANG_TRY(token.content, json_string(json, kWhere, "content"));
  MANG_TRY(token.single_word, json_bool(json, kWhere, "single_word"));
  MANG_TRY(token.lstrip, json_bool(json, kWhere, "lstrip"));
  MANG_TRY(token.rstrip, json_bool(json, kWhere, "rstrip"));
  MANG_TRY(token.normalized, json_bool(json, kWhere, "normalized"));
  MANG_TRY(token.special, json_bool(json, kWhere, "special"));
  return token;
}

// Hugging Face gives an added token its model's id, or the next free one, whatever id the file says. A file that
// disagrees would encode to other rows of the embedding there than here, so it is refused.
Result<void> read_added_tokens(const Json& json, const StringTable& ids, TokenizerSpec& spec) {
  if (json.is_null()) return {};
  if (!json.is_array()) return fail("\"added_tokens\" is not a list.");
  auto next = static_cast<int32_t>(spec.vocabulary.size());
  std::unordered_map<std::string, size_t> seen;
  for (const Json& value : json) {
    MANG_TRY(AddedToken token, read_added_token(value));
    if (token.content.empty()) continue;
    if (!seen.emplace(token.content, seen.size()).second) {
      return fail("the added token '{}' is listed twice.", token.content);
    }
    const int32_t known = ids.find(token.content);
    const int32_t expected = known >= 0 ? known : next++;
    if (token.id != expected) {
      return fail("the added token '{}' says it has the id {}, where its place gives {}.", token.content, token.id,
                  expected);
    }
    spec.added_tokens.push_back(std::move(token));
  }
  return {};
}

// A token that tokenizer_config.json names, as text or as {"content": …}; −1: it does not, or there is none such.
int32_t named_token(const Json& config, const char* name, const TokenizerSpec& spec, const StringTable& ids) {
  const Json& value = member(config, name);
  const Json& text = value.is_object() ? member(value, "content") : value;
  if (!text.is_string()) return -1;
  const auto content = text.get<std::string>();
  for (const auto& token : spec.added_tokens) {
    if (token.content == content) return token.id;
  }
  return ids.find(content);
}

Result<void> read_all(TokenizerJson& json, TokenizerSpec& spec, StringTable& ids) {
  MANG_TRY(only_known(json.root, "it", {"version", "truncation", "padding", "added_tokens", "normalizer",
                                        "pre_tokenizer", "post_processor", "decoder", "model"}));
  const Json& version = member(json.root, "version");
  if (!version.is_null() && version != "1.0") return fail("its version is not \"1.0\".");
  MANG_TRY(spec.normalizers, read_normalizers(member(json.root, "normalizer")));
  MANG_TRY(spec.pre_tokenizers, read_pre_tokenizers(member(json.root, "pre_tokenizer")));
  MANG_TRY(spec.post_template, read_post_processor(member(json.root, "post_processor")));
  MANG_TRY(spec.decoders, read_decoders(member(json.root, "decoder")));
  spec.has_decoder = !member(json.root, "decoder").is_null();
  MANG_TRY(read_model(member(json.root, "model"), json, spec, ids));
  return read_added_tokens(member(json.root, "added_tokens"), ids, spec);
}

}  // namespace

Result<TokenizerSpec> tokenizer_from_json(std::string_view json, std::string_view config, std::string_view what) {
  MANG_TRY(TokenizerJson parsed, read_tokenizer_json(json, what));
  TokenizerSpec spec;
  StringTable ids;
  if (auto read = read_all(parsed, spec, ids); !read) return read.error().in(what);
  if (!config.empty()) {
    MANG_TRY(Json names, parse_json(config, "tokenizer_config.json"));
    if (!names.is_object()) return fail("tokenizer_config.json: is not a JSON object.");
    spec.bos_id = named_token(names, "bos_token", spec, ids);
    spec.eos_id = named_token(names, "eos_token", spec, ids);
    spec.pad_id = named_token(names, "pad_token", spec, ids);
  }
  add_end_tokens(spec);
  return spec;
}

}  // namespace mang
