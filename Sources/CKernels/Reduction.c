#include "Elements.h"
#include <math.h>

enum {
    row_lanes = 32,     ///< Partial results of one contiguous row.
    tile_width = 2048,  ///< Running totals kept at a time.
};

// NaN if either is.
CK_INLINE double larger(double a, double b) { return a > b || a != a ? a : b; }
CK_INLINE double smaller(double a, double b) { return a < b || a != a ? a : b; }

CK_INLINE double combined(ck_reduce_op op, double a, double b) {
    return op == ck_sum ? a + b : op == ck_max ? larger(a, b) : smaller(a, b);
}

CK_INLINE double neutral(ck_reduce_op op) { return op == ck_sum ? 0 : op == ck_max ? -INFINITY : INFINITY; }

#include "Single.h"
#include "ReductionKernels.h"

#include "Double.h"
#include "ReductionKernels.h"

// MARK: Sum, maximum, minimum along one dimension

/// total[j] = total[j] ⊕ x[row, j] over rows of `width` elements, `stride` apart.
static void add_rows(ck_reduce_op op, ck_dtype type, const void *x, size_t rows, size_t stride, size_t width,
                     double *total) {
    float chunk[tile_width];
    switch (type) {
    case ck_f32: add_rows_f32(op, x, rows, stride, width, 1, total); return;
    case ck_f64: add_rows_f64(op, x, rows, stride, width, 1, total); return;
    case ck_bf16: case ck_f16: break;
    case ck_i32: __builtin_trap();
    }
    size_t together = stride == width ? tile_width / width : 1;
    for (size_t row = 0; row < rows; row += together) {
        size_t count = ck_least(together, rows - row);
        ck_widen(type, ck_at(type, x, row * stride), chunk, count * width);
        add_rows_f32(op, chunk, count, width, width, 1, total);
    }
}

/// total[i] = ⊕_e x[e, i] for `width` neighbouring i of `inner`. Where few, `abreast` entries e make up one
/// row of totals, so that it fills the vectors; halves are then combined until `inner` are left.
static void reduce_columns(ck_reduce_op op, ck_dtype type, const void *x, size_t extent, size_t inner,
                           size_t width, double *total) {
    size_t abreast = 1;
    while (2 * abreast * inner <= 64 && 2 * abreast <= extent) abreast *= 2;
    size_t lanes = abreast * width, rest = extent % abreast * inner;
    for (size_t j = 0; j < lanes; j++) total[j] = neutral(op);
    add_rows(op, type, x, extent / abreast, abreast * inner, lanes, total);
    if (rest > 0) add_rows(op, type, ck_at(type, x, extent * inner - rest), 1, rest, rest, total);
    while (lanes > width) {
        lanes /= 2;
        add_rows_f64(op, total + lanes, 1, lanes, lanes, 1, total);
    }
}

/// ⊕ over one contiguous row.
static double reduce_row(ck_reduce_op op, ck_dtype type, const void *x, size_t extent) {
    if (type == ck_f32) return reduce_row_f32(op, x, extent);
    if (type == ck_f64) return reduce_row_f64(op, x, extent);
    double total = neutral(op);
    float chunk[tile_width];
    for (size_t start = 0; start < extent; start += tile_width) {
        size_t count = ck_least(tile_width, extent - start);
        ck_widen(type, ck_at(type, x, start), chunk, count);
        total = combined(op, total, reduce_row_f32(op, chunk, count));
    }
    return total;
}

/// total[o] = ⊕_e x[o, e] over short rows, which lie side by side in the vectors.
static void reduce_short_rows(ck_reduce_op op, ck_dtype type, const void *x, size_t rows, size_t extent,
                              double *total) {
    float chunk[tile_width];
    for (size_t row = 0; row < rows; row++) total[row] = neutral(op);
    if (ck_is_narrow(type)) ck_widen(type, x, chunk, rows * extent);
    if (type == ck_f64) add_rows_f64(op, x, extent, 1, rows, extent, total);
    else add_rows_f32(op, ck_is_narrow(type) ? chunk : x, extent, 1, rows, extent, total);
}

