#include "cli/receipt_prompt.h"

#include <algorithm>

#include "chat/messages.h"
#include "chat/prompt_ids.h"
#include "cli/messages.h"
#include "cli/text_side.h"
#include "load/model_identity.h"

namespace mang::cli {
namespace {

// "2026-07-29T08:30:15.000001"
std::string iso8601(const jinja::DateTime& time) { return jinja::format_time(time, "%Y-%m-%dT%H:%M:%S.%f"); }

Json unless_not_utf8(Json source) {
  const Result<Json> read = parse_json(dump_json(source), "");
  return read.ok() && *read == source ? source : Json();
}

Error not_known() { return Error{tr("the receipt's prompt is of a kind that this program does not know.")}; }

Result<ChatRequest> request_of(const Json& source) {
  ChatRequest request;
  for (const auto& [name, value] : source.items()) {
    if (name == "messages") {
      MANG_TRY(request.messages, parse_messages(dump_json(value), "prompt.source.messages"));
    } else if (name == "tools" && !value.is_null()) {
      MANG_TRY(request.tools, parse_tools(dump_json(value), "prompt.source.tools"));
    } else if (name == "variables" && value.is_object()) {
      request.variables = value;
    } else if (name == "now" && value.is_string()) {
      MANG_TRY(request.now, jinja::DateTime::parse_iso8601(value.get_ref<const std::string&>()));
    } else if (name != "kind" && !value.is_null()) {
      return not_known();
    }
  }
  return request;
}

Result<std::vector<int32_t>> chat_ids(const Json& source, const ModelText& text, const std::string& path,
                                      const Tokenizer& tokenizer) {
  MANG_TRY(const ChatRequest request, request_of(source));
  MANG_TRY(const ChatTemplate page, open_template(text, path, !request.tools.is_null()));
  return chat_prompt_ids(page, request, tokenizer);
}

std::optional<Error> compare(const std::vector<int32_t>& claimed, const std::vector<int32_t>& made) {
  if (claimed == made) return std::nullopt;
  const auto [at, other] = std::mismatch(claimed.begin(), claimed.end(), made.begin(), made.end());
  return Error{say("the prompt's text gives other tokens than the receipt says, from token {} on ({} tokens, not {}).",
                   at - claimed.begin(), made.size(), claimed.size())};
}

}  // namespace

Json chat_source(const ChatRequest& request, const ChatTemplate& page) {
  Json now;
  if (request.now && page.mentions("strftime_now")) now = iso8601(*request.now);
  return unless_not_utf8({{"kind", "chat"},
                          {"messages", request.messages},
                          {"tools", request.tools},
                          {"variables", request.variables},
                          {"now", std::move(now)}});
}

Json raw_source(const std::string& bytes) { return unless_not_utf8({{"kind", "raw"}, {"text", bytes}}); }

bool is_chat(const Json& source) { return source.is_object() && source.value("kind", Json()) == "chat"; }

Result<std::optional<Error>> wrong_prompt(const Receipt& receipt, const ModelText& text, const std::string& path,
                                          const Tokenizer& tokenizer) {
  const Json& source = receipt.source;
  if (source.is_null()) return std::optional<Error>();
  if (!source.is_object()) return not_known();
  if (is_chat(source)) {
    const bool with_tools = !source.value("tools", Json()).is_null();
    const NamedTemplate* page = choose_template(text.templates, with_tools);
    if (page == nullptr || template_digest(*page) != receipt.chat_template) {
      return std::optional(Error{tr("the receipt names another chat template than the model has.")});
    }
    MANG_TRY(const std::vector<int32_t> ids, chat_ids(source, text, path, tokenizer));
    return compare(receipt.prompt, ids);
  }
  const Json bytes = source.value("text", Json());
  if (source.value("kind", Json()) != "raw" || source.size() != 2 || !bytes.is_string()) return not_known();
  const EncodeOptions how{.parse_special = receipt.special, .add_special = true};
  return compare(receipt.prompt, tokenizer.encode(bytes.get_ref<const std::string&>(), how));
}

}  // namespace mang::cli
