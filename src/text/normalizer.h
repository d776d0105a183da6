// The normalizer steps of a spec, made runnable.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/charsmap.h"
#include "text/regex.h"
#include "text/tokenizer_spec.h"

namespace mang {

class Normalizer {
 public:
  static Result<Normalizer> build(const std::vector<NormalizerStep>& steps);

  // The normalized text: `text` itself where nothing changes, else a view into one of the buffers. `origin`: how many
  // bytes at the front belong to the first character of the original text, 0 where the text is not at its beginning;
  // followed through all changes (text/origin_tracker.h).
  std::string_view apply(std::string_view text, std::string& a, std::string& b, size_t& origin) const;
  [[nodiscard]] bool empty() const { return steps_.empty(); }

 private:
  struct Step {
    NormalizerStep spec;
    std::optional<Regex> regex;
    std::optional<Charsmap> charsmap;
  };
  // False: the text stays as it is. Else `out` (empty at first) has what it becomes.
  static bool run(const Step& step, std::string_view text, size_t& origin, std::string& out);
  std::vector<Step> steps_;
};

// Every match of the pattern becomes `content`. The result is appended to `out`; `origin` is as above.
void replace_matches(std::string_view text, const Regex& regex, std::string_view content, std::string& out,
                     size_t& origin);
void replace_string(std::string_view text, std::string_view pattern, std::string_view content, std::string& out,
                    size_t& origin);
void replace_matches(std::string_view text, const Regex& regex, std::string_view content, std::string& out);
void replace_string(std::string_view text, std::string_view pattern, std::string_view content, std::string& out);

}  // namespace mang
