#include "cli/line_editor.h"

#include <histedit.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <cwchar>
#include <string_view>
#include <utility>

#include "cli/interrupt.h"

namespace mang::cli {
namespace {

constexpr int kPollMs = 200;
constexpr int kHistoryLines = 1000;
// Bracketed paste: the terminal marks what is pasted, so that its newlines do not send it line by line.
constexpr std::string_view kPasteOn = "\x1b[?2004h", kPasteOff = "\x1b[?2004l", kPasteEnd = "\x1b[201~";

void to_terminal(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

struct LineEditor::State {
  EditLine* edit = nullptr;
  History* history = nullptr;
  std::string prompt;
  Complete complete;
  bool interrupted = false;
  unsigned short columns = 0;

  ~State() {
    if (history) ::history_end(history);
    if (edit) ::el_end(edit);
  }

  static State& of(EditLine* edit) {
    void* data = nullptr;
    ::el_get(edit, EL_CLIENTDATA, &data);
    return *static_cast<State*>(data);
  }

  // libedit lays lines out for the width it knows.
  void notice_width() {
    struct winsize size = {};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == columns) return;
    if (columns != 0) ::el_resize(edit);
    columns = size.ws_col;
  }

  // The next byte typed: 1; 0 at the end or when the program is to end, -1 after Ctrl-C.
  int next_byte(char& byte) {
    for (;;) {
      if (asked_to_end()) return 0;
      if (take_interrupt()) {
        interrupted = true;
        return -1;
      }
      pollfd watch{STDIN_FILENO, POLLIN, 0};
      if (::poll(&watch, 1, kPollMs) > 0) {
        const ssize_t n = ::read(STDIN_FILENO, &byte, 1);
        if (n >= 0) return static_cast<int>(n);
        if (errno != EINTR && errno != EAGAIN) return 0;
      } else {
        notice_width();
      }
    }
  }

  // The next character, from its UTF-8 bytes. Bytes that are none are left out.
  static int next_character(EditLine* edit, wchar_t* character) {
    std::mbstate_t state = {};
    for (;;) {
      char byte = 0;
      const int got = of(edit).next_byte(byte);
      if (got <= 0) return got;
      const size_t length = std::mbrtowc(character, &byte, 1, &state);
      if (length <= 1) return 1;
      if (length == static_cast<size_t>(-1)) state = {};
    }
  }

  // Everything up to the end of the paste, into the line. Terminals send newlines as carriage returns.
  static unsigned char paste(EditLine* edit, int) {
    std::string text;
    while (!text.ends_with(kPasteEnd)) {
      char byte = 0;
      if (of(edit).next_byte(byte) <= 0) return CC_EOF;
      if (byte == '\r') byte = '\n';
      if (byte != '\0') text += byte;
    }
    text.resize(text.size() - kPasteEnd.size());
    while (!text.empty() && text.back() == '\n') text.pop_back();
    if (!text.empty() && ::el_insertstr(edit, text.c_str()) != 0) return CC_ERROR;
    return CC_REFRESH;
  }

  // Tab: what all completions have in common; where that adds nothing, the completions are listed.
  static unsigned char complete_text(EditLine* edit, int) {
    State& state = of(edit);
    const LineInfo* line = ::el_line(edit);
    const std::string before(line->buffer, line->cursor);
    const std::vector<std::string> found = state.complete ? state.complete(before) : std::vector<std::string>();
    if (found.empty()) return CC_ERROR;
    std::string common = found.front();
    for (const std::string& each : found) {
      size_t same = 0;
      while (same < common.size() && same < each.size() && common[same] == each[same]) ++same;
      common.resize(same);
    }
    if (common.size() > before.size()) {
      return ::el_insertstr(edit, common.c_str() + before.size()) == 0 ? CC_REFRESH : CC_ERROR;
    }
    if (found.size() == 1) return CC_ERROR;
    to_terminal("\n");
    for (const std::string& each : found) to_terminal(each + "  ");
    to_terminal("\n");
    return CC_REDISPLAY;
  }

  static char* prompt_of(EditLine* edit) { return of(edit).prompt.data(); }
};

LineEditor::LineEditor(std::unique_ptr<State> state) : state_(std::move(state)) {}
LineEditor::~LineEditor() = default;

std::unique_ptr<LineEditor> LineEditor::open(const char* terminal_name, Complete complete) {
  if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDERR_FILENO) != 1) return nullptr;
  if (!terminal_name || !*terminal_name || std::strcmp(terminal_name, "dumb") == 0) return nullptr;
  // UTF-8 is what is typed, whatever the locale: a fresh container has none. Only characters, not numbers.
  std::setlocale(LC_CTYPE, "C.UTF-8");

