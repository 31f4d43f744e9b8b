/// Template over REAL (see Single.h): rows of a matrix, and their sums.

CK_INLINE void NAME(load_row)(ck_dtype type, const void *x, size_t row, size_t columns, REAL *values) {
    const void *at = ck_at(type, x, row * columns);
    if (ck_is_narrow(type)) ck_widen(type, at, (float *)values, columns);
    else memcpy(values, at, columns * sizeof(REAL));
}

CK_INLINE void NAME(store_row)(ck_dtype type, const REAL *values, void *y, size_t row, size_t columns) {
    void *at = ck_at_mutable(type, y, row * columns);
    if (ck_is_narrow(type)) ck_narrow(type, (const float *)values, at, columns);
    else if (at != values) memcpy(at, values, columns * sizeof(REAL));
}

/// Row `row` as REAL: in place, or widened into `scratch`.
CK_INLINE const REAL *NAME(row_of)(ck_dtype type, const void *x, size_t row, size_t columns, REAL *scratch) {
    if (!ck_is_narrow(type)) return (const REAL *)x + row * columns;
    NAME(load_row)(type, x, row, columns, scratch);
    return scratch;
}

/// Where to compute row `row` of y: in place, or in `scratch`; `store_row` finishes it.
CK_INLINE REAL *NAME(row_for)(ck_dtype type, void *y, size_t row, size_t columns, REAL *scratch) {
    return ck_is_narrow(type) ? scratch : (REAL *)y + row * columns;
}

/// γ or β as REAL, or `absent` throughout.
CK_INLINE void NAME(load_parameter)(ck_dtype type, const void *parameter, double absent, REAL *values,
                                    size_t n) {
    if (!parameter) {
        for (size_t i = 0; i < n; i++) values[i] = (REAL)absent;
    } else {
        NAME(load_row)(type, parameter, 0, n, values);
    }
}

/// Σ over one row: REAL lanes within a chunk, chunks in double. The addition may be reordered, not the term.
#define ROW_SUM(total, expression)                                \
    for (size_t start = 0; start < n; start += ck_chunk) {        \
        size_t end = ck_least(n, start + ck_chunk);               \
        REAL part = 0;                                            \
        EACH_ALONE for (size_t i = start; i < end; i++) {         \
            REAL term = (expression);                             \
            {                                                     \
                _Pragma("clang fp reassociate(on)") part += term; \
            }                                                     \
        }                                                         \
        total += (double)part;                                    \
    }
