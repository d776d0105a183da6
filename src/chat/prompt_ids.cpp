#include "chat/prompt_ids.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/json.h"

namespace mang {
namespace {

// The texts of all control tokens, longest first: where two match at one place the longer one is meant.
std::vector<std::string_view> control_texts(const Tokenizer& tokenizer) {
  std::vector<std::string_view> texts;
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    if (tokenizer.is_special(id) && tokenizer.token_text(id).size() > 1) texts.push_back(tokenizer.token_text(id));
  }
  std::stable_sort(texts.begin(), texts.end(), [](auto a, auto b) { return a.size() > b.size(); });
  return texts;
}

// Calls visit(std::string&) for each string value inside.
template <typename Visit>
void for_each_string(Json& json, const Visit& visit) {
  if (json.is_string())
    visit(json.get_ref<std::string&>());
  else if (json.is_structured()) {
    for (Json& item : json) for_each_string(item, visit);
  }
}

// Bytes of the first character of text at i (text is UTF-8, as JSON strings are).
size_t character_bytes(std::string_view text, size_t i) {
  size_t n = 1;
  while (i + n < text.size() && (static_cast<unsigned char>(text[i + n]) & 0xC0) == 0x80) ++n;
  return n;
}

// The mark: a code point that is no character (U+FDD0 … U+FDEF) and appears in none of the strings.
std::string choose_mark(ChatRequest& request) {
  for (int i = 0; i < 32; ++i) {
    std::string mark = "\xEF\xB7";
    mark += static_cast<char>(0x90 + i);
    bool used = false;
    auto look = [&](const std::string& text) { used = used || text.find(mark) != std::string::npos; };
    for (Json* json : {&request.messages, &request.tools, &request.documents, &request.variables})
      for_each_string(*json, look);
    if (!used) return mark;
  }
  return "";
}

// Puts the mark after the first character of each look-alike, so that it no longer reads as the token. Repeats until
// none is left, since marking one may leave another that overlaps it.
bool mark_look_alikes(std::string& text, const std::vector<std::string_view>& controls, const std::string& mark) {
  bool found = false;
  for (std::string_view control : controls) {
    for (size_t at = text.find(control); at != std::string::npos; at = text.find(control, at + 1)) {
      text.insert(at + character_bytes(text, at), mark);
      found = true;
    }
  }
  return found;
}

std::string without(std::string_view text, std::string_view mark) {
  std::string out;
  for (size_t start = 0; start <= text.size();) {
    const size_t at = std::min(text.find(mark, start), text.size());
    out += text.substr(start, at - start);
    start = at + mark.size();
  }
  return out;
}

// The next control token at or after `from` in the marked prompt: where it begins and its length; {npos, 0}: none.
std::pair<size_t, size_t> next_control(std::string_view text, size_t from,
                                       const std::vector<std::string_view>& controls) {
  std::pair<size_t, size_t> best{std::string_view::npos, 0};
  for (std::string_view control : controls) {  // longest first, so that ties go to the longest
    const size_t at = text.substr(0, best.first == std::string_view::npos ? text.size() : best.first + control.size())
                          .find(control, from);
    if (at < best.first) best = {at, control.size()};
  }
  return best;
}

std::vector<int32_t> encode_marked(std::string_view prompt, const std::vector<std::string_view>& controls,
                                   const std::string& mark, const Tokenizer& tokenizer) {
  std::vector<int32_t> ids;
  size_t pending = 0;  // start of what is encoded with its control tokens, as one piece
  size_t start = 0;    // of the stretch looked at
  for (;;) {
    const auto [at, length] = next_control(prompt, start, controls);
    const std::string_view stretch = prompt.substr(start, at == std::string_view::npos ? at : at - start);
    if (stretch.find(mark) != std::string_view::npos) {
      tokenizer.encode_to(prompt.substr(pending, start - pending), {.parse_special = true}, ids);
      tokenizer.encode_to(without(stretch, mark), {.parse_special = false}, ids);
      pending = start + stretch.size();
    }
    if (at == std::string_view::npos) break;
    start = at + length;
  }
  tokenizer.encode_to(prompt.substr(pending), {.parse_special = true}, ids);
  return ids;
}

}  // namespace

Result<std::vector<int32_t>> chat_prompt_ids(const ChatTemplate& chat_template, const ChatRequest& request,
                                             const Tokenizer& tokenizer) {
  const std::vector<std::string_view> controls = control_texts(tokenizer);
  ChatRequest marked = request;
  const std::string mark = choose_mark(marked);
  bool found = false;
  auto mark_text = [&](std::string& text) { found = mark_look_alikes(text, controls, mark) || found; };
  for (Json* json : {&marked.messages, &marked.tools, &marked.documents}) for_each_string(*json, mark_text);
  if (found && mark.empty()) {
    return fail(
        "the messages hold control tokens as text together with every noncharacter from U+FDD0 to U+FDEF, so the "
        "two cannot be told apart. Remove one of them.");
  }

  MANG_TRY(std::string prompt, chat_template.render(found ? marked : request));
  if (!found) return tokenizer.encode(prompt, {.parse_special = true});
  return encode_marked(prompt, controls, mark, tokenizer);
}

}  // namespace mang
