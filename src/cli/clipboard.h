// The clipboard of the desktop or of the terminal.
#pragma once

#include <string>

#include "cli/environment.h"

namespace mang::cli {

// Base64 (RFC 4648), as terminals expect it.
std::string base64(std::string_view bytes);

// Puts the text on the clipboard by the desktop's program where there is one (wl-copy, xclip, xsel, pbcopy), and asks
// the terminal to do it by the escape sequence OSC 52. Returns a sentence that says what was done.
std::string copy_to_clipboard(const std::string& text, const Environment& environment);

}  // namespace mang::cli
