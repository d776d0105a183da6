#include "hub/download.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#include "base/units.h"
#include "hub/digest.h"
#include "hub/download_journal.h"
#include "hub/durable.h"
#include "hub/http.h"

namespace mang {
namespace {

using std::chrono::milliseconds;

constexpr uint64_t kSpareBytes = 16 * kMiB;            // left free on the disk
constexpr size_t kFewestBlocks = 8, kMostBlocks = 64;  // of one request
constexpr int kLongestWaitMs = 30'000, kLongestRetryAfterS = 120;

// What the server says of the file before anything is fetched.
struct Offer {
  uint64_t bytes = 0;
  bool bytes_known = false;
  bool ranges = false;
  std::string version;  // a strong ETag or a date; "" where there is neither
};

std::optional<uint64_t> parse_count(std::string_view text) {
  uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "bytes 0-99/1000" → {0, 1000}; nullopt: something else.
std::optional<std::pair<uint64_t, uint64_t>> parse_content_range(std::string_view text) {
  if (!text.starts_with("bytes ")) return std::nullopt;
  text.remove_prefix(6);
  const size_t dash = text.find('-'), slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash) return std::nullopt;
  const auto first = parse_count(text.substr(0, dash)), total = parse_count(text.substr(slash + 1));
  if (!first || !total) return std::nullopt;
  return std::pair(*first, *total);
}

std::string version_of(const HttpResponse& response) {
  const std::string etag = response.header("etag");
  if (!etag.empty() && !etag.starts_with("W/")) return etag;
  return response.header("last-modified");
}

// What to do about a status that is not a success. `again`: a later try may succeed.
struct Refusal {
  bool again = false;
  int wait_s = 0;  // as the server asks; 0: it does not say
  Error why;
};

Refusal refusal_of(const HttpResponse& response) {
  const std::string host = host_of(response.url);
  Refusal out;
  switch (response.status) {
    case 401:
    case 403:
      out.why = fail(
          "{} does not let you have this file (HTTP {}). If its licence asks for consent, accept it on the model's "
          "page, and give your token in HF_TOKEN.",
          host, response.status);
      return out;
    case 404:
    case 410:
      out.why = fail("{} has no such file (HTTP {}). Check the address.", host, response.status);
      return out;
    default:
      break;
  }
  out.again = response.status == 408 || response.status == 429 || response.status >= 500;
  if (const auto seconds = parse_count(response.header("retry-after"))) {
    out.wait_s = static_cast<int>(std::min<uint64_t>(*seconds, kLongestRetryAfterS));
  }
  out.why = response.status == 429
                ? fail(
                      "{} says that there were too many requests (HTTP 429). Try again later, or with a token "
                      "in HF_TOKEN.",
                      host)
                : fail("{} answered with HTTP {}. Try again later.", host, response.status);
  return out;
}

// Threads that are stopped and waited for however they are left.
class Workers {
 public:
  explicit Workers(std::atomic<bool>& stop) : stop_(stop) {}
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers() {
    if (!threads_.empty()) stop_ = true;
    join();
  }

  // False: the system has none to spare; those that run do the work.
  template <typename Work>
  bool start(Work&& work) {
    try {
      threads_.emplace_back(std::forward<Work>(work));
    } catch (const std::system_error&) {
      return false;
    }
    return true;
  }
  [[nodiscard]] bool none() const { return threads_.empty(); }
  void join() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  std::atomic<bool>& stop_;
  std::vector<std::thread> threads_;
};

class Download {
 public:
  Download(const DownloadRequest& request, const DownloadOptions& options)
      : request_(request), options_(options), part_(request.name + ".mang-part") {}
  Download(const Download&) = delete;
  Download& operator=(const Download&) = delete;
  ~Download() {
    if (fd_ >= 0) ::close(fd_);
  }

  Result<void> run();

 private:
  [[nodiscard]] HttpRequest http_request() const {
    HttpRequest http;
    http.url = request_.url;
    http.bearer_token = request_.bearer_token;
    http.connect_timeout_ms = options_.connect_timeout_ms;
    http.stall_timeout_s = options_.stall_timeout_s;
    return http;
  }
  // After so many tries in vain; what the server asks for goes before our own patience.
  [[nodiscard]] int wait_before_try(int tries, int asked_s) const {
    if (asked_s > 0) return asked_s * 1000;
    return std::min(options_.first_wait_ms << std::min(tries - 1, 10), kLongestWaitMs);
  }
  [[nodiscard]] const Folder& folder() const { return *request_.folder; }
  Result<Offer> ask();
  Result<void> prepare(const Offer& offer);
  Result<void> fetch(const Offer& offer);
  void work(bool ranges);
  std::optional<std::pair<size_t, size_t>> claim();  // blocks [first, last)
  void fetch_blocks(size_t first, size_t last, bool ranges);
  // One request from `position` to `end`, advancing position. nullopt: all there.
  std::optional<Refusal> fetch_range(uint64_t& position, uint64_t end, bool ranges);
  bool accept(const HttpResponse& response, uint64_t position, uint64_t end, bool ranges,
              std::optional<Refusal>& refusal);
  bool store(std::string_view data, uint64_t& position, uint64_t end);
  void finish_with(const Error& error, bool discard = false);
  bool pause(int ms);  // false: stopped meanwhile
  Result<bool> is_as_published();
  void discard();

