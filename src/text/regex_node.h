// The syntax tree of a regular expression, between text/regex_parse.cpp and text/regex_compile.cpp.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/regex.h"

namespace mang::regex_detail {

struct Node {
  enum class Kind { kEmpty, kSet, kSequence, kChoice, kRepeat, kAssert, kLook, kAtomic };
  Kind kind = Kind::kEmpty;
  CharSet set;                                            // kSet; kAssert of one character
  std::vector<Node> parts;                                // kSequence, kChoice; one for kRepeat, kLook, kAtomic
  uint32_t min = 0;                                       // kRepeat
  uint32_t max = 0;                                       // UINT32_MAX: no limit
  Instruction::Mode mode = Instruction::Mode::kGreedy;    // kRepeat
  Instruction::Assert assertion = Instruction::Assert::kTextEnd;
  bool negate = false;                                    // kLook
};

Result<Node> parse(std::string_view pattern);

}  // namespace mang::regex_detail
