// Which arithmetic this program computes: the version of docs/arithmetic.md. A receipt names it (engine/receipt.h), so
// that answers of another one are not taken for wrong ones. Every change on that page that may change a bit of an
// answer raises both numbers; a test holds them together.
#pragma once

namespace mang {

inline constexpr int kArithmeticVersion = 2;

}  // namespace mang
