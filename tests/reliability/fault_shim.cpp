// Preloaded into the program under test (LD_PRELOAD): makes one call of the system, or every one from then on, fail.
// It counts from the moment main() begins, and only calls that the program itself makes, not those of its libraries
// among themselves, unless told otherwise.
//
//   MANG_FAULT="KINDS N HOW ERRNO SCOPE"   KINDS: names below, joined by commas; N: from 1, 0 only counts;
//                                          HOW: once, onward, short (half of the bytes, once); SCOPE: program or all
//   MANG_FAULT_REPORT=FILE                 at the end of the program: how many calls there were, how many failed, who
//                                          made the first that did, which descriptors are still open, and whether
//                                          it ended at once (_exit)
//
// Under AddressSanitizer it is loaded before the sanitizer's library and hands calls on to it.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

// What may fail, in the order of the bits.
constexpr const char* kKinds[] = {"memory", "mmap",   "read",  "write",    "pread",  "pwrite",  "open",
                                  "fsync",  "rename", "stat",  "truncate", "mkdir",  "symlink", "unlink",
                                  "flock",  "create", "pipe",  "readdir",  "socket", "connect", "receive",
                                  "send",   "thread", "chmod", "close"};
enum Kind : unsigned {
  kMemory,
  kMmap,
  kRead,
  kWrite,
  kPread,
  kPwrite,
  kOpen,
  kFsync,
  kRename,
  kStat,
  kTruncate,
  kMkdir,
  kSymlink,
  kUnlink,
  kFlock,
  kCreate,
  kPipe,
  kReaddir,
  kSocket,
  kConnect,
  kReceive,
  kSend,
  kThread,
  kChmod,
  kClose,
  kKindCount
};
static_assert(sizeof(kKinds) / sizeof(*kKinds) == kKindCount);

enum class Strike { no, fail, shorten };

Kind kind_of(int open_flags) { return (open_flags & O_CREAT) != 0 ? kCreate : kOpen; }

struct Plan {
  uint32_t kinds = 0;
  uint64_t nth = 0;
  bool onward = false;
  bool shorten = false;
  bool all = false;
  int error = 0;
  char report[512] = "";
};

Plan plan;
std::atomic<bool> armed{false};
std::atomic<uint64_t> calls{0}, struck{0};
std::atomic<void*> first_caller{nullptr};
// Addresses of the program's own code, and of the C++ library, which works on the program's behalf.
constexpr int kMostRanges = 16;
uintptr_t ranges[kMostRanges][2];
int range_count = 0;
thread_local int depth __attribute__((tls_model("initial-exec"))) = 0;

// While one is alive, calls are the shim's own or part of a call already counted.
struct Inside {
  Inside() { ++depth; }
  ~Inside() { --depth; }
};

template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

int remember_ranges(dl_phdr_info* info, size_t, void*) {
  const bool ours = info->dlpi_name[0] == '\0' || std::strstr(info->dlpi_name, "libstdc++") != nullptr;
  for (int i = 0; ours && i < info->dlpi_phnum && range_count < kMostRanges; ++i) {
    const auto& part = info->dlpi_phdr[i];
    if (part.p_type != PT_LOAD || (part.p_flags & PF_X) == 0) continue;
    ranges[range_count][0] = info->dlpi_addr + part.p_vaddr;
    ranges[range_count++][1] = info->dlpi_addr + part.p_vaddr + part.p_memsz;
  }
  return 0;
}

bool is_ours(void* caller) {
  if (plan.all) return true;
  const auto at = reinterpret_cast<uintptr_t>(caller);
  for (int i = 0; i < range_count; ++i) {
    if (at >= ranges[i][0] && at < ranges[i][1]) return true;
  }
  return false;
}

Strike strike(Kind kind, void* caller) {
  if (!armed.load(std::memory_order_relaxed) || depth > 0 || (plan.kinds >> kind & 1) == 0 || !is_ours(caller)) {
    return Strike::no;
  }
  const uint64_t n = ++calls;
  if (plan.nth == 0 || n < plan.nth || (n > plan.nth && !plan.onward)) return Strike::no;
  if (struck++ == 0) first_caller = caller;
  errno = plan.error;
  return plan.shorten ? Strike::shorten : Strike::fail;
}

char text[16384];  // of the report

void append(char* to, size_t size, const char* format, ...) {
  const size_t used = std::strlen(to);
  va_list list;
  va_start(list, format);
  std::vsnprintf(to + used, size - used, format, list);
  va_end(list);
}

