#include "load/tokenizer_json_parts.h"

#include <algorithm>
#include <initializer_list>

#include "text/unicode.h"

namespace mang {

namespace {

constexpr int kMaxDepth = 16;  // of sequences in sequences

Result<std::string> type_of(const Json& json, std::string_view where) {
  if (!json.is_object()) return fail("{} is not an object.", where);
  const auto it = json.find("type");
  if (it == json.end() || !it->is_string()) return fail("{} has no \"type\".", where);
  return it->get<std::string>();
}

// A member that this program does not know could change what the component does.
Result<void> only(const Json& json, std::string_view component, std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : json.items()) {
    if (name != "type" && std::find(known.begin(), known.end(), name) == known.end()) {
      return fail("{} has \"{}\", which is not supported.", component, name);
    }
  }
  return {};
}

Result<TextPattern> read_pattern(const Json& json, std::string_view component) {
  const auto it = json.find("pattern");
  if (it == json.end() || !it->is_object() || it->size() != 1) return fail("{} has no \"pattern\".", component);
  const std::string kind = it->begin().key();
  const Json& text = it->begin().value();
  if (!text.is_string() || (kind != "String" && kind != "Regex")) {
    return fail("{} has a pattern that is neither String nor Regex.", component);
  }
  return TextPattern{kind == "Regex", text.get<std::string>()};
}

// Calls f for each component of a possibly nested Sequence, in order.
template <typename F>
Result<void> for_each_component(const Json& json, const char* list, std::string_view where, F&& f, int depth = 0) {
  if (json.is_null()) return {};
  if (depth > kMaxDepth) return fail("{}: sequences nested more than {} deep are refused.", where, kMaxDepth);
  MANG_TRY(std::string type, type_of(json, where));
  if (type != "Sequence") return f(type, json);
  MANG_TRY(only(json, "Sequence", {list}));
  const auto it = json.find(list);
  if (it == json.end() || !it->is_array()) return fail("{}: a Sequence has no \"{}\".", where, list);
  for (const Json& part : *it) {
    MANG_TRY(for_each_component(part, list, where, f, depth + 1));
  }
  return {};
}

Result<std::string> read_base64(const std::string& text) {
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  size_t end = text.size();
  while (end > 0 && text[end - 1] == '=' && text.size() - end < 2) --end;
  for (size_t i = 0; i < end; ++i) {
    const char c = text[i];
    uint32_t value = 0;
    if (c >= 'A' && c <= 'Z') value = static_cast<uint32_t>(c - 'A');
    else if (c >= 'a' && c <= 'z') value = static_cast<uint32_t>(c - 'a' + 26);
    else if (c >= '0' && c <= '9') value = static_cast<uint32_t>(c - '0' + 52);
    else if (c == '+') value = 62;
    else if (c == '/') value = 63;
    else return fail("the precompiled character map is not base64.");
    bits = bits << 6 | value;
    if ((count += 6) >= 8) out += static_cast<char>(bits >> (count -= 8) & 255);
  }
  return out;
}

Result<SplitBehavior> read_behavior(const Json& json, std::string_view component) {
  MANG_TRY(std::string name, json_string(json, component, "behavior"));
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  return fail("{} has the behavior '{}', which is not supported.", component, name);
}

Result<std::string> read_character(const Json& json, std::string_view component, const char* name) {
  MANG_TRY(std::string text, json_string(json, component, name));
  if (!is_one_character(text)) {
    return fail("{}: \"{}\" is not one character.", component, name);
  }
  return text;
}

struct Metaspace {
  std::string replacement;
  PreTokenizerStep::Prepend prepend = PreTokenizerStep::Prepend::kAlways;
  bool split = true;
};

Result<Metaspace> read_metaspace(const Json& json) {
  using Prepend = PreTokenizerStep::Prepend;
  MANG_TRY(only(json, "Metaspace", {"replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep"}));
  Metaspace out;
  MANG_TRY(out.replacement, read_character(json, "Metaspace", "replacement"));
  std::string scheme = "always";
  if (json.contains("prepend_scheme")) {
    MANG_TRY(scheme, json_string(json, "Metaspace", "prepend_scheme"));
  }
  if (scheme == "first") {
    out.prepend = Prepend::kFirst;
  } else if (scheme == "never") {
    out.prepend = Prepend::kNever;
  } else if (scheme != "always") {
    return fail("Metaspace has the prepend_scheme '{}', which is not supported.", scheme);
  }
  MANG_TRY(bool add_prefix_space, json_bool_or(json, "Metaspace", "add_prefix_space", true));
  if (!add_prefix_space) {
    if (out.prepend != Prepend::kNever) return fail("Metaspace: add_prefix_space contradicts prepend_scheme.");
  }
  MANG_TRY(out.split, json_bool_or(json, "Metaspace", "split", true));
  return out;
}

Result<NormalizerStep> read_normalizer(const std::string& type, const Json& json) {
  using Kind = NormalizerStep::Kind;
  NormalizerStep step;
  constexpr std::pair<std::string_view, Kind> kPlain[] = {
      {"NFC", Kind::kNfc}, {"NFD", Kind::kNfd}, {"NFKC", Kind::kNfkc}, {"NFKD", Kind::kNfkd},
      {"Lowercase", Kind::kLowercase}, {"StripAccents", Kind::kStripAccents}, {"Nmt", Kind::kNmt},
      {"ByteLevel", Kind::kByteLevel}};
  for (const auto& [name, kind] : kPlain) {
    if (name != type) continue;
    MANG_TRY(only(json, type, {}));
    step.kind = kind;
    return step;
  }
  if (type == "Strip") {
    MANG_TRY(only(json, type, {"strip_left", "strip_right"}));
    step.kind = Kind::kStrip;
    MANG_TRY(step.strip_left, json_bool(json, type, "strip_left"));
    MANG_TRY(step.strip_right, json_bool(json, type, "strip_right"));
  } else if (type == "Prepend") {
    MANG_TRY(only(json, type, {"prepend"}));
    step.kind = Kind::kPrepend;
    MANG_TRY(step.content, json_string(json, type, "prepend"));
  } else if (type == "Replace") {
    MANG_TRY(only(json, type, {"pattern", "content"}));
    step.kind = Kind::kReplace;
    MANG_TRY(step.pattern, read_pattern(json, "the normalizer Replace"));
    MANG_TRY(step.content, json_string(json, type, "content"));
  } else if (type == "Precompiled") {
    MANG_TRY(only(json, type, {"precompiled_charsmap"}));
    step.kind = Kind::kPrecompiled;
    MANG_TRY(std::string text, json_string(json, type, "precompiled_charsmap"));
    MANG_TRY(step.charsmap, read_base64(text));
  } else {
    return fail("the normalizer '{}' is not supported.", type);
  }
  return step;
}

Result<PreTokenizerStep> read_pre_tokenizer(const std::string& type, const Json& json) {
  using Kind = PreTokenizerStep::Kind;
  PreTokenizerStep step;
  if (type == "Split") {
    MANG_TRY(only(json, type, {"pattern", "behavior", "invert"}));
    step.kind = Kind::kSplit;
    MANG_TRY(step.pattern, read_pattern(json, "the pre-tokenizer Split"));
    MANG_TRY(step.behavior, read_behavior(json, type));
    MANG_TRY(step.invert, json_bool(json, type, "invert"));
  } else if (type == "ByteLevel") {
    MANG_TRY(only(json, type, {"add_prefix_space", "trim_offsets", "use_regex"}));
    step.kind = Kind::kByteLevel;
    MANG_TRY(step.add_prefix_space, json_bool(json, type, "add_prefix_space"));
    MANG_TRY(step.use_regex, json_bool_or(json, type, "use_regex", true));
  } else if (type == "Metaspace") {
    MANG_TRY(Metaspace metaspace, read_metaspace(json));
    step.kind = Kind::kMetaspace;
    step.replacement = metaspace.replacement;
    step.prepend = metaspace.prepend;
    step.split = metaspace.split;
  } else if (type == "Digits") {
    MANG_TRY(only(json, type, {"individual_digits"}));
    step.kind = Kind::kDigits;
    MANG_TRY(step.individual_digits, json_bool(json, type, "individual_digits"));
  } else if (type == "Punctuation") {
    MANG_TRY(only(json, type, {"behavior"}));
    step.kind = Kind::kPunctuation;
    if (json.contains("behavior")) {
      MANG_TRY(step.behavior, read_behavior(json, type));
    }
  } else if (type == "Whitespace" || type == "WhitespaceSplit") {
    MANG_TRY(only(json, type, {}));
    step.kind = type == "Whitespace" ? Kind::kWhitespace : Kind::kWhitespaceSplit;
  } else {
    return fail("the pre-tokenizer '{}' is not supported.", type);
  }
  return step;
}

Result<DecoderStep> read_decoder(const std::string& type, const Json& json) {
  using Kind = DecoderStep::Kind;
  DecoderStep step;
  if (type == "ByteLevel") {
    MANG_TRY(only(json, type, {"add_prefix_space", "trim_offsets", "use_regex"}));
    step.kind = Kind::kByteLevel;
  } else if (type == "ByteFallback" || type == "Fuse") {
    MANG_TRY(only(json, type, {}));
    step.kind = type == "Fuse" ? Kind::kFuse : Kind::kByteFallback;
  } else if (type == "Strip") {
    MANG_TRY(only(json, type, {"content", "start", "stop"}));
    step.kind = Kind::kStrip;
    MANG_TRY(step.content, read_character(json, "the decoder Strip", "content"));
    MANG_TRY(uint64_t start, json_unsigned(json, type, "start"));
    MANG_TRY(uint64_t stop, json_unsigned(json, type, "stop"));
    step.start = static_cast<uint32_t>(std::min<uint64_t>(start, UINT32_MAX));
    step.stop = static_cast<uint32_t>(std::min<uint64_t>(stop, UINT32_MAX));
  } else if (type == "Replace") {
    MANG_TRY(only(json, type, {"pattern", "content"}));
    step.kind = Kind::kReplace;
    MANG_TRY(step.pattern, read_pattern(json, "the decoder Replace"));
    MANG_TRY(step.content, json_string(json, type, "content"));
  } else if (type == "Metaspace") {
    MANG_TRY(Metaspace metaspace, read_metaspace(json));
    step.kind = Kind::kMetaspace;
    step.replacement = metaspace.replacement;
    step.prepend = metaspace.prepend;
  } else {
    return fail("the decoder '{}' is not supported.", type);
  }
  return step;
}

Result<TemplatePiece> read_template_piece(const Json& piece, const Json& special_tokens) {
  if (!piece.is_object() || piece.size() != 1) return fail("TemplateProcessing has a piece of an unknown kind.");
  const std::string kind = piece.begin().key();
  const Json& body = piece.begin().value();
  if (!body.is_object()) return fail("TemplateProcessing has a piece of an unknown kind.");
  MANG_TRY(std::string id, json_string(body, "TemplateProcessing", "id"));
  if (kind == "Sequence") {
    if (id != "A") return fail("TemplateProcessing: the template for one text uses the text '{}'.", id);
    return TemplatePiece{true, {}};
  }
  if (kind != "SpecialToken") return fail("TemplateProcessing has a piece '{}', which is not supported.", kind);
  const auto token = special_tokens.find(id);
  if (token == special_tokens.end() || !token->is_object() || !token->contains("ids") || !(*token)["ids"].is_array()) {
    return fail("TemplateProcessing: '{}' is not among its special_tokens.", id);
  }
  TemplatePiece out;
  for (const Json& value : (*token)["ids"]) {
    if (!value.is_number_unsigned() || value.get<uint64_t>() > INT32_MAX) {
      return fail("TemplateProcessing: '{}' has an id that is none.", id);
    }
    out.ids.push_back(value.get<int32_t>());
  }
  return out;
}

Result<std::vector<TemplatePiece>> read_template(const Json& json) {
  MANG_TRY(only(json, "TemplateProcessing", {"single", "pair", "special_tokens"}));
  const auto single = json.find("single");
  const auto tokens = json.find("special_tokens");
  if (single == json.end() || !single->is_array() || tokens == json.end() || !tokens->is_object()) {
    return fail("TemplateProcessing lacks \"single\" or \"special_tokens\".");
  }
  std::vector<TemplatePiece> out;
  for (const Json& piece : *single) {
    MANG_TRY(TemplatePiece read, read_template_piece(piece, *tokens));
    out.push_back(std::move(read));
  }
  return out;
}

// ["</s>", 2] → 2.
Result<int32_t> read_named_id(const Json& json, std::string_view component, const char* name) {
  const auto it = json.find(name);
  if (it == json.end() || !it->is_array() || it->size() != 2 || !(*it)[1].is_number_unsigned() ||
      (*it)[1].get<uint64_t>() > INT32_MAX) {
    return fail("{}: \"{}\" is not a token with its id.", component, name);
  }
  return (*it)[1].get<int32_t>();
}

Result<std::vector<TemplatePiece>> read_cls_sep(const std::string& type, const Json& json) {
  MANG_TRY(only(json, type, {"sep", "cls", "trim_offsets", "add_prefix_space"}));
  MANG_TRY(int32_t cls, read_named_id(json, type, "cls"));
  MANG_TRY(int32_t sep, read_named_id(json, type, "sep"));
  return std::vector<TemplatePiece>{{false, {cls}}, {true, {}}, {false, {sep}}};
}

}  // namespace

