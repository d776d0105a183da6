#include "cli/messages.h"

namespace mang::cli {

std::string_view translate(std::string_view english) { return english; }

}  // namespace mang::cli
