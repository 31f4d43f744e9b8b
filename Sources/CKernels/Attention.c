#include "DoubleMath.h"
#include "FloatMath.h"
#include <stdlib.h>

#include "Single.h"
#include "Rows.h"
#include "RowMaximum.h"
#include "AttentionTiles.h"

#include "Double.h"
#include "Rows.h"
#include "RowMaximum.h"
#include "AttentionTiles.h"

void ck_softmax_tile(const ck_score_tile *tile, void *s, void *max, double *sum, void *output, size_t width,
                     size_t output_stride) {
    if (tile->type == ck_f64) {
        softmax_tile_f64(tile, s, max, sum, output, width, output_stride);
    } else {
        softmax_tile_f32(tile, s, max, sum, output, width, output_stride);
    }
}

void ck_softmax_finish(ck_dtype type, const void *max, const double *sum, void *lse, size_t rows, void *output,
                       size_t width, size_t output_stride) {
    if (type == ck_f64) {
        softmax_finish_f64(max, sum, lse, rows, output, width, output_stride);
    } else {
        softmax_finish_f32(max, sum, lse, rows, output, width, output_stride);
    }
}

void ck_softmax_tile_adjoint(const ck_score_tile *tile, void *s, void *dp, const void *lse, const void *delta,
                             double scale) {
    if (tile->type == ck_f64) {
        softmax_tile_adjoint_f64(tile, s, dp, lse, delta, scale);
    } else {
        softmax_tile_adjoint_f32(tile, s, dp, lse, delta, (float)scale);
    }
}

/// Rows of a narrow type, widened one by one.
static void row_dots_narrow(ck_dtype type, const void *a, const void *b, size_t rows, size_t columns,
                            size_t stride, float *y) {
    float *wide = ck_scratch(2 * columns, sizeof(float));
    for (size_t r = 0; r < rows; r++) {
        ck_widen(type, ck_at(type, a, r * stride), wide, columns);
        ck_widen(type, ck_at(type, b, r * stride), wide + columns, columns);
        y[r] = (float)row_dot_f32(wide, wide + columns, columns);
    }
    free(wide);
}

void ck_row_dots(ck_dtype type, const void *a, const void *b, size_t rows, size_t columns, size_t stride,
                 void *y) {
    if (type == ck_f64) {
        row_dots_f64(a, b, rows, columns, stride, y);
    } else if (ck_is_narrow(type)) {
        row_dots_narrow(type, a, b, rows, columns, stride, y);
    } else {
        row_dots_f32(a, b, rows, columns, stride, y);
    }
}