  const DownloadRequest& request_;
  const DownloadOptions& options_;
  const std::string part_;  // names within the folder
  int fd_ = -1;
  uint64_t bytes_ = 0;
  std::string server_version_;
  std::optional<DownloadJournal> journal_;
  size_t segment_ = kFewestBlocks;

  std::mutex mutex_;
  std::condition_variable changed_;
  size_t cursor_ = 0;  // blocks before it are claimed or done
  int working_ = 0;    // threads
  std::optional<Error> error_;
  std::exception_ptr thrown_;
  bool discard_ = false;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> arrived_{0};  // bytes of blocks done, and of those under way
};

// One byte is asked for: the answer tells size, version and whether ranges are served.
Result<Offer> Download::ask() {
  for (int attempt = 1;; ++attempt) {
    Offer offer;
    std::optional<Refusal> refusal;
    HttpRequest http = http_request();
    http.range = HttpRange{0, 0};
    HttpEvents events;
    events.keep_going = [&] {
      return !options_.progress || options_.progress({FetchStage::downloading, 0, request_.bytes});
    };
    events.on_headers = [&](const HttpResponse& response) {
      offer.version = version_of(response);
      const auto range = parse_content_range(response.header("content-range"));
      if (response.status == 206 && range) {
        offer.ranges = offer.bytes_known = true;
        offer.bytes = range->second;
      } else if (response.status == 200 || response.status == 206) {
        if (const auto length = parse_count(response.header("content-length")))
          offer.bytes = *length, offer.bytes_known = true;
      } else if (response.status == 416 && response.header("content-range") == "bytes */0") {
        offer.bytes_known = true;
      } else {
        refusal = refusal_of(response);
      }
      return false;
    };
    const HttpOutcome outcome = http_get(http, events);
    if (outcome.answered() && !refusal) return offer;
    const bool again = refusal ? refusal->again
                               : outcome.failure->kind != HttpFailure::Kind::stopped &&
                                     outcome.failure->kind != HttpFailure::Kind::refused;
    if (!again || attempt >= options_.tries) return refusal ? refusal->why : outcome.failure->why;
    const int wait_ms = wait_before_try(attempt, refusal ? refusal->wait_s : 0);
    for (int waited = 0; waited < wait_ms; waited += 100) {
      std::this_thread::sleep_for(milliseconds(std::min(100, wait_ms - waited)));
      if (!events.keep_going()) return fail("the download was stopped.");
    }
  }
}

Result<void> Download::prepare(const Offer& offer) {
  if (!offer.bytes_known && request_.bytes == 0) {
    return fail("{} does not say how long the file is, which is needed to check it.", host_of(request_.url));
  }
  bytes_ = request_.bytes != 0 ? request_.bytes : offer.bytes;
  if (offer.bytes_known && offer.bytes != bytes_) {
    return fail("{} offers {} bytes where its publisher names {}. Nothing was fetched; try again later.",
                host_of(request_.url), offer.bytes, bytes_);
  }
  server_version_ = offer.version;
  const std::string digest = request_.sha256.empty() ? request_.git_sha1 : request_.sha256;
  MANG_TRY(DownloadJournal journal, DownloadJournal::open(folder(), request_.name + ".mang-journal",
                                                          {bytes_, digest.empty() ? offer.version : digest}));
  journal_.emplace(std::move(journal));
  MANG_TRY(fd_, folder().open_to_write(part_));
  struct stat info;
  const bool there = ::fstat(fd_, &info) == 0 && static_cast<uint64_t>(info.st_size) == bytes_;
  const bool resumable = offer.ranges && (!digest.empty() || !offer.version.empty());
  if (!there || !resumable) MANG_TRY(journal_->clear());

  const uint64_t needed = bytes_ - journal_->bytes_done() + kSpareBytes;
  if (const auto available = free_bytes(folder().path()); available && *available < needed) {
    return fail("{}: {} free, {} needed. Free some space, or set HF_HUB_CACHE to a folder on a larger disk.",
                folder().path(), human_bytes(*available), human_bytes(needed));
  }
  if (::ftruncate(fd_, static_cast<off_t>(bytes_)) != 0) return write_error(folder().path(part_));
  arrived_ = journal_->bytes_done();
  const size_t share = journal_->blocks() / static_cast<size_t>(std::max(1, options_.connections) * 4);
  segment_ = std::clamp(share, kFewestBlocks, kMostBlocks);
  return {};
}

std::optional<std::pair<size_t, size_t>> Download::claim() {
  const std::lock_guard lock(mutex_);
  while (cursor_ < journal_->blocks() && journal_->has(cursor_)) ++cursor_;
  if (cursor_ == journal_->blocks() || stop_) return std::nullopt;
  const size_t first = cursor_;
  while (cursor_ < journal_->blocks() && cursor_ - first < segment_ && !journal_->has(cursor_)) ++cursor_;
  return std::pair(first, cursor_);
}

void Download::finish_with(const Error& error, bool discard) {
  const std::lock_guard lock(mutex_);
  if (!error_) error_ = error;
  discard_ = discard_ || discard;
  stop_ = true;
  changed_.notify_all();
}

bool Download::pause(int ms) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, milliseconds(ms), [&] { return stop_.load(); });
}

