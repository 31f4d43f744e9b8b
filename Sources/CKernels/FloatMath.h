/// Private to CKernels: single-precision functions that vectorise: no branch, no call, no table.
/// Coefficients are minimax fits of relative error below 3e-8 on the reduced range. Errors quoted in each
/// comment include rounding. `a * b + c` becomes one fused operation where the machine has it.
#pragma once
#include "Elements.h"
#include <math.h>

/// e^x within 1e-7 relative; ∞ above 88.72; 0 below −86.98, where it would be 1.7e-38: subnormals are slow.
CK_INLINE float exp_f32(float x) {
    // Clamped where the result is 0 or ∞ in any case; the comparisons let NaN through.
    x = x < -87.0f ? -87.0f : x;
    x = x > 89.0f ? 89.0f : x;
    // Adding 1.5·2²³ rounds to an integer and leaves that integer in the low bits.
    const float magic = 0x1.8p23f;
    float shifted = x * 1.44269504f + magic;
    float k = shifted - magic;
    // ln 2 in two parts: k times the first is exact.
    float r = x - k * 0.693359375f;
    r = r - k * -2.12194440e-4f;
    // 2 e^r, so that 2^(k − 1) is a normal float, or 0 where k − 1 = −127.
    float p = 2 * 0.00138144672f;
    p = p * r + 2 * 0.00836878084f;
    p = p * r + 2 * 0.0416683927f;
    p = p * r + 2 * 0.166665196f;
    p = p * r + 2 * 0.49999994f;
    p = p * r + 2.0f;
    p = p * r + 2.0f;
    uint32_t exponent = ck_bits_of_float(shifted) - ck_bits_of_float(magic) + 126;
    return p * ck_float_of_bits(exponent << 23);
}

/// ln(2^k · (1 + f)) for 1 + f in [√½, √2).
CK_INLINE float log_of_parts_f32(float k, float f) {
    float p = -0.0763449743f;
    p = p * f + 0.12761578f;
    p = p * f + -0.131601825f;
    p = p * f + 0.142017573f;
    p = p * f + -0.166233569f;
    p = p * f + 0.200012267f;
    p = p * f + -0.250008196f;
    p = p * f + 0.333333313f;
    float square = f * f;
    float tail = (p * f) * square + k * -2.12194440e-4f;
    tail = tail - 0.5f * square;
    return k * 0.693359375f + (f + tail);
}

/// ln x within 1.5e-7 relative; −∞ at 0, NaN below.
CK_INLINE float log_f32(float x) {
    bool subnormal = x < 0x1p-126f;
    uint32_t bits = ck_bits_of_float(subnormal ? x * 0x1p23f : x);
    int32_t exponent = (int32_t)(bits - 0x3f3504f3) >> 23;  // 0x3f3504f3 is √½
    float f = ck_float_of_bits(bits - ((uint32_t)exponent << 23)) - 1.0f;
    float y = log_of_parts_f32((float)exponent - (subnormal ? 23.0f : 0.0f), f);
    y = x < INFINITY ? y : x;
    y = x == 0.0f ? -INFINITY : y;
    return x < 0.0f ? NAN : y;
}

/// tanh x within 2e-7 relative: an odd polynomial near 0, where the quotient would cancel.
CK_INLINE float tanh_f32(float x) {
    float a = __builtin_fabsf(x), square = a * a;
    float p = -0.00570498733f;
    p = p * square + 0.020639088f;
    p = p * square + -0.0537397154f;
    p = p * square + 0.133314416f;
    p = p * square + -0.333332807f;
    float near = (p * square) * a + a;
    float e = exp_f32(-2.0f * a);
    float far = (1.0f - e) / (1.0f + e);
    return __builtin_copysignf(a < 0.625f ? near : far, x);
}

/// φ(x) = e^(−x²/2) / √(2π).
CK_INLINE float normal_density_f32(float x) { return 0.398942280f * exp_f32(-0.5f * x * x); }

/// Φ(x) within 1.2e-7; the lower tail keeps relative accuracy (but for the rounding of x²).
CK_INLINE float normal_cdf_f32(float x) {
    float t = 1.0f / (1.0f + 0.26f * __builtin_fabsf(x));
    float p = 0.0305047929f;
    p = p * t + -0.15282841f;
    p = p * t + 0.251490533f;
    p = p * t + -0.150948182f;
    p = p * t + 0.160947368f;
    p = p * t + 0.0510278679f;
    p = p * t + 0.103030212f;
    p = p * t + 0.103016756f;
    p = p * t + 0.103759058f;
    float tail = (p * t) * exp_f32(-0.5f * x * x);
    return x >= 0.0f ? 1.0f - tail : tail;
}

/// sin r and cos r for |r| <= π/4, within 1e-7.
CK_INLINE float sine_near_zero_f32(float r) {
    float square = r * r;
    float p = -0.00019514632f;
    p = p * square + 0.00833215564f;
    p = p * square + -0.166666552f;
    return (p * square) * r + r;
}
CK_INLINE float cosine_near_zero_f32(float r) {
    float square = r * r;
    float p = 2.44324128e-05f;
    p = p * square + -0.00138873095f;
    p = p * square + 0.0416666456f;
    return (p * square) * square + (1.0f - 0.5f * square);
}

/// sin(r + quadrant · π/2) for |r| <= π/4.
CK_INLINE float sine_in_quadrant_f32(float r, uint32_t quadrant) {
    float y = quadrant & 1 ? cosine_near_zero_f32(r) : sine_near_zero_f32(r);
    return ck_float_of_bits(ck_bits_of_float(y) ^ (quadrant & 2) << 30);
}

/// sin(x + quadrant · π/2) within 1.2e-7 for |x| <= `ck_sine_reach`, where k times each part of π/2 is exact.
static const float ck_sine_reach = 8192.0f;
CK_INLINE float sine_within_reach_f32(float x, uint32_t quadrant) {
    const float magic = 0x1.8p23f;
    float shifted = x * 0.636619772f + magic;
    float k = shifted - magic;
    float r = x - k * 0x1.92p+0f;
    r = r - k * 0x1.fb4p-12f;
    r = r - k * 0x1.4442d2p-24f;
    return sine_in_quadrant_f32(r, ck_bits_of_float(shifted) - ck_bits_of_float(magic) + quadrant);
}
