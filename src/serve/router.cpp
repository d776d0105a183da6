#include "serve/router.h"

namespace mang::serve {

namespace {

bool matches(std::string_view pattern, std::string_view path) {
  if (!pattern.ends_with("/*")) return pattern == path;
  pattern.remove_suffix(1);
  return path.starts_with(pattern) && path.size() > pattern.size();
}

}  // namespace

const Route* Router::find(std::string_view method, std::string_view path, std::vector<std::string>* allowed) const {
  if (path.size() > 1 && path.ends_with("/")) path.remove_suffix(1);
  for (const Route& route : routes_) {
    if (!matches(route.path, path)) continue;
    if (route.method == method || (method == "HEAD" && route.method == "GET")) return &route;
    if (allowed) allowed->push_back(route.method);
  }
  return nullptr;
}

}  // namespace mang::serve
