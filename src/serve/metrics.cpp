#include "serve/metrics.h"

#include <fmt/format.h>

#include <algorithm>

namespace mang::serve {

namespace {

// A label's value in quotes.
std::string quoted(const std::string& value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

void describe(std::string& out, const char* name, const char* type, const char* help) {
  out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

}  // namespace

void Metrics::Histogram::add(double seconds, uint64_t times) {
  for (size_t i = 0; i < kBounds.size(); ++i) {
    if (seconds <= kBounds[i]) counts[i] += times;
  }
  count += times;
  sum += seconds * static_cast<double>(times);
}

void Metrics::request_ended(const std::string& route, int status, double seconds) {
  const std::lock_guard lock(mutex_);
  ++requests_[{route, status}];
  seconds_[route].add(seconds);
}

void Metrics::request_refused(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  ++refused_[reason];
}

void Metrics::answer_ended(const std::string& model, FinishReason reason, const RequestStats& stats) {
  const std::lock_guard lock(mutex_);
  OfModel& of = models_[model];
  of.prompt_tokens += static_cast<uint64_t>(stats.prompt_tokens);
  of.cached_tokens += static_cast<uint64_t>(stats.cached_tokens);
  of.generated_tokens += static_cast<uint64_t>(stats.generated_tokens);
  of.drafted_tokens += static_cast<uint64_t>(stats.drafted_tokens);
  of.accepted_tokens += static_cast<uint64_t>(stats.accepted_tokens);
  of.preemptions += static_cast<uint64_t>(stats.preemptions);
  ++of.ends[std::string(finish_reason_name(reason))];
  of.queue.add(stats.queue_seconds);
  if (stats.generated_tokens > 0) of.first_token.add(stats.ttft_seconds);
  if (stats.generated_tokens > 1) {
    const auto between = static_cast<uint64_t>(stats.generated_tokens - 1);
    of.token.add(stats.decode_seconds / static_cast<double>(between), between);
  }
}

void Metrics::write(std::string& out, const std::string& name, const std::string& labels, const Histogram& histogram) {
  for (size_t i = 0; i < Histogram::kBounds.size(); ++i) {
    out += fmt::format("{}_bucket{{{},le=\"{}\"}} {}\n", name, labels, Histogram::kBounds[i], histogram.counts[i]);
  }
  out += fmt::format("{}_bucket{{{},le=\"+Inf\"}} {}\n", name, labels, histogram.count);
  out +=
      fmt::format("{}_sum{{{}}} {}\n{}_count{{{}}} {}\n", name, labels, histogram.sum, name, labels, histogram.count);
}

std::string Metrics::text(const Gauges& now) const {
  const std::lock_guard lock(mutex_);
  std::string out;
  describe(out, "mang_connections", "gauge", "Open connections.");
  out += fmt::format("mang_connections {}\n", now.connections);
  describe(out, "mang_requests_under_way", "gauge", "Requests that are being answered or wait.");
  out += fmt::format("mang_requests_under_way {}\n", now.under_way);
  describe(out, "mang_generations_under_way", "gauge", "Those of them that are for a model.");
  out += fmt::format("mang_generations_under_way {}\n", now.generating);

  describe(out, "mang_requests_total", "counter", "Requests by address and status; status 0: the client went before.");
  for (const auto& [key, count] : requests_) {
    out += fmt::format("mang_requests_total{{route={},status=\"{}\"}} {}\n", quoted(key.first), key.second, count);
  }
  describe(out, "mang_requests_refused_total", "counter", "Requests turned away before they were read, by reason.");
  for (const auto& [reason, count] : refused_) {
    out += fmt::format("mang_requests_refused_total{{reason={}}} {}\n", quoted(reason), count);
  }
  describe(out, "mang_request_seconds", "histogram", "From a request's last byte to the end of its answer.");
  for (const auto& [route, histogram] : seconds_)
    write(out, "mang_request_seconds", "route=" + quoted(route), histogram);

  const auto counter = [&](const char* name, const char* help, uint64_t OfModel::*member) {
    describe(out, name, "counter", help);
    for (const auto& [model, of] : models_) out += fmt::format("{}{{model={}}} {}\n", name, quoted(model), of.*member);
  };
  counter("mang_prompt_tokens_total", "Tokens of prompts.", &OfModel::prompt_tokens);
  counter("mang_cached_tokens_total", "Those of them that came from the prefix cache.", &OfModel::cached_tokens);
  counter("mang_generated_tokens_total", "Tokens of answers.", &OfModel::generated_tokens);
  counter("mang_drafted_tokens_total", "Tokens that were drafted ahead.", &OfModel::drafted_tokens);
  counter("mang_accepted_tokens_total", "Those of them that were right.", &OfModel::accepted_tokens);
  counter("mang_preemptions_total", "Times that an answer gave its memory to others.", &OfModel::preemptions);
  describe(out, "mang_answers_total", "counter", "Answers by what ended them.");
  for (const auto& [model, of] : models_) {
    for (const auto& [reason, count] : of.ends) {
      out += fmt::format("mang_answers_total{{model={},reason={}}} {}\n", quoted(model), quoted(reason), count);
    }
  }
  const auto times = [&](const char* name, const char* help, Histogram OfModel::*member) {
    describe(out, name, "histogram", help);
    for (const auto& [model, of] : models_) write(out, name, "model=" + quoted(model), of.*member);
  };
  times("mang_queue_seconds", "From a request to the first step that worked on it.", &OfModel::queue);
  times("mang_time_to_first_token_seconds", "From a request to its first token.", &OfModel::first_token);
  times("mang_time_per_token_seconds", "Between two tokens, on average over an answer.", &OfModel::token);

  describe(out, "mang_kv_blocks", "gauge", "Blocks of 64 positions in the KV cache of a model.");
  describe(out, "mang_kv_blocks_used", "gauge", "Those that answers hold; the prefix cache's count as free.");
  for (const auto& [model, blocks] : now.kv) {
    out += fmt::format("mang_kv_blocks{{model={}}} {}\nmang_kv_blocks_used{{model={}}} {}\n", quoted(model), blocks.all,
                       quoted(model), blocks.used);
  }
  return out;
}

}  // namespace mang::serve
