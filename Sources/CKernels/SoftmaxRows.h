/// Template over REAL (see Single.h): softmax of rows and its adjoint.

/// y = e^(x − max) / Σ e^(x − max) over whole blocks; y may be x.
CK_HOT static void NAME(softmax_of_blocks)(const REAL *x, REAL *y, size_t n) {
    REAL max = NAME(max_of_blocks)(x, n);
    double sum = 0;
    ROW_SUM(sum, y[i] = NAME(exp)(x[i] - max))
    REAL scale = (REAL)(1 / sum);
    for (size_t i = 0; i < n; i++) y[i] *= scale;
}

CK_HOT static void NAME(softmax_adjoint_row)(const REAL *y, const REAL *dy, REAL *dx, size_t n) {
    double sum = 0;
    ROW_SUM(sum, dy[i] * y[i])
    REAL inner = (REAL)sum;
    EACH_ALONE for (size_t i = 0; i < n; i++) dx[i] = y[i] * (dy[i] - inner);
}

/// Rows that are not whole blocks, or narrow, pass through `values`, padded with −∞: its exponential is 0.
static void NAME(softmax)(ck_dtype type, const void *x, void *y, size_t rows, size_t columns) {
    size_t padded = (columns + ck_block - 1) / ck_block * ck_block;
    bool in_place = padded == columns && !ck_is_narrow(type);
    REAL *values = ck_scratch(in_place ? 0 : padded, sizeof(REAL));
    for (size_t row = 0; columns > 0 && row < rows; row++) {
        if (in_place) {
            NAME(softmax_of_blocks)((const REAL *)x + row * columns, (REAL *)y + row * columns, columns);
            continue;
        }
        NAME(load_row)(type, x, row, columns, values);
        for (size_t i = columns; i < padded; i++) values[i] = -INFINITY;
        NAME(softmax_of_blocks)(values, values, padded);
        NAME(store_row)(type, values, y, row, columns);
    }
    free(values);
}

static void NAME(softmax_adjoint)(ck_dtype type, const void *y, const void *dy, void *dx, size_t rows,
                                  size_t columns) {
    REAL *scratch = ck_scratch(ck_is_narrow(type) ? 3 * columns : 0, sizeof(REAL));
    for (size_t row = 0; row < rows; row++) {
        const REAL *y_row = NAME(row_of)(type, y, row, columns, scratch);
        const REAL *dy_row = NAME(row_of)(type, dy, row, columns, scratch + columns);
        REAL *dx_row = NAME(row_for)(type, dx, row, columns, scratch + 2 * columns);
        NAME(softmax_adjoint_row)(y_row, dy_row, dx_row, columns);
        NAME(store_row)(type, dx_row, dx, row, columns);
    }
    free(scratch);
}
