/// Template over REAL (see Single.h): reductions carried in double.

/// total[j] = total[j] ⊕ x[row · row_stride + j · column_stride] for each row in turn.
CK_HOT static void NAME(add_rows)(ck_reduce_op op, const REAL *restrict x, size_t rows, size_t row_stride,
                                  size_t columns, size_t column_stride, double *restrict total) {
    for (size_t row = 0; row < rows; row++, x += row_stride) {
        switch (op) {
        case ck_sum:
            for (size_t j = 0; j < columns; j++) total[j] += (double)x[j * column_stride];
            break;
        case ck_max:
            for (size_t j = 0; j < columns; j++) total[j] = larger(total[j], (double)x[j * column_stride]);
            break;
        case ck_min:
            for (size_t j = 0; j < columns; j++) total[j] = smaller(total[j], (double)x[j * column_stride]);
            break;
        }
    }
}

#define LANES(expression)                                                                          \
    for (; i + row_lanes <= n; i += row_lanes) {                                                   \
        for (size_t l = 0; l < row_lanes; l++) lane[l] = (expression);                             \
    }                                                                                              \
    for (size_t l = 0; i + l < n; l++) lane[l] = (expression);                                     \
    break

/// ⊕ x[i], lane l taking the i that leave the remainder l; lanes are then combined by halves.
CK_HOT static double NAME(reduce_row)(ck_reduce_op op, const REAL *x, size_t n) {
    double lane[row_lanes];
    size_t i = 0;
    for (size_t l = 0; l < row_lanes; l++) lane[l] = neutral(op);
    switch (op) {
    case ck_sum: LANES(lane[l] + (double)x[i + l]);
    case ck_max: LANES(larger(lane[l], (double)x[i + l]));
    case ck_min: LANES(smaller(lane[l], (double)x[i + l]));
    }
    for (size_t half = row_lanes / 2; half > 0; half /= 2) {
        for (size_t l = 0; l < half; l++) lane[l] = combined(op, lane[l], lane[l + half]);
    }
    return lane[0];
}

#undef LANES

/// lane[l] += Σ a[i] · b[i] over the i that leave the remainder l.
CK_HOT static void NAME(add_products)(const REAL *a, const REAL *b, size_t n, double lane[row_lanes]) {
    double sum[row_lanes];
    memcpy(sum, lane, sizeof sum);
    size_t whole = n - n % row_lanes;
    for (size_t i = 0; i < whole; i += row_lanes) {
        for (size_t l = 0; l < row_lanes; l++) sum[l] += (double)a[i + l] * (double)b[i + l];
    }
    for (size_t i = whole; i < n; i++) sum[i - whole] += (double)a[i] * (double)b[i];
    memcpy(lane, sum, sizeof sum);
}
