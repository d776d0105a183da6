// mang manual: the man pages, in the language of the commands' help (roff with the man macros; man(7), groff_man(7)).
#include "cli/manual.h"

#include <algorithm>
#include <memory>

#include "cli/commands.h"
#include "cli/messages.h"
#include "cli/version.h"

namespace mang::cli {
namespace {

// Text as roff reads it back unchanged: what commands it is escaped, and typewriter characters stay what they are.
std::string roff(std::string_view text) {
  std::string out;
  bool line_begins = true;
  for (char c : text) {
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    line_begins = c == '\n';
    switch (c) {
      case '\\':
        out += "\\e";
        break;
      case '-':
        out += "\\-";
        break;
      case '\'':
        out += "\\(aq";
        break;
      case '"':
        out += "\\(dq";
        break;
      case '`':
        out += "\\(ga";
        break;
      case '^':
        out += "\\(ha";
        break;
      case '~':
        out += "\\(ti";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string bold(std::string_view text) { return "\\fB" + roff(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + roff(text) + "\\fR"; }

std::string page_name(const std::string& command) { return command.empty() ? "mang" : "mang-" + command; }

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::string head(const std::string& name, const std::string& help) {
  std::string out = fmt::format(".TH \"{}\" 1 \"{}\" \"mang {}\" \"Măng\"\n", roff(upper(name)), kManualDate, kVersion);
  const std::string one_line = help.ends_with('.') ? help.substr(0, help.size() - 1) : help;
  return out + fmt::format(".SH {}\n{} \\- {}\n", tr("NAME"), roff(name), roff(one_line));
}

// The bold names of an option, and its value.
std::string names_of(const OptionFacts& option) {
  std::string out;
  for (const std::string& name : option.names) out += (out.empty() ? "" : ", ") + bold(name);
  return option.value.empty() ? out : out + " " + italic(option.value);
}

std::string entry(const std::string& term, const OptionFacts& option) {
  std::string text = option.help;
  if (option.required) text += tr(" (required)");
  if (!option.variable.empty()) text += say(" (variable {})", option.variable);
  if (text.empty()) text = option.value;
  return fmt::format(".TP\n{}\n{}\n", term, roff(text));
}

std::string synopsis(const CommandFacts& command) {
  std::string out = fmt::format(".SH {}\n.nh\n{}", tr("SYNOPSIS"), bold("mang " + command.name));
  if (!command.options.empty()) out += fmt::format(" [{}]", italic(tr("OPTIONS")));
  for (const OptionFacts& each : command.positionals) {
    const std::string name = italic(each.names.front()) + (each.many ? " …" : "");
    out += each.required ? " " + name : " [" + name + "]";
  }
  return out + "\n.hy\n";
}

std::string arguments(const CommandFacts& command) {
  if (command.positionals.empty()) return "";
  std::string out = fmt::format(".SH {}\n", tr("ARGUMENTS"));
  for (const OptionFacts& each : command.positionals) out += entry(italic(each.names.front()), each);
  return out;
}

// The options under their headings, in the order in which the headings first appear.
std::string options(const CommandFacts& command) {
  std::vector<std::string> groups;
  for (const OptionFacts& each : command.options) {
    if (std::find(groups.begin(), groups.end(), each.group) == groups.end()) groups.push_back(each.group);
  }
  std::string out = fmt::format(".SH {}\n", tr("OPTIONS"));
  for (const std::string& group : groups) {
    if (groups.size() > 1) out += fmt::format(".SS {}\n", roff(group));
    for (const OptionFacts& each : command.options) {
      if (each.group == group) out += entry(names_of(each), each);
    }
  }
  return out;
}

// A paragraph of the text below help: "Title:" or "Title: text" becomes a section, lines that begin with blanks stay
// as they are.
std::string paragraph(std::string text) {
  constexpr size_t kLongestTitle = 30;
  std::string out;
  const size_t colon = text.find(':');
  if (colon != std::string::npos && colon < kLongestTitle && text.find_first_of("'\"\n") > colon) {
    out = fmt::format(".SH {}\n", roff(upper(text.substr(0, colon))));
    text.erase(0, std::min(text.find_first_not_of(" \n", colon + 1), text.size()));
    const bool as_it_is = text.find('\n') != std::string::npos;
    return out + (as_it_is ? ".nf\n" + roff(text) + "\n.fi\n" : roff(text) + "\n");
  }
  const bool as_it_is = text.starts_with(' ') || text.find("\n ") != std::string::npos;
  return ".PP\n" + (as_it_is ? ".nf\n" + roff(text) + "\n.fi\n" : roff(text) + "\n");
}

std::string below(const std::string& footer) {
  std::string out;
  for (size_t from = 0; from < footer.size();) {
    const size_t to = std::min(footer.find("\n\n", from), footer.size());
    std::string text = footer.substr(from, to - from);
    while (text.starts_with('\n')) text.erase(0, 1);
    while (text.ends_with('\n')) text.pop_back();
    if (!text.empty()) out += paragraph(std::move(text));
    from = to + 2;
  }
  return out;
}

std::string see_also(const std::string& self, const std::vector<CommandFacts>& commands) {
  std::vector<std::string> names = {""};
  for (const CommandFacts& each : commands) names.push_back(each.name);
  std::string out;
  for (const std::string& name : names) {
    if (name != self) out += (out.empty() ? "" : ",\n") + bold(page_name(name)) + "(1)";
  }
  return fmt::format(".SH {}\n{}\n", tr("SEE ALSO"), out);
}

}  // namespace

std::string manual_of_program(const CommandFacts& program, const std::vector<CommandFacts>& commands) {
  std::string out = head("mang", program.help);
  out += fmt::format(".SH {}\n{} {} …\n.br\n{} [{}]\n", tr("SYNOPSIS"), bold("mang"), italic(tr("COMMAND")),
                     bold("mang"), italic(tr("OPTIONS")));
  out += fmt::format(".SH {}\n", tr("COMMANDS"));
  for (const CommandFacts& each : commands) {
    std::string names = bold(page_name(each.name)) + "(1)";
    for (const std::string& alias : each.aliases) names += ", " + bold(alias);
    out += fmt::format(".TP\n{}\n{}\n", names, roff(each.help));
  }
  return out + options(program) + below(program.footer) + see_also("", commands);
}

std::string manual_of_command(const CommandFacts& command, const std::vector<CommandFacts>& commands) {
  return head(page_name(command.name), command.help) + synopsis(command) + arguments(command) + options(command) +
         below(command.footer) + see_also(command.name, commands);
}

namespace {

struct Options {
  std::string command;
  bool list = false;
};

Result<int> manual(const Options& options, const CLI::App& app, Context& context) {
  const std::vector<CommandFacts> commands = facts_of_commands(app);
  if (options.list) {
    context.out.write("mang\n");
    for (const CommandFacts& each : commands) context.out.write(page_name(each.name) + "\n");
    return kExitOk;
  }
  const std::string name = options.command.starts_with("mang-") ? options.command.substr(5) : options.command;
  if (name.empty() || name == "mang") {
    context.out.write(manual_of_program(facts_of(app), commands));
    return kExitOk;
  }
  const auto found =
      std::find_if(commands.begin(), commands.end(), [&](const auto& each) { return each.name == name; });
  if (found == commands.end()) return usage_error("manual", say("there is no command '{}'.", name));
  context.out.write(manual_of_command(*found, commands));
  return kExitOk;
}

}  // namespace

void add_manual(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "manual", tr("Write a man page (roff) of a command, or of the program"));
  command->group("");  // for packaging
  command->add_option("COMMAND", options->command, tr("The command; left out, the program's page"));
  command->add_flag("--list", options->list, tr("Only the names of all pages"));
  command->callback([options, &app, &action] {
    action = [options, &app](Context& context) { return manual(*options, app, context); };
  });
}

}  // namespace mang::cli
