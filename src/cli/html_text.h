// The readable text of an HTML page.
#pragma once

#include <string>

#include "cli/commands.h"

namespace mang::cli {

// Headings, paragraphs, lists, tables and preformatted text as plain text; scripts, styles and what is hidden are left
// out. `html` is UTF-8, or says in its first kilobyte in which encoding it is. The parser recurses with the depth of
// the page: run it on unknown pages in a process of its own.
std::string html_text(const std::string& html);

// mang html-text, not in the help: that process. It takes no more than some memory and time.
void add_html_text(CLI::App& app, Action& action);

}  // namespace mang::cli
