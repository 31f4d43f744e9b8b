/// Template over REAL (see Single.h): the element-wise kernels, one loop a function.

#define MAP(expression) EACH_ALONE for (size_t i = 0; i < n; i++) y[i] = (expression); return

CK_HOT static void NAME(unary)(const ck_map *map, const REAL *x, const REAL *unused, REAL *y, size_t n) {
    switch ((ck_unary_op)map->op) {
    case ck_negate: MAP(-x[i]);
    case ck_absolute: MAP(__builtin_elementwise_abs(x[i]));
    case ck_square: MAP(x[i] * x[i]);
    case ck_square_root: MAP(__builtin_elementwise_sqrt(x[i]));
    case ck_reciprocal: MAP(1 / x[i]);
    case ck_exponential: MAP(NAME(exp)(x[i]));
    case ck_logarithm: MAP(NAME(log)(x[i]));
    case ck_sine: NAME(sines)(x, 0, NULL, y, n); return;
    case ck_cosine: NAME(sines)(x, 1, NULL, y, n); return;
    case ck_tanh: MAP(NAME(tanh)(x[i]));
    case ck_sigmoid: MAP(NAME(sigmoid)(x[i]));
    case ck_relu: MAP(x[i] < 0 ? 0 : x[i]);
    case ck_silu: MAP(NAME(silu)(x[i], 1));
    case ck_gelu: MAP(NAME(gelu)(x[i]));
    case ck_quick_gelu: MAP(NAME(silu)(x[i], (REAL)1.702));
    }
}

CK_HOT static void NAME(unary_adjoint)(const ck_map *map, const REAL *x, const REAL *dy, REAL *y, size_t n) {
    switch ((ck_unary_op)map->op) {
    case ck_negate: MAP(-dy[i]);
    case ck_absolute: MAP(NAME(sign)(x[i]) * dy[i]);
    case ck_square: MAP(2 * x[i] * dy[i]);
    case ck_square_root: MAP((REAL)0.5 * dy[i] / __builtin_elementwise_sqrt(x[i]));
    case ck_reciprocal: MAP(-dy[i] / (x[i] * x[i]));
    case ck_exponential: MAP(NAME(exp)(x[i]) * dy[i]);
    case ck_logarithm: MAP(dy[i] / x[i]);
    case ck_sine: NAME(sines)(x, 1, dy, y, n); return;
    case ck_cosine: NAME(sines)(x, 2, dy, y, n); return;
    case ck_tanh: MAP(NAME(tanh_slope)(x[i]) * dy[i]);
    case ck_sigmoid: MAP(NAME(sigmoid_slope)(x[i]) * dy[i]);
    case ck_relu: MAP(x[i] > 0 ? dy[i] : 0);
    case ck_silu: MAP(NAME(silu_slope)(x[i], 1) * dy[i]);
    case ck_gelu: MAP(NAME(gelu_slope)(x[i]) * dy[i]);
    case ck_quick_gelu: MAP(NAME(silu_slope)(x[i], (REAL)1.702) * dy[i]);
    }
}

CK_HOT static void NAME(binary)(const ck_map *map, const REAL *a, const REAL *b, REAL *y, size_t n) {
    switch ((ck_binary_op)map->op) {
    case ck_add: MAP(a[i] + b[i]);
    case ck_subtract: MAP(a[i] - b[i]);
    case ck_multiply: MAP(a[i] * b[i]);
    case ck_divide: MAP(a[i] / b[i]);
    case ck_maximum: MAP(NAME(larger)(a[i], b[i]));
    case ck_minimum: MAP(NAME(smaller)(a[i], b[i]));
    }
}

CK_HOT static void NAME(affine)(const ck_map *map, const REAL *x, const REAL *unused, REAL *y, size_t n) {
    REAL scale = (REAL)map->first, shift = (REAL)map->second;
    MAP(scale * x[i] + shift);
}

/// a · x + b · z.
CK_HOT static void NAME(weighted_sum)(const ck_map *map, const REAL *x, const REAL *z, REAL *y, size_t n) {
    REAL a = (REAL)map->first, b = (REAL)map->second;
    MAP(a * x[i] + b * z[i]);
}

CK_HOT static void NAME(clamp)(const ck_map *map, const REAL *x, const REAL *unused, REAL *y, size_t n) {
    REAL low = (REAL)map->first, high = (REAL)map->second;
    MAP(x[i] < low ? low : x[i] > high ? high : x[i]);
}

CK_HOT static void NAME(clamp_adjoint)(const ck_map *map, const REAL *x, const REAL *dy, REAL *y, size_t n) {
    REAL low = (REAL)map->first, high = (REAL)map->second;
    MAP(low <= x[i] && x[i] <= high ? dy[i] : 0);
}

#undef MAP
