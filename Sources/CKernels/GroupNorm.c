#include "DoubleMath.h"
#include "FloatMath.h"
#include <stdlib.h>

#include "Single.h"
#include "Activations.h"
#include "Rows.h"
#include "GroupNormPixels.h"

#include "Double.h"
#include "Activations.h"
#include "Rows.h"
#include "GroupNormPixels.h"

void ck_group_norm_sums(ck_dtype type, const void *x, size_t pixels, size_t channels, double *sums) {
    (type == ck_f64 ? group_norm_sums_f64 : group_norm_sums_f32)(type, x, pixels, channels, sums);
}

void ck_group_norm_moments(ck_dtype type, const double *sums, size_t parts, size_t pixels, size_t channels,
                           size_t groups, double epsilon, void *mean, void *rstd) {
    if (type == ck_f64) {
        group_norm_moments_f64(sums, parts, pixels, channels, groups, epsilon, mean, rstd);
    } else {
        group_norm_moments_f32(sums, parts, pixels, channels, groups, epsilon, mean, rstd);
    }
}

void ck_group_norm_apply(const ck_group_norm *norm, const void *x, void *y, size_t pixels) {
    (norm->type == ck_f64 ? group_norm_apply_f64 : group_norm_apply_f32)(norm, x, y, pixels);
}

void ck_group_norm_adjoint_sums(const ck_group_norm *norm, const void *x, const void *dy, size_t pixels,
                                double *sums) {
    if (norm->type == ck_f64) {
        group_norm_adjoint_sums_f64(norm, x, dy, pixels, sums);
    } else {
        group_norm_adjoint_sums_f32(norm, x, dy, pixels, sums);
    }
}

void ck_group_norm_adjoint_apply(const ck_group_norm *norm, const void *x, const void *dy, const double *sums,
                                 size_t all_pixels, void *dx, size_t pixels) {
    if (norm->type == ck_f64) {
        group_norm_adjoint_apply_f64(norm, x, dy, sums, all_pixels, dx, pixels);
    } else {
        group_norm_adjoint_apply_f32(norm, x, dy, sums, all_pixels, dx, pixels);
    }
}
