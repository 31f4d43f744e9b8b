/// Template over REAL (see Single.h): group norm of pixels and its adjoint.   Wu & He 2018, eq. 1–3.

/// In double, where the square of a mean cannot swallow the variance of float data.
CK_HOT static void NAME(add_moments)(const REAL *restrict x, double *restrict sum, double *restrict squares,
                                     size_t n) {
    for (size_t c = 0; c < n; c++) {
        double value = (double)x[c];
        sum[c] += value;
        squares[c] += value * value;
    }
}

static void NAME(group_norm_sums)(ck_dtype type, const void *x, size_t pixels, size_t channels, double *sums) {
    REAL *scratch = ck_scratch(channels, sizeof(REAL));
    memset(sums, 0, 2 * channels * sizeof *sums);
    for (size_t pixel = 0; pixel < pixels; pixel++) {
        NAME(add_moments)(NAME(row_of)(type, x, pixel, channels, scratch), sums, sums + channels, channels);
    }
    free(scratch);
}

static void NAME(group_norm_moments)(const double *sums, size_t parts, size_t pixels, size_t channels,
                                     size_t groups, double epsilon, REAL *mean, REAL *rstd) {
    size_t width = channels / groups;
    double count = (double)(pixels * width);
    for (size_t g = 0; g < groups; g++) {
        double sum = 0, squares = 0;
        for (size_t part = 0; part < parts; part++) {
            const double *first = sums + 2 * part * channels + g * width;
            for (size_t c = 0; c < width; c++) sum += first[c], squares += first[channels + c];
        }
        double center = sum / count, variance = squares / count - center * center;
        // Rounding may leave the variance of a constant group below 0.
        mean[g] = (REAL)center;
        rstd[g] = (REAL)(1 / __builtin_elementwise_sqrt((variance < 0 ? 0 : variance) + epsilon));
    }
}

/// Per channel: mean, rstd, γ and β, `channels` of each.
static REAL *NAME(channel_parameters)(const ck_group_norm *norm) {
    size_t channels = norm->channels, width = channels / norm->groups;
    REAL *values = ck_scratch(4 * channels, sizeof(REAL));
    for (size_t c = 0; c < channels; c++) {
        values[c] = ((const REAL *)norm->mean)[c / width];
        values[channels + c] = ((const REAL *)norm->rstd)[c / width];
    }
    NAME(load_parameter)(norm->type, norm->gamma, 1, values + 2 * channels, channels);
    NAME(load_parameter)(norm->type, norm->beta, 0, values + 3 * channels, channels);
    return values;
}

CK_HOT static void NAME(normalise)(const REAL *x, const REAL *parameters, bool silu, REAL *y, size_t n) {
    const REAL *mean = parameters, *rstd = mean + n, *gamma = rstd + n, *beta = gamma + n;
    if (silu) {
        EACH_ALONE for (size_t c = 0; c < n; c++) {
            y[c] = NAME(silu)((x[c] - mean[c]) * (rstd[c] * gamma[c]) + beta[c], 1);
        }
    } else {
        EACH_ALONE for (size_t c = 0; c < n; c++) y[c] = (x[c] - mean[c]) * (rstd[c] * gamma[c]) + beta[c];
    }
}

static void NAME(group_norm_apply)(const ck_group_norm *norm, const void *x, void *y, size_t pixels) {
    size_t channels = norm->channels;
    REAL *parameters = NAME(channel_parameters)(norm), *scratch = ck_scratch(2 * channels, sizeof(REAL));
    for (size_t pixel = 0; pixel < pixels; pixel++) {
        const REAL *x_row = NAME(row_of)(norm->type, x, pixel, channels, scratch);
        REAL *y_row = NAME(row_for)(norm->type, y, pixel, channels, scratch + channels);
        NAME(normalise)(x_row, parameters, norm->silu, y_row, channels);
        NAME(store_row)(norm->type, y_row, y, pixel, channels);
    }
    free(scratch);
    free(parameters);
}

// MARK: Adjoint