Result<std::string> json_string(const Json& object, std::string_view component, const char* name) {
  const auto it = object.find(name);
  if (it == object.end() || !it->is_string()) return fail("{}: \"{}\" is not a string.", component, name);
  return it->get<std::string>();
}

Result<bool> json_bool(const Json& object, std::string_view component, const char* name) {
  const auto it = object.find(name);
  if (it == object.end() || !it->is_boolean()) return fail("{}: \"{}\" is neither true nor false.", component, name);
  return it->get<bool>();
}

Result<bool> json_bool_or(const Json& object, std::string_view component, const char* name, bool otherwise) {
  const auto it = object.find(name);
  if (it == object.end() || it->is_null()) return otherwise;
  return json_bool(object, component, name);
}

Result<uint64_t> json_unsigned(const Json& object, std::string_view component, const char* name) {
  const auto it = object.find(name);
  if (it == object.end() || !it->is_number_unsigned()) return fail("{}: \"{}\" is no count.", component, name);
  return it->get<uint64_t>();
}

Result<std::vector<NormalizerStep>> read_normalizers(const Json& json) {
  std::vector<NormalizerStep> out;
  const auto add = [&](const std::string& type, const Json& part) -> Result<void> {
    MANG_TRY(NormalizerStep step, read_normalizer(type, part));
    out.push_back(std::move(step));
    return {};
  };
  MANG_TRY(for_each_component(json, "normalizers", "normalizer", add));
  return out;
}

