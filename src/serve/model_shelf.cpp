#include "serve/model_shelf.h"

#include <algorithm>
#include <future>
#include <utility>

namespace mang::serve {

ModelShelf::ModelShelf(std::vector<std::string> names, ModelOpener opener)
    : names_(std::move(names)), opener_(std::move(opener)) {
  for (const std::string& name : names_) {
    places_.push_back(std::make_unique<Place>());
    places_.back()->name = name;
  }
}

ModelShelf::~ModelShelf() {
  for (const auto& place : places_) {
    if (place->opener.joinable()) place->opener.join();
  }
}

std::string ModelShelf::offered_name(const std::string& name) const {
  static constexpr std::string_view kLatest = ":latest";
  const bool exact = std::find(names_.begin(), names_.end(), name) != names_.end();
  return exact || !name.ends_with(kLatest) ? name : name.substr(0, name.size() - kLatest.size());
}

bool ModelShelf::offers(const std::string& name) const {
  return name.empty() || std::find(names_.begin(), names_.end(), offered_name(name)) != names_.end();
}

ModelShelf::Place* ModelShelf::find(const std::string& name) {
  if (name.empty() && !places_.empty()) return places_.front().get();
  const std::string offered = offered_name(name);
  for (const auto& place : places_) {
    if (place->name == offered) return place.get();
  }
  return nullptr;
}

void ModelShelf::with_model(const std::string& name, Taker take) {
  std::shared_ptr<ModelHost> host;
  {
    const std::lock_guard lock(mutex_);
    Place* place = find(name);
    if (place != nullptr && !place->host) {
      place->waiting.push_back(std::move(take));
      if (!place->opening) open_in_background(*place);
      return;
    }
    if (place != nullptr) host = place->host;
  }
  if (host) {
    take(std::move(host));
  } else {
    take(no_such_model(name, *this));
  }
}

void ModelShelf::open_in_background(Place& place) {
  place.opening = true;
  if (place.opener.joinable()) place.opener.join();  // one that failed
  place.opener = std::thread([this, &place] {
    const auto made = [&]() -> Result<std::shared_ptr<ModelHost>> {
      const std::lock_guard one(opening_);
      MANG_TRY(OpenModel model, opener_(place.name));
      return std::make_shared<ModelHost>(std::move(model));
    }();
    std::vector<Taker> waiting;
    {
      const std::lock_guard lock(mutex_);
      place.opening = false;
      if (made.ok()) place.host = *made;
      waiting.swap(place.waiting);
    }
    for (const Taker& take : waiting) take(made);
  });
}

std::shared_ptr<ModelHost> ModelShelf::open_one(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const Place* place = const_cast<ModelShelf*>(this)->find(name);
  return place == nullptr ? nullptr : place->host;
}

std::vector<std::shared_ptr<ModelHost>> ModelShelf::open_ones() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<ModelHost>> out;
  for (const auto& place : places_) {
    if (place->host) out.push_back(place->host);
  }
  return out;
}

Result<std::shared_ptr<ModelHost>> ModelShelf::open(const std::string& name) {
  std::promise<Result<std::shared_ptr<ModelHost>>> promise;
  auto made = promise.get_future();
  with_model(name, [&promise](Result<std::shared_ptr<ModelHost>> host) { promise.set_value(std::move(host)); });
  return made.get();
}

Error no_such_model(const std::string& name, const ModelShelf& shelf) {
  std::string offered;
  for (const std::string& each : shelf.names()) offered += (offered.empty() ? "'" : ", '") + each + "'";
  return fail("there is no model '{}' here. Offered: {}.", name, offered);
}

}  // namespace mang::serve