/// dz, and x̂ = (x − mean) · rstd.
CK_HOT static void NAME(slopes)(const REAL *x, const REAL *dy, const REAL *parameters, bool silu, REAL *dz,
                                REAL *normalised, size_t n) {
    const REAL *mean = parameters, *rstd = mean + n, *gamma = rstd + n, *beta = gamma + n;
    EACH_ALONE for (size_t c = 0; c < n; c++) normalised[c] = (x[c] - mean[c]) * rstd[c];
    if (silu) {
        EACH_ALONE for (size_t c = 0; c < n; c++) {
            dz[c] = dy[c] * NAME(silu_slope)(normalised[c] * gamma[c] + beta[c], 1);
        }
    } else {
        memcpy(dz, dy, n * sizeof *dz);
    }
}

CK_HOT static void NAME(add_slopes)(const REAL *restrict dz, const REAL *restrict normalised,
                                    double *restrict sum, double *restrict along, size_t n) {
    for (size_t c = 0; c < n; c++) {
        sum[c] += (double)dz[c];
        along[c] += (double)dz[c] * (double)normalised[c];
    }
}

static void NAME(group_norm_adjoint_sums)(const ck_group_norm *norm, const void *x, const void *dy,
                                          size_t pixels, double *sums) {
    size_t channels = norm->channels;
    REAL *parameters = NAME(channel_parameters)(norm), *scratch = ck_scratch(4 * channels, sizeof(REAL));
    REAL *dz = scratch + 2 * channels, *normalised = scratch + 3 * channels;
    memset(sums, 0, 2 * channels * sizeof *sums);
    for (size_t pixel = 0; pixel < pixels; pixel++) {
        const REAL *x_row = NAME(row_of)(norm->type, x, pixel, channels, scratch);
        const REAL *dy_row = NAME(row_of)(norm->type, dy, pixel, channels, scratch + channels);
        NAME(slopes)(x_row, dy_row, parameters, norm->silu, dz, normalised, channels);
        NAME(add_slopes)(dz, normalised, sums, sums + channels, channels);
    }
    free(scratch);
    free(parameters);
}

/// Means over each group of γ dz and γ dz x̂, as two values per channel.
static REAL *NAME(group_means)(const ck_group_norm *norm, const REAL *gamma, const double *sums, size_t pixels) {
    size_t channels = norm->channels, width = channels / norm->groups;
    REAL *means = ck_scratch(2 * channels, sizeof(REAL));
    for (size_t first = 0; first < channels; first += width) {
        double sum = 0, along = 0;
        for (size_t c = first; c < first + width; c++) {
            sum += (double)gamma[c] * sums[c];
            along += (double)gamma[c] * sums[channels + c];
        }
        for (size_t c = first; c < first + width; c++) {
            means[c] = (REAL)(sum / (double)(pixels * width));
            means[channels + c] = (REAL)(along / (double)(pixels * width));
        }
    }
    return means;
}

CK_HOT static void NAME(combine)(const REAL *dz, const REAL *normalised, const REAL *parameters,
                                 const REAL *means, REAL *dx, size_t n) {
    const REAL *rstd = parameters + n, *gamma = rstd + n;
    EACH_ALONE for (size_t c = 0; c < n; c++) {
        dx[c] = rstd[c] * (gamma[c] * dz[c] - means[c] - normalised[c] * means[n + c]);
    }
}

static void NAME(group_norm_adjoint_apply)(const ck_group_norm *norm, const void *x, const void *dy,
                                           const double *sums, size_t all_pixels, void *dx, size_t pixels) {
    size_t channels = norm->channels;
    REAL *parameters = NAME(channel_parameters)(norm), *scratch = ck_scratch(5 * channels, sizeof(REAL));
    REAL *means = NAME(group_means)(norm, parameters + 2 * channels, sums, all_pixels);
    REAL *dz = scratch + 2 * channels, *normalised = scratch + 3 * channels;
    for (size_t pixel = 0; pixel < pixels; pixel++) {
        const REAL *x_row = NAME(row_of)(norm->type, x, pixel, channels, scratch);
        const REAL *dy_row = NAME(row_of)(norm->type, dy, pixel, channels, scratch + channels);
        REAL *dx_row = NAME(row_for)(norm->type, dx, pixel, channels, scratch + 4 * channels);
        NAME(slopes)(x_row, dy_row, parameters, norm->silu, dz, normalised, channels);
        NAME(combine)(dz, normalised, parameters, means, dx_row, channels);
        NAME(store_row)(norm->type, dx_row, dx, pixel, channels);
    }
    free(means);
    free(scratch);
    free(parameters);
}
