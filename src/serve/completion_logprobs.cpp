#include "serve/completion_logprobs.h"

#include <utility>

#include "text/unicode.h"

namespace mang::serve {

std::string CompletionLogprobs::name_of(int32_t id) const {
  if (tokenizer_->is_special(id)) return std::string(tokenizer_->token_text(id));
  const std::string_view bytes = tokenizer_->token_bytes(id);
  if (is_utf8(bytes)) return std::string(bytes);
  std::string out = "bytes:";
  for (const char c : bytes) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return out;
}

void CompletionLogprobs::add(const SampledToken& token, bool known) {
  tokens_.push_back(name_of(token.id));
  logprobs_.push_back(known ? Json(token.logprob) : Json());
  Json top;
  if (known) {
    top = Json::object();
    for (const TokenLogprob& each : token.top) top[name_of(each.id)] = each.logprob;
  }
  top_.push_back(std::move(top));
  offsets_.push_back(offset_);
  for (const char c : tokenizer_->token_bytes(token.id))
    offset_ += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
}

Json CompletionLogprobs::take() {
  return {{"tokens", std::exchange(tokens_, Json::array())},
          {"token_logprobs", std::exchange(logprobs_, Json::array())},
          {"top_logprobs", std::exchange(top_, Json::array())},
          {"text_offset", std::exchange(offsets_, Json::array())}};
}

}  // namespace mang::serve
