#include "Elements.h"
#include <math.h>

// 2^exponent as two factors: alone it may lie beyond a double, while x · 2^exponent does not. Each product is
// exact, unless it is so small that it rounds to 0 in any case.
typedef struct {
    double first, second;
} power_of_two;

static power_of_two power(int exponent) {
    int half = exponent / 2;
    return (power_of_two){ldexp(1, half), ldexp(1, exponent - half)};
}

/// x · scale to nearest even.
CK_INLINE int64_t fixed(double x, power_of_two scale) {
    return (int64_t)__builtin_rint(x * scale.first * scale.second);
}

CK_HOT static void accumulate_f32(const float *restrict x, power_of_two scale, int64_t *restrict sum,
                                  size_t n) {
    for (size_t i = 0; i < n; i++) sum[i] += fixed((double)x[i], scale);
}

CK_HOT static void accumulate_f64(const double *restrict x, power_of_two scale, int64_t *restrict sum,
                                  size_t n) {
    for (size_t i = 0; i < n; i++) sum[i] += fixed(x[i], scale);
}

void ck_fixed_accumulate(const float *x, int exponent, int64_t *sum, size_t n) {
    accumulate_f32(x, power(exponent), sum, n);
}

void ck_fixed_accumulate_f64(const double *x, int exponent, int64_t *sum, size_t n) {
    accumulate_f64(x, power(exponent), sum, n);
}

/// An integer that a double holds and that rounds to float as `value` does. Beyond 2⁵³ the low 11 bits are
/// cut, and the last bit kept is set to 1 if any was lost (rounding to odd): to float it rounds only once.
CK_INLINE int64_t held_by_double(int64_t value) {
    const int64_t cut = (1 << 11) - 1;
    bool fits = (uint64_t)value + (UINT64_C(1) << 53) <= UINT64_C(1) << 54;
    int64_t odd = (value & ~cut) | (value & cut ? cut + 1 : 0);
    return fits ? value : odd;
}

CK_HOT static void to_float(const int64_t *restrict sum, power_of_two scale, float *restrict y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        y[i] = (float)((double)held_by_double(sum[i]) * scale.first * scale.second);
    }
}

void ck_fixed_to_float(const int64_t *sum, int exponent, float *y, size_t n) {
    to_float(sum, power(-exponent), y, n);
}

/// In long double, which holds an int64_t: the conversion to double is the only rounding.
void ck_fixed_to_double(const int64_t *sum, int exponent, double *y, size_t n) {
    long double scale = ldexpl(1, -exponent);
    for (size_t i = 0; i < n; i++) y[i] = (double)((long double)sum[i] * scale);
}
