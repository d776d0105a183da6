#include "cli/out_of_memory.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>

#include "cli/context.h"
#include "cli/messages.h"

namespace mang::cli {
namespace {

// Whether it is memory that ended the program. A library that throws where it must not may leave nothing to look at but
// that something was thrown; ours throws nothing else.
bool for_want_of_memory() {
  try {
    if (const std::exception_ptr thrown = std::current_exception()) std::rethrow_exception(thrown);
  } catch (const std::bad_alloc&) {
    return true;
  } catch (...) {
    return false;
  }
  return std::uncaught_exceptions() > 0;
}

[[noreturn]] void end() {
  if (!for_want_of_memory()) std::abort();
  say_out_of_memory();
  ::_exit(kExitFailed);
}

}  // namespace

void say_out_of_memory() noexcept {
  const auto tr = [](std::string_view english) noexcept {
    try {
      return translate(english);
    } catch (const std::bad_alloc&) {
      return english;
    }
  };
  const std::string_view text =
      tr("mang: there is not enough memory. Close other programs, or ask for less: a smaller model, a shorter context "
         "(-c), a smaller --chunk.");
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fputc('\n', stderr);
}

void end_clearly_without_memory() { std::set_terminate(end); }

}  // namespace mang::cli
