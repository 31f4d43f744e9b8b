/// Template over REAL (see Single.h): the largest element of a row.

/// The largest of whole blocks, NaN ignored: it reappears in the exponentials.
CK_INLINE REAL NAME(max_of_blocks)(const REAL *x, size_t n) {
    REAL lanes[ck_block];
    memcpy(lanes, x, sizeof lanes);
    for (size_t i = ck_block; i < n; i += ck_block) {
        for (int l = 0; l < ck_block; l++) lanes[l] = x[i + l] > lanes[l] ? x[i + l] : lanes[l];
    }
    for (int half = ck_block / 2; half > 0; half /= 2) {
        for (int l = 0; l < half; l++) lanes[l] = lanes[l + half] > lanes[l] ? lanes[l + half] : lanes[l];
    }
    return lanes[0];
}
