// Which tokens end an answer, where the files do not say it all.
#pragma once

#include "text/tokenizer_spec.h"

namespace mang {

// Fills spec.eog_ids: the end of sequence, and the control tokens by which published chat models end a turn.
void add_end_tokens(TokenizerSpec& spec);
void add_end_token(TokenizerSpec& spec, int32_t id);  // unless it is there or −1

}  // namespace mang
