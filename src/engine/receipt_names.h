// The words of a receipt: how it is known, and what its choices are called.
#pragma once

#include <string_view>

#include "kernels/attention.h"
#include "kernels/matmul.h"

namespace mang {

inline constexpr std::string_view kReceiptMark = "mang";  // the member "receipt", which comes first

std::string_view arithmetic_mode_name(Arithmetic mode);  // "default", "exact"
std::string_view kv_name(KvType type);                   // "f16", …

}  // namespace mang
