#include "load/end_tokens.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace mang {

void add_end_token(TokenizerSpec& spec, int32_t id) {
  if (id >= 0 && std::find(spec.eog_ids.begin(), spec.eog_ids.end(), id) == spec.eog_ids.end()) {
    spec.eog_ids.push_back(id);
  }
}

void add_end_tokens(TokenizerSpec& spec) {
  constexpr std::array<std::string_view, 13> kEnds = {
      "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|endoftext|>", "<end_of_turn>", "<|end|>",
      "<|return|>", "<|call|>", "<EOT>", "[EOT]", "[EOS]", "<｜end▁of▁sentence｜>",
  };
  add_end_token(spec, spec.eos_id);
  for (const auto& token : spec.added_tokens) {
    if (token.special && std::find(kEnds.begin(), kEnds.end(), token.content) != kEnds.end()) {
      add_end_token(spec, token.id);
    }
  }
}

}  // namespace mang
