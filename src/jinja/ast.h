// A parsed template. Nodes are uniform (a kind, children, a name), so that the passes over them stay short.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "jinja/object.h"

namespace mang::jinja {

struct FilterEntry;  // filters.h: the built-in filters and tests
struct Expr;
struct Stmt;
using ExprPtr = std::unique_ptr<Expr>;
using StmtPtr = std::unique_ptr<Stmt>;
using Body = std::vector<StmtPtr>;

// Where a variable lives: `hops` functions outwards, place `index` in that function's variables.
struct Slot {
  uint16_t hops = 0;
  uint16_t index = 0;
};

// What a literal says. A Value cannot stand here: its reference count belongs to one thread.
struct BigLiteral {
  std::string digits;
};
using Literal = std::variant<std::monostate, bool, int64_t, double, std::string, BigLiteral>;

enum class Compare : uint8_t { eq, ne, lt, le, gt, ge, in, not_in };

struct Expr {
  enum class Kind : uint8_t {
    literal,
    name,
    namespace_ref,  // a.b as a target: name, attribute
    tuple,
    list,
    dict,       // key, value, key, value …
    attribute,  // kids[0].text
    item,       // kids[0][kids[1]]
    slice,      // of kids[0]; start, stop, step may be null
    call,       // kids[0](arguments)
    filter,     // kids[0] | text(arguments); kids[0] null: a filter block's content
    test,       // kids[0] is text(arguments)
    negative,
    positive,
    logical_not,
    add,
    subtract,
    multiply,
    divide,
    floor_divide,
    modulo,
    power,
    logical_and,
    logical_or,
    concat,
    compare,      // kids[0] compares[0] kids[1] compares[1] …
    conditional,  // kids[0] if kids[1] else kids[2] (may be null)
  };
  enum class Use : uint8_t { load, store, parameter };

  Kind kind;
  Use use = Use::load;
  int line;
  int height = 1;
  std::vector<ExprPtr> kids;
  std::string text;       // name, attribute, filter
  std::string attribute;  // of a namespace_ref
  Literal literal;
  std::vector<Compare> compares;
  // Arguments follow kids[0]: `positional` of them, then one for each keyword, then * and ** if there.
  uint32_t positional = 0;
  std::vector<std::string> keywords;
  bool star = false, star_star = false;
  bool folded_base = false;  // of a power: the base is computed when jinja2 compiles, the power is not

  Slot slot;                             // set by the resolver
  uint32_t constant = 0;                 // place in the render's constants
  const FilterEntry* builtin = nullptr;  // filter, test; null: unknown, an error if it is ever reached

  Expr(Kind k, int l) : kind(k), line(l) {}
  void add_kid(ExprPtr kid) {
    if (kid && kid->height >= height) height = kid->height + 1;
    kids.push_back(std::move(kid));
  }
  [[nodiscard]] ExprPtr clone() const;
};

// A variable given its first value when a scope is entered.
struct Load {
  enum class From : uint8_t { context, alias, nothing };
  From from;
  uint16_t index;    // in the running function
  Slot source;       // alias
  std::string name;  // context
};

// What a scope does when it is entered, and which variables it forgets when it is left.
struct Scope {
  std::vector<Load> loads;
  std::vector<uint16_t> forget;
};

struct Parameter {
  std::string name;
  uint16_t index = 0;
  ExprPtr default_value;  // null: none
};

// A macro or the body of a call block: a function of its own.
struct MacroInfo {
  std::string name;  // empty: a call block's caller
  int line = 0;
  std::vector<Parameter> parameters;
  bool uses_caller = false, uses_kwargs = false, uses_varargs = false;
  bool explicit_caller = false;
  uint16_t caller_index = 0, kwargs_index = 0, varargs_index = 0;
  uint16_t slots = 0;
  Scope scope;
  Body body;
};

struct Branch {
  int line = 0;
  ExprPtr test;  // null: else
  Body body;
};

struct LoopInfo {
  ExprPtr target, iterable, test;
  Body body, otherwise;
  bool recursive = false;
  // Set by the resolver.
  bool has_loop = false;  // the body reads `loop`
  uint16_t loop_index = 0;
  Scope scope, otherwise_scope;
  ExprPtr test_target;  // the target inside the filtering function
  Scope test_scope;
  uint16_t test_slots = 0;  // variables of the filtering function
  uint16_t slots = 0;       // recursive: variables of the loop's function
};

struct Stmt {
  enum class Kind : uint8_t {
    output,  // data and expressions, in order
    if_,
    for_,
    macro,
    call_block,    // exprs[0] is the call; macro: the body
    generation,    // {% generation %}: a call block whose callee only renders it
    filter_block,  // exprs[0] is the filter
    set,           // exprs: target, value
    set_block,     // exprs: target, filter (may be null)
    with,          // exprs: target, value, target, value …
    autoescape,    // exprs[0]
    block,
    refuse,  // include, import, extends: `text` says which
    break_,
    continue_,
  };
  struct Part {  // of an output
    std::string data;
    ExprPtr expr;  // null: data
  };

  Kind kind;
  int line;
  std::vector<Part> parts;
  std::vector<ExprPtr> exprs;
  std::vector<Branch> branches;
  Body body;
  std::unique_ptr<LoopInfo> loop;
  std::unique_ptr<MacroInfo> macro;
  std::string text;  // of a refuse; a block's name
  bool scoped = false, required = false;

  Scope scope;  // filter_block, set_block, with, autoescape
  Slot slot;    // macro: where it is stored
  std::vector<std::pair<std::string, Slot>>
      exports;  // names a top-level assignment shows to blocks; a scoped block's variables

  Stmt(Kind k, int l) : kind(k), line(l) {}
};

struct BlockInfo {
  std::string name;
  const Stmt* statement;
  uint16_t slots = 0;
  std::optional<uint16_t> self_index, super_index;
  Scope scope;
};

// A template ready to render.
struct Program {
  std::string name;
  Body body;
  std::vector<const Expr*> constants;  // literals, by Expr::constant
  std::vector<BlockInfo> blocks;
  std::optional<uint16_t> self_index;
  Scope scope;
  uint16_t slots = 0;
};

}  // namespace mang::jinja
