#include "serve/request_log.h"

#include <cmath>
#include <ctime>

#include "base/json.h"

namespace mang::serve {

void RequestLog::write(const HttpRequest& request, const Entry& entry) const {
  if (!writer_) return;
  const std::time_t now = std::time(nullptr);
  std::tm parts = {};
  ::gmtime_r(&now, &parts);
  char time[32];
  std::strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%SZ", &parts);
  Json line = {{"time", time},
               {"id", entry.id},
               {"peer", request.peer},
               {"method", request.method},
               {"path", request.path},
               {"status", entry.status == 0 ? Json("gone") : Json(entry.status)},
               {"ms", std::round(entry.seconds * 1e4) / 10},
               {"bytes", entry.bytes}};
  if (!entry.key.empty()) line["key"] = entry.key;
  writer_(dump_json(line));
}

}  // namespace mang::serve