bool Download::accept(const HttpResponse& response, uint64_t position, uint64_t end, bool ranges,
                      std::optional<Refusal>& refusal) {
  const bool whole = position == 0 && end == bytes_;
  const auto range = parse_content_range(response.header("content-range"));
  const bool partial = response.status == 206 && range && range->first == position && range->second == bytes_;
  if (response.status != 200 && response.status != 206) {
    refusal = refusal_of(response);
    return false;
  }
  const std::string coding = response.header("content-encoding");
  const bool plain = coding.empty() || coding == "identity";
  const std::string version = version_of(response);
  const auto length = parse_count(response.header("content-length"));
  if (!server_version_.empty() && !version.empty() && version != server_version_) {
    finish_with(
        fail("{} changed the file while it was being downloaded. Run the same command again.", host_of(response.url)),
        true);
    return false;
  }
  // A proxy's own page comes with 200 too: it has another length, and no version.
  const bool all = response.status == 200 && (whole || !ranges) && position == 0 && (!length || *length == bytes_);
  const bool named = version == server_version_ || !request_.sha256.empty() || !request_.git_sha1.empty();
  if (plain && named && (partial || all)) return true;
  refusal =
      Refusal{.again = true,
              .why = fail("{} did not send the part that was asked for. Try again later.", host_of(response.url))};
  return false;
}

bool Download::store(std::string_view data, uint64_t& position, uint64_t end) {
  if (data.size() > end - position) {
    finish_with(
        fail("{} sent more than it had said. Nothing of it is trusted; try again later.", host_of(request_.url)), true);
    return false;
  }
  while (!data.empty()) {
    // Up to the end of a block, so that it can be marked.
    const uint64_t block_end = std::min(end, (position / DownloadJournal::kBlock + 1) * DownloadJournal::kBlock);
    const size_t n = static_cast<size_t>(std::min<uint64_t>(data.size(), block_end - position));
    const ssize_t written = ::pwrite(fd_, data.data(), n, static_cast<off_t>(position));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      finish_with(write_error(folder().path(part_)));
      return false;
    }
    position += static_cast<uint64_t>(written);
    arrived_ += static_cast<uint64_t>(written);
    data.remove_prefix(static_cast<size_t>(written));
    if (position == block_end) {
      const std::lock_guard lock(mutex_);
      if (auto marked = journal_->mark((position - 1) / DownloadJournal::kBlock); !marked.ok()) {
        if (!error_) error_ = marked.error();
        stop_ = true;
        return false;
      }
    }
  }
  return !stop_;
}

std::optional<Refusal> Download::fetch_range(uint64_t& position, uint64_t end, bool ranges) {
  HttpRequest http = http_request();
  if (ranges) {
    http.range = HttpRange{position, end - 1};
    if (server_version_.starts_with('"')) http.if_range = server_version_;
  }
  std::optional<Refusal> refusal;
  HttpEvents events;
  events.keep_going = [&] { return !stop_.load(); };
  events.on_headers = [&](const HttpResponse& response) { return accept(response, position, end, ranges, refusal); };
  events.on_body = [&](std::string_view data) { return store(data, position, end); };
  const HttpOutcome outcome = http_get(http, events);
  if (position == end) return std::nullopt;
  if (refusal) return refusal;
  if (!outcome.answered()) {
    return Refusal{.again = outcome.failure->kind != HttpFailure::Kind::refused, .why = outcome.failure->why};
  }
  return Refusal{.again = true, .why = fail("{} sent less than it had said. Try again later.", host_of(request_.url))};
}

