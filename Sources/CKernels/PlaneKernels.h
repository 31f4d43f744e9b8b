/// Template over BITS, an element moved without regard to what it means, and NAME(function).

CK_HOT static void NAME(copy)(const ck_plane *plane, const BITS *src, BITS *dst) {
    // In locals, which what is written through dst cannot change.
    const int64_t columns = plane->columns, src_column = plane->src_column, dst_column = plane->dst_column;
    for (int64_t r = 0; r < plane->rows; r++, src += plane->src_row, dst += plane->dst_row) {
        BITS first = *src;
        if (src_column == 0 && dst_column == 1) {
            for (int64_t c = 0; c < columns; c++) dst[c] = first;
        } else {
            for (int64_t c = 0; c < columns; c++) dst[c * dst_column] = src[c * src_column];
        }
    }
}

typedef BITS NAME(eight) __attribute__((vector_size(8 * sizeof(BITS))));

/// Lays the elements of the last four vectors between those of the first four. That rotates the six bits of
/// each element's place by one: three times exchange row and column.
CK_INLINE void NAME(interleave)(const NAME(eight) from[8], NAME(eight) to[8]) {
    for (int i = 0; i < 4; i++) {
        to[2 * i] = __builtin_shufflevector(from[i], from[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
        to[2 * i + 1] = __builtin_shufflevector(from[i], from[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
    }
}

/// 8 × 8 elements.
CK_INLINE void NAME(transpose_square)(const ck_plane *plane, const BITS *src, BITS *dst) {
    NAME(eight) a[8], b[8];
    for (int c = 0; c < 8; c++) memcpy(&a[c], src + c * plane->src_column, sizeof a[c]);
    NAME(interleave)(a, b);
    NAME(interleave)(b, a);
    NAME(interleave)(a, b);
    for (int r = 0; r < 8; r++) memcpy(dst + r * plane->dst_row, &b[r], sizeof b[r]);
}

/// src contiguous along rows, dst along columns: tiles of 16 × 16 use whole cache lines on both sides.
CK_HOT static void NAME(transpose)(const ck_plane *plane, const BITS *src, BITS *dst) {
    for (int64_t r = 0; r < plane->rows; r += 16) {
        for (int64_t c = 0; c < plane->columns; c += 16) {
            const BITS *from = src + r + c * plane->src_column;
            BITS *to = dst + r * plane->dst_row + c;
            ck_plane tile = *plane;
            tile.rows = plane->rows - r < 16 ? plane->rows - r : 16;
            tile.columns = plane->columns - c < 16 ? plane->columns - c : 16;
            if (tile.rows < 16 || tile.columns < 16) {
                NAME(copy)(&tile, from, to);
                continue;
            }
            for (int i = 0; i < 16; i += 8) {
                NAME(transpose_square)(&tile, from + i, to + i * plane->dst_row);
                NAME(transpose_square)(&tile, from + i + 8 * plane->src_column, to + i * plane->dst_row + 8);
            }
        }
    }
}

static void NAME(copy_plane)(const ck_plane *plane, const BITS *src, BITS *dst) {
    bool is_large = plane->rows >= 16 && plane->columns >= 16;
    bool keeps_rows = plane->src_column == 1 && plane->dst_column == 1;
    bool turns_columns = plane->src_row == 1 && plane->dst_column == 1 && plane->src_column != 0;
    if (keeps_rows && plane->columns * (int64_t)sizeof(BITS) >= 64) {
        for (int64_t r = 0; r < plane->rows; r++) {
            memcpy(dst + r * plane->dst_row, src + r * plane->src_row, (size_t)plane->columns * sizeof(BITS));
        }
    } else if (turns_columns && is_large) {
        NAME(transpose)(plane, src, dst);
    } else {
        NAME(copy)(plane, src, dst);
    }
}

#undef BITS
#undef NAME
