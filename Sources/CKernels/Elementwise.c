#include "DoubleMath.h"
#include "FloatMath.h"
#include "Map.h"
#include "StridedReader.h"

// MARK: y = sin(x + quadrant · π/2) · (factor or 1): sine, cosine and their derivatives are quadrants 0, 1, 2

/// One block, y apart from x. Beyond the reach of the short range reduction libm takes over.
CK_HOT static void sine_block_f32(const float *restrict x, uint32_t quadrant, float *restrict y) {
    int beyond = 0;
    for (int i = 0; i < ck_block; i++) {
        y[i] = sine_within_reach_f32(x[i], quadrant);
        beyond += !(fabsf(x[i]) <= ck_sine_reach);
    }
    if (beyond == 0) return;
    for (int i = 0; i < ck_block; i++) {
        if (fabsf(x[i]) <= ck_sine_reach) continue;
        float of_quadrant[4] = {sinf(x[i]), cosf(x[i]), -sinf(x[i]), -cosf(x[i])};
        y[i] = of_quadrant[quadrant & 3];
    }
}

static void sines_f32(const float *x, uint32_t quadrant, const float *factor, float *y, size_t n) {
    float block[ck_block];
    for (size_t start = 0; start < n; start += ck_block) {
        sine_block_f32(x + start, quadrant, block);
        for (size_t i = 0; factor && i < ck_block; i++) block[i] *= factor[start + i];
        memcpy(y + start, block, sizeof block);
    }
}

static void sines_f64(const double *x, uint32_t quadrant, const double *factor, double *y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        double of_quadrant[4] = {sin(x[i]), cos(x[i]), -sin(x[i]), -cos(x[i])};
        y[i] = of_quadrant[quadrant & 3] * (factor ? factor[i] : 1);
    }
}

// MARK: Kernels in both precisions

#include "Single.h"
#include "Activations.h"
#include "ElementwiseKernels.h"

#include "Double.h"
#include "Activations.h"
#include "ElementwiseKernels.h"

#define KERNEL(name) ((ck_map_kernel){.single = name##_f32, .twofold = name##_f64})

// MARK: Functions of one array

void ck_unary(ck_unary_op op, ck_dtype type, const void *x, void *y, size_t n) {
    ck_map_range(KERNEL(unary), (ck_map){.op = op}, type, x, NULL, y, n);
}

void ck_unary_adjoint(ck_unary_op op, ck_dtype type, const void *x, const void *dy, void *dx, size_t n) {
    ck_map_range(KERNEL(unary_adjoint), (ck_map){.op = op}, type, x, dy, dx, n);
}

void ck_affine(ck_dtype type, const void *x, double scale, double shift, void *y, size_t n) {
    ck_map_range(KERNEL(affine), (ck_map){.first = scale, .second = shift}, type, x, NULL, y, n);
}

void ck_axpby(ck_dtype type, double a, const void *x, double b, void *y, size_t n) {
    ck_map_range(KERNEL(weighted_sum), (ck_map){.first = a, .second = b}, type, x, y, y, n);
}

void ck_clamp(ck_dtype type, const void *x, double low, double high, void *y, size_t n) {
    ck_map_range(KERNEL(clamp), (ck_map){.first = low, .second = high}, type, x, NULL, y, n);
}

void ck_clamp_adjoint(ck_dtype type, const void *x, const void *dy, double low, double high, void *dx,
                      size_t n) {
    ck_map_range(KERNEL(clamp_adjoint), (ck_map){.first = low, .second = high}, type, x, dy, dx, n);
}

// MARK: Functions of two arrays

void ck_binary(ck_binary_op op, ck_dtype type, const void *a, const void *b, void *y, size_t n) {
    ck_map_range(KERNEL(binary), (ck_map){.op = op}, type, a, b, y, n);
}

void ck_binary_strided(ck_binary_op op, ck_dtype type, int rank, const int64_t *shape,
                       const int64_t *a_strides, const int64_t *b_strides, const void *a, const void *b,
                       void *y) {
    ck_strided_reader a_reader = ck_read_strided(ck_element_bytes(type), rank, shape, a_strides, a);
    ck_strided_reader b_reader = ck_read_strided(ck_element_bytes(type), rank, shape, b_strides, b);
    size_t n = a_reader.count;
    // Where both operands lie as y does, one range is all.
    size_t step = a_reader.is_contiguous && b_reader.is_contiguous ? n : ck_chunk;
    _Alignas(64) double a_buffer[ck_chunk], b_buffer[ck_chunk];
    for (size_t start = 0; start < n; start += step) {
        size_t count = ck_least(step, n - start);
        const void *a_run = ck_read_next(&a_reader, count, a_buffer);
        const void *b_run = ck_read_next(&b_reader, count, b_buffer);
        ck_binary(op, type, a_run, b_run, ck_at_mutable(type, y, start), count);
    }
}
