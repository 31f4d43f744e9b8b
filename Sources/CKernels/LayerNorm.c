#include "Elements.h"
#include <math.h>
#include <stdlib.h>

/// Rows whose parameter gradients are added up in single precision before they are in double: there may be
/// any number of rows.
static const size_t rows_together = 16;

#include "Single.h"
#include "Rows.h"
#include "LayerNormRows.h"

#include "Double.h"
#include "Rows.h"
#include "LayerNormRows.h"

void ck_layer_norm(ck_dtype type, const void *x, const void *gamma, const void *beta, double epsilon,
                   void *y, void *mean, void *rstd, size_t rows, size_t columns) {
    if (type == ck_f64) {
        layer_norm_f64(type, x, gamma, beta, epsilon, y, mean, rstd, rows, columns);
    } else {
        layer_norm_f32(type, x, gamma, beta, epsilon, y, mean, rstd, rows, columns);
    }
}

void ck_layer_norm_adjoint(ck_dtype type, const void *x, const void *gamma, const void *mean,
                           const void *rstd, const void *dy, void *dx, void *dgamma_sum, void *dbeta_sum,
                           size_t rows, size_t columns) {
    if (type == ck_f64) {
        layer_norm_adjoint_f64(type, x, gamma, mean, rstd, dy, dx, dgamma_sum, dbeta_sum, rows, columns);
    } else {
        layer_norm_adjoint_f32(type, x, gamma, mean, rstd, dy, dx, dgamma_sum, dbeta_sum, rows, columns);
    }
}
