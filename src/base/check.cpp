#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace mang {

void check_failed(const char* file, int line, const char* what) {
  std::fprintf(stderr, "mang: internal error at %s:%d: %s does not hold. Please report this.\n", file, line, what);
  std::abort();
}

}  // namespace mang
