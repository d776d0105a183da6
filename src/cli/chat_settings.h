// What /set changes in a conversation: how tokens are drawn, the system message, whether the model thinks first.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "chat/template.h"
#include "cli/sampling_options.h"

namespace mang::cli {

struct ChatSettings {
  SamplingOptions sampling;          // what is not given is the model publisher's
  std::string system;                // empty: none
  std::optional<std::string> think;  // "on", "off", or an effort; none: as the template likes it
};

// The names /set takes, as they are shown.
std::vector<std::string> setting_names();

// Sets `name` to `value`; "default" takes the user's word back. `-` and `_` are the same in names. Nothing is changed
// by an error, which says what would have been understood.
Result<void> change_setting(ChatSettings& settings, std::string_view name, const std::string& value);

// Names and values as they are in force. params: what sampling_params() made of settings.sampling for this model.
std::vector<std::pair<std::string, std::string>> setting_rows(const ChatSettings& settings,
                                                              const SamplingParams& params);

// The variables that the template reads for thinking. An error: the template has no such switch.
Result<Json> think_variables(const ChatSettings& settings, const ChatTemplate& chat_template);

}  // namespace mang::cli
