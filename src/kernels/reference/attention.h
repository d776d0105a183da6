// Attention as plain loops: the definition of kernels/attention.h. The fast kernels give the same bits.
#pragma once

#include "kernels/attention.h"

namespace mang::reference {

void kv_store(const KvLayout& layout, std::byte* page, int64_t position_in_page, const float* k, const float* v);

// One stored element: K or V of a kv head at a position of the page.
float kv_load_k(const KvLayout& layout, const std::byte* page, int64_t kv_head, int64_t position_in_page, int64_t d);
float kv_load_v(const KvLayout& layout, const std::byte* page, int64_t kv_head, int64_t position_in_page, int64_t d);

void attention(const KvLayout& layout, const AttentionParams& params, const AttentionSlice* slices,
               int64_t slice_count);

}  // namespace mang::reference
