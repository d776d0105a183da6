// What the commands of a conversation do.
#include <unistd.h>

#include <ctime>

#include "base/units.h"
#include "cli/attachments.h"
#include "cli/clipboard.h"
#include "cli/conversation.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/model_ref.h"
#include "cli/page.h"
#include "cli/receipts.h"
#include "text/display_width.h"
#include "text/unicode.h"

namespace mang::cli {
namespace {

// The first word, and what follows it.
std::pair<std::string, std::string> split_word(const std::string& text) {
  const size_t end = std::min(text.find_first_of(" \t\r\n"), text.size());
  const size_t rest = std::min(text.find_first_not_of(" \t\r\n", end), text.size());
  return {text.substr(0, end), text.substr(rest)};
}

// "2026-11-22 14:05" by the user's clock.
std::string local_time(int64_t unix_time) {
  const auto time = static_cast<std::time_t>(unix_time);
  std::tm parts = {};
  char text[32] = "";
  if (::localtime_r(&time, &parts)) std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &parts);
  return text;
}

// The beginning of a text that fits a line of the terminal; width 0: all of it.
std::string cut_to(const std::string& text, size_t width) {
  if (width == 0 || display_width(text) < width) return text;
  std::string out;
  size_t columns = 0;
  for (const char* p = text.data();;) {
    const Decoded c = decode_utf8(p, text.data() + text.size());
    columns += display_width(c.value);
    if (columns + 2 > width) return out + "…";
    out.append(p, c.length);
    p += c.length;
  }
}

void print_page(const Page& page) {
  const std::string& text = page.text();
  print_error_line(text.substr(0, text.empty() ? 0 : text.size() - 1));
}

}  // namespace

void Conversation::change(const std::string& argument) {
  if (argument.empty()) return show_settings();
  const auto [name, value] = split_word(argument);
  const std::string system = settings_.system;
  ChatSettings changed = settings_;
  Result<void> outcome = change_setting(changed, name, value);
  if (const Result<const ChatTemplate*> page = answerer_->chat_template(); outcome.ok() && page.ok()) {
    if (const Result<Json> think = think_variables(changed, **page); !think.ok()) outcome = think.error();
  }
  if (!outcome.ok()) return print_error(outcome.error());
  settings_ = std::move(changed);
  if (settings_.system != system) {
    if (!request_.messages.empty() && request_.messages[0]["role"] == "system") request_.messages.erase(0);
    if (!settings_.system.empty()) {
      request_.messages.insert(request_.messages.begin(), Json{{"role", "system"}, {"content", settings_.system}});
    }
  }
  print_note(tr("(From the next answer on.)"));
}

void Conversation::show_settings() const {
  const Result<SamplingParams> params = sampling_params(settings_.sampling, answerer_->loaded().text.generation);
  if (!params.ok()) return print_error(params.error());
  Page page(2, 22, terminal_width(STDERR_FILENO));
  for (const auto& [name, value] : setting_rows(settings_, *params)) page.row(name, value);
  print_page(page);
}

void Conversation::show_context() const {
  const int64_t context = answerer_->engine().context();
  Page page(2, 22, terminal_width(STDERR_FILENO));
  page.row(tr("context"), say("{} of {} tokens used by the last answer and what was before it", used_tokens_, context));
  page.row(tr("messages"), fmt::format("{}", request_.messages.size()));
  page.row(tr("KV cache"), say("{}, {}", kv_type_name(answerer_->kv_type()),
                               human_bytes(static_cast<uint64_t>(answerer_->engine().kv_bytes()))));
  print_page(page);
}

void Conversation::show(const std::string& what) const {
  const LoadedModel& loaded = answerer_->loaded();
  if (what == "template") {
    return print_error_line(loaded.text.templates.empty() ? tr("mang: this model has no chat template.")
                                                          : loaded.text.templates.front().text);
  }
  if (what == "settings") return show_settings();
  if (what == "context") return show_context();
  if (!what.empty() && what != "model") {
    return print_note(say("mang: /show {}: there are model, settings, context and template.", what));
  }
  const ModelInfo& info = loaded.model->info();
  std::string types;
  for (const auto& [name, bytes] : loaded.description.types)
    types += fmt::format("{}{} {}", types.empty() ? "" : ", ", name, human_bytes(bytes));
  Page page(2, 22, terminal_width(STDERR_FILENO));
  page.row(tr("model"), options_.output.model);
  page.row(tr("file"), loaded.description.path);
  page.row(tr("architecture"), say("{}, {} parameters", info.architecture, human_count(info.parameters)));
  page.row(tr("weights"), types);
  print_page(page);
  if (!what.empty()) return;
  show_context();
  show_settings();
}

