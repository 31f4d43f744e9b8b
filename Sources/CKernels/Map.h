/// Private to CKernels: applies an element-wise kernel to a range of any floating type.
#pragma once
#include "Elements.h"

/// Which function, and its constants.
typedef struct {
    int32_t op;
    double first, second;
} ck_map;

/// y[i] = f(a[i], b[i]) for n elements; y may be a or b. Kernels of one argument ignore b.
typedef struct {
    /// n is a multiple of `ck_block`.
    void (*single)(const ck_map *map, const float *a, const float *b, float *y, size_t n);
    void (*twofold)(const ck_map *map, const double *a, const double *b, double *y, size_t n);
} ck_map_kernel;

/// b may be NULL for a kernel of one argument.
void ck_map_range(ck_map_kernel kernel, ck_map map, ck_dtype type, const void *a, const void *b, void *y,
                  size_t n);
