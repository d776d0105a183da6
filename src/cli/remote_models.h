// Models that live elsewhere: hf:organisation/name[@revision][:what] and http(s) addresses, found here or fetched.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "hub/hf_cache.h"

namespace mang::cli {

struct Context;

// "hf:org/name@v1:Q8_0": what a user wrote, taken apart.
struct HfName {
  std::string id;        // "org/name"
  std::string revision;  // "main" unless given
  std::string what;      // a quantization or a file; empty: the usual choice
};
Result<HfName> parse_hf_name(const std::string& text);

// The model on this machine, fetched first where it is not (with progress on stderr). `refresh`: also when it is here,
// the hub is asked whether there is a newer one. Returns the path to open.
Result<std::string> obtain_hf(const HfName& name, bool refresh, const Context& context);
Result<std::string> obtain_url(const std::string& url, const Context& context);

struct LocalModel {
  std::string commit;
  std::string path;                // to open
  std::vector<std::string> files;  // of it, within the snapshot
};
// The model on this machine, without asking anybody.
std::optional<LocalModel> find_hf(const HfName& name, const HfCache& cache);

// Where the hub is and who asks: HF_ENDPOINT; HF_TOKEN, or the file Hugging Face's tools keep it in.
HfEndpoint hf_endpoint(const Context& context);

}  // namespace mang::cli
