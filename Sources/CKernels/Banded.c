#include "Elements.h"

enum { few_columns = 8 };  ///< Below this, a row of sums costs more to start than to add up.

#include "Single.h"
#include "BandedRows.h"

#include "Double.h"
#include "BandedRows.h"

void ck_multiply_banded(ck_dtype type, const ck_banded *matrix, const void *x, void *y, size_t inner,
                        size_t first, size_t count) {
    switch (type) {
    case ck_f32: multiply_banded_f32(matrix, x, y, inner, first, count); return;
    case ck_f64: multiply_banded_f64(matrix, x, y, inner, first, count); return;
    case ck_bf16: case ck_f16: case ck_i32: __builtin_trap();
    }
}
