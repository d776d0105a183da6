#include "cli/consent.h"

#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "base/ascii.h"
#include "base/mapped_file.h"
#include "cli/context.h"
#include "cli/messages.h"
#include "hub/durable.h"

namespace mang::cli {
namespace {

constexpr size_t kLongestList = 1 << 20;

// The licences accepted so far, a line each.
Result<std::string> accepted_file(const Context& context) {
  MANG_TRY(const std::string data, context.environment.data_folder());
  return data + "/mang/accepted-licenses";
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

Result<void> remember(const std::string& path, std::string accepted, const std::string& id) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (error) return Error{say("{}: could not be made: {}.", path, system_error(error))};
  if (!accepted.empty() && !accepted.ends_with('\n')) accepted += '\n';
  return write_file_atomically(path, accepted + id + "\n");
}

void show_license(const CatalogEntry& entry) {
  print_error_line(say("{} has a licence that asks for your consent.", entry.title));
  print_error_line(say("  licence: {}", entry.license.id));
  print_error_line(say("  text:    {}", entry.license.url));
  print_error_line(say("  asked:   {}", tr(entry.license.consent)));
}

// "y", "yes", "c", "có" and the like; everything else, and the end of the input, is no.
bool answered_yes() {
  std::string answer;
  if (!std::getline(std::cin, answer)) return false;
  answer.resize(ascii_right_trimmed(answer).size());
  for (const char* yes : {"y", "Y", "yes", "Yes", "YES", "c", "C", "có", "Có", "co"}) {
    if (answer == yes) return true;
  }
  return false;
}

}  // namespace

Result<void> ask_consent(const CatalogEntry& entry, bool accept, const Context& context) {
  if (entry.license.consent.empty()) return {};
  MANG_TRY(const std::string path, accepted_file(context));
  const Result<std::string> before = read_text_file(path, kLongestList);
  const std::string accepted = before.ok() ? *before : "";
  if (has_line(accepted, entry.license.id)) return {};
  if (accept) return remember(path, accepted, entry.license.id);
  if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDERR_FILENO) != 1) {
    return Error{
        say("{} is under the {} ({}), which asks for your consent: {} Accept it with 'mang pull {} --accept-license'.",
            entry.title, entry.license.id, entry.license.url, tr(entry.license.consent), entry.name)};
  }
  show_license(entry);
  std::cerr << tr("Do you accept it? [y/N] ") << std::flush;
  if (!answered_yes())
    return Error{say("the {} was not accepted, so {} was not fetched.", entry.license.id, entry.name)};
  return remember(path, accepted, entry.license.id);
}

}  // namespace mang::cli
