#include <algorithm>

#include "text/regex_node.h"

namespace mang::regex_detail {

namespace {

using Kind = Node::Kind;
using Op = Instruction::Op;
using Mode = Instruction::Mode;

constexpr size_t kMaxPattern = 16384;  // bytes
constexpr size_t kMaxCode = 8192;
constexpr uint32_t kNoLimit = UINT32_MAX;

bool may_be_empty(const Node& node) {
  const auto empty = [](const Node& part) { return may_be_empty(part); };
  switch (node.kind) {
    case Kind::kSet: return false;
    case Kind::kSequence: return std::all_of(node.parts.begin(), node.parts.end(), empty);
    case Kind::kChoice: return std::any_of(node.parts.begin(), node.parts.end(), empty);
    case Kind::kRepeat: return node.min == 0 || may_be_empty(node.parts[0]);
    case Kind::kAtomic: return may_be_empty(node.parts[0]);
    case Kind::kEmpty:
    case Kind::kAssert:
    case Kind::kLook: return true;
  }
  return true;
}

// The characters a non-empty match can begin with.
CharSet first_of(const Node& node) {
  CharSet out;
  switch (node.kind) {
    case Kind::kSet: return node.set;
    case Kind::kChoice:
      for (const Node& part : node.parts) out = out.united(first_of(part));
      return out;
    case Kind::kSequence:
      for (const Node& part : node.parts) {
        out = out.united(first_of(part));
        if (!may_be_empty(part)) break;
      }
      return out;
    case Kind::kRepeat:
    case Kind::kAtomic: return first_of(node.parts[0]);
    case Kind::kEmpty:
    case Kind::kAssert:
    case Kind::kLook: return out;
  }
  return out;
}

const Node& unwrapped(const Node& node) {
  const bool single = node.kind == Kind::kSequence && node.parts.size() == 1;
  return single ? unwrapped(node.parts[0]) : node;
}

class Compiler {
 public:
  Result<Program> compile(const Node& root) {
    MANG_TRY(emit(root));
    add({.op = Op::kMatch});
    program_.may_be_empty = may_be_empty(root);
    program_.first = first_of(root);
    return std::move(program_);
  }

 private:
  uint32_t add(Instruction instruction) {
    program_.code.push_back(instruction);
    return static_cast<uint32_t>(program_.code.size() - 1);
  }
  [[nodiscard]] uint32_t here() const { return static_cast<uint32_t>(program_.code.size()); }
  uint32_t add_set(const CharSet& set) {
    for (size_t i = 0; i < program_.sets.size(); ++i) {
      if (program_.sets[i].ranges() == set.ranges()) return static_cast<uint32_t>(i);
    }
    program_.sets.push_back(set);
    return static_cast<uint32_t>(program_.sets.size() - 1);
  }
  uint32_t add_split() { return add({.op = Op::kSplit, .slot = program_.splits++}); }

  Result<void> emit(const Node& node) {
    if (program_.code.size() > kMaxCode) return fail("the pattern is too long.");
    switch (node.kind) {
      case Kind::kEmpty: return {};
      case Kind::kSet: add({.op = Op::kSet, .set = add_set(node.set)}); return {};
      case Kind::kSequence:
        for (const Node& part : node.parts) {
          MANG_TRY(emit(part));
        }
        return {};
      case Kind::kChoice: return emit_choice(node);
      case Kind::kRepeat: return emit_repeat(node);
      case Kind::kAssert:
        add({.op = Op::kAssert, .assertion = node.assertion, .set = add_set(node.set)});
        return {};
      case Kind::kLook: {
        const uint32_t at = add({.op = Op::kLook, .negate = node.negate});
        return emit_body(at, node.parts[0]);
      }
      case Kind::kAtomic: {
        const uint32_t at = add({.op = Op::kAtomic});
        return emit_body(at, node.parts[0]);
      }
    }
    return {};
  }

  // A part that runs as a match of its own.
  Result<void> emit_body(uint32_t at, const Node& body) {
    MANG_TRY(emit(body));
    add({.op = Op::kMatch});
    program_.code[at].target = here();
    return {};
  }

  Result<void> emit_choice(const Node& node) {
    std::vector<uint32_t> ends;
    for (size_t i = 0; i < node.parts.size(); ++i) {
      const bool last = i + 1 == node.parts.size();
      const uint32_t split = last ? 0 : add_split();
      if (!last) program_.code[split].target = here();
      MANG_TRY(emit(node.parts[i]));
      if (last) break;
      ends.push_back(add({.op = Op::kJump}));
      program_.code[split].other = here();
    }
    for (uint32_t end : ends) program_.code[end].target = here();
    return {};
  }

  Result<void> emit_repeat(const Node& node) {
    const Node& body = unwrapped(node.parts[0]);
    if (body.kind == Kind::kSet) {
      add({.op = Op::kLoop, .mode = node.mode, .set = add_set(body.set), .min = node.min, .max = node.max,
           .slot = program_.loops++});
      return {};
    }
    if (node.mode == Mode::kPossessive) {
      const uint32_t at = add({.op = Op::kAtomic});
      MANG_TRY(emit_copies(node, body, Mode::kGreedy));
      add({.op = Op::kMatch});
      program_.code[at].target = here();
      return {};
    }
    return emit_copies(node, body, node.mode);
  }

  Result<void> emit_copies(const Node& node, const Node& body, Mode mode) {
    if (node.max == kNoLimit && may_be_empty(body)) return fail("repeating a part that may be empty is not supported.");
    for (uint32_t i = 0; i < node.min; ++i) {
      MANG_TRY(emit(body));
    }
    const auto branch = [&](uint32_t split, uint32_t inside, uint32_t outside) {
      program_.code[split].target = mode == Mode::kLazy ? outside : inside;
      program_.code[split].other = mode == Mode::kLazy ? inside : outside;
    };
    if (node.max == kNoLimit) {
      const uint32_t split = add_split();
      MANG_TRY(emit(body));
      add({.op = Op::kJump, .target = split});
      branch(split, split + 1, here());
      return {};
    }
    std::vector<uint32_t> splits;
    for (uint32_t i = node.min; i < node.max; ++i) {
      splits.push_back(add_split());
      MANG_TRY(emit(body));
    }
    for (uint32_t split : splits) branch(split, split + 1, here());
    return {};
  }

  Program program_;
};

}  // namespace

Result<Program> compile(std::string_view pattern) {
  if (pattern.size() > kMaxPattern) return fail("a regular expression of {} bytes is refused.", pattern.size());
  auto root = parse(pattern);
  if (!root) return fail("the regular expression '{}': {}", pattern, root.error());
  Compiler compiler;
  auto program = compiler.compile(*root);
  if (!program) return fail("the regular expression '{}': {}", pattern, program.error());
  return program;
}

}  // namespace mang::regex_detail
