// Which handler answers which address.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "serve/api_error.h"
#include "serve/http.h"

namespace mang::serve {

// Where a handler does its work.
enum class Where {
  at_once,  // on the connections' thread: nothing that takes a millisecond
  desk      // reading bodies, templates, tokenizing
};

struct Route {
  std::string method;  // GET answers HEAD too
  std::string path;    // "/v1/models/*": everything below, the rest is the handler's
  ErrorWords words = openai_error;
  bool open = false;       // needs no key
  bool generates = false;  // counts against the queue
  Where where = Where::desk;
  std::function<void(const RequestPtr& request, std::shared_ptr<Exchange> exchange)> handle;
};

class Router {
 public:
  void add(Route route) { routes_.push_back(std::move(route)); }
  // The route, or null; then `allowed` has the methods that the path knows, empty: it knows none.
  [[nodiscard]] const Route* find(std::string_view method, std::string_view path,
                                  std::vector<std::string>* allowed) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace mang::serve
