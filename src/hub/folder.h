// A folder that is held open, and what is done in it. Names are never followed through symbolic links: what another
// program puts in the way, or swaps while we work, is refused and not written to, removed or taken in.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.h"

namespace mang {

class Folder {
 public:
  // A folder that the user named: links in its path are followed. make: with its parents, where it is missing.
  static Result<Folder> open(const std::string& path);
  static Result<Folder> make(const std::string& path);

  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  Folder(Folder&& other) noexcept;
  Folder& operator=(Folder&& other) noexcept;
  ~Folder();

  // "a/b" in this one: every step a folder and no link. "" is this folder again.
  [[nodiscard]] Result<Folder> open_below(const std::string& relative) const;
  [[nodiscard]] Result<Folder> make_below(const std::string& relative) const;

  // For sentences, and for libraries that only read. "/folder/name" with a name.
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }

  // A file of this folder, as ::open. -1 and errno: not to be had; ELOOP where it is a link.
  [[nodiscard]] int open_file(const std::string& name, int flags) const;
  // The same to be written to, made when missing. What is there and not a file of this folder alone (a link, a pipe,
  // another name of a file elsewhere) is replaced.
  [[nodiscard]] Result<int> open_to_write(const std::string& name) const;

  [[nodiscard]] bool has_file(const std::string& name) const;  // a file itself, no link
  [[nodiscard]] std::optional<std::string> read_link(const std::string& name) const;

  // Gives the file that `fd` is, called `name` here, its name in `to`, where it is then visible for good.
  [[nodiscard]] Result<void> publish(int fd, const std::string& name, const Folder& to, const std::string& as) const;
  [[nodiscard]] Result<void> rename(const std::string& name, const std::string& as) const;
  [[nodiscard]] Result<void> sync() const;
  // Puts a link in place; what was there is replaced at once. It is made in `scratch`, a folder of the same disk where
  // what a killed process leaves is no harm (….mang-link).
  [[nodiscard]] Result<void> place_link(const std::string& target, const std::string& name,
                                        const Folder& scratch) const;
  // A small file: a reader sees the old content or the new one, never a part. `scratch`: as above (….mang-part).
  [[nodiscard]] Result<void> write_atomically(const std::string& name, const std::string& content,
                                              const Folder& scratch) const;

  // Takes a file or link away; true: there is none any more.
  bool remove_file(const std::string& name) const;
  // Takes a file, a link, or a folder with all that is in it away. Nothing there is fine.
  [[nodiscard]] Result<void> remove_tree(const std::string& name) const;

 private:
  explicit Folder(std::string path) : path_(std::move(path)) {}
  [[nodiscard]] Result<Folder> below(const std::string& relative, bool make) const;

  std::string path_;
  int fd_ = -1;
};

// Takes a model's folder away whole: renamed first, so that no reader meets half a model. What a killed process leaves
// of it is named ".mang-removed-…".
Result<void> remove_whole(const Folder& parent, const std::string& name);

// A write that failed, by errno; what a download has fetched stays.
Error write_error(const std::string& path);

}  // namespace mang
