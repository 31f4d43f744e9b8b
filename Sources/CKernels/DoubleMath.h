/// Private to CKernels: the double-precision functions behind gradient checks, from libm.
#pragma once
#include <math.h>

static inline double exp_f64(double x) { return exp(x); }
static inline double log_f64(double x) { return log(x); }
static inline double tanh_f64(double x) { return tanh(x); }
static inline double normal_density_f64(double x) { return 0.39894228040143267794 * exp(-0.5 * x * x); }
static inline double normal_cdf_f64(double x) { return 0.5 * erfc(x * -0.70710678118654752440); }
