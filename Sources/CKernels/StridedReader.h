/// Private to CKernels: reads a strided array in row-major order, a contiguous run at a time.
#pragma once
#include "Plane.h"

typedef struct {
    size_t element_bytes;
    size_t count;        ///< Elements in all.
    bool is_contiguous;  ///< Runs are then views of the array itself.
    int rank;            ///< At least 2, once neighbouring dimensions of one stride are joined.
    int64_t shape[ck_most_dimensions], strides[ck_most_dimensions], index[ck_most_dimensions];
    const char *at;      ///< The element at `index`.
} ck_strided_reader;

ck_strided_reader ck_read_strided(size_t element_bytes, int rank, const int64_t *shape,
                                  const int64_t *strides, const void *x);

/// The next n elements: in place where they lie together, else copied into `buffer`.
const void *ck_read_next(ck_strided_reader *reader, size_t n, void *buffer);
