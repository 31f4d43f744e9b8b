#include "Elements.h"

// MARK: Fill

void ck_fill(ck_dtype type, double value, void *y, size_t n) {
    union { ck_bits16 two; ck_bits32 four; ck_bits64 eight; } element;
    ck_store_doubles(type, &value, &element, 1);
    switch (ck_element_bytes(type)) {
    case 2: for (size_t i = 0; i < n; i++) ((ck_bits16 *)y)[i] = element.two; return;
    case 4: for (size_t i = 0; i < n; i++) ((ck_bits32 *)y)[i] = element.four; return;
    case 8: for (size_t i = 0; i < n; i++) ((ck_bits64 *)y)[i] = element.eight; return;
    }
}

// MARK: Cast

CK_HOT static void widen_to_double(const float *restrict x, double *restrict y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = x[i];
}

static void load_doubles(ck_dtype type, const void *x, double *y, size_t n) {
    float single[ck_chunk];
    switch (type) {
    case ck_f64: memcpy(y, x, n * sizeof *y); return;
    case ck_i32: for (size_t i = 0; i < n; i++) y[i] = ((const int32_t *)x)[i]; return;
    case ck_f32: case ck_bf16: case ck_f16:
        ck_widen(type, x, single, n);
        widen_to_double(single, y, n);
    }
}

/// Through double, where either side is wider than float.
static void cast_by_double(ck_dtype from, const void *x, ck_dtype to, void *y, size_t n) {
    double chunk[ck_chunk];
    for (size_t start = 0; start < n; start += ck_chunk) {
        size_t count = ck_least(ck_chunk, n - start);
        load_doubles(from, ck_at(from, x, start), chunk, count);
        ck_store_doubles(to, chunk, ck_at_mutable(to, y, start), count);
    }
}

static void cast_by_float(ck_dtype from, const void *x, ck_dtype to, void *y, size_t n) {
    float chunk[ck_chunk];
    for (size_t start = 0; start < n; start += ck_chunk) {
        size_t count = ck_least(ck_chunk, n - start);
        ck_widen(from, ck_at(from, x, start), chunk, count);
        ck_narrow(to, chunk, ck_at_mutable(to, y, start), count);
    }
}

void ck_cast(ck_dtype from, const void *x, ck_dtype to, void *y, size_t n) {
    if (from == to) {
        memmove(y, x, n * ck_element_bytes(to));
    } else if (from == ck_f32 && ck_is_narrow(to)) {
        ck_narrow(to, x, y, n);
    } else if (ck_is_narrow(from) && to == ck_f32) {
        ck_widen(from, x, y, n);
    } else if (ck_is_narrow(from) && ck_is_narrow(to)) {
        cast_by_float(from, x, to, y, n);
    } else if (to != ck_i32) {
        cast_by_double(from, x, to, y, n);
    } else {
        __builtin_trap();
    }
}

void ck_narrow_strided(ck_dtype type, const float *x, size_t row_step, size_t column_step, void *y, size_t leading,
                       size_t rows, size_t columns) {
    float chunk[ck_chunk];
    for (size_t r = 0; r < rows; r++) {
        for (size_t start = 0; start < columns; start += ck_chunk) {
            size_t count = ck_least(ck_chunk, columns - start);
            const float *from = x + r * row_step + start * column_step;
            for (size_t c = 0; c < count; c++) chunk[c] = from[c * column_step];
            ck_narrow(type, chunk, ck_at_mutable(type, y, r * leading + start), count);
        }
    }
}
