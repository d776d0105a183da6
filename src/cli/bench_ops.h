// The operations of one repetition of a case, held against what the machine can do: `mang bench --ops`.
#pragma once

#include <string>

#include "engine/bench.h"
#include "kernels/op_trace.h"
#include "kernels/probe.h"

namespace mang::cli {

// What the machine could do around a repetition, and how long an operation would take at that limit: its bytes at the
// bandwidth or its multiply-adds at the peaks, whichever takes longer. 0: it has no work that counts.
double seconds_at_limit(const OpWork& work, const ProbeResult& peak);

// All operations, the longest first, and a last line for what is between them. json: one object.
std::string ops_table(const std::string& title, const OpTrace& trace, double seconds, const ProbeResult& peak);
std::string ops_json(const std::string& model, const BenchCase& test, const OpTrace& trace, double seconds,
                     const ProbeResult& peak);

}  // namespace mang::cli
