// Sums that do not depend on order: each term becomes an integer multiple of 2^(−exponent), integers add exactly.
#include "CKernels.h"

#include <math.h>

double ck_max_magnitude(ck_dtype type, const void *x, size_t n, bool *finite) {
    double largest = 0;
    for (size_t i = 0; i < n; i++) {
        double magnitude = fabs(type == ck_f64 ? ((const double *)x)[i] : (double)((const float *)x)[i]);
        if (!isfinite(magnitude)) *finite = false;
        if (magnitude > largest) largest = magnitude;
    }
    return largest;
}

// A float times a power of two is exact in double, so the only rounding is that to an integer.
void ck_fixed_accumulate(const float *x, int exponent, int64_t *sum, size_t n) {
    double scale = ldexp(1.0, exponent);
    for (size_t i = 0; i < n; i++) sum[i] += (int64_t)rint((double)x[i] * scale);
}

void ck_fixed_accumulate_f64(const double *x, int exponent, int64_t *sum, size_t n) {
    double scale = ldexp(1.0, exponent);
    for (size_t i = 0; i < n; i++) sum[i] += (int64_t)rint(x[i] * scale);
}

// long double holds every int64_t exactly and scales it exactly, so the cast is the only rounding.
void ck_fixed_to_float(const int64_t *sum, int exponent, float *y, size_t n) {
    long double scale = ldexpl(1.0L, -exponent);
    for (size_t i = 0; i < n; i++) y[i] = (float)((long double)sum[i] * scale);
}

void ck_fixed_to_double(const int64_t *sum, int exponent, double *y, size_t n) {
    long double scale = ldexpl(1.0L, -exponent);
    for (size_t i = 0; i < n; i++) y[i] = (double)((long double)sum[i] * scale);
}
