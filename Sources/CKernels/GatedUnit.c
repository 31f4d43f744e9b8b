#include "DoubleMath.h"
#include "FloatMath.h"
#include <stdlib.h>

#include "Single.h"
#include "Activations.h"
#include "Rows.h"
#include "GatedUnitRows.h"

#include "Double.h"
#include "Activations.h"
#include "Rows.h"
#include "GatedUnitRows.h"

void ck_geglu(ck_dtype type, const void *x, void *y, size_t rows, size_t columns) {
    (type == ck_f64 ? geglu_f64 : geglu_f32)(type, x, y, rows, columns);
}

void ck_geglu_adjoint(ck_dtype type, const void *x, const void *dy, void *dx, size_t rows, size_t columns) {
    (type == ck_f64 ? geglu_adjoint_f64 : geglu_adjoint_f32)(type, x, dy, dx, rows, columns);
}
