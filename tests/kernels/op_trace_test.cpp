#include "kernels/op_trace.h"

#include <doctest/doctest.h>

#include <vector>

#include "base/thread_pool.h"
#include "kernels/elementwise.h"
#include "kernels/matmul.h"

namespace mang {
namespace {

TEST_CASE("operations are traced by what they do, and only while someone listens") {
  ThreadPool pool(2);
  Device device(pool, Isa::generic);
  const PackedMatrix w = PackedMatrix::allocate(DType::Q8_0, 48, 64);
  const PackedMatrix f = PackedMatrix::allocate(DType::F32, 16, 64);
  std::vector<float> x(3 * 64, 1.0f), y(3 * 48), z(3 * 16);
  const Product both[] = {{&w, y.data(), 48}, {&f, z.data(), 16}};
  const auto work = [&] {
    matmul(device, Arithmetic::quantized, x.data(), 64, 3, 64, both);
    matmul(device, Arithmetic::refined, x.data(), 64, 3, 64, both);
    add(device, x.data(), x.data(), 3, 64);
  };
  work();
  OpTrace trace;
  device.set_trace(&trace);
  work();
  work();
  device.set_trace(nullptr);
  work();

  REQUIRE(trace.ops().size() == 3);
  const OpTrace::Op& plain = trace.ops()[0];
  CHECK(plain.name == "Q8_0 64 → 48 + F32 16");
  CHECK(plain.calls == 2);
  CHECK(plain.work.int8_macs == 2.0 * 3 * 64 * 48);
  CHECK(plain.work.f32_macs == 2.0 * 3 * 64 * 16);
  CHECK(plain.work.bytes == 2.0 * static_cast<double>(w.bytes() + f.bytes()));
  const OpTrace::Op& refined = trace.ops()[1];
  CHECK(refined.name == "Q8_0 64 → 48 + F32 16, refined");
  CHECK(refined.work.int8_macs == 2 * plain.work.int8_macs);
  CHECK(refined.work.f32_macs == plain.work.f32_macs);
  CHECK(trace.ops()[2].name == "add");
  double seconds = 0;
  for (const OpTrace::Op& op : trace.ops()) {
    CHECK(op.seconds > 0);
    seconds += op.seconds;
  }
  CHECK(trace.seconds() == doctest::Approx(seconds));
}

}  // namespace
}  // namespace mang
