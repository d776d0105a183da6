#include "cli/attachments.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>

#include "base/ascii.h"
#include "base/open_file.h"
#include "base/units.h"
#include "cli/answer.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "hub/child_process.h"
#include "text/unicode.h"

namespace mang::cli {
namespace {

constexpr uint64_t kMostBytes = 64 * kMiB;
constexpr auto kPatience = std::chrono::seconds(60);

Error too_large(const std::string& path, uint64_t bytes) {
  return Error{say("{} has {}, and at most {} of a file are read.", path, human_bytes(bytes), human_bytes(kMostBytes))};
}

// All of a regular file. Opened so that a pipe does not wait for its writer.
Result<std::string> bytes_of(const std::string& path) {
  const OpenFile file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (file.fd < 0) return Error{say("{} could not be opened: {}.", path, system_error(errno))};
  struct stat info = {};
  if (::fstat(file.fd, &info) != 0) return Error{say("{} could not be read: {}.", path, system_error(errno))};
  if (!S_ISREG(info.st_mode)) return Error{say("{} is a device or a pipe, and not a file that can be read.", path)};
  if (static_cast<uint64_t>(info.st_size) > kMostBytes) return too_large(path, static_cast<uint64_t>(info.st_size));
  std::string bytes;
  for (;;) {  // what the system says of the size may be wrong: in /proc, or while another program writes
    char piece[64 * 1024];
    const ssize_t n = ::read(file.fd, piece, sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error{say("{} could not be read: {}.", path, system_error(errno))};
    if (n == 0) return bytes;
    bytes.append(piece, static_cast<size_t>(n));
    if (bytes.size() > kMostBytes) return too_large(path, bytes.size());
  }
}

bool is_html(const std::string& path, const std::string& bytes) {
  const std::string name = ascii_lower(path);
  if (name.ends_with(".html") || name.ends_with(".htm") || name.ends_with(".xhtml")) return true;
  const size_t start = bytes.find_first_not_of(" \t\r\n");
  const std::string beginning =
      start == std::string::npos ? "" : ascii_lower(std::string_view(bytes).substr(start, 15));
  return beginning.starts_with("<!doctype html") || beginning.starts_with("<html");
}

// What a program makes of the bytes, held to a time, a memory and an amount: files may be made to hurt.
Result<std::string> through(std::vector<std::string> argv, const std::string& path, const std::string& bytes,
                            const std::string& missing, const Environment& environment) {
  ChildOptions options;
  options.argv = std::move(argv);
  options.environment = environment.variables();
  options.input = bytes;
  options.keep_output = kMostBytes;
  const auto begin = std::chrono::steady_clock::now();
  options.keep_going = [&] { return !asked_to_end() && std::chrono::steady_clock::now() - begin < kPatience; };
  MANG_TRY(ChildOutcome outcome, run_child(options));
  if (outcome.stopped) return Error{say("{} takes longer than {} seconds to read.", path, kPatience.count())};
  if (outcome.exit_code == 127) return Error{missing};
  if (outcome.exit_code != 0) return Error{say("{} is damaged, or made in a way that cannot be read here.", path)};
  if (outcome.output.size() >= kMostBytes) return too_large(path, outcome.output.size());
  return std::move(outcome.output);
}

Result<std::string> pdf_text(const std::string& path, const std::string& bytes, const Environment& environment) {
  // 4 GiB of addresses, a minute of processor time; what it complains of is not the text.
  constexpr const char* kHeld = "ulimit -v 4194304; ulimit -t 60; exec pdftotext -q -enc UTF-8 - - 2>/dev/null";
  MANG_TRY(std::string text,
           through({"/bin/sh", "-c", kHeld}, path, bytes,
                   say("{}: reading PDF files needs the program pdftotext. On Debian and Ubuntu the package "
                       "poppler-utils has it: sudo apt install poppler-utils",
                       path),
                   environment));
  std::replace(text.begin(), text.end(), '\f', '\n');
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
    return Error{say("{} holds no text, only pictures of it perhaps.", path)};
  }
  return text;
}

// By this program in another process, which the limits end instead of this one.
Result<std::string> html_file_text(const std::string& path, const std::string& bytes, const Environment& environment) {
  std::error_code error;
  const std::string self = std::filesystem::read_symlink("/proc/self/exe", error).string();
  if (error) return Error{say("{} could not be read: {}.", path, system_error(error))};
  return through({self, "html-text"}, path, bytes, say("{} could not be read.", path), environment);
}

Result<std::string> plain_text(const std::string& path, std::string bytes) {
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.erase(0, 3);
  if (bytes.find('\0') != std::string::npos || !is_utf8(bytes)) {
    return Error{say("{} is no text: it holds bytes that are no UTF-8. Text, HTML and PDF files can be read.", path)};
  }
  return bytes;
}

// A word that begins with @: where it stands, and the name.
struct Mention {
  std::string name;
  bool quoted = false;
};

std::vector<Mention> mentions_in(const std::string& message) {
  constexpr std::string_view kBefore = " \t\n\r([{\"'";
  std::vector<Mention> out;
  for (size_t at = message.find('@'); at != std::string::npos; at = message.find('@', at + 1)) {
    if (at > 0 && kBefore.find(message[at - 1]) == std::string_view::npos) continue;  // a@b.c is an address
    if (at + 1 < message.size() && message[at + 1] == '"') {
      const size_t end = message.find_first_of("\"\n", at + 2);
      if (end == std::string::npos || message[end] != '"' || end == at + 2) continue;
      out.push_back({message.substr(at + 2, end - at - 2), true});
      at = end;
      continue;
    }
    const size_t end = std::min(message.find_first_of(" \t\r\n", at), message.size());
    if (end > at + 1) out.push_back({message.substr(at + 1, end - at - 1), false});
    at = end - 1;
  }
  return out;
}

std::string at_home(const std::string& name, const Environment& environment) {
  const auto home = environment.get("HOME");
  return home && name.starts_with("~/") ? *home + name.substr(1) : name;
}

bool is_there(const std::string& path) {
  struct stat info = {};
  return path.find('\0') == std::string::npos && ::stat(path.c_str(), &info) == 0 && !S_ISDIR(info.st_mode);
}

// The file that is meant; a word may be followed by punctuation. Empty: there is none.
std::string file_of(Mention& mention, const Environment& environment) {
  for (;;) {
    const std::string path = at_home(mention.name, environment);
    if (is_there(path)) return path;
    constexpr std::string_view kAfter = ".,;:!?)]}'\"";
    if (mention.quoted || mention.name.size() < 2 || kAfter.find(mention.name.back()) == std::string_view::npos) {
      return "";
    }
    mention.name.pop_back();
  }
}

// A fence that is longer than any in the text.
std::string fence_for(const std::string& text) {
  size_t longest = 0, run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return std::string(std::max<size_t>(3, longest + 1), '`');
}

}  // namespace

Result<std::string> read_attachment(const std::string& path, const Environment& environment, uint64_t& bytes) {
  MANG_TRY(std::string content, bytes_of(path));
  bytes = content.size();
  if (content.starts_with("%PDF-")) return pdf_text(path, content, environment);
  if (is_html(path, content)) return html_file_text(path, content, environment);
  return plain_text(path, std::move(content));
}

Result<Attached> attach_files(const std::string& message, const Environment& environment) {
  Attached out;
  std::string texts;
  for (Mention& mention : mentions_in(message)) {
    const std::string written = mention.name;
    const std::string path = file_of(mention, environment);
    if (path.empty()) {
      if (mention.quoted || written.find('/') != std::string::npos) out.missing.push_back(written);
      continue;
    }
    const auto same = [&](const Attachment& each) { return each.path == path; };
    if (std::any_of(out.files.begin(), out.files.end(), same)) continue;
    Attachment file{mention.name, path, "", 0};
    MANG_TRY(file.text, read_attachment(path, environment, file.bytes));
    while (file.text.ends_with('\n')) file.text.pop_back();
    const std::string fence = fence_for(file.text);
    texts += file.name + ":\n" + fence + "\n" + file.text + "\n" + fence + "\n\n";
    out.files.push_back(std::move(file));
  }
  out.message = texts + message;
  return out;
}

std::string_view without_files(std::string_view message) {
  constexpr std::string_view kEnd = "```\n\n";
  const size_t first = message.find('\n');
  if (first == std::string_view::npos || first == 0 || message.substr(first - 1, 5) != ":\n```") return message;
  const size_t end = message.rfind(kEnd);
  return end == std::string_view::npos ? message : message.substr(end + kEnd.size());
}

void say_attached(const Attached& attached, const Answerer& answerer) {
  for (const Attachment& file : attached.files) {
    print_error_line(say("(Read {}: {}, {} tokens.)", file.name, human_bytes(file.bytes),
                         answerer.tokenizer().encode(file.text).size()));
  }
  for (const std::string& name : attached.missing) {
    print_error_line(say("(There is no file '{}': the word stays as it is.)", name));
  }
}

}  // namespace mang::cli
