/// Private to CKernels: copies a strided matrix, the innermost two dimensions of every strided copy.
#pragma once
#include "Elements.h"

enum { ck_most_dimensions = 16 };  ///< Of a strided array, two of which the code keeps for itself.

/// Strides count elements.
typedef struct {
    int64_t rows, columns;
    int64_t src_row, src_column, dst_row, dst_column;
} ck_plane;

/// dst[r · dst_row + c · dst_column] = src[r · src_row + c · src_column].
void ck_copy_plane(size_t element_bytes, const ck_plane *plane, const void *src, void *dst);
