#include "Elements.h"

// Products of bf16 matrices by AVX512-BF16, which adds two products at once to a float: two neighbours along the
// depth lie beside each other in a and, once packed, in b. Sums run over the whole depth in order, so that a result
// does not depend on how a product is cut.

enum { pair_rows = 12, pair_columns = ck_pair_columns };

size_t ck_pair_packed_count(size_t columns, size_t depth) {
    return (columns + pair_columns - 1) / pair_columns * pair_columns * ((depth + 1) / 2);
}

/// The pairs of a panel from `pair` on, with zeros beyond the edges.
static void pack_pairs(const ck_pair_matrix *b, size_t panel, size_t pair, uint32_t *out) {
    const uint16_t *values = b->values;
    size_t pairs = (b->depth + 1) / 2, first = panel * pair_columns;
    size_t count = ck_least(pair_columns, b->columns - first);
    for (size_t p = pair; p < pairs; p++) {
        uint32_t *line = out + p * pair_columns;
        bool has_second = 2 * p + 1 < b->depth;
        for (size_t j = count; j < pair_columns; j++) line[j] = 0;
        for (size_t j = 0; j < count; j++) {
            size_t lower = b->is_transposed ? (first + j) * b->leading + 2 * p : 2 * p * b->leading + first + j;
            size_t upper = lower + (b->is_transposed ? 1 : b->leading);
            line[j] = values[lower] | (has_second ? (uint32_t)values[upper] << 16 : 0);
        }
    }
}

#if defined(__x86_64__)
#include <immintrin.h>

#define PAIRS __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))
#define INLINED static inline __attribute__((always_inline))
#define UNROLLED _Pragma("clang loop unroll(full)")

bool ck_has_pair_products(void) {
    return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512vl");
}

// MARK: Packing

enum { lanes = 16 };

/// A matrix of 16 × 16 turned about its diagonal, in four rounds that exchange neighbours 1, 2, 4, 8 apart.
PAIRS INLINED void transpose_lanes(__m512i rows[lanes]) {
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    UNROLLED for (int apart = 1; apart < lanes; apart *= 2) {
        __mmask16 is_upper = _mm512_test_epi32_mask(lane, _mm512_set1_epi32(apart));
        __m512i first = _mm512_mask_add_epi32(lane, is_upper, lane, _mm512_set1_epi32(lanes - apart));
        __m512i second = _mm512_add_epi32(first, _mm512_set1_epi32(apart));
        UNROLLED for (int i = 0; i < lanes; i++) {
            if (i & apart) continue;
            __m512i a = rows[i], b = rows[i + apart];
            rows[i] = _mm512_permutex2var_epi32(a, first, b);
            rows[i + apart] = _mm512_permutex2var_epi32(a, second, b);
        }
    }
}

/// Whole columns of pairs, 16 at a time, where the depth lies along the rows.
/// - Returns: how many pairs are done.
PAIRS static size_t pack_along_rows(const uint16_t *values, size_t leading, size_t pairs, uint32_t *out) {
    size_t p = 0;
    for (; p + lanes <= pairs; p += lanes) {
        for (size_t half = 0; half < pair_columns; half += lanes) {
            __m512i rows[lanes];
            UNROLLED for (size_t j = 0; j < lanes; j++) {
                rows[j] = _mm512_loadu_si512(values + (half + j) * leading + 2 * p);
            }
            transpose_lanes(rows);
            UNROLLED for (size_t k = 0; k < lanes; k++) {
                _mm512_storeu_si512(out + (p + k) * pair_columns + half, rows[k]);
            }
        }
    }
    return p;
}

/// The same where columns lie along the rows.
PAIRS static size_t pack_across_rows(const uint16_t *values, size_t leading, size_t pairs, uint32_t *out) {
    for (size_t p = 0; p < pairs; p++, values += 2 * leading, out += pair_columns) {
        for (size_t j = 0; j < pair_columns; j++) out[j] = values[j] | (uint32_t)values[leading + j] << 16;
    }
    return pairs;
}

void ck_pair_pack(const ck_pair_matrix *b, size_t panel, void *packed) {
    size_t first = panel * pair_columns, done = 0;
    const uint16_t *values = (const uint16_t *)b->values + first * (b->is_transposed ? b->leading : 1);
    if (b->columns - first >= pair_columns) {
        done = (b->is_transposed ? pack_along_rows : pack_across_rows)(values, b->leading, b->depth / 2, packed);
    }
    pack_pairs(b, panel, done, packed);
}

// MARK: Products

