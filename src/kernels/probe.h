// What this machine can do right now, found by short loops: the walls that speeds are held against.
#pragma once

#include "kernels/device.h"

namespace mang {

struct ProbeResult {
  // Bytes read per second from a buffer far larger than the cores' own caches.
  double read_bytes_per_second = 0;
  double read_bytes_per_second_one_thread = 0;
  // The same in jobs of 2 MiB, each of which all threads have ended before the next begins, as a model's products are:
  // on a busy machine a thread that waits for its core holds the others up.
  double read_in_steps_bytes_per_second = 0;
  // int8 multiply-adds per second, with the instructions the device's kernels use.
  double int8_macs_per_second = 0;
  double int8_macs_per_second_one_thread = 0;
  // float32 fused multiply-adds per second.
  double f32_macs_per_second = 0;
  double f32_macs_per_second_one_thread = 0;
};

// Seven measurements of so many milliseconds each, and about as long again to make the buffer (256 MiB; where that much
// memory is not to be had the bandwidths stay 0). All the device's threads, unless a name says one. Another program on
// the machine shows in the results.
ProbeResult probe_machine(const Device& device, int milliseconds_each = 100);

}  // namespace mang
