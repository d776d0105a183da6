// CHECK: for our own bugs, never for bad input. A failed check prints where and what, then aborts.
// Bad input travels as Result<T> (base/result.h).
#pragma once

namespace mang {

[[noreturn]] void check_failed(const char* file, int line, const char* what);

}  // namespace mang

#define MANG_CHECK(condition) \
  (static_cast<bool>(condition) ? void(0) : ::mang::check_failed(__FILE__, __LINE__, #condition))
