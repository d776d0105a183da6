// exp and tanh on the 16-lane vector: the operations of math.cpp (exp_f32, tanh_f32), lane by lane. Include after a
// vec_*-inl.h.
#pragma once

namespace {

// exp(r) = 1 + r + r² · P(r)
inline VF exp_polynomial(VF r) {
  VF p = vf_set(0x1.6d117cp-10f);
  p = vf_fma(p, r, vf_set(0x1.120be2p-7f));
  p = vf_fma(p, r, vf_set(0x1.555518p-5f));
  p = vf_fma(p, r, vf_set(0x1.5554dcp-3f));
  p = vf_fma(p, r, vf_set(0.5f));
  p = vf_fma(p, r, vf_set(1.0f));
  return vf_fma(p, r, vf_set(1.0f));
}

// x = n · ln 2 + r; the low bits of t are n.
struct Reduced {
  VF t;
  VF n;
  VF r;
};
inline Reduced reduce_exp(VF x) {
  const VF magic = vf_set(0x1.8p+23f);
  const VF t = vf_fma(x, vf_set(0x1.715476p+0f), magic);
  const VF n = vf_sub(t, magic);
  const VF r = vf_fma(n, vf_set(-0x1.62e430p-1f), x);
  return {t, n, vf_fma(n, vf_set(0x1.05c610p-29f), r)};
}

constexpr float kExpLow = -87.33654f;
constexpr float kExpHigh = 88.72283f;

// c: x held within [low, high], or NaN.
inline VF exp_within(VF c) {
  const Reduced reduced = reduce_exp(c);
  const VF y = vf_bits(vi_add(vi_bits(exp_polynomial(reduced.r)), vi_shl(vi_bits(reduced.t), 23)));
  return vf_fma(c, vf_zero(), y);
}

inline VF vf_exp(VF x) {
  const VF low = vf_set(kExpLow);
  const VF high = vf_set(kExpHigh);
  const VF y = exp_within(vf_min(high, vf_max(low, x)));  // NaN passes
  return vf_select_lt(x, low, vf_zero(), vf_select_lt(high, x, vf_set(__builtin_inff()), y));
}

// vf_exp for x ≤ 0 or NaN.
inline VF vf_exp_of_negative(VF x) {
  const VF low = vf_set(kExpLow);
  return vf_select_lt(x, low, vf_zero(), exp_within(vf_max(low, x)));
}

inline VF vf_tanh(VF x) {
  const VF a = vf_abs(x);
  const VF u = vf_mul(x, x);
  VF p = vf_set(-0x1.8f3130p-8f);
  p = vf_fma(p, u, vf_set(0x1.57f49ap-6f));
  p = vf_fma(p, u, vf_set(-0x1.b923dcp-5f));
  p = vf_fma(p, u, vf_set(0x1.110e16p-3f));
  p = vf_fma(p, u, vf_set(-0x1.555552p-2f));
  const VF near_zero = vf_fma(vf_mul(p, u), x, x);
  const VF e = vf_exp(vf_add(a, a));
  const VF far = vf_sub(vf_set(1.0f), vf_div(vf_set(2.0f), vf_add(e, vf_set(1.0f))));
  const VF signed_far = vf_select_lt(x, vf_zero(), vf_neg(far), far);
  return vf_select_lt(a, vf_set(0.625f), near_zero, signed_far);
}

}  // namespace
