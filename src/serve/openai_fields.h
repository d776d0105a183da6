// Fields that several of OpenAI's APIs have in common.
#pragma once

#include "base/json_fields.h"

namespace mang::serve {

// stream and stream_options.include_usage.
Result<void> read_stream_options(JsonFields& fields, bool& stream, bool& usage_chunk);

// Marks as known what changes nothing in an answer: who asks, where it is filed.
void find_harmless(JsonFields& fields);

}  // namespace mang::serve
