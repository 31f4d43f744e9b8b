/// Template over REAL (see Single.h): y = h · gelu(g) and its adjoint over rows [h | g].

CK_HOT static void NAME(geglu_row)(const REAL *x, REAL *y, size_t n) {
    EACH_ALONE for (size_t i = 0; i < n; i++) y[i] = x[i] * NAME(gelu)(x[n + i]);
}

CK_HOT static void NAME(geglu_adjoint_row)(const REAL *x, const REAL *dy, REAL *dx, size_t n) {
    EACH_ALONE for (size_t i = 0; i < n; i++) dx[i] = dy[i] * NAME(gelu)(x[n + i]);
    EACH_ALONE for (size_t i = 0; i < n; i++) dx[n + i] = dy[i] * x[i] * NAME(gelu_slope)(x[n + i]);
}

static void NAME(geglu)(ck_dtype type, const void *x, void *y, size_t rows, size_t columns) {
    REAL *scratch = ck_scratch(3 * columns, sizeof(REAL));
    for (size_t row = 0; row < rows; row++) {
        const REAL *x_row = NAME(row_of)(type, x, row, 2 * columns, scratch);
        REAL *y_row = NAME(row_for)(type, y, row, columns, scratch + 2 * columns);
        NAME(geglu_row)(x_row, y_row, columns);
        NAME(store_row)(type, y_row, y, row, columns);
    }
    free(scratch);
}

static void NAME(geglu_adjoint)(ck_dtype type, const void *x, const void *dy, void *dx, size_t rows,
                                size_t columns) {
    REAL *scratch = ck_scratch(5 * columns, sizeof(REAL));
    for (size_t row = 0; row < rows; row++) {
        const REAL *x_row = NAME(row_of)(type, x, row, 2 * columns, scratch);
        const REAL *dy_row = NAME(row_of)(type, dy, row, columns, scratch + 2 * columns);
        REAL *dx_row = NAME(row_for)(type, dx, row, 2 * columns, scratch + 3 * columns);
        NAME(geglu_adjoint_row)(x_row, dy_row, dx_row, columns);
        NAME(store_row)(type, dx_row, dx, row, 2 * columns);
    }
    free(scratch);
}
