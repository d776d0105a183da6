#include "cli/completion_scripts.h"

#include <fmt/core.h>

#include <algorithm>

namespace mang::cli {
namespace {

// In single quotes, as all three shells read it; fish also reads backslashes there.
std::string shell_quoted(std::string_view text, bool backslashes = false) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'') {
      out += backslashes ? "\\'" : "'\\''";
    } else if (c == '\\' && backslashes) {
      out += "\\\\";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : std::string(between)) + word;
  return out;
}

std::vector<std::string> all_names(const CommandFacts& command) {
  std::vector<std::string> names = {command.name};
  names.insert(names.end(), command.aliases.begin(), command.aliases.end());
  return names;
}

// bash: what completes a value of this kind.
std::string bash_values(const OptionFacts& option) {
  switch (option.kind) {
    case ValueKind::choice:
      return "_mang_words " + shell_quoted(joined(option.choices, " "));
    case ValueKind::model:
      return "_mang_models; _mang_files";
    case ValueKind::file:
      return "_mang_files";
    case ValueKind::folder:
      return "_mang_folders";
    case ValueKind::none:
    case ValueKind::other:
      break;
  }
  return ":";
}

// Readline replaces only what follows the last of its word breaks, so a name with a colon is cut to that.
constexpr char kBashHelpers[] = R"sh(# bash completion of mang; written by `mang completion bash`.
_mang_words() { COMPREPLY+=($(compgen -W "$1" -- "$cur")); }
_mang_files() { compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY+=($(compgen -f -- "$cur")); }
_mang_folders() { compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY+=($(compgen -d -- "$cur")); }
_mang_models() {
  local IFS=$'\n' names
  names=($(compgen -W "$(command mang completion models 2>/dev/null)" -- "$cur"))
  if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then names=("${names[@]#"${cur%"${cur##*:}"}"}"); fi
  COMPREPLY+=("${names[@]}")
}
_mang() {
  local line=${COMP_LINE:0:COMP_POINT} words cur="" prev command="" word
  read -ra words <<<"$line"
  COMPREPLY=()
  if [[ $line != *[[:space:]] ]]; then
    cur=${words[${#words[@]}-1]}
    unset "words[${#words[@]}-1]"
  fi
  prev=${words[${#words[@]}-1]}
  if [[ $cur == --*=* ]]; then
    prev=${cur%%=*}
    cur=${cur#*=}
  fi
  for word in "${words[@]:1}"; do
    if [[ $word != -* ]]; then command=$word; break; fi
  done
)sh";

std::string bash_case(const CommandFacts& command) {
  std::string values, options;
  for (const OptionFacts& option : command.options) {
    options += (options.empty() ? "" : " ") + joined(option.names, " ");
    if (option.kind == ValueKind::none) continue;
    values += fmt::format("        {}) {}; return ;;\n", joined(option.names, "|"), bash_values(option));
  }
  std::vector<std::string> others;
  for (const OptionFacts& each : command.positionals) {
    const std::string value = bash_values(each);
    if (value != ":" && std::find(others.begin(), others.end(), value) == others.end()) others.push_back(value);
  }
  std::string out = fmt::format("    {})\n", joined(all_names(command), "|"));
  if (!values.empty()) out += "      case $prev in\n" + values + "      esac\n";
  return out + fmt::format("      if [[ $cur == -* ]]; then _mang_words {}; else {}; fi ;;\n", shell_quoted(options),
                           others.empty() ? ":" : joined(others, "; "));
}

// zsh: text within a specification of _arguments; colons end its parts and brackets the description.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == ':' || c == '[' || c == ']' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_values(const OptionFacts& option) {
  const std::string label = zsh_text(option.kind == ValueKind::choice ? "value" : option.value);
  switch (option.kind) {
    case ValueKind::choice:
      return fmt::format(":{}:({})", label, joined(option.choices, " "));
    case ValueKind::model:
      return fmt::format(":{}:_mang_models", label);
    case ValueKind::file:
      return fmt::format(":{}:_files", label);
    case ValueKind::folder:
      return fmt::format(":{}:_files -/", label);
    case ValueKind::none:
      return "";
    case ValueKind::other:
      break;
  }
  return fmt::format(":{}: ", label);
}

std::string zsh_option(const OptionFacts& option) {
  const bool flag = option.kind == ValueKind::none;
  std::string names;
  for (const std::string& name : option.names) {
    names += (names.empty() ? "" : ",") + name + (flag ? "" : name.starts_with("--") ? "=" : "+");
  }
  const std::string before = option.many ? "'*'" : shell_quoted("(" + joined(option.names, " ") + ")");
  return before + (option.names.size() > 1 ? "{" + names + "}" : names) +
         shell_quoted("[" + zsh_text(option.help) + "]" + zsh_values(option));
}

std::string zsh_arguments(const CommandFacts& command, std::string_view indent) {
  std::string out = "_arguments -s";
  for (const OptionFacts& each : command.options) out += fmt::format(" \\\n{}{}", indent, zsh_option(each));
  int place = 1;
  for (const OptionFacts& each : command.positionals) {
    const std::string where = each.many ? "*" : fmt::format("{}{}", place++, each.required ? "" : ":");
    out += fmt::format(" \\\n{}{}", indent, shell_quoted(where + zsh_values(each)));
  }
  return out;
}

std::string fish_values(const OptionFacts& option) {
  switch (option.kind) {
    case ValueKind::choice:
      return " -x -a " + shell_quoted(joined(option.choices, " "), true);
    case ValueKind::model:
      return " -r -F -a '(__mang_models)'";
    case ValueKind::file:
      return " -r -F";
    case ValueKind::folder:
      return " -x -a '(__fish_complete_directories)'";
    case ValueKind::none:
      return "";
    case ValueKind::other:
      break;
  }
  return " -x";
}

std::string fish_option(const std::string& condition, const OptionFacts& option) {
  std::string out = "complete -c mang" + condition;
  for (const std::string& name : option.names) {
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  return out + fish_values(option) + " -d " + shell_quoted(option.help, true) + "\n";
}

}  // namespace

std::string bash_completion(const CommandFacts& program, const std::vector<CommandFacts>& commands) {
  std::string names, options;
  for (const CommandFacts& each : commands) names += (names.empty() ? "" : " ") + each.name;
  for (const OptionFacts& each : program.options) options += (options.empty() ? "" : " ") + joined(each.names, " ");
  std::string out = kBashHelpers;
  out += fmt::format(
      "  case $command in\n    \"\") if [[ $cur == -* ]]; then _mang_words {}; else _mang_words {}; fi ;;\n",
      shell_quoted(options), shell_quoted("help " + names));
  out += fmt::format("    help) _mang_words {} ;;\n", shell_quoted(names));
  for (const CommandFacts& each : commands) out += bash_case(each);
  return out + "  esac\n}\ncomplete -F _mang mang\n";
}

std::string zsh_completion(const CommandFacts& program, const std::vector<CommandFacts>& commands) {
  std::string out =
      "#compdef mang\n# zsh completion of mang; written by `mang completion zsh`.\n"
      "_mang_models() {\n"
      "  local -a names=(${(f)\"$(command mang completion models 2>/dev/null)\"})\n"
      "  compadd -a names\n  _files\n}\n"
      "_mang_commands() {\n  local -a commands=(\n";
  for (const CommandFacts& each : commands) {
    out += "    " + shell_quoted(each.name + ":" + zsh_text(each.help)) + "\n";
  }
  out += "  )\n  _describe command commands\n}\n_mang() {\n  local curcontext=\"$curcontext\" state line\n  ";
  CommandFacts top = program;
  top.positionals.clear();
  std::string arguments = zsh_arguments(top, "    ");
  arguments.replace(0, std::string("_arguments -s").size(), "_arguments -C -s");
  out += arguments + " \\\n    '1:command:_mang_commands' \\\n    '*::argument:->argument'\n";
  out +=
      "  [[ $state == argument ]] || return\n  case $words[1] in\n    help) _arguments '1:command:_mang_commands' ;;\n";
  for (const CommandFacts& each : commands) {
    out += fmt::format("    {})\n      {} ;;\n", joined(all_names(each), "|"), zsh_arguments(each, "        "));
  }
  // Loaded from a folder of $fpath the file is the function's body; sourced, it declares it.
  return out + "  esac\n}\nif [[ $funcstack[1] == _mang ]]; then _mang \"$@\"; else compdef _mang mang; fi\n";
}

std::string fish_completion(const CommandFacts& program, const std::vector<CommandFacts>& commands) {
  std::string out =
      "# fish completion of mang; written by `mang completion fish`.\n"
      "function __mang_models\n  command mang completion models 2>/dev/null\nend\n"
      "complete -c mang -f\n";
  for (const OptionFacts& each : program.options) out += fish_option(" -n __fish_use_subcommand", each);
  for (const CommandFacts& each : commands) {
    out += fmt::format("complete -c mang -n __fish_use_subcommand -a {} -d {}\n", shell_quoted(each.name, true),
                       shell_quoted(each.help, true));
  }
  for (const CommandFacts& each : commands) {
    const std::string condition = fmt::format(" -n '__fish_seen_subcommand_from {}'", joined(all_names(each), " "));
    for (const OptionFacts& option : each.options) out += fish_option(condition, option);
    for (const OptionFacts& positional : each.positionals) {
      std::string value = fish_values(positional);
      if (value == " -x") continue;
      if (value.starts_with(" -r")) value.erase(0, 3);  // an argument, not a value that an option requires
      out += "complete -c mang" + condition + value + "\n";
    }
  }
  return out;
}

}  // namespace mang::cli
