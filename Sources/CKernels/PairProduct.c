#include "Elements.h"

// Products of bf16 matrices by AVX512-BF16, which adds two products at once to a float: two neighbours along the
// depth lie beside each other in a and, once packed, in b. Sums run over the whole depth in order, so that a result
// does not depend on how a product is cut.

enum { pair_rows = 12, pair_columns = ck_pair_columns };

size_t ck_pair_packed_count(size_t columns, size_t depth) {
    return (columns + pair_columns - 1) / pair_columns * pair_columns * ((depth + 1) / 2);
}

/// Panels of `pair_columns` columns, pair by pair along the depth, zeros beyond the edges.
void ck_pair_pack(const ck_pair_matrix *b, size_t panel, void *packed) {
    const uint16_t *values = b->values;
    size_t pairs = (b->depth + 1) / 2, first = panel * pair_columns;
    size_t count = ck_least(pair_columns, b->columns - first);
    uint32_t *out = (uint32_t *)packed + panel * pair_columns * pairs;
    for (size_t p = 0; p < pairs; p++, out += pair_columns) {
        bool has_second = 2 * p + 1 < b->depth;
        for (size_t j = 0; j < pair_columns; j++) out[j] = 0;
        for (size_t j = 0; j < count; j++) {
            size_t lower = b->is_transposed ? (first + j) * b->leading + 2 * p : 2 * p * b->leading + first + j;
            size_t upper = lower + (b->is_transposed ? 1 : b->leading);
            out[j] = values[lower] | (has_second ? (uint32_t)values[upper] << 16 : 0);
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

/// 16 of c's elements from `c` on, those of the mask: old values are added to the sums where asked for.
PAIRS INLINED void store_sums(const ck_pair_product *product, __m512 sum, uint16_t *c, __mmask16 mask) {
    if (product->accumulates) {
        __m512i old = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, c));
        sum = _mm512_add_ps(sum, _mm512_castsi512_ps(_mm512_slli_epi32(old, 16)));
    }
    _mm256_mask_storeu_epi16(c, mask, (__m256i)_mm512_cvtneps_pbh(sum));
}

/// Adds the products of one pair, `bytes` of it, of each of `rows` rows; both are constants.
PAIRS INLINED void add_pair(const uint16_t *a, size_t step, const uint32_t *b, __m512 sum[][2], int rows, int bytes) {
    __m512bh left = (__m512bh)_mm512_loadu_si512(b), right = (__m512bh)_mm512_loadu_si512(b + 16);
    UNROLLED for (int r = 0; r < rows; r++) {
        uint32_t pair = 0;
        memcpy(&pair, a + r * step, (size_t)bytes);
        __m512bh x = (__m512bh)_mm512_set1_epi32((int)pair);
        sum[r][0] = _mm512_dpbf16_ps(sum[r][0], x, left);
        sum[r][1] = _mm512_dpbf16_ps(sum[r][1], x, right);
    }
}

/// `rows` rows of c, a constant, in the columns of one panel.
PAIRS INLINED void pair_block(
    const ck_pair_product *product, size_t row, size_t panel, int rows) {
    const uint16_t *a = (const uint16_t *)product->a + row * product->leading_a;
    size_t depth = product->depth, step = product->leading_a;
    const uint32_t *b = (const uint32_t *)product->packed + panel * pair_columns * ((depth + 1) / 2);
    __m512 sum[pair_rows][2];
    UNROLLED for (int r = 0; r < rows; r++) sum[r][0] = sum[r][1] = _mm512_setzero_ps();
    for (size_t p = 0; p < depth / 2; p++, b += pair_columns) add_pair(a + 2 * p, step, b, sum, rows, 4);
    if (depth % 2) add_pair(a + depth - 1, step, b, sum, rows, 2);
    size_t count = ck_least(pair_columns, product->columns - panel * pair_columns);
    uint32_t mask = count == 32 ? UINT32_MAX : (1u << count) - 1;
    UNROLLED for (int r = 0; r < rows; r++) {
        uint16_t *c = (uint16_t *)product->c + (row + r) * product->leading_c + panel * pair_columns;
        store_sums(product, sum[r][0], c, (__mmask16)mask);
        store_sums(product, sum[r][1], c + 16, (__mmask16)(mask >> 16));
    }
}

PAIRS void ck_pair_multiply(const ck_pair_product *product, size_t row, size_t end, size_t panel) {
    for (; end - row >= pair_rows; row += pair_rows) pair_block(product, row, panel, pair_rows);
    for (; end - row >= 4; row += 4) pair_block(product, row, panel, 4);
    for (; row < end; row++) pair_block(product, row, panel, 1);
}
#else
bool ck_has_pair_products(void) { return false; }

void ck_pair_multiply(const ck_pair_product *product, size_t row, size_t end, size_t panel) { __builtin_trap(); }
#endif