// The old model goes before the new one comes: two may not fit into memory. Where the new one cannot be loaded the old
// one is loaded again.
Conversation::GoOn Conversation::switch_model(const std::string& name) {
  if (name.empty()) {
    print_note(say("mang: this is {}. /model NAME goes on with another; 'mang list' names those that are here.",
                   options_.output.model));
    return std::nullopt;
  }
  const Result<ModelRef> found = resolve_model(name, context_);
  const std::string before = answerer_->loaded().description.path;
  Result<ModelDescription> fits = Error{};
  if (found.ok()) fits = describe_model(found->path);
  if (!found.ok() || !fits.ok() || !fits->info) {
    print_error(!found.ok() ? found.error() : !fits.ok() ? fits.error() : *fits->problem);
    print_note(say("(The conversation goes on with {}.)", options_.output.model));
    return std::nullopt;
  }
  last_.reset();
  answerer_.reset();
  Result<Answerer> opened = Answerer::open(found->path, options_.answer, context_);
  const bool switched = opened.ok();
  if (!switched) {
    print_error(opened.error());
    opened = Answerer::open(before, options_.answer, context_);
  }
  if (!opened.ok()) {
    print_error(opened.error());
    return kExitFailed;
  }
  answerer_.emplace(std::move(opened).value());
  used_tokens_ = 0;
  if (switched) options_.output.model = name;
  print_note(say("(The conversation goes on with {}.)", options_.output.model));
  return std::nullopt;
}

const std::string* Conversation::last_answer() const {
  if (request_.messages.empty() || request_.messages.back()["role"] != "assistant") return nullptr;
  return request_.messages.back()["content"].get_ptr<const std::string*>();
}

Conversation::GoOn Conversation::retry() {
  if (!last_answer()) {
    print_error_line(tr("mang: there is no answer yet to try again."));
    return std::nullopt;
  }
  const Json question = request_.messages[request_.messages.size() - 2];
  const Json answer = request_.messages.back();
  if (answerer_->sampling().temperature == 0 && answerer_->sampling().seed == 0) {
    print_note(tr("(At temperature 0 the answer is always the same one; '/set temperature 0.8' lets it differ.)"));
  }
  request_.messages.erase(request_.messages.size() - 1);
  request_.messages.erase(request_.messages.size() - 1);
  ++retries_;
  const size_t size = request_.messages.size();
  const GoOn end = ask(question["content"].get<std::string>());
  if (request_.messages.size() == size) {  // it failed: as it was
    request_.messages.push_back(question);
    request_.messages.push_back(answer);
  }
  return end;
}

void Conversation::copy() const {
  const std::string* answer = last_answer();
  if (!answer) return print_note(tr("mang: there is no answer yet to copy."));
  print_note(copy_to_clipboard(*answer, context_.environment));
}

void Conversation::receipt(const std::string& path) {
  if (path.empty()) return print_note(tr("mang: /receipt FILE: which file is it to be written to?"));
  if (!last_)
    return print_note(tr("mang: there is no answer of this conversation and model yet to write a receipt of."));
  Result<void> written = check_receipt_path(path);
  if (written.ok()) written = write_receipt(path, *last_, *answerer_, options_.output.model, context_);
  if (!written.ok()) {
    take_interrupt();
    return print_error(written.error());
  }
  print_note(say("(Written: 'mang replay {}' checks it, on any machine that has the model.)", path));
}

void Conversation::save(const std::string& name) {
  if (name.empty()) return print_note(tr("mang: /save NAME: which name is it to have?"));
  if (!last_answer()) return print_note(tr("mang: there is nothing to keep yet."));
  const Result<void> named = history_.name(name, options_.output.model, request_.messages);
  if (!named.ok()) return print_error(named.error());
  print_note(say("(Kept as '{}': 'mang run --resume={}' goes on with it.)", name, name));
}

void Conversation::list_conversations() {
  const Result<std::vector<StoredConversation>> recent = history_.recent();
  if (!recent.ok()) return print_error(recent.error());
  if (recent->empty()) return print_note(tr("(No conversation is kept yet.)"));
  for (const StoredConversation& each : *recent) {
    const std::string name = each.name.empty() ? "" : "[" + each.name + "] ";
    const std::string line = fmt::format("  {:>4}  {}  {}{}", each.id, local_time(each.updated), name, each.title);
    print_error_line(cut_to(line, terminal_width(STDERR_FILENO)));
  }
  print_note(tr("(/load with a name or a number goes on with one of them.)"));
}

void Conversation::load(const std::string& name) {
  if (name.empty()) return list_conversations();
  const Result<Resumed> resumed = history_.resume(name);
  if (!resumed.ok()) return print_error(resumed.error());
  take_up(resumed->messages);
}

void Conversation::take_up(const Json& messages) {
  request_ = new_conversation("");
  request_.messages = messages;
  last_.reset();
  settings_.system.clear();
  used_tokens_ = 0;
  retries_ = 0;
  std::string asked;
  size_t count = 0;
  for (const Json& message : messages) {
    if (message["role"] == "system") {
      settings_.system = message["content"].get<std::string>();
    } else {
      ++count;
    }
    if (message["role"] == "user") asked = message["content"].get<std::string>();
  }
  print_note(say("(Going on after {} messages. The last question and its answer were:)", count));
  print_error_line("> " + std::string(without_files(asked)));
  if (const std::string* answer = last_answer(); answer && !answer->empty() && !options_.output.json) {
    Stream stream(context_, options_.output);
    (void)stream.on_text(*answer);
    stream.end_line();
  }
  print_error_line("");
}

void Conversation::clear() {
  history_.begin_anew();
  request_ = new_conversation(settings_.system);
  last_.reset();
  used_tokens_ = 0;
  retries_ = 0;
  print_note(tr("(A new conversation.)"));
}

}  // namespace mang::cli
