#include "kernels/probe.h"

#include <doctest/doctest.h>

#include "kernels/support.h"
#include "support/scale.h"

using namespace mang;

TEST_CASE("probes give plausible figures on every instruction set") {
  test::on_every_device(
      [](const Device& device) {
        const ProbeResult result = probe_machine(device, 5);
        for (const double bytes : {result.read_bytes_per_second_one_thread, result.read_bytes_per_second,
                                   result.read_in_steps_bytes_per_second}) {
          CHECK(bytes > test::reduced(5e7, 1e5));
          CHECK(bytes < 5e12);
        }
        for (const double rate : {result.int8_macs_per_second_one_thread, result.int8_macs_per_second,
                                  result.f32_macs_per_second_one_thread, result.f32_macs_per_second}) {
          CHECK(rate > test::reduced(5e7, 1e5));
          CHECK(rate < 1e15);
        }
      },
      {2});
}