/// y[o] = ⊕_e x[o, e].
static void reduce_rows(ck_reduce_op op, ck_dtype type, const void *x, void *y, size_t outer, size_t extent) {
    double total[tile_width];
    bool is_short = extent > 0 && extent < row_lanes;
    size_t together = is_short ? tile_width / extent : tile_width;
    for (size_t o = 0; o < outer; o += together) {
        size_t rows = ck_least(together, outer - o);
        const void *from = ck_at(type, x, o * extent);
        if (is_short) reduce_short_rows(op, type, from, rows, extent, total);
        for (size_t row = 0; !is_short && row < rows; row++) {
            total[row] = reduce_row(op, type, ck_at(type, from, row * extent), extent);
        }
        ck_store_doubles(type, total, ck_at_mutable(type, y, o), rows);
    }
}

void ck_reduce(ck_reduce_op op, ck_dtype type, const void *x, void *y, size_t outer, size_t extent,
               size_t inner) {
    if (inner == 1) {
        reduce_rows(op, type, x, y, outer, extent);
        return;
    }
    double total[tile_width];
    for (size_t o = 0; o < outer; o++) {
        for (size_t i = 0; i < inner; i += tile_width) {
            size_t width = ck_least(tile_width, inner - i);
            reduce_columns(op, type, ck_at(type, x, o * extent * inner + i), extent, inner, width, total);
            ck_store_doubles(type, total, ck_at_mutable(type, y, o * inner + i), width);
        }
    }
}

// MARK: Whole arrays

double ck_dot(ck_dtype type, const void *a, const void *b, size_t n) {
    double lane[row_lanes] = {0};
    if (type == ck_f32) add_products_f32(a, b, n, lane);
    if (type == ck_f64) add_products_f64(a, b, n, lane);
    for (size_t start = 0; ck_is_narrow(type) && start < n; start += ck_chunk) {
        float a_chunk[ck_chunk], b_chunk[ck_chunk];
        size_t count = ck_least(ck_chunk, n - start);
        ck_widen(type, ck_at(type, a, start), a_chunk, count);
        ck_widen(type, ck_at(type, b, start), b_chunk, count);
        add_products_f32(a_chunk, b_chunk, count, lane);
    }
    return reduce_row_f64(ck_sum, lane, row_lanes);
}

double ck_sum_of_squares(ck_dtype type, const void *x, size_t n) { return ck_dot(type, x, x, n); }

// Without its sign bit, a float's bits order as its magnitude does, with ∞ and NaN on top.
CK_HOT static uint32_t largest_bits_f32(const ck_bits32 *x, size_t n) {
    uint32_t largest = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t magnitude = x[i] & 0x7fffffff;
        largest = magnitude > largest ? magnitude : largest;
    }
    return largest;
}
CK_HOT static uint64_t largest_bits_f64(const ck_bits64 *x, size_t n) {
    uint64_t largest = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t magnitude = x[i] & 0x7fffffffffffffff;
        largest = magnitude > largest ? magnitude : largest;
    }
    return largest;
}

static float max_magnitude_narrow(ck_dtype type, const void *x, size_t n) {
    float chunk[ck_chunk];
    uint32_t largest = 0;
    for (size_t start = 0; start < n; start += ck_chunk) {
        size_t count = ck_least(ck_chunk, n - start);
        ck_widen(type, ck_at(type, x, start), chunk, count);
        uint32_t here = largest_bits_f32((const ck_bits32 *)chunk, count);
        largest = here > largest ? here : largest;
    }
    return ck_float_of_bits(largest);
}

double ck_max_magnitude(ck_dtype type, const void *x, size_t n, bool *finite) {
    double magnitude = 0;
    switch (type) {
    case ck_f32: magnitude = (double)ck_float_of_bits(largest_bits_f32(x, n)); break;
    case ck_bf16: case ck_f16: magnitude = (double)max_magnitude_narrow(type, x, n); break;
    case ck_f64: {
        uint64_t bits = largest_bits_f64(x, n);
        memcpy(&magnitude, &bits, sizeof bits);
        break;
    }
    case ck_i32: __builtin_trap();
    }
    if (!(magnitude < INFINITY)) *finite = false;
    return magnitude;
}
