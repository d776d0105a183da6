// The models a server offers: which names there are, which of them are in memory, and who may have one.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "serve/model_host.h"

namespace mang::serve {

class ModelShelf {
 public:
  using Taker = std::function<void(Result<std::shared_ptr<ModelHost>>)>;

  // The first name is what a request that names no model gets. A model is opened when it is first asked for.
  ModelShelf(std::vector<std::string> names, ModelOpener opener);
  ~ModelShelf();

  // Whether there is such a model. "" is the first; "x:latest" is "x", as Ollama's clients say it.
  [[nodiscard]] bool offers(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> names() const { return names_; }
  // Calls `take` with the model: at once where it is in memory, later and on another thread where it has to be opened.
  void with_model(const std::string& name, Taker take);
  // The model if it is in memory, else null.
  std::shared_ptr<ModelHost> open_one(const std::string& name) const;
  std::vector<std::shared_ptr<ModelHost>> open_ones() const;
  // Opens it and waits.
  Result<std::shared_ptr<ModelHost>> open(const std::string& name);

 private:
  struct Place {
    std::string name;
    std::shared_ptr<ModelHost> host;
    bool opening = false;
    std::vector<Taker> waiting;
    std::thread opener;
  };
  [[nodiscard]] std::string offered_name(const std::string& name) const;
  Place* find(const std::string& name);
  void open_in_background(Place& place);

  std::vector<std::string> names_;
  ModelOpener opener_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Place>> places_;
  std::mutex opening_;  // one at a time: each takes all threads and much memory
};

// "there is no model 'x' here. Offered: 'a', 'b'."
Error no_such_model(const std::string& name, const ModelShelf& shelf);

}  // namespace mang::serve
