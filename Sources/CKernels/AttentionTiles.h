/// Template over REAL (see Single.h): tiles of attention's score matrix.   Dao et al. 2022, algorithms 1 and 4.

/// Hides what row r may not see, and all up to the next whole block, by −∞.
CK_INLINE void NAME(hide)(const ck_score_tile *tile, size_t r, REAL *row, size_t padded) {
    int64_t visible = tile->causal ? tile->visible + (int64_t)r : (int64_t)tile->columns;
    size_t end = visible < 0 ? 0 : ck_least((size_t)visible, tile->columns);
    for (size_t c = 0; tile->mask && c < end; c++) row[c] = tile->mask[c] ? row[c] : -INFINITY;
    for (size_t c = end; c < padded; c++) row[c] = -INFINITY;
}

/// row ← e^(row − max) over whole blocks, and its sum.
CK_HOT static double NAME(exponentials)(REAL *row, REAL max, size_t n) {
    double sum = 0;
    ROW_SUM(sum, row[i] = NAME(exp)(row[i] - max))
    return sum;
}

CK_HOT static void NAME(scale_row)(REAL *row, REAL factor, size_t n) {
    for (size_t i = 0; i < n; i++) row[i] *= factor;
}

static void NAME(softmax_tile)(const ck_score_tile *tile, REAL *s, REAL *max, double *sum, REAL *output,
                               size_t width, size_t output_stride) {
    size_t padded = (tile->columns + ck_block - 1) / ck_block * ck_block;
    for (size_t r = 0; r < tile->rows; r++) {
        REAL *row = s + r * tile->stride;
        NAME(hide)(tile, r, row, padded);
        REAL largest = NAME(max_of_blocks)(row, padded), before = max[r];
        largest = largest > before ? largest : before;
        // Where nothing has been visible yet, any finite number serves: all exponentials are 0.
        REAL finite = largest == -INFINITY ? 0 : largest;
        double part = NAME(exponentials)(row, finite, padded);
        if (largest > before) {
            REAL factor = NAME(exp)(before - finite);
            sum[r] *= (double)factor;
            NAME(scale_row)(output + r * output_stride, factor, width);
        }
        sum[r] += part;
        max[r] = largest;
    }
}

static void NAME(softmax_finish)(const REAL *max, const double *sum, REAL *lse, size_t rows, REAL *output,
                                 size_t width, size_t output_stride) {
    for (size_t r = 0; r < rows; r++) {
        bool sees_none = sum[r] == 0;
        NAME(scale_row)(output + r * output_stride, sees_none ? 0 : (REAL)(1 / sum[r]), width);
        lse[r] = sees_none ? 0 : (REAL)((double)max[r] + log(sum[r]));
    }
}

CK_HOT static void NAME(score_slopes)(REAL *restrict s, REAL *restrict dp, REAL lse, REAL delta, REAL scale,
                                      size_t n) {
    EACH_ALONE for (size_t i = 0; i < n; i++) {
        REAL p = NAME(exp)(s[i] - lse);
        s[i] = p;
        dp[i] = p * (dp[i] - delta) * scale;
    }
}

static void NAME(softmax_tile_adjoint)(const ck_score_tile *tile, REAL *s, REAL *dp, const REAL *lse,
                                       const REAL *delta, REAL scale) {
    size_t padded = (tile->columns + ck_block - 1) / ck_block * ck_block;
    for (size_t r = 0; r < tile->rows; r++) {
        REAL *row = s + r * tile->stride, *slopes = dp + r * tile->stride;
        NAME(hide)(tile, r, row, padded);
        for (size_t c = tile->columns; c < padded; c++) slopes[c] = 0;
        NAME(score_slopes)(row, slopes, lse[r], delta[r], scale, padded);
    }
}

CK_HOT static double NAME(row_dot)(const REAL *a, const REAL *b, size_t n) {
    double sum = 0;
    ROW_SUM(sum, a[i] * b[i])
    return sum;
}

static void NAME(row_dots)(const REAL *a, const REAL *b, size_t rows, size_t columns, size_t stride, REAL *y) {
    for (size_t r = 0; r < rows; r++) y[r] = (REAL)NAME(row_dot)(a + r * stride, b + r * stride, columns);
}
