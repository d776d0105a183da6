// A moment as a calendar shows it, without a time zone (Python's naive datetime), and its strftime.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace mang::jinja {

struct DateTime {
  int year = 1970;
  int month = 1;  // 1–12
  int day = 1;    // 1–31
  int hour = 0;
  int minute = 0;
  int second = 0;
  int microsecond = 0;

  // "2026-07-29", "2026-07-29T08:30", "2026-07-29T08:30:15" or with a fraction; a trailing Z is accepted.
  static Result<DateTime> parse_iso8601(std::string_view text);
  // The machine's clock in its local time zone.
  static DateTime local_now();

  [[nodiscard]] bool valid() const;
  [[nodiscard]] int weekday() const;      // 0 = Sunday
  [[nodiscard]] int day_of_year() const;  // 1–366
};

// As Python's datetime.strftime on Linux in the C locale. A directive that is not known stays as it is.
std::string format_time(const DateTime& time, std::string_view format);

}  // namespace mang::jinja
