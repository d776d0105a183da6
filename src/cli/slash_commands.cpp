#include "cli/slash_commands.h"

#include <algorithm>

#include "cli/messages.h"
#include "cli/page.h"
#include "hub/catalog.h"

namespace mang::cli {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
}

// A slash and letters: what a command looks like, and a path does not.
bool looks_like_command(std::string_view word) {
  return word.size() > 1 && word.front() == '/' &&
         std::all_of(word.begin() + 1, word.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '?'; });
}

// Names that are at most so many slips of the finger away, the nearest first.
std::vector<std::string> nearest(std::string_view word, size_t most) {
  std::vector<std::pair<size_t, std::string>> found;
  for (const SlashCommand& each : slash_commands()) {
    const size_t distance = each.name.starts_with(word) ? 1 : edit_distance(word, each.name);
    if (distance <= most) found.emplace_back(distance, each.name);
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> names;
  for (const auto& [distance, name] : found) names.push_back(name);
  return names;
}

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

}  // namespace

std::vector<SlashCommand> slash_commands() {
  return {
      {Slash::set, "/set", "[NAME VALUE]", tr("says the settings, or changes one: /set temperature 0.7")},
      {Slash::show, "/show", "[WHAT]", tr("shows the model, the settings, the context or the template")},
      {Slash::model, "/model", "NAME", tr("goes on with another model")},
      {Slash::save, "/save", "NAME", tr("gives the conversation a name")},
      {Slash::load, "/load", "[NAME]", tr("goes on with an earlier conversation, or lists them")},
      {Slash::clear, "/clear", "", tr("begins a new conversation")},
      {Slash::retry, "/retry", "", tr("drops the last answer and answers again")},
      {Slash::copy, "/copy", "", tr("copies the last answer to the clipboard")},
      {Slash::receipt, "/receipt", "FILE", tr("writes a receipt of the last answer, for 'mang replay'")},
      {Slash::help, "/help", "", tr("shows this, as /? does")},
      {Slash::bye, "/bye", "", tr("ends the program, as Ctrl-D does")},
  };
}

Result<std::optional<SlashLine>> parse_slash(std::string_view line) {
  line = trimmed(line);
  const size_t end = std::min(line.find_first_of(kBlanks), line.size());
  const std::string_view word = line.substr(0, end);
  const std::string_view argument = trimmed(line.substr(end));
  if (!looks_like_command(word)) return std::optional<SlashLine>();
  for (const SlashCommand& each : slash_commands()) {
    if (word != each.name && !(word == "/?" && each.kind == Slash::help)) continue;
    if (!argument.empty() && each.argument.empty() && each.kind != Slash::help) {
      return Error{say("{} takes nothing after it.", each.name)};
    }
    return std::optional(SlashLine{each.kind, std::string(argument)});
  }
  // With words after it, it may be a sentence that happens to begin with a slash.
  const std::vector<std::string> close = nearest(word, argument.empty() ? 2 : 1);
  if (!close.empty()) return Error{say("'{}' is no command. Did you mean {}?", word, listed(close))};
  if (argument.empty()) return Error{say("'{}' is no command. /help shows them all.", word)};
  return std::optional<SlashLine>();
}

std::string slash_help(size_t width) {
  constexpr size_t kIndent = 2, kNames = 20;
  Page page(kIndent, kNames, width);
  for (const SlashCommand& each : slash_commands()) {
    page.row(each.name + (each.argument.empty() ? "" : " " + each.argument), each.what);
  }
  page.row("Ctrl-C", tr("stops an answer; the conversation goes on"));
  page.row("\"\"\"", tr("begins and ends a message of several lines (pasted text needs no marks)"));
  page.row("@FILE", tr("puts a file's text before the message: text, HTML or PDF"));
  page.row(tr("arrows, Ctrl-R, Tab"), tr("find earlier messages, search them, complete commands"));
  return page.text();
}

std::vector<std::string> slash_completions(std::string_view line) {
  std::vector<std::string> out;
  if (line.empty() || line.front() != '/') return out;
  for (const SlashCommand& each : slash_commands()) {
    if (each.name.starts_with(line)) out.push_back(each.name + (each.argument.empty() ? "" : " "));
  }
  return out;
}

}  // namespace mang::cli
