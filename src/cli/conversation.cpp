#include "cli/conversation.h"

#include <unistd.h>

#include "cli/attachments.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/page.h"

namespace mang::cli {
namespace {

// "1,204"
std::string grouped(int64_t number) {
  std::string out = fmt::format("{}", number);
  const std::string mark = language() == Language::vietnamese ? "." : ",";
  for (size_t at = out.size(); at > 3; at -= 3) out.insert(at - 3, mark);
  return out;
}

bool blank(const std::string& text) { return text.find_first_not_of(" \t\r\n") == std::string::npos; }

}  // namespace

ChatRequest new_conversation(const std::string& system) {
  ChatRequest request;
  if (!system.empty()) request.messages.push_back({{"role", "system"}, {"content", system}});
  request.now = jinja::DateTime::local_now();
  return request;
}

void print_note(const std::string& text) {
  const size_t width = terminal_width(STDERR_FILENO);
  print_error_line(width > 0 ? wrapped(text, 0, width) : text);
}

Json assistant_message(const AnswerRecord& record) {
  Json message{{"role", "assistant"}, {"content", record.text}};
  if (!record.reasoning.empty()) message["reasoning_content"] = record.reasoning;
  return message;
}

Conversation::Conversation(Answerer answerer, ConversationOptions options, History history, Context& context)
    : context_(context),
      options_(std::move(options)),
      settings_{options_.answer.sampling, options_.system, std::nullopt},
      answerer_(std::move(answerer)),
      request_(new_conversation(settings_.system)),
      keyboard_(context),
      history_(std::move(history)) {}

Result<int> Conversation::run() {
  print_error_line(tr("Write a message and press Enter. Ctrl-D or /bye ends, /help says more."));
  if (!options_.resumed.empty()) take_up(options_.resumed);
  std::string text;
  for (;;) {
    MANG_TRY(const Keyboard::Outcome outcome, keyboard_.message(text));
    if (outcome == Keyboard::Outcome::end) return context_.interrupted.load() ? kExitInterrupted : kExitOk;
    if (outcome == Keyboard::Outcome::interrupted) {
      print_note(tr("(Ctrl-D or /bye ends the conversation.)"));
      continue;
    }
    if (blank(text)) continue;
    if (const GoOn end = on_line(text)) return *end;
    MANG_TRY(context_.out.flush());
  }
}

Conversation::GoOn Conversation::on_line(const std::string& text) {
  Result<std::optional<SlashLine>> command = parse_slash(text);
  if (!command.ok()) {
    print_error(command.error());
    return std::nullopt;
  }
  if (*command) return on_command(**command);
  const Result<Attached> attached = attach_files(text, context_.environment);
  if (!attached.ok()) {
    print_error(attached.error());
    print_note(tr("(Nothing was sent.)"));
    return std::nullopt;
  }
  say_attached(*attached, *answerer_);
  retries_ = 0;
  return ask(attached->message);
}

// How full the context is. Nothing of a conversation is ever cut to make room.
void Conversation::say_context() const {
  const int64_t context = answerer_->engine().context();
  const bool nearly_full = used_tokens_ >= context * 85 / 100;
  const std::string gauge = say("{} of {} tokens", grouped(used_tokens_), grouped(context));
  const bool dim = ::isatty(STDERR_FILENO) == 1 && context_.environment.get("TERM").value_or("dumb") != "dumb";
  fmt::print(stderr, "{}{}{}\n", dim ? style_sequence(kDim, false) : "", gauge, dim ? style_sequence(0, false) : "");
  if (nearly_full) {
    print_note(
        tr("(The context is nearly full. /clear begins a new conversation; started with a larger -c, or with /model "
           "NAME of a longer context, this one can go on.)"));
  }
}

Result<void> Conversation::draw_by_settings() {
  MANG_TRY(SamplingParams params, sampling_params(settings_.sampling, answerer_->loaded().text.generation));
  params.seed += retries_;
  answerer_->set_sampling(std::move(params));
  MANG_TRY(const ChatTemplate* page, answerer_->chat_template());
  MANG_TRY(request_.variables, think_variables(settings_, *page));
  return {};
}

Conversation::GoOn Conversation::ask(const std::string& text) {
  request_.messages.push_back({{"role", "user"}, {"content", text}});
  Stream stream(context_, options_.output);
  Result<AnswerRecord> answer = Error{};
  if (const Result<void> ready = draw_by_settings(); ready.ok()) {
    answer = answerer_->chat(request_, stream, context_);
  } else {
    answer = ready.error();
  }
  stream.end_line();
  if (!answer.ok()) {
    request_.messages.erase(request_.messages.size() - 1);
    print_error(answer.error());
    print_note(tr("(The message was taken back. /clear begins a new conversation.)"));
    return std::nullopt;
  }
  conclude(*answer, *answerer_, options_.output, stream, context_);
  if (answer->done.reason == FinishReason::cancelled && !take_interrupt()) return kExitInterrupted;
  used_tokens_ = answer->done.stats.prompt_tokens + answer->done.stats.generated_tokens;
  request_.messages.push_back(assistant_message(*answer));
  last_ = std::move(answer).value();
  history_.store(options_.output.model, request_.messages);
  if (!options_.output.json) say_context();
  print_error_line("");
  return std::nullopt;
}

Conversation::GoOn Conversation::on_command(const SlashLine& line) {
  switch (line.kind) {
    case Slash::set:
      change(line.argument);
      break;
    case Slash::show:
      show(line.argument);
      break;
    case Slash::model:
      return switch_model(line.argument);
    case Slash::save:
      save(line.argument);
      break;
    case Slash::load:
      load(line.argument);
      break;
    case Slash::clear:
      clear();
      break;
    case Slash::retry:
      return retry();
    case Slash::copy:
      copy();
      break;
    case Slash::receipt:
      receipt(line.argument);
      break;
    case Slash::help:
      fmt::print(stderr, "{}", slash_help(terminal_width(STDERR_FILENO)));
      break;
    case Slash::bye:
      return kExitOk;
  }
  return std::nullopt;
}

}  // namespace mang::cli
