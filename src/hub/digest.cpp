#include "hub/digest.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <vector>

#include "base/open_file.h"
#include "base/units.h"

namespace mang {
namespace {

constexpr size_t kPiece = 4 * kMiB;

std::unique_ptr<char[]> new_piece() { return std::make_unique<char[]>(kPiece); }

// OpenSSL makes a hash unless there is no memory for it.
evp_md_ctx_st* begin_hash(const EVP_MD* kind) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  if (context != nullptr && EVP_DigestInit_ex(context, kind, nullptr) == 1) return context;
  EVP_MD_CTX_free(context);
  throw std::bad_alloc();
}

}  // namespace

void Digest::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

bool is_sha256(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Digest Digest::sha256() {
  Digest digest;
  digest.context_.reset(begin_hash(EVP_sha256()));
  return digest;
}

Digest Digest::git_blob(uint64_t bytes) {
  Digest digest;
  digest.context_.reset(begin_hash(EVP_sha1()));
  const std::string head = fmt::format("blob {}", bytes);
  digest.add(head.c_str(), head.size() + 1);  // with the zero byte
  return digest;
}

void Digest::add(const void* bytes, size_t n) { MANG_CHECK(EVP_DigestUpdate(context_.get(), bytes, n) == 1); }

void Digest::add_text(std::string_view text) {
  unsigned char length[8];
  for (size_t i = 0; i < sizeof length; ++i) length[i] = static_cast<unsigned char>(text.size() >> (8 * i));
  add(length, sizeof length);
  add(text.data(), text.size());
}

Sha256 Digest::sha256_bytes() {
  Sha256 value;
  MANG_CHECK(EVP_MD_CTX_size(context_.get()) == static_cast<int>(value.size()));
  MANG_CHECK(EVP_DigestFinal_ex(context_.get(), value.data(), nullptr) == 1);
  return value;
}

std::string Digest::hex() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int n = 0;
  MANG_CHECK(EVP_DigestFinal_ex(context_.get(), digest, &n) == 1);
  std::string out;
  for (unsigned int i = 0; i < n; ++i) out += fmt::format("{:02x}", digest[i]);
  return out;
}

Result<void> add_file(Digest& digest, int fd, const std::string& what, const std::function<bool(uint64_t)>& progress) {
  const auto piece = new_piece();
  for (uint64_t done = 0;;) {
    const ssize_t n = ::pread(fd, piece.get(), kPiece, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail("{}: could not be read: {}.", what, system_error(errno));
    if (n == 0) return {};
    digest.add(piece.get(), static_cast<size_t>(n));
    done += static_cast<uint64_t>(n);
    if (progress && !progress(done)) return fail("stopped while checking {}.", what);
  }
}

Result<void> add_file(Digest& digest, const std::string& path, const std::function<bool(uint64_t)>& progress) {
  const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd < 0) return fail("{}: could not be opened: {}.", path, system_error(errno));
  return add_file(digest, file.fd, path, progress);
}

}  // namespace mang
