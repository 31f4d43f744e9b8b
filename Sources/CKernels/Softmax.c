#include "DoubleMath.h"
#include "FloatMath.h"
#include <stdlib.h>

#include "Single.h"
#include "Rows.h"
#include "RowMaximum.h"
#include "SoftmaxRows.h"

#include "Double.h"
#include "Rows.h"
#include "RowMaximum.h"
#include "SoftmaxRows.h"

void ck_softmax(ck_dtype type, const void *x, void *y, size_t rows, size_t columns) {
    (type == ck_f64 ? softmax_f64 : softmax_f32)(type, x, y, rows, columns);
}

void ck_softmax_adjoint(ck_dtype type, const void *y, const void *dy, void *dx, size_t rows, size_t columns) {
    (type == ck_f64 ? softmax_adjoint_f64 : softmax_adjoint_f32)(type, y, dy, dx, rows, columns);
}
