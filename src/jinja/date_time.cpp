#include "jinja/date_time.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <ctime>

namespace mang::jinja {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};

bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int days_in_month(int year, int month) {
  constexpr std::array<int, 12> days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : days[static_cast<size_t>(month - 1)];
}

int days_in_year(int year) { return is_leap(year) ? 366 : 365; }

// ISO 8601 week and the year it belongs to.
std::pair<int, int> iso_week(const DateTime& t) {
  const int weekday = (t.weekday() + 6) % 7;  // Monday = 0
  const int day = t.day_of_year() - 1;
  int week = (day - weekday + 10) / 7;
  if (week < 1) {
    const int last = days_in_year(t.year - 1);
    week = (day + last - weekday + 10) / 7;
    return {t.year - 1, week};
  }
  if (week == 53 && day - weekday + 3 >= days_in_year(t.year)) return {t.year + 1, 1};
  return {t.year, week};
}

int hour12(int hour) { return hour % 12 == 0 ? 12 : hour % 12; }

// Flags between % and the letter (glibc): - no padding, _ spaces, 0 zeros, ^ upper case.
std::string padded(int value, int width, char default_pad, char flag) {
  if (flag == '-') return std::to_string(value);
  const char pad = flag == '_' ? ' ' : flag == '0' ? '0' : default_pad;
  const std::string digits = std::to_string(value);
  return std::string(static_cast<size_t>(std::max(0, width - static_cast<int>(digits.size()))), pad) + digits;
}

std::string directive(const DateTime& t, char letter, char flag) {
  const auto day_name = kDays[static_cast<size_t>(t.weekday())];
  const auto month_name = kMonths[static_cast<size_t>(t.month - 1)];
  const int monday = (t.weekday() + 6) % 7;
  const auto number = [&](int value, int width, char pad = '0') { return padded(value, width, pad, flag); };
  switch (letter) {
    case 'a':
      return std::string(day_name.substr(0, 3));
    case 'A':
      return std::string(day_name);
    case 'b':
    case 'h':
      return std::string(month_name.substr(0, 3));
    case 'B':
      return std::string(month_name);
    case 'c':
      return format_time(t, "%a %b %e %H:%M:%S %Y");
    case 'C':
      return number(t.year / 100, 2);
    case 'd':
      return number(t.day, 2);
    case 'D':
    case 'x':
      return format_time(t, "%m/%d/%y");
    case 'e':
      return number(t.day, 2, ' ');
    case 'f':
      return fmt::format("{:06}", t.microsecond);
    case 'F':
      return format_time(t, "%Y-%m-%d");
    case 'g':
      return number(iso_week(t).first % 100, 2);
    case 'G':
      return std::to_string(iso_week(t).first);
    case 'H':
      return number(t.hour, 2);
    case 'I':
      return number(hour12(t.hour), 2);
    case 'j':
      return number(t.day_of_year(), 3);
    case 'k':
      return number(t.hour, 2, ' ');
    case 'l':
      return number(hour12(t.hour), 2, ' ');
    case 'm':
      return number(t.month, 2);
    case 'M':
      return number(t.minute, 2);
    case 'n':
      return "\n";
    case 'p':
      return t.hour < 12 ? "AM" : "PM";
    case 'P':
      return t.hour < 12 ? "am" : "pm";
    case 'r':
      return format_time(t, "%I:%M:%S %p");
    case 'R':
      return format_time(t, "%H:%M");
    case 'S':
      return number(t.second, 2);
    case 't':
      return "\t";
    case 'T':
    case 'X':
      return format_time(t, "%H:%M:%S");
    case 'u':
      return std::to_string(monday + 1);
    case 'U':
      return number((t.day_of_year() + 6 - t.weekday()) / 7, 2);
    case 'V':
      return number(iso_week(t).second, 2);
    case 'w':
      return std::to_string(t.weekday());
    case 'W':
      return number((t.day_of_year() + 6 - monday) / 7, 2);
    case 'y':
      return number(t.year % 100, 2);
    case 'Y':
      return std::to_string(t.year);
    case 'z':  // a time without a zone
    case 'Z':
      return "";
    case '%':
      return "%";
    default:
      return std::string("%") + (flag ? std::string(1, flag) : "") + letter;
  }
}

}  // namespace

bool DateTime::valid() const {
  return year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= days_in_month(year, month) &&
         hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60 && microsecond >= 0 &&
         microsecond < 1'000'000;
}

int DateTime::weekday() const {
  const auto date = std::chrono::year(year) / month / day;
  return static_cast<int>(std::chrono::weekday(std::chrono::sys_days(date)).c_encoding());
}

int DateTime::day_of_year() const {
  int days = day;
  for (int m = 1; m < month; ++m) days += days_in_month(year, m);
  return days;
}

Result<DateTime> DateTime::parse_iso8601(std::string_view text) {
  const Error wrong = fail("'{}' is no date and time; write it like 2026-07-29T08:30:00", text);
  DateTime t;
  t.hour = 0;
  size_t at = 0;
  const auto number = [&](size_t digits, int& out) {
    if (text.size() - at < digits) return false;
    out = 0;
    for (size_t i = 0; i < digits; ++i, ++at) {
      if (text[at] < '0' || text[at] > '9') return false;
      out = out * 10 + (text[at] - '0');
    }
    return true;
  };
  const auto literal = [&](std::string_view any) {
    if (at >= text.size() || any.find(text[at]) == std::string_view::npos) return false;
    ++at;
    return true;
  };
  if (!number(4, t.year) || !literal("-") || !number(2, t.month) || !literal("-") || !number(2, t.day)) return wrong;
  if (literal("T ")) {
    if (!number(2, t.hour) || !literal(":") || !number(2, t.minute)) return wrong;
    if (literal(":") && !number(2, t.second)) return wrong;
    if (literal(".,")) {
      int scale = 100'000;
      const size_t start = at;
      for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10) {
        t.microsecond += (text[at] - '0') * scale;
      }
      if (at == start) return wrong;
    }
    literal("Zz");
  }
  if (at != text.size() || !t.valid()) return wrong;
  return t;
}

DateTime DateTime::local_now() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  const auto micro = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count() % 1'000'000;
  return {parts.tm_year + 1900, parts.tm_mon + 1,           parts.tm_mday,          parts.tm_hour,
          parts.tm_min,         std::min(parts.tm_sec, 59), static_cast<int>(micro)};
}

std::string format_time(const DateTime& time, std::string_view format) {
  std::string out;
  for (size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%' || at + 1 >= format.size()) {
      out.push_back(format[at]);
      continue;
    }
    char flag = '\0';
    if (std::string_view("-_0^").find(format[at + 1]) != std::string_view::npos && at + 2 < format.size())
      flag = format[++at];
    std::string text = directive(time, format[++at], flag);
    if (flag == '^') {
      for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    }
    out += text;
  }
  return out;
}

}  // namespace mang::jinja
