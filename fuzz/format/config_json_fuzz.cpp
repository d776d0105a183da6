// Any bytes as config.json and its like: refused or read, and every getter answers on every key, at any depth.
#include "base/check.h"
#include "format/hf_config.h"

namespace {

using namespace mang;

void use(const HfConfig& config) {
  for (const std::string& key : config.keys()) {
    (void)config.get_u64(key).ok();
    (void)config.get_i64(key).ok();
    (void)config.get_float(key).ok();
    (void)config.get_bool(key).ok();
    (void)config.get_string(key).ok();
    (void)config.get_u64s(key).ok();
    (void)config.get_floats(key).ok();
    (void)config.get_strings(key).ok();
    MANG_CHECK(config.get_json(key).ok() == config.has(key));
    if (auto inner = config.get_object(key)) use(*inner);  // as deep as JSON may be: kJsonMaxDepth
    if (auto list = config.get_objects(key)) {
      for (const auto& inner : *list) use(inner);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto config = HfConfig::parse(text, "config.json")) {
    use(*config);
  } else {
    MANG_CHECK(!config.error().message.empty());
  }
  return 0;
}
