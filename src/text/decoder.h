// The decoder steps of a spec as a chain that works piece by piece, so that decoding a stream and decoding at once are
// the same code. Each step takes the tokens' texts in order and hands on what is certain.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/regex.h"
#include "text/tokenizer_spec.h"

namespace mang {

class DecoderChain {
 public:
  // What one stream has been through; a new one for each stream.
  struct StepState {
    std::string pending;    // bytes, or characters that a Strip may still drop
    uint64_t pieces = 0;    // seen so far
    uint32_t stripped = 0;  // at the front of the fused text
    bool open = true;       // the front has not ended yet
  };
  using State = std::vector<StepState>;

  static Result<DecoderChain> build(const std::vector<DecoderStep>& steps, bool has_decoder);

  [[nodiscard]] State start() const { return State(steps_.size() + 1); }
  void feed(std::string_view token, State& state, std::string& out) const { run(0, token, state, out); }
  void finish(State& state, std::string& out) const;

  // The bytes a token stands for in the middle of a text.
  [[nodiscard]] std::string bytes_of(std::string_view token) const;

 private:
  struct Step {
    DecoderStep spec;
    std::optional<Regex> regex;
    bool fused = false;  // pieces are parts of one text
  };
  void run(size_t step, std::string_view piece, State& state, std::string& out) const;
  void flush_bytes(size_t step, State& state, std::string& out) const;
  void strip_fused(size_t step, std::string_view piece, State& state, std::string& out) const;
  static std::string replaced(const Step& step, std::string_view piece);

  std::vector<Step> steps_;
  bool has_decoder_ = true;
};

}  // namespace mang