void report() {
  if (!armed.exchange(false) || plan.report[0] == '\0') return;
  Dl_info where{};
  if (first_caller != nullptr) ::dladdr(first_caller, &where);
  append(text, sizeof text, "calls %llu\nstruck %llu\ncaller %s %s\n", static_cast<unsigned long long>(calls),
         static_cast<unsigned long long>(struck), where.dli_fname ? where.dli_fname : "-",
         where.dli_sname ? where.dli_sname : "-");
  for (int fd = 3; fd < 256; ++fd) {
    char link[64], target[1024];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n = ::readlink(link, target, sizeof target - 1);
    if (n <= 0) continue;
    target[n] = '\0';
    append(text, sizeof text, "open %s\n", target);
  }
  const long fd = ::syscall(SYS_openat, AT_FDCWD, plan.report, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd < 0) return;
  (void)!::syscall(SYS_write, fd, text, std::strlen(text));
  ::syscall(SYS_close, fd);
}

// Reads the plan, and takes it out of the environment: programs that are started from here run as always.
void arm() {
  const char* text = std::getenv("MANG_FAULT");
  if (text == nullptr) return;
  char kinds[512] = "", how[16] = "", scope[16] = "";
  unsigned long long nth = 0;
  if (std::sscanf(text, "%511s %llu %15s %d %15s", kinds, &nth, how, &plan.error, scope) != 5) ::abort();
  plan.nth = nth;
  plan.onward = std::strcmp(how, "onward") == 0;
  plan.shorten = std::strcmp(how, "short") == 0;
  plan.all = std::strcmp(scope, "all") == 0;
  for (char *save = nullptr, *name = ::strtok_r(kinds, ",", &save); name; name = ::strtok_r(nullptr, ",", &save)) {
    unsigned kind = 0;
    while (kind < kKindCount && std::strcmp(kKinds[kind], name) != 0) ++kind;
    if (kind == kKindCount) ::abort();
    plan.kinds |= 1U << kind;
  }
  if (const char* to = std::getenv("MANG_FAULT_REPORT")) std::snprintf(plan.report, sizeof plan.report, "%s", to);
  for (const char* name : {"MANG_FAULT", "MANG_FAULT_REPORT", "LD_PRELOAD"}) ::unsetenv(name);
  ::dl_iterate_phdr(remember_ranges, nullptr);
  armed = true;
}

using Main = int(int, char**, char**);
Main* real_main = nullptr;

int main_with_faults(int argc, char** argv, char** environment) {
  arm();
  const int code = real_main(argc, argv, environment);
  report();
  return code;
}

}  // namespace

#define CALLER __builtin_return_address(0)
#define REAL(name) static auto* const real = next<decltype(::name)>(#name)