Result<std::vector<PreTokenizerStep>> read_pre_tokenizers(const Json& json) {
  std::vector<PreTokenizerStep> out;
  const auto add = [&](const std::string& type, const Json& part) -> Result<void> {
    MANG_TRY(PreTokenizerStep step, read_pre_tokenizer(type, part));
    out.push_back(std::move(step));
    return {};
  };
  MANG_TRY(for_each_component(json, "pretokenizers", "pre_tokenizer", add));
  return out;
}

Result<std::vector<DecoderStep>> read_decoders(const Json& json) {
  std::vector<DecoderStep> out;
  const auto add = [&](const std::string& type, const Json& part) -> Result<void> {
    MANG_TRY(DecoderStep step, read_decoder(type, part));
    out.push_back(std::move(step));
    return {};
  };
  MANG_TRY(for_each_component(json, "decoders", "decoder", add));
  return out;
}

Result<std::vector<TemplatePiece>> read_post_processor(const Json& json) {
  std::vector<TemplatePiece> out;
  const auto add = [&](const std::string& type, const Json& part) -> Result<void> {
    if (type == "ByteLevel") return only(part, type, {"add_prefix_space", "trim_offsets", "use_regex"});  // offsets
    std::vector<TemplatePiece> pieces;
    if (type == "TemplateProcessing") {
      MANG_TRY(pieces, read_template(part));
    } else if (type == "BertProcessing" || type == "RobertaProcessing") {
      MANG_TRY(pieces, read_cls_sep(type, part));
    } else {
      return fail("the post-processor '{}' is not supported.", type);
    }
    if (!out.empty()) return fail("two post-processors that add tokens are not supported.");
    out = std::move(pieces);
    return {};
  };
  MANG_TRY(for_each_component(json, "processors", "post_processor", add));
  return out;
}

}  // namespace mang
