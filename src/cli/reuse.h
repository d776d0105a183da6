// How much of a prompt was known from the message before, and why the rest was not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "engine/engine.h"
#include "text/tokenizer.h"

namespace mang::cli {

// What became of the conversation since the last message, by its messages.
enum class Since {
  first,    // there was none before
  goes_on,  // all messages before are still there
  system,   // another system message
  cleared,  // none of the messages before is there
  back,     // the last ones are gone
  changed   // one in the middle is another
};
Since conversation_since(const Json& before, const Json& now);

struct Reuse {
  enum class Why {
    first,      // nothing was there yet
    appended,   // all of it was known; the rest is new
    repeated,   // all of it was known, but the last token is always read
    forgotten,  // the memory was needed elsewhere
    system,     // these three as in Since
    cleared,
    back,
    changed,
    rendered  // the same messages became other tokens: reasoning left out, another date
  };
  Why why = Why::first;
  int64_t reused = 0;    // tokens of the prompt
  int64_t prompt = 0;    // tokens in all
  int64_t position = 0;  // the first that differs
  std::string before;    // what stood there, and what does now: a few words
  std::string now;
};

Reuse explain_reuse(const RequestStats& stats, Since since, const std::vector<int32_t>& prompt,
                    const Tokenizer& tokenizer);

// "120 of 400 tokens: from token 120 on …".
std::string reuse_sentence(const Reuse& reuse);
Json reuse_json(const Reuse& reuse);

}  // namespace mang::cli
