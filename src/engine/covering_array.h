// Pairwise covering arrays: few combinations of settings among which every two values of two settings meet. Most faults
// that need a combination at all need only two settings (Kuhn, Wallace, Gallo 2004).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace mang {

// Whether value `a` of factor `f` may meet value `b` of factor `g`; f < g.
using MayMeet = std::function<bool(size_t f, int a, size_t g, int b)>;

// levels: how many values each factor has, 1 or more. A row gives the value of each factor; rows hold no pair that may
// not meet, and each one that may meet, wherever the other factors leave room for it. The same rows every time.
// Greedy, a row at a time (after Cohen et al. 1997, AETG, without its random candidates).
std::vector<std::vector<int>> pairwise_rows(std::span<const int> levels, const MayMeet& may_meet = {});

}  // namespace mang
