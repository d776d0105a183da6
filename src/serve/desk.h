// Work that would hold the connections up: reading JSON, rendering templates, tokenizing. One thread, in the order it
// came.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace mang::serve {

class Desk {
 public:
  Desk() : thread_([this] { work(); }) {}
  // What is still to be done is dropped.
  ~Desk() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    awake_.notify_one();
    thread_.join();
  }
  void post(std::function<void()> work) {
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(work));
    }
    awake_.notify_one();
  }

 private:
  void work() {
    for (;;) {
      std::function<void()> next;
      {
        std::unique_lock lock(mutex_);
        awake_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
        if (ending_) return;
        next = std::move(waiting_.front());
        waiting_.pop_front();
      }
      next();
    }
  }

  std::mutex mutex_;
  std::condition_variable awake_;
  std::deque<std::function<void()>> waiting_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace mang::serve
