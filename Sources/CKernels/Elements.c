#include "Elements.h"
#include <stdlib.h>

size_t ck_element_bytes(ck_dtype type) {
    switch (type) {
    case ck_bf16: case ck_f16: return 2;
    case ck_f32: case ck_i32: return 4;
    case ck_f64: return 8;
    }
    __builtin_trap();
}

void *ck_scratch(size_t count, size_t element_bytes) {
    void *memory = aligned_alloc(64, (count * element_bytes / 64 + 1) * 64);
    if (!memory) __builtin_trap();
    return memory;
}

// MARK: bfloat16: the upper half of a float

CK_INLINE float float_of_bf16(uint16_t x) { return ck_float_of_bits((uint32_t)x << 16); }

CK_INLINE uint16_t bf16_of_float(float x) {
    uint32_t bits = ck_bits_of_float(x);
    uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    // Rounding could carry a NaN's payload into the exponent: cut it and set the quiet bit instead.
    return (uint16_t)(x != x ? bits >> 16 | 0x40 : rounded);
}

// MARK: IEEE half precision

CK_INLINE float float_of_f16(uint16_t x) {
    // Multiplying by 2^(127−15) rebiases the exponent, of subnormals too; ∞ and NaN then need a full one.
    float magnitude = ck_float_of_bits((uint32_t)(x & 0x7fff) << 13) * 0x1p112f;
    uint32_t special = magnitude >= 65536.0f ? 0x7f800000 : 0;
    return ck_float_of_bits(ck_bits_of_float(magnitude) | special | (uint32_t)(x & 0x8000) << 16);
}

CK_INLINE uint16_t f16_of_float(float x) {
    uint32_t bits = ck_bits_of_float(x) & 0x7fffffff;
    uint32_t sign = ck_bits_of_float(x) >> 16 & 0x8000;
    uint32_t normal = (bits - (112u << 23) + 0xfff + (bits >> 13 & 1)) >> 13;
    // Adding ½ leaves the multiples of 2⁻²⁴, the subnormals' unit, in the low bits, rounded to nearest even.
    uint32_t subnormal = ck_bits_of_float(ck_float_of_bits(bits) + 0.5f) - ck_bits_of_float(0.5f);
    uint32_t special = bits > 0x7f800000 ? 0x7e00 : 0x7c00;
    uint32_t half = bits < 0x38800000 ? subnormal : normal;
    return (uint16_t)(sign | (bits >= 0x47800000 ? special : half));
}

// MARK: Arrays

CK_HOT static void widen_bf16(const uint16_t *restrict x, float *restrict y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = float_of_bf16(x[i]);
}
CK_HOT static void widen_f16(const uint16_t *restrict x, float *restrict y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = float_of_f16(x[i]);
}
CK_HOT static void narrow_bf16(const float *restrict x, uint16_t *restrict y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = bf16_of_float(x[i]);
}
CK_HOT static void narrow_f16(const float *restrict x, uint16_t *restrict y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = f16_of_float(x[i]);
}

void ck_widen(ck_dtype type, const void *x, float *y, size_t n) {
    switch (type) {
    case ck_f32: memcpy(y, x, n * sizeof *y); return;
    case ck_bf16: widen_bf16(x, y, n); return;
    case ck_f16: widen_f16(x, y, n); return;
    case ck_f64: case ck_i32: __builtin_trap();
    }
}

void ck_narrow(ck_dtype type, const float *x, void *y, size_t n) {
    switch (type) {
    case ck_f32: memcpy(y, x, n * sizeof *x); return;
    case ck_bf16: narrow_bf16(x, y, n); return;
    case ck_f16: narrow_f16(x, y, n); return;
    case ck_f64: case ck_i32: __builtin_trap();
    }
}

// MARK: From double

/// The float next to x on the side whose last bit is 1, unless x is a float: rounding it again, to a type
/// at least two bits shorter, gives what rounding x once would have given (Boldo & Melquiond 2008).
CK_INLINE float float_rounded_to_odd(double x) {
    float nearest = (float)x;
    uint32_t bits = ck_bits_of_float(nearest);
    if ((double)nearest == x || x != x) return nearest;
    bool away_from_zero = __builtin_fabs((double)nearest) > __builtin_fabs(x);
    return ck_float_of_bits((bits - away_from_zero) | 1);
}

static void narrow_doubles(ck_dtype type, const double *x, void *y, size_t n) {
    float odd[ck_chunk];
    for (size_t start = 0; start < n; start += ck_chunk) {
        size_t count = ck_least(ck_chunk, n - start);
        for (size_t i = 0; i < count; i++) odd[i] = float_rounded_to_odd(x[start + i]);
        ck_narrow(type, odd, ck_at_mutable(type, y, start), count);
    }
}

void ck_store_doubles(ck_dtype type, const double *x, void *y, size_t n) {
    switch (type) {
    case ck_f64: memcpy(y, x, n * sizeof *x); return;
    case ck_f32: for (size_t i = 0; i < n; i++) ((float *)y)[i] = (float)x[i]; return;
    case ck_i32: for (size_t i = 0; i < n; i++) ((int32_t *)y)[i] = (int32_t)x[i]; return;
    case ck_bf16: case ck_f16: narrow_doubles(type, x, y, n); return;
    }
}
