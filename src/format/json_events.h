// JSON from outside as a stream of events, for headers and indexes with so many entries that a tree would cost too
// much memory and time. Include only in .cpp files: nlohmann's header is heavy to compile.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace mang {

inline constexpr size_t kJsonMaxTokenBytes = size_t{4} << 20;

// What costs nlohmann's lexer memory or misleads it: zero bytes (it takes one for the end of the text), and strings,
// numbers or blanks of more than kJsonMaxTokenBytes (it copies them whole, twice). Blanks at the end are legal.
Result<void> check_json_text(std::string_view text, std::string_view what);

// nlohmann's message without its number and without the raw bytes it quotes.
std::string json_complaint(std::string_view message);

// Derive from this and override what is expected; everything else is refused as a surprise. A handler that does not
// like an event returns refuse(fail("…")), which stops the parser. depth() counts the containers that are open around
// the event; skip() in a key() or start_…() handler passes over the whole value that follows.
class JsonEvents {
 public:
  using number_integer_t = int64_t;
  using number_unsigned_t = uint64_t;
  using number_float_t = double;
  using string_t = std::string;
  using binary_t = nlohmann::json::binary_t;

  virtual ~JsonEvents() = default;

  // Parses `text`; errors name `what`.
  Result<void> parse(std::string_view text, std::string_view what) {
    what_ = what;
    MANG_TRY(check_json_text(text, what));
    text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
    if (nlohmann::json::sax_parse(text.begin(), text.end(), this)) return {};
    return error_;
  }

  // What a format may override. `open` events come before the depth grows, `close` events after it has shrunk.
  virtual bool on_key(std::string&) { return surprise(Error{"a key"}); }
  virtual bool on_string(std::string&) { return surprise(Error{"a string"}); }
  virtual bool on_unsigned(uint64_t) { return surprise(Error{"a number"}); }
  virtual bool on_other() { return surprise(Error{"null, true, false, a negative number or a fraction"}); }
  virtual bool on_open_object() { return surprise(Error{"an object"}); }
  virtual bool on_close_object() { return true; }
  virtual bool on_open_array() { return surprise(Error{"a list"}); }
  virtual bool on_close_array() { return true; }

  // nlohmann's interface.
  bool null() {
    return value([&] { return on_other(); });
  }
  bool boolean(bool) {
    return value([&] { return on_other(); });
  }
  bool number_integer(int64_t) {
    return value([&] { return on_other(); });
  }
  bool number_unsigned(uint64_t n) {
    return value([&] { return on_unsigned(n); });
  }
  bool number_float(double, const std::string&) {
    return value([&] { return on_other(); });
  }
  bool string(std::string& s) {
    return value([&] { return on_string(s); });
  }
  bool binary(binary_t&) { return surprise(Error{"binary data"}); }
  bool key(std::string& k) { return skipping_ || on_key(k); }
  bool start_object(size_t) {
    return open([&] { return on_open_object(); });
  }
  bool end_object() {
    return close([&] { return on_close_object(); });
  }
  bool start_array(size_t) {
    return open([&] { return on_open_array(); });
  }
  bool end_array() {
    return close([&] { return on_close_array(); });
  }
  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception& e) {
    error_ = fail("{}: is not valid JSON at byte {}: {}.", what_, position, json_complaint(e.what()));
    return false;
  }

 protected:
  [[nodiscard]] int depth() const { return depth_; }
  [[nodiscard]] std::string_view what() const { return what_; }

  // From on_key(): the value that follows interests nobody.
  bool skip() {
    skipping_ = true;
    skip_depth_ = depth_;
    return true;
  }
  bool refuse(Error error) {
    error_ = std::move(error);
    return false;
  }
  bool surprise(const Error& found) { return refuse(fail("{}: {} stands where {}.", what_, found, wanted())); }
  // Completes "a number stands where …".
  [[nodiscard]] virtual Error wanted() const = 0;

 private:
  template <typename F>
  bool value(F&& use) {
    if (!skipping_) return use();
    if (depth_ == skip_depth_) skipping_ = false;
    return true;
  }
  template <typename F>
  bool open(F&& use) {
    if (depth_ >= kJsonMaxDepth) {
      return refuse(fail("{}: JSON nested more than {} levels deep is refused.", what_, kJsonMaxDepth));
    }
    if (!skipping_ && !use()) return false;
    ++depth_;
    return true;
  }
  template <typename F>
  bool close(F&& use) {
    --depth_;
    if (!skipping_) return use();
    if (depth_ == skip_depth_) skipping_ = false;
    return true;
  }

  std::string_view what_;
  Error error_;
  int depth_ = 0;
  bool skipping_ = false;
  int skip_depth_ = 0;
};

}  // namespace mang
