/// Template over REAL (see Single.h): one row of a banded matrix times a matrix.

/// y[c] = Σ_t weights[t] · x[t, c] over `inner` columns c.
CK_HOT static void NAME(banded_row)(const double *weights, size_t taps, const REAL *x, REAL *restrict y,
                                    size_t inner) {
    if (inner < few_columns) {
        for (size_t c = 0; c < inner; c++) {
            REAL sum = 0;
            for (size_t t = 0; t < taps; t++) sum += (REAL)weights[t] * x[t * inner + c];
            y[c] = sum;
        }
        return;
    }
    memset(y, 0, inner * sizeof(REAL));
    for (size_t t = 0; t < taps; t++) {
        REAL weight = (REAL)weights[t];
        for (size_t c = 0; c < inner; c++) y[c] += weight * x[t * inner + c];
    }
}

static void NAME(multiply_banded)(const ck_banded *matrix, const REAL *x, REAL *y, size_t inner, size_t first,
                                  size_t count) {
    for (size_t row = first; row < first + count; row++) {
        size_t i = row % matrix->rows, outer = row / matrix->rows;
        size_t start = (size_t)matrix->offsets[i], taps = (size_t)matrix->offsets[i + 1] - start;
        const REAL *from = x + (outer * matrix->columns + (size_t)matrix->starts[i]) * inner;
        NAME(banded_row)(matrix->weights + start, taps, from, y + row * inner, inner);
    }
}
