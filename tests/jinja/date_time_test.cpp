#include "jinja/date_time.h"

#include <doctest/doctest.h>

#include <ctime>

namespace mang::jinja {
namespace {

TEST_CASE("dates are read as ISO 8601 writes them") {
  const auto day = DateTime::parse_iso8601("2026-07-29");
  REQUIRE(day.ok());
  CHECK(format_time(*day, "%F %T") == "2026-07-29 00:00:00");
  const auto moment = DateTime::parse_iso8601("2024-02-29T23:59:58.25Z");
  REQUIRE(moment.ok());
  CHECK(format_time(*moment, "%Y-%m-%d %H:%M:%S.%f") == "2024-02-29 23:59:58.250000");
  for (const char* wrong :
       {"", "2026", "2026-13-01", "2026-02-29", "2026-07-29T", "2026-07-29T24:00", "2026-07-29T08:3", "26-07-29",
        "2026-07-29 08:30:00 PM", "0000-01-01", "2026-07-29T08:30:61"}) {
    CHECK_FALSE_MESSAGE(DateTime::parse_iso8601(wrong).ok(), wrong);
  }
}

TEST_CASE("strftime is the C library's, over many days") {
  const std::string format =
      "%a|%A|%b|%B|%c|%C|%d|%D|%e|%F|%g|%G|%H|%I|%j|%k|%l|%m|%M|%p|%P|%r|%R|%S|%T|%u|%U|%V|%w|%W|%x|%X|%y|%Y|%%|%-d|%_"
      "m|%^a|%h";
  for (std::time_t t = 0; t < 4'000'000'000; t += 1'234'567) {
    std::tm parts{};
    gmtime_r(&t, &parts);
    char expected[600];
    REQUIRE(std::strftime(expected, sizeof expected, format.c_str(), &parts) > 0);
    const DateTime mine{
        parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, 0};
    REQUIRE(format_time(mine, format) == std::string(expected));
  }
}

TEST_CASE("what is no directive stays") {
  const DateTime t;
  CHECK(format_time(t, "100%") == "100%");
  CHECK(format_time(t, "%Q %") == "%Q %");
  CHECK(format_time(t, "%z%Z") == "");
}

}  // namespace
}  // namespace mang::jinja
