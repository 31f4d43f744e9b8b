/// Template over LANES, the elements of a vector, BLOCK_ROWS, TARGET and NAME: products of f32 with one packed panel.

typedef float NAME(vector) __attribute__((vector_size(4 * LANES), aligned(4)));

/// `count` of c's elements, those of one vector: old values are added to the sums where asked for.
TARGET CK_INLINE void NAME(store_sums)(const ck_panel_product *product, NAME(vector) sum, float *c, size_t count) {
    sum *= product->scale;
    if (count >= LANES) {
        if (product->accumulates) sum += *(const NAME(vector) *)c;
        *(NAME(vector) *)c = sum;
        return;
    }
    for (size_t j = 0; j < count; j++) c[j] = sum[j] + (product->accumulates ? c[j] : 0);
}

/// `rows` rows of c in `vectors` vectors of a panel from column `first` on; rows and vectors are constants.
TARGET CK_INLINE void NAME(panel_block)(
    const ck_panel_product *product, size_t row, size_t panel, size_t first, size_t count, int rows, int vectors) {
    const float *a = (const float *)product->a + row * product->leading_a;
    const float *b = (const float *)product->b + panel * product->panel_b + first;
    size_t step_a = product->leading_a, step_b = product->step_b;
    NAME(vector) sum[2 * BLOCK_ROWS][2] = {};
    for (size_t piece = 0; piece < product->pieces; piece++, a += product->piece_stride) {
        for (size_t p = 0; p < product->depth; p++, b += step_b) {
            NAME(vector) columns[2];
            CK_UNROLLED for (int v = 0; v < vectors; v++) columns[v] = *(const NAME(vector) *)(b + LANES * v);
            CK_UNROLLED for (int r = 0; r < rows; r++) {
                CK_UNROLLED for (int v = 0; v < vectors; v++) sum[r][v] += a[r * step_a + p] * columns[v];
            }
        }
    }
    CK_UNROLLED for (int r = 0; r < rows; r++) {
        float *c = (float *)product->c + (row + r) * product->leading_c + panel * ck_panel_columns + first;
        CK_UNROLLED for (size_t v = 0; v < vectors; v++) {
            if (count > LANES * v) NAME(store_sums)(product, sum[r][v], c + LANES * v, count - LANES * v);
        }
    }
}

TARGET CK_INLINE void NAME(strip_rows)(
    const ck_panel_product *product, size_t row, size_t end, size_t panel, size_t first, size_t count, int vectors) {
    enum { most = 12 };
    if (vectors == 1) {
        for (; end - row >= most; row += most) NAME(panel_block)(product, row, panel, first, count, most, 1);
    } else {
        for (; end - row >= BLOCK_ROWS; row += BLOCK_ROWS) {
            NAME(panel_block)(product, row, panel, first, count, BLOCK_ROWS, 2);
        }
    }
    for (; end - row >= 4; row += 4) NAME(panel_block)(product, row, panel, first, count, 4, vectors);
    for (; row < end; row++) NAME(panel_block)(product, row, panel, first, count, 1, vectors);
}

/// The first `count` columns of a panel, two vectors at a time.
TARGET static void NAME(panel_rows)(
    const ck_panel_product *product, size_t row, size_t end, size_t panel, size_t count) {
    for (size_t first = 0; first < count; first += 2 * LANES) {
        if (count - first > LANES) {
            NAME(strip_rows)(product, row, end, panel, first, count - first, 2);
        } else {
            NAME(strip_rows)(product, row, end, panel, first, count - first, 1);
        }
    }
}

#undef LANES
#undef BLOCK_ROWS
#undef TARGET
#undef NAME
