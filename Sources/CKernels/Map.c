#include "Map.h"

/// Whole blocks in place; the tail through padded blocks, so that every element passes through the same
/// instructions wherever a caller splits the range.
static void map_single(ck_map_kernel kernel, const ck_map *map, const float *a, const float *b, float *y,
                       size_t n) {
    size_t tail = n % ck_block, whole = n - tail;
    if (whole > 0) kernel.single(map, a, b, y, whole);
    if (tail == 0) return;
    float a_tail[ck_block] = {0}, b_tail[ck_block] = {0}, y_tail[ck_block];
    memcpy(a_tail, a + whole, tail * sizeof *a);
    if (b) memcpy(b_tail, b + whole, tail * sizeof *b);
    kernel.single(map, a_tail, b_tail, y_tail, ck_block);
    memcpy(y + whole, y_tail, tail * sizeof *y);
}

static void map_narrow(ck_map_kernel kernel, const ck_map *map, ck_dtype type,
                       const void *a, const void *b, void *y, size_t n) {
    float a_chunk[ck_chunk] = {0}, b_chunk[ck_chunk] = {0}, y_chunk[ck_chunk];
    for (size_t start = 0; start < n; start += ck_chunk) {
        size_t count = ck_least(ck_chunk, n - start);
        size_t padded = (count + ck_block - 1) / ck_block * ck_block;
        ck_widen(type, ck_at(type, a, start), a_chunk, count);
        if (b) ck_widen(type, ck_at(type, b, start), b_chunk, count);
        kernel.single(map, a_chunk, b_chunk, y_chunk, padded);
        ck_narrow(type, y_chunk, ck_at_mutable(type, y, start), count);
    }
}

void ck_map_range(ck_map_kernel kernel, ck_map map, ck_dtype type, const void *a, const void *b, void *y,
                  size_t n) {
    if (n == 0) return;
    switch (type) {
    case ck_f32: map_single(kernel, &map, a, b, y, n); return;
    case ck_bf16: case ck_f16: map_narrow(kernel, &map, type, a, b, y, n); return;
    case ck_f64: kernel.twofold(&map, a, b, y, n); return;
    case ck_i32: __builtin_trap();
    }
}
