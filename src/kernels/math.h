// The project's own transcendental functions, so that every machine and every compiler gives the same bits.
// Scalar versions; the vector versions in kernels/cpu/ compute the same operations lane by lane (tests compare every
// bit). Definitions and error bounds: docs/arithmetic.md, "Functions".
#pragma once

namespace mang {

float exp_f32(float x);   // ≤ 2 ulp; 0 below −87.33… (subnormal results are flushed to 0), +inf above 88.72…; NaN → NaN
float tanh_f32(float x);  // ≤ 4 ulp
float log_f32(float x);   // ≤ 2 ulp; −inf at 0, NaN below

// Double precision, for tables made at load (rope) and for the sampler: results are rounded to float by the callers.
double exp_f64(double x);
double log_f64(double x);
double pow_f64(double x, double y);  // x > 0
double sin_f64(double x);            // |x| ≤ 2^30
double cos_f64(double x);

}  // namespace mang
