/// Template over REAL (see Single.h): activations and their slopes, from exp and the normal distribution.

/// x within ±1000, beyond which every factor below is 0 or 1 already: no 0 · ∞ arises at x = ±∞.
CK_INLINE REAL NAME(bounded)(REAL x) {
    x = x < -1000 ? -1000 : x;
    return x > 1000 ? 1000 : x;
}

/// σ(x) = 1 / (1 + e^(−x)), by e^(−|x|), which cannot overflow.
CK_INLINE REAL NAME(sigmoid)(REAL x) {
    REAL e = NAME(exp)(-__builtin_elementwise_abs(x));
    return (x >= 0 ? 1 : e) / (1 + e);
}

/// σ'(x) = σ(x) · σ(−x).
CK_INLINE REAL NAME(sigmoid_slope)(REAL x) {
    REAL e = NAME(exp)(-__builtin_elementwise_abs(x));
    return e / ((1 + e) * (1 + e));
}

/// tanh'(x) = 4 σ'(2x): no cancellation where tanh approaches ±1.
CK_INLINE REAL NAME(tanh_slope)(REAL x) { return 4 * NAME(sigmoid_slope)(2 * x); }

/// x · σ(sharpness · x): SiLU at 1 (Elfwing et al. 2018), QuickGELU at 1.702 (Hendrycks & Gimpel 2016).
CK_INLINE REAL NAME(silu)(REAL x, REAL sharpness) {
    REAL gate = NAME(sigmoid)(sharpness * x);
    return (x < -1000 ? -1000 : x) * gate;
}
CK_INLINE REAL NAME(silu_slope)(REAL x, REAL sharpness) {
    REAL u = sharpness * NAME(bounded)(x);
    return NAME(sigmoid)(u) * (1 + u * NAME(sigmoid)(-u));
}

/// x · Φ(x).   Hendrycks & Gimpel 2016, eq. 1.
CK_INLINE REAL NAME(gelu)(REAL x) { return (x < -1000 ? -1000 : x) * NAME(normal_cdf)(x); }
CK_INLINE REAL NAME(gelu_slope)(REAL x) {
    REAL u = NAME(bounded)(x);
    return NAME(normal_cdf)(u) + u * NAME(normal_density)(u);
}

CK_INLINE REAL NAME(sign)(REAL x) { return (REAL)(x > 0) - (REAL)(x < 0); }

/// The larger and the smaller; NaN if either is.
CK_INLINE REAL NAME(larger)(REAL a, REAL b) { return a > b || a != a ? a : b; }
CK_INLINE REAL NAME(smaller)(REAL a, REAL b) { return a < b || a != a ? a : b; }