extern "C" {

int __libc_start_main(Main* main, int argc, char** argv, void (*init)(), void (*fini)(), void (*rtld_fini)(),
                      void* stack_end) {
  using Start = int(Main*, int, char**, void (*)(), void (*)(), void (*)(), void*);
  real_main = main;
  return next<Start>("__libc_start_main")(main_with_faults, argc, argv, init, fini, rtld_fini, stack_end);
}

// The program ends where it is, without giving anything back.
void _exit(int code) {
  if (armed.load()) append(text, sizeof text, "at_once yes\n");
  report();
  REAL(_exit);
  real(code);
  ::abort();
}

// Memory.
void* malloc(size_t n) {
  REAL(malloc);
  return strike(kMemory, CALLER) == Strike::no ? real(n) : nullptr;
}
void* calloc(size_t count, size_t n) {
  REAL(calloc);
  return strike(kMemory, CALLER) == Strike::no ? real(count, n) : nullptr;
}
void* realloc(void* at, size_t n) {
  REAL(realloc);
  return strike(kMemory, CALLER) == Strike::no ? real(at, n) : nullptr;
}
void* aligned_alloc(size_t alignment, size_t n) {
  REAL(aligned_alloc);
  return strike(kMemory, CALLER) == Strike::no ? real(alignment, n) : nullptr;
}
int posix_memalign(void** to, size_t alignment, size_t n) {
  REAL(posix_memalign);
  return strike(kMemory, CALLER) == Strike::no ? real(to, alignment, n) : ENOMEM;
}
void* mmap(void* at, size_t n, int protection, int flags, int fd, off_t offset) {
  REAL(mmap);
  return strike(kMmap, CALLER) == Strike::no ? real(at, n, protection, flags, fd, offset) : MAP_FAILED;
}

// Files.
ssize_t read(int fd, void* to, size_t n) {
  REAL(read);
  const Strike how = strike(kRead, CALLER);
  return how == Strike::fail ? -1 : real(fd, to, how == Strike::shorten ? (n + 1) / 2 : n);
}
ssize_t write(int fd, const void* from, size_t n) {
  REAL(write);
  // What is said on the standard outputs is how a failure is told.
  const Strike how = fd <= 2 ? Strike::no : strike(kWrite, CALLER);
  return how == Strike::fail ? -1 : real(fd, from, how == Strike::shorten ? (n + 1) / 2 : n);
}
#define PREAD(name)                                                                                   \
  ssize_t name(int fd, void* to, size_t n, off_t offset) {                                            \
    REAL(name);                                                                                       \
    const Strike how = strike(kPread, CALLER);                                                        \
    return how == Strike::fail ? -1 : real(fd, to, how == Strike::shorten ? (n + 1) / 2 : n, offset); \
  }
PREAD(pread)
PREAD(pread64)
#define PWRITE(name)                                                                                    \
  ssize_t name(int fd, const void* from, size_t n, off_t offset) {                                      \
    REAL(name);                                                                                         \
    const Strike how = strike(kPwrite, CALLER);                                                         \
    return how == Strike::fail ? -1 : real(fd, from, how == Strike::shorten ? (n + 1) / 2 : n, offset); \
  }
PWRITE(pwrite)
PWRITE(pwrite64)

#define MODE_OF(flags)                             \
  mode_t mode = 0;                                 \
  if ((flags) & (O_CREAT | __O_TMPFILE)) {         \
    va_list list;                                  \
    va_start(list, flags);                         \
    mode = static_cast<mode_t>(va_arg(list, int)); \
    va_end(list);                                  \
  }
#define OPEN(name)                                                                      \
  int name(const char* path, int flags, ...) {                                          \
    REAL(name);                                                                         \
    MODE_OF(flags)                                                                      \
    return strike(kind_of(flags), CALLER) == Strike::no ? real(path, flags, mode) : -1; \
  }
OPEN(open)
OPEN(open64)
#define OPENAT(name)                                                                            \
  int name(int folder, const char* path, int flags, ...) {                                      \
    REAL(name);                                                                                 \
    MODE_OF(flags)                                                                              \
    return strike(kind_of(flags), CALLER) == Strike::no ? real(folder, path, flags, mode) : -1; \
  }
OPENAT(openat)
OPENAT(openat64)
#define MKOSTEMP(name)                                                        \
  int name(char* pattern, int flags) {                                        \
    REAL(name);                                                               \
    return strike(kCreate, CALLER) == Strike::no ? real(pattern, flags) : -1; \
  }
MKOSTEMP(mkostemp)
MKOSTEMP(mkostemp64)
DIR* opendir(const char* path) {
  REAL(opendir);
  return strike(kOpen, CALLER) == Strike::no ? real(path) : nullptr;
}
DIR* fdopendir(int fd) {
  REAL(fdopendir);
  return strike(kOpen, CALLER) == Strike::no ? real(fd) : nullptr;
}
dirent* readdir(DIR* folder) {
  REAL(readdir);
  return strike(kReaddir, CALLER) == Strike::no ? real(folder) : nullptr;
}
dirent64* readdir64(DIR* folder) {
  REAL(readdir64);
  return strike(kReaddir, CALLER) == Strike::no ? real(folder) : nullptr;
}

#define FALLIBLE(kind, name, parameters, arguments)                  \
  int name parameters {                                              \
    REAL(name);                                                      \
    return strike(kind, CALLER) == Strike::no ? real arguments : -1; \
  }
FALLIBLE(kFsync, fsync, (int fd), (fd))
FALLIBLE(kFsync, fdatasync, (int fd), (fd))
FALLIBLE(kRename, rename, (const char* from, const char* to), (from, to))
FALLIBLE(kRename, renameat, (int f, const char* from, int t, const char* to), (f, from, t, to))
FALLIBLE(kRename, link, (const char* from, const char* to), (from, to))
FALLIBLE(kRename, linkat, (int f, const char* from, int t, const char* to, int flags), (f, from, t, to, flags))
FALLIBLE(kStat, stat, (const char* path, struct stat* to), (path, to))
FALLIBLE(kStat, lstat, (const char* path, struct stat* to), (path, to))
FALLIBLE(kStat, fstat, (int fd, struct stat* to), (fd, to))
FALLIBLE(kStat, fstatat, (int fd, const char* path, struct stat* to, int flags), (fd, path, to, flags))
FALLIBLE(kStat, stat64, (const char* path, struct stat64* to), (path, to))
FALLIBLE(kStat, lstat64, (const char* path, struct stat64* to), (path, to))
FALLIBLE(kStat, fstat64, (int fd, struct stat64* to), (fd, to))
FALLIBLE(kStat, fstatat64, (int fd, const char* path, struct stat64* to, int flags), (fd, path, to, flags))
FALLIBLE(kStat, statvfs, (const char* path, struct statvfs* to), (path, to))
FALLIBLE(kStat, fstatvfs, (int fd, struct statvfs* to), (fd, to))
FALLIBLE(kTruncate, ftruncate, (int fd, off_t n), (fd, n))
FALLIBLE(kTruncate, ftruncate64, (int fd, off64_t n), (fd, n))
FALLIBLE(kTruncate, fallocate, (int fd, int mode, off_t at, off_t n), (fd, mode, at, n))
FALLIBLE(kMkdir, mkdir, (const char* path, mode_t mode), (path, mode))
FALLIBLE(kMkdir, mkdirat, (int fd, const char* path, mode_t mode), (fd, path, mode))
FALLIBLE(kSymlink, symlink, (const char* to, const char* path), (to, path))
FALLIBLE(kSymlink, symlinkat, (const char* to, int fd, const char* path), (to, fd, path))
FALLIBLE(kUnlink, unlink, (const char* path), (path))
FALLIBLE(kUnlink, unlinkat, (int fd, const char* path, int flags), (fd, path, flags))
FALLIBLE(kUnlink, rmdir, (const char* path), (path))
FALLIBLE(kUnlink, remove, (const char* path), (path))
FALLIBLE(kFlock, flock, (int fd, int operation), (fd, operation))
FALLIBLE(kPipe, pipe2, (int* ends, int flags), (ends, flags))
FALLIBLE(kChmod, chmod, (const char* path, mode_t mode), (path, mode))
FALLIBLE(kChmod, fchmod, (int fd, mode_t mode), (fd, mode))
FALLIBLE(kSocket, socket, (int family, int type, int protocol), (family, type, protocol))
FALLIBLE(kConnect, connect, (int fd, const sockaddr* to, socklen_t n), (fd, to, n))

// The descriptor is closed all the same, as Linux does.
int close(int fd) {
  REAL(close);
  const bool fails = strike(kClose, CALLER) != Strike::no;
  const int code = real(fd);
  if (!fails) return code;
  errno = plan.error;
  return -1;
}

ssize_t recv(int fd, void* to, size_t n, int flags) {
  REAL(recv);
  const Strike how = strike(kReceive, CALLER);
  return how == Strike::fail ? -1 : real(fd, to, how == Strike::shorten ? (n + 1) / 2 : n, flags);
}
ssize_t send(int fd, const void* from, size_t n, int flags) {
  REAL(send);
  const Strike how = strike(kSend, CALLER);
  return how == Strike::fail ? -1 : real(fd, from, how == Strike::shorten ? (n + 1) / 2 : n, flags);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument) {
  REAL(pthread_create);
  return strike(kThread, CALLER) == Strike::no ? real(thread, attributes, start, argument) : EAGAIN;
}

}  // extern "C"

