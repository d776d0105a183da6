#include "kernels/op_trace.h"

#include <algorithm>
#include <utility>

namespace mang {

void OpTrace::add(std::string name, const OpWork& work, double seconds) {
  auto op = std::find_if(ops_.begin(), ops_.end(), [&](const Op& o) { return o.name == name; });
  if (op == ops_.end()) op = ops_.insert(ops_.end(), Op{std::move(name), 0, 0, {}});
  ++op->calls;
  op->seconds += seconds;
  op->work.int8_macs += work.int8_macs;
  op->work.f32_macs += work.f32_macs;
  op->work.bytes += work.bytes;
}

double OpTrace::seconds() const {
  double all = 0;
  for (const Op& op : ops_) all += op.seconds;
  return all;
}

}  // namespace mang
