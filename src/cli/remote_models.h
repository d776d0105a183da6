// Models that live elsewhere: hf:organisation/name[@revision][:what] and http(s) addresses, found here or fetched.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "hub/hf_cache.h"

namespace mang::cli {

struct Context;
struct Stored;

// "hf:org/name@v1:Q8_0": what a user wrote, taken apart.
struct HfName {
  std::string id;        // "org/name"
  std::string revision;  // "main" unless given
  std::string what;      // a quantization or a file; empty: the usual choice
};
Result<HfName> parse_hf_name(const std::string& text);

// The model on this machine, fetched first where it is not (with progress on stderr). `refresh`: also when it is here,
// the hub is asked whether there is a newer one. Returns the path to open.
// `label`: what the display calls it; left out, the name and nothing about a licence.
struct FetchLabel {
  std::string title, license;
};
Result<std::string> obtain_hf(const HfName& name, bool refresh, const Context& context, const FetchLabel& label = {});
// `sha256`: what the user, or the catalog, knows of the content; empty: nothing.
Result<std::string> obtain_url(const std::string& url, const std::string& sha256, const Context& context);

// The folder of a model that is alone in it, in the store or by its address.
Result<void> remove_model_folder(const std::filesystem::path& folder, const Stored& stored);

// Whether the hub (HF_ENDPOINT) answers at all within 3 s. Not where HF_HUB_OFFLINE forbids to ask.
bool hub_answers(const Context& context);

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
