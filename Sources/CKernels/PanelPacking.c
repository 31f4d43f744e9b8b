#include "PanelProduct.h"

// A step along the depth is a word of 4 bytes: a float, or two neighbours of bf16, which come to lie beside each other.

size_t ck_panel_steps(ck_dtype type, size_t depth) { return type == ck_bf16 ? (depth + 1) / 2 : depth; }

/// The words of a panel from `step` on, with zeros beyond the edges.
static void pack_words(const ck_panel_matrix *b, size_t panel, size_t step, ck_bits32 *out) {
    size_t first = panel * ck_panel_columns, count = ck_least(ck_panel_columns, b->columns - first);
    size_t along = b->is_transposed ? 1 : b->leading, across = b->is_transposed ? b->leading : 1;
    const ck_bits32 *floats = b->values;
    const ck_bits16 *halves = b->values;
    for (size_t p = step; p < ck_panel_steps(b->type, b->depth); p++) {
        ck_bits32 *line = out + p * ck_panel_columns;
        for (size_t j = count; j < ck_panel_columns; j++) line[j] = 0;
        if (b->type == ck_f32) {
            for (size_t j = 0; j < count; j++) line[j] = floats[(first + j) * across + p * along];
            continue;
        }
        bool has_second = 2 * p + 1 < b->depth;
        for (size_t j = 0; j < count; j++) {
            size_t lower = (first + j) * across + 2 * p * along;
            line[j] = halves[lower] | (has_second ? (ck_bits32)halves[lower + along] << 16 : 0);
        }
    }
}

/// Whole columns where they lie along the rows, `leading` apart.
/// - Returns: how many steps are done.
CK_HOT static size_t pack_across_rows(ck_dtype type, const void *values, size_t leading, size_t depth, ck_bits32 *out) {
    const ck_bits16 *halves = values;
    const ck_bits32 *floats = values;
    size_t steps = type == ck_bf16 ? depth / 2 : depth;
    for (size_t p = 0; p < steps; p++, out += ck_panel_columns) {
        if (type == ck_bf16) {
            const ck_bits16 *row = halves + 2 * p * leading;
            for (size_t j = 0; j < ck_panel_columns; j++) out[j] = row[j] | (ck_bits32)row[leading + j] << 16;
        } else {
            memcpy(out, floats + p * leading, 4 * ck_panel_columns);
        }
    }
    return steps;
}

#if defined(__x86_64__)
#include <immintrin.h>

#define WIDE __attribute__((target("avx512f")))

enum { lanes = 16 };

/// A matrix of 16 × 16 turned about its diagonal, in four rounds that exchange neighbours 1, 2, 4, 8 apart.
WIDE CK_INLINE void transpose_lanes(__m512i rows[lanes]) {
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    CK_UNROLLED for (int apart = 1; apart < lanes; apart *= 2) {
        __mmask16 is_upper = _mm512_test_epi32_mask(lane, _mm512_set1_epi32(apart));
        __m512i first = _mm512_mask_add_epi32(lane, is_upper, lane, _mm512_set1_epi32(lanes - apart));
        __m512i second = _mm512_add_epi32(first, _mm512_set1_epi32(apart));
        CK_UNROLLED for (int i = 0; i < lanes; i++) {
            if (i & apart) continue;
            __m512i a = rows[i], b = rows[i + apart];
            rows[i] = _mm512_permutex2var_epi32(a, first, b);
            rows[i + apart] = _mm512_permutex2var_epi32(a, second, b);
        }
    }
}

/// Whole columns of words, 16 at a time, where the depth lies along the rows, `row_bytes` apart.
WIDE static size_t pack_along_rows(const char *values, size_t row_bytes, size_t steps, ck_bits32 *out) {
    size_t p = 0;
    for (; p + lanes <= steps; p += lanes) {
        for (size_t half = 0; half < ck_panel_columns; half += lanes) {
            __m512i rows[lanes];
            CK_UNROLLED for (size_t j = 0; j < lanes; j++) {
                rows[j] = _mm512_loadu_si512(values + (half + j) * row_bytes + 4 * p);
            }
            transpose_lanes(rows);
            CK_UNROLLED for (size_t k = 0; k < lanes; k++) {
                _mm512_storeu_si512(out + (p + k) * ck_panel_columns + half, rows[k]);
            }
        }
    }
    return p;
}

static bool can_pack_along_rows(void) { return __builtin_cpu_supports("avx512f"); }
#else
static size_t pack_along_rows(const char *values, size_t row_bytes, size_t steps, ck_bits32 *out) { return 0; }
static bool can_pack_along_rows(void) { return false; }
#endif

void ck_panel_pack(const ck_panel_matrix *b, size_t panel, void *packed) {
    size_t first = panel * ck_panel_columns, done = 0;
    if (b->columns - first >= ck_panel_columns) {
        const void *values = ck_at(b->type, b->values, first * (b->is_transposed ? b->leading : 1));
        if (!b->is_transposed) {
            done = pack_across_rows(b->type, values, b->leading, b->depth, packed);
        } else if (can_pack_along_rows()) {
            size_t whole = b->type == ck_bf16 ? b->depth / 2 : b->depth;
            done = pack_along_rows(values, b->leading * ck_element_bytes(b->type), whole, packed);
        }
    }
    pack_words(b, panel, done, packed);
}
