/// Template over REAL (see Single.h): layer norm of rows and its adjoint.   Ba, Kiros & Hinton 2016, eq. 4.

/// One row; the mean of the first pass, rounded, is corrected by the deviations from it.
CK_HOT static void NAME(layer_norm_row)(const REAL *x, const REAL *gamma, const REAL *beta, double epsilon,
                                        REAL *y, REAL *saved_mean, REAL *saved_rstd, size_t n) {
    double sum = 0, deviations = 0, squares = 0;
    ROW_SUM(sum, x[i])
    REAL mean = (REAL)(sum / (double)n);
    ROW_SUM(deviations, x[i] - mean)
    ROW_SUM(squares, (x[i] - mean) * (x[i] - mean))
    double correction = deviations / (double)n;
    double variance = squares / (double)n - correction * correction;
    // Rounding may leave the variance of a constant row below 0.
    REAL rstd = (REAL)(1 / __builtin_elementwise_sqrt((variance < 0 ? 0 : variance) + epsilon));
    mean = (REAL)((double)mean + correction);
    EACH_ALONE for (size_t i = 0; i < n; i++) y[i] = (x[i] - mean) * rstd * gamma[i] + beta[i];
    *saved_mean = mean;
    *saved_rstd = rstd;
}

/// dx = rstd · (g − mean(g) − x̂ · mean(g x̂)) with g = dy · γ and x̂ = (x − mean) · rstd.
CK_HOT static void NAME(layer_norm_adjoint_row)(const REAL *x, const REAL *gamma, REAL mean, REAL rstd,
                                                const REAL *dy, REAL *dx, size_t n) {
    double sum = 0, sum_along_x = 0;
    ROW_SUM(sum, dy[i] * gamma[i])
    ROW_SUM(sum_along_x, dy[i] * gamma[i] * (x[i] - mean))
    REAL average = (REAL)(sum / (double)n);
    REAL slope = (REAL)(sum_along_x / (double)n * (double)rstd * (double)rstd);
    EACH_ALONE for (size_t i = 0; i < n; i++) {
        dx[i] = rstd * (dy[i] * gamma[i] - average - (x[i] - mean) * slope);
    }
}

/// dγ += dy · x̂ and dβ += dy, over a few rows before `flush` adds them up in double.
CK_HOT static void NAME(add_to_parameters)(const REAL *x, REAL mean, REAL rstd, const REAL *dy,
                                           REAL *restrict dgamma, REAL *restrict dbeta, size_t n) {
    for (size_t i = 0; i < n; i++) {
        dgamma[i] += dy[i] * ((x[i] - mean) * rstd);
        dbeta[i] += dy[i];
    }
}

CK_HOT static void NAME(flush)(REAL *restrict recent, double *restrict total, size_t n) {
    for (size_t i = 0; i < n; i++) {
        total[i] += (double)recent[i];
        recent[i] = 0;
    }
}

static void NAME(layer_norm)(ck_dtype type, const void *x, const void *gamma, const void *beta,
                             double epsilon, void *y, REAL *mean, REAL *rstd, size_t rows, size_t columns) {
    REAL *scratch = ck_scratch(4 * columns, sizeof(REAL));
    REAL *scale = scratch + 2 * columns, *shift = scratch + 3 * columns;
    NAME(load_parameter)(type, gamma, 1, scale, columns);
    NAME(load_parameter)(type, beta, 0, shift, columns);
    for (size_t row = 0; row < rows; row++) {
        const REAL *x_row = NAME(row_of)(type, x, row, columns, scratch);
        REAL *y_row = NAME(row_for)(type, y, row, columns, scratch + columns);
        NAME(layer_norm_row)(x_row, scale, shift, epsilon, y_row, mean + row, rstd + row, columns);
        NAME(store_row)(type, y_row, y, row, columns);
    }
    free(scratch);
}

static void NAME(layer_norm_adjoint)(ck_dtype type, const void *x, const void *gamma, const REAL *mean,
                                     const REAL *rstd, const void *dy, void *dx, REAL *dgamma_sum,
                                     REAL *dbeta_sum, size_t rows, size_t columns) {
    REAL *scratch = ck_scratch(6 * columns, sizeof(REAL)), *scale = scratch + 3 * columns;
    REAL *recent = scratch + 4 * columns;  // dγ, then dβ
    double *total = ck_scratch(2 * columns, sizeof(double));
    memset(recent, 0, 2 * columns * sizeof *recent);
    memset(total, 0, 2 * columns * sizeof *total);
    NAME(load_parameter)(type, gamma, 1, scale, columns);
    for (size_t row = 0; row < rows; row++) {
        const REAL *x_row = NAME(row_of)(type, x, row, columns, scratch);
        const REAL *dy_row = NAME(row_of)(type, dy, row, columns, scratch + columns);
        REAL *dx_row = NAME(row_for)(type, dx, row, columns, scratch + 2 * columns);
        if (dgamma_sum || dbeta_sum) {
            NAME(add_to_parameters)(x_row, mean[row], rstd[row], dy_row, recent, recent + columns, columns);
            if ((row + 1) % rows_together == 0 || row + 1 == rows) NAME(flush)(recent, total, 2 * columns);
        }
        NAME(layer_norm_adjoint_row)(x_row, scale, mean[row], rstd[row], dy_row, dx_row, columns);
        NAME(store_row)(type, dx_row, dx, row, columns);
    }
    for (size_t i = 0; dgamma_sum && i < columns; i++) dgamma_sum[i] += (REAL)total[i];
    for (size_t i = 0; dbeta_sum && i < columns; i++) dbeta_sum[i] += (REAL)total[columns + i];
    free(total);
    free(scratch);
}