// operator new, so that its throw is tested and not libstdc++'s malloc below it. By their mangled names: the real ones
// are those of libstdc++ or of the sanitizer.
#define NEW(symbol, parameters, arguments)                             \
  extern "C" void* symbol parameters {                                 \
    using Real = void* parameters;                                     \
    static auto* const real = next<Real>(#symbol);                     \
    if (strike(kMemory, CALLER) != Strike::no) throw std::bad_alloc(); \
    const Inside inside;                                               \
    return real arguments;                                             \
  }
#define NEW_NOTHROW(symbol, parameters, arguments)             \
  extern "C" void* symbol parameters noexcept {                \
    using Real = void* parameters;                             \
    static auto* const real = next<Real>(#symbol);             \
    if (strike(kMemory, CALLER) != Strike::no) return nullptr; \
    const Inside inside;                                       \
    return real arguments;                                     \
  }
NEW(_Znwm, (size_t n), (n))
NEW(_Znam, (size_t n), (n))
NEW(_ZnwmSt11align_val_t, (size_t n, size_t alignment), (n, alignment))
NEW(_ZnamSt11align_val_t, (size_t n, size_t alignment), (n, alignment))
NEW_NOTHROW(_ZnwmRKSt9nothrow_t, (size_t n, const std::nothrow_t& tag), (n, tag))
NEW_NOTHROW(_ZnamRKSt9nothrow_t, (size_t n, const std::nothrow_t& tag), (n, tag))
NEW_NOTHROW(_ZnwmSt11align_val_tRKSt9nothrow_t, (size_t n, size_t alignment, const std::nothrow_t& tag),
            (n, alignment, tag))
NEW_NOTHROW(_ZnamSt11align_val_tRKSt9nothrow_t, (size_t n, size_t alignment, const std::nothrow_t& tag),
            (n, alignment, tag))