  auto state = std::make_unique<State>();
  state->edit = ::el_init("mang", stdin, stderr, stderr);
  state->history = ::history_init();
  if (!state->edit || !state->history) return nullptr;
  state->complete = std::move(complete);
  EditLine* edit = state->edit;
  HistEvent event;
  ::history(state->history, &event, H_SETSIZE, kHistoryLines);
  ::history(state->history, &event, H_SETUNIQUE, 1);
  ::el_set(edit, EL_CLIENTDATA, state.get());
  ::el_set(edit, EL_EDITOR, "emacs");
  ::el_set(edit, EL_SIGNAL, 0);
  ::el_set(edit, EL_HIST, ::history, state->history);
  ::el_set(edit, EL_PROMPT, &State::prompt_of);
  ::el_set(edit, EL_GETCFN, &State::next_character);
  ::el_set(edit, EL_ADDFN, "mang-paste", "Insert pasted text", &State::paste);
  ::el_set(edit, EL_BIND, "\\e[200~", "mang-paste", nullptr);
  ::el_set(edit, EL_ADDFN, "mang-complete", "Complete what is typed", &State::complete_text);
  ::el_set(edit, EL_BIND, "\t", "mang-complete", nullptr);
  // Keys that libedit leaves unbound: Home, End, Delete, Ctrl with the arrows, Ctrl-R.
  constexpr std::pair<const char*, const char*> kKeys[] = {
      {"\\e[1~", "ed-move-to-beg"}, {"\\e[4~", "ed-move-to-end"},      {"\\e[H", "ed-move-to-beg"},
      {"\\e[F", "ed-move-to-end"},  {"\\e[3~", "ed-delete-next-char"}, {"\\e[1;5C", "em-next-word"},
      {"\\e[1;5D", "ed-prev-word"}, {"^W", "ed-delete-prev-word"},     {"^R", "em-inc-search-prev"}};
  for (const auto& [key, action] : kKeys) {
    ::el_set(edit, EL_BIND, key, action, nullptr);
  }
  return std::unique_ptr<LineEditor>(new LineEditor(std::move(state)));
}

LineEditor::Outcome LineEditor::next(const std::string& prompt, std::string& line) {
  const WatchInterrupts watch;
  state_->prompt = prompt;
  state_->interrupted = false;
  state_->notice_width();
  // Before the prompt is seen: keys that follow it at once, such as Ctrl-D, are then keys and not ends of lines.
  ::el_set(state_->edit, EL_PREP_TERM, 1);
  to_terminal(kPasteOn);
  int count = 0;
  const char* text = ::el_gets(state_->edit, &count);
  to_terminal(kPasteOff);
  if (!text || count <= 0) {
    to_terminal("\n");
    return state_->interrupted ? Outcome::interrupted : Outcome::end;
  }
  line.assign(text, static_cast<size_t>(count));
  if (line.ends_with('\n')) line.pop_back();
  return Outcome::line;
}

void LineEditor::remember(const std::string& line) {
  HistEvent event;
  ::history(state_->history, &event, H_ENTER, line.c_str());
}

}  // namespace mang::cli
