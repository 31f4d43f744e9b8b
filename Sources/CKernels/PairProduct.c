#include "PanelProduct.h"

// Products of bf16 matrices by AVX512-BF16, which adds two products at once to a float: two neighbours along the
// depth lie beside each other in a and, once packed, in b.

#if defined(__x86_64__)
#include <immintrin.h>

#define PAIRS __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))

enum { pair_rows = 12 };

bool ck_has_pair_products(void) {
    return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512vl");
}

/// 16 of c's elements from `c` on, those of the mask: old values are added to the sums where asked for.
PAIRS CK_INLINE void store_sums(const ck_panel_product *product, __m512 sum, void *c, __mmask16 mask) {
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
PAIRS CK_INLINE void add_pair(
    const uint16_t *a, size_t step, const uint32_t *b, __m512 sum[][2], int rows, int vectors, int bytes) {
    __m512bh columns[2];
    CK_UNROLLED for (int v = 0; v < vectors; v++) columns[v] = (__m512bh)_mm512_loadu_si512(b + 16 * v);
    CK_UNROLLED for (int r = 0; r < rows; r++) {
        uint32_t pair = 0;
        memcpy(&pair, a + r * step, (size_t)bytes);
        __m512bh x = (__m512bh)_mm512_set1_epi32((int)pair);
        CK_UNROLLED for (int v = 0; v < vectors; v++) sum[r][v] = _mm512_dpbf16_ps(sum[r][v], x, columns[v]);
    }
}

/// `rows` rows of c in the first 16 · `vectors` columns of one panel; both are constants.
PAIRS CK_INLINE void pair_block(const ck_panel_product *product, size_t row, size_t panel, int rows, int vectors) {
    const uint16_t *a = (const uint16_t *)product->a + row * product->leading_a;
    size_t depth = product->depth, step = product->leading_a;
    const uint32_t *b = (const uint32_t *)product->b + panel * product->panel_b;
    __m512 sum[pair_rows][2];
    CK_UNROLLED for (int r = 0; r < rows; r++) sum[r][0] = sum[r][1] = _mm512_setzero_ps();
    for (size_t piece = 0; piece < product->pieces; piece++, a += product->piece_stride) {
        for (size_t p = 0; p < depth / 2; p++, b += product->step_b) {
            add_pair(a + 2 * p, step, b, sum, rows, vectors, 4);
        }
        if (depth % 2) add_pair(a + depth - 1, step, b, sum, rows, vectors, 2), b += product->step_b;
    }
    size_t count = ck_least(ck_panel_columns, product->columns - panel * ck_panel_columns);
    size_t bytes = product->is_wide ? sizeof(float) : sizeof(uint16_t);
    uint32_t mask = count == 32 ? UINT32_MAX : (1u << count) - 1;
    CK_UNROLLED for (int r = 0; r < rows; r++) {
        char *c = (char *)product->c + ((row + r) * product->leading_c + panel * ck_panel_columns) * bytes;
        CK_UNROLLED for (int v = 0; v < vectors; v++) {
            store_sums(product, sum[r][v], c + 16 * v * bytes, (__mmask16)(mask >> 16 * v));
        }
    }
}

PAIRS CK_INLINE void pair_rows_of(const ck_panel_product *product, size_t row, size_t end, size_t panel, int vectors) {
    for (; end - row >= pair_rows; row += pair_rows) pair_block(product, row, panel, pair_rows, vectors);
    if (end - row >= 8) pair_block(product, row, panel, 8, vectors), row += 8;
    for (; end - row >= 4; row += 4) pair_block(product, row, panel, 4, vectors);
    for (; row < end; row++) pair_block(product, row, panel, 1, vectors);
}

PAIRS void ck_pair_multiply(const ck_panel_product *product, size_t row, size_t end, size_t panel) {
    // Panels of half their width are frequent: a head of 40 has 32 columns and 8.
    if (product->columns - panel * ck_panel_columns <= ck_panel_columns / 2) {
        pair_rows_of(product, row, end, panel, 1);
    } else {
        pair_rows_of(product, row, end, panel, 2);
    }
}
#else
bool ck_has_pair_products(void) { return false; }
void ck_pair_multiply(const ck_panel_product *product, size_t row, size_t end, size_t panel) { __builtin_trap(); }
#endif
