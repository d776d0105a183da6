// `mang run` at a terminal without a prompt: turn by turn until Ctrl-D or /bye.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "chat/template.h"
#include "cli/chat_settings.h"
#include "cli/history.h"
#include "cli/keyboard.h"
#include "cli/run_output.h"
#include "cli/slash_commands.h"

namespace mang::cli {

// A conversation of nothing but the system message, if there is one; the date is now.
ChatRequest new_conversation(const std::string& system);

// A sentence to the user between messages, in the terminal's width.
void print_note(const std::string& text);

// The answer as the next request and the database have it: the template decides what of the reasoning it repeats.
Json assistant_message(const AnswerRecord& record);

struct ConversationOptions {
  std::string system;
  AnswerOptions answer;
  RunOutput output;
  Json resumed = Json::array();  // messages of an earlier conversation to go on with
};

class Conversation {
 public:
  Conversation(Answerer answerer, ConversationOptions options, History history, Context& context);

  // Ctrl-C stops an answer and the conversation goes on; an answer that fails leaves it as it was. Returns the exit
  // code.
  Result<int> run();

 private:
  // False: the program ends, with this exit code.
  using GoOn = std::optional<int>;
  GoOn on_line(const std::string& text);
  GoOn ask(const std::string& text);
  GoOn on_command(const SlashLine& line);

  // conversation_commands.cpp
  void change(const std::string& argument);
  void show(const std::string& what) const;
  GoOn switch_model(const std::string& name);
  GoOn retry();
  void copy() const;
  void receipt(const std::string& path);
  void clear();
  void save(const std::string& name);
  void load(const std::string& name);
  void list_conversations();
  // Goes on with these messages.
  void take_up(const Json& messages);

  // The sampling in force for the next answer.
  Result<void> draw_by_settings();
  void say_context() const;
  void show_settings() const;
  void show_context() const;
  [[nodiscard]] const std::string* last_answer() const;  // null: there is none

  Context& context_;
  ConversationOptions options_;
  ChatSettings settings_;
  std::optional<Answerer> answerer_;  // always there, but while the model is switched
  ChatRequest request_;
  Keyboard keyboard_;
  History history_;
  int64_t used_tokens_ = 0;           // of the context, by the last answer
  uint64_t retries_ = 0;              // of the last message
  std::optional<AnswerRecord> last_;  // answer of this model in this conversation, for its receipt
};

}  // namespace mang::cli
