#include "serve/openai_fields.h"

namespace mang::serve {

Result<void> read_stream_options(JsonFields& fields, bool& stream, bool& usage_chunk) {
  MANG_TRY(fields.flag("stream", stream));
  const Json* options = fields.find("stream_options");
  if (!options) return {};
  if (!options->is_object()) return fields.wrong("stream_options", fail("an object"));
  JsonFields inner(*options, "stream_options");
  return inner.flag("include_usage", usage_chunk);
}

void find_harmless(JsonFields& fields) {
  for (const char* name : {"user", "metadata", "store", "service_tier", "prompt_cache_key", "prompt_cache_retention",
                           "safety_identifier"}) {
    (void)fields.find(name);
  }
}

}  // namespace mang::serve
