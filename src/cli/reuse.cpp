#include "cli/reuse.h"

#include <algorithm>

#include "cli/messages.h"

namespace mang::cli {
namespace {

using Why = Reuse::Why;

constexpr size_t kExcerpt = 48;  // bytes of a text that is shown

Json system_of(const Json& messages) {
  return !messages.empty() && messages[0].value("role", "") == "system" ? messages[0] : Json();
}

// Text of these ids with its control tokens, on one line.
std::string excerpt(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  std::string out;
  for (const char c : tokenizer.decode(ids)) {
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  if (out.size() <= kExcerpt) return out;
  size_t end = kExcerpt;
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0) == 0x80) --end;
  return out.substr(0, end) + "…";
}

Why why_not(const RequestStats& stats, Since since) {
  if (since == Since::first) return Why::first;
  if (stats.session_tokens == 0) return Why::forgotten;
  if (stats.session_common == stats.session_tokens) return Why::appended;
  if (stats.session_common == stats.prompt_tokens) return Why::repeated;
  switch (since) {
    case Since::system:
      return Why::system;
    case Since::cleared:
      return Why::cleared;
    case Since::back:
      return Why::back;
    case Since::changed:
      return Why::changed;
    default:
      return Why::rendered;
  }
}

std::string_view why_name(Why why) {
  switch (why) {
    case Why::first:
      return "first message";
    case Why::appended:
      return "the rest is new";
    case Why::repeated:
      return "same prompt";
    case Why::forgotten:
      return "memory needed elsewhere";
    case Why::system:
      return "another system message";
    case Why::cleared:
      return "conversation cleared";
    case Why::back:
      return "messages taken back";
    case Why::changed:
      return "a message changed";
    case Why::rendered:
      break;
  }
  return "rendered differently";
}

}  // namespace

Since conversation_since(const Json& before, const Json& now) {
  if (!before.is_array()) return Since::first;
  if (system_of(before) != system_of(now)) return Since::system;
  const size_t begin = system_of(before).is_null() ? 0 : 1;
  size_t same = begin;
  while (same < before.size() && same < now.size() && before[same] == now[same]) ++same;
  if (same == before.size()) return Since::goes_on;
  if (same == begin) return Since::cleared;
  return same == now.size() ? Since::back : Since::changed;
}

Reuse explain_reuse(const RequestStats& stats, Since since, const std::vector<int32_t>& prompt,
                    const Tokenizer& tokenizer) {
  Reuse out;
  out.why = why_not(stats, since);
  out.reused = stats.cached_tokens;
  out.prompt = stats.prompt_tokens;
  out.position = stats.session_common;
  if (out.why == Why::first || out.why == Why::appended || out.why == Why::repeated || out.why == Why::forgotten) {
    return out;
  }
  const int64_t end = std::min<int64_t>(out.position + kDepartedIds, static_cast<int64_t>(prompt.size()));
  out.before = excerpt(tokenizer, stats.session_departed);
  out.now = excerpt(tokenizer, {prompt.begin() + out.position, prompt.begin() + end});
  return out;
}

std::string reuse_sentence(const Reuse& reuse) {
  const int64_t n = reuse.reused, all = reuse.prompt;
  switch (reuse.why) {
    case Why::first:
      return say("{} of {} tokens: this is the first message", n, all);
    case Why::appended:
      return say("{} of {} tokens: the rest is new", n, all);
    case Why::repeated:
      return say("{} of {} tokens: the last one is always read", n, all);
    case Why::forgotten:
      return say("{} of {} tokens: what was known was given up for other work", n, all);
    case Why::system:
      return say("{} of {} tokens: from token {} on the system message is another: '{}', before '{}'", n, all,
                 reuse.position, reuse.now, reuse.before);
    case Why::cleared:
      return say("{} of {} tokens: the conversation began anew; from token {} on '{}', before '{}'", n, all,
                 reuse.position, reuse.now, reuse.before);
    case Why::back:
      return say("{} of {} tokens: messages were taken back; from token {} on '{}', before '{}'", n, all,
                 reuse.position, reuse.now, reuse.before);
    case Why::changed:
      return say("{} of {} tokens: a message was changed; from token {} on '{}', before '{}'", n, all, reuse.position,
                 reuse.now, reuse.before);
    case Why::rendered:
      break;
  }
  return say("{} of {} tokens: from token {} on the template writes earlier turns differently: '{}', before '{}'", n,
             all, reuse.position, reuse.now, reuse.before);
}

Json reuse_json(const Reuse& reuse) {
  Json out = {{"tokens", reuse.reused}, {"reason", std::string(why_name(reuse.why))}};
  if (!reuse.now.empty() || !reuse.before.empty()) {
    out["position"] = reuse.position;
    out["before"] = reuse.before;
    out["now"] = reuse.now;
  }
  return out;
}

}  // namespace mang::cli