/// 16 of c's elements from `c` on, those of the mask: old values are added to the sums where asked for.
PAIRS INLINED void store_sums(const ck_pair_product *product, __m512 sum, void *c, __mmask16 mask) {
    sum = _mm512_mul_ps(sum, _mm512_set1_ps(product->scale));
    if (product->is_wide) {
        if (product->accumulates) sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, c));
        _mm512_mask_storeu_ps(c, mask, sum);
        return;
    }
    if (product->accumulates) {
        __m512i old = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, c));
        sum = _mm512_add_ps(sum, _mm512_castsi512_ps(_mm512_slli_epi32(old, 16)));
    }
    _mm256_mask_storeu_epi16(c, mask, (__m256i)_mm512_cvtneps_pbh(sum));
}

/// Adds the products of one pair, `bytes` of it, of each of `rows` rows to `vectors` times 16 sums; all are constants.
PAIRS INLINED void add_pair(
    const uint16_t *a, size_t step, const uint32_t *b, __m512 sum[][2], int rows, int vectors, int bytes) {
    __m512bh columns[2];
    UNROLLED for (int v = 0; v < vectors; v++) columns[v] = (__m512bh)_mm512_loadu_si512(b + 16 * v);
    UNROLLED for (int r = 0; r < rows; r++) {
        uint32_t pair = 0;
        memcpy(&pair, a + r * step, (size_t)bytes);
        __m512bh x = (__m512bh)_mm512_set1_epi32((int)pair);
        UNROLLED for (int v = 0; v < vectors; v++) sum[r][v] = _mm512_dpbf16_ps(sum[r][v], x, columns[v]);
    }
}

/// `rows` rows of c in the first 16 · `vectors` columns of one panel; both are constants.
PAIRS INLINED void pair_block(const ck_pair_product *product, size_t row, size_t panel, int rows, int vectors) {
    const uint16_t *a = (const uint16_t *)product->a + row * product->leading_a;
    size_t depth = product->depth, step = product->leading_a, pairs = (depth + 1) / 2 * product->pieces;
    const uint32_t *b = (const uint32_t *)product->packed + panel * pair_columns * pairs;
    __m512 sum[pair_rows][2];
    UNROLLED for (int r = 0; r < rows; r++) sum[r][0] = sum[r][1] = _mm512_setzero_ps();
    for (size_t piece = 0; piece < product->pieces; piece++, a += product->piece_stride) {
        for (size_t p = 0; p < depth / 2; p++, b += pair_columns) add_pair(a + 2 * p, step, b, sum, rows, vectors, 4);
        if (depth % 2) add_pair(a + depth - 1, step, b, sum, rows, vectors, 2), b += pair_columns;
    }
    size_t count = ck_least(pair_columns, product->columns - panel * pair_columns);
    size_t bytes = product->is_wide ? sizeof(float) : sizeof(uint16_t);
    uint32_t mask = count == 32 ? UINT32_MAX : (1u << count) - 1;
    UNROLLED for (int r = 0; r < rows; r++) {
        char *c = (char *)product->c + ((row + r) * product->leading_c + panel * pair_columns) * bytes;
        UNROLLED for (int v = 0; v < vectors; v++) {
            store_sums(product, sum[r][v], c + 16 * v * bytes, (__mmask16)(mask >> 16 * v));
        }
    }
}

PAIRS INLINED void pair_rows_of(const ck_pair_product *product, size_t row, size_t end, size_t panel, int vectors) {
    for (; end - row >= pair_rows; row += pair_rows) pair_block(product, row, panel, pair_rows, vectors);
    if (end - row >= 8) pair_block(product, row, panel, 8, vectors), row += 8;
    for (; end - row >= 4; row += 4) pair_block(product, row, panel, 4, vectors);
    for (; row < end; row++) pair_block(product, row, panel, 1, vectors);
}

PAIRS void ck_pair_multiply(const ck_pair_product *product, size_t row, size_t end, size_t panel) {
    // Panels of half their width are frequent: a head of 40 has 32 columns and 8.
    if (product->columns - panel * pair_columns <= pair_columns / 2) {
        pair_rows_of(product, row, end, panel, 1);
    } else {
        pair_rows_of(product, row, end, panel, 2);
    }
}
#else
bool ck_has_pair_products(void) { return false; }

void ck_pair_pack(const ck_pair_matrix *b, size_t panel, void *packed) { pack_pairs(b, panel, 0, packed); }

void ck_pair_multiply(const ck_pair_product *product, size_t row, size_t end, size_t panel) { __builtin_trap(); }
#endif