void Download::fetch_blocks(size_t first, size_t last, bool ranges) {
  uint64_t position = first * DownloadJournal::kBlock;
  const uint64_t end = std::min<uint64_t>(bytes_, last * DownloadJournal::kBlock);
  int tries = 0;
  while (!stop_) {
    const uint64_t before = position;
    const auto refusal = fetch_range(position, end, ranges);
    if (!refusal || stop_) return;
    tries = position > before ? 1 : tries + 1;
    if (!refusal->again || tries >= options_.tries) return finish_with(refusal->why);
    if (!ranges) {  // from the beginning: such a server cannot go on
      const std::lock_guard lock(mutex_);
      arrived_ -= position;
      position = 0;
    }
    if (!pause(wait_before_try(tries, refusal->wait_s))) return;
  }
}

void Download::work(bool ranges) {
  std::exception_ptr thrown;
  try {
    while (auto blocks = claim()) fetch_blocks(blocks->first, blocks->second, ranges);
  } catch (...) {  // for want of memory: told by the thread that waits
    thrown = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  if (thrown) thrown_ = thrown, stop_ = true;
  --working_;
  changed_.notify_all();
}

Result<void> Download::fetch(const Offer& offer) {
  if (!offer.ranges) segment_ = journal_->blocks();
  const size_t segments = (journal_->blocks() + segment_ - 1) / std::max<size_t>(1, segment_);
  const int threads =
      static_cast<int>(std::min<size_t>(segments, static_cast<size_t>(std::max(1, options_.connections))));
  Workers workers(stop_);
  for (int i = 0; i < threads && workers.start([this, &offer] { work(offer.ranges); }); ++i) {
    const std::lock_guard lock(mutex_);
    ++working_;
  }
  if (workers.none() && threads > 0) return fail("no thread could be started. End other programs and try again.");
  uint64_t shown = 0;  // a part that has to be fetched again does not make the bar run backwards
  bool stopped = false;
  {
    std::unique_lock lock(mutex_);
    while (working_ > 0) {
      changed_.wait_for(lock, milliseconds(100));
      lock.unlock();
      shown = std::max(shown, arrived_.load());
      if (options_.progress && !stopped && !options_.progress({FetchStage::downloading, shown, bytes_})) {
        stopped = true;
        finish_with(fail("the download was stopped; run the same command again and it goes on."));
      }
      lock.lock();
    }
  }
  workers.join();
  if (thrown_) std::rethrow_exception(thrown_);
  if (!error_) return {};
  if (discard_) discard();
  return *error_;
}

Result<bool> Download::is_as_published() {
  const std::string& wanted = request_.sha256.empty() ? request_.git_sha1 : request_.sha256;
  if (wanted.empty()) return true;
  Digest digest = request_.sha256.empty() ? Digest::git_blob(bytes_) : Digest::sha256();
  MANG_TRY(add_file(digest, fd_, folder().path(part_), [&](uint64_t done) {
    return !options_.progress || options_.progress({FetchStage::verifying, done, bytes_});
  }));
  return digest.hex() == wanted;
}

void Download::discard() {
  folder().remove_file(part_);
  folder().remove_file(request_.name + ".mang-journal");
}

Result<void> Download::run() {
  MANG_TRY(Offer offer, ask());
  MANG_TRY(prepare(offer));
  const bool resumed = journal_->bytes_done() > 0;
  MANG_TRY(fetch(offer));
  MANG_TRY(bool right, is_as_published());
  if (!right && resumed) {  // what an earlier run left was torn: everything anew, once
    MANG_TRY(journal_->clear());
    cursor_ = 0, arrived_ = 0;
    MANG_TRY(fetch(offer));
    MANG_TRY(right, is_as_published());
  }
  if (!right) {
    discard();
    return fail(
        "{}: what {} sent is not what its publisher names (digest {}). It was thrown away; try again, and do not "
        "trust the source if it happens twice.",
        folder().path(request_.name), host_of(request_.url),
        request_.sha256.empty() ? request_.git_sha1 : request_.sha256);
  }
  if (::fsync(fd_) != 0) return write_error(folder().path(part_));
  Result<void> published = folder().publish(fd_, part_, folder(), request_.name);
  if (published.ok() || folder().has_file(request_.name)) folder().remove_file(request_.name + ".mang-journal");
  if (published.ok() && request_.digests != nullptr && !request_.sha256.empty()) {
    request_.digests->remember_verified(fd_, folder().path(request_.name), request_.sha256);
  }
  return published;
}

}  // namespace

Result<void> download_file(const DownloadRequest& request, const DownloadOptions& options) {
  Download download(request, options);
  return download.run();
}

}  // namespace mang
