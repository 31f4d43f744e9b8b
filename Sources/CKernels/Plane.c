#include "Plane.h"

#define BITS ck_bits8
#define NAME(function) function##_8
#include "PlaneKernels.h"

#define BITS ck_bits16
#define NAME(function) function##_16
#include "PlaneKernels.h"

#define BITS ck_bits32
#define NAME(function) function##_32
#include "PlaneKernels.h"

#define BITS ck_bits64
#define NAME(function) function##_64
#include "PlaneKernels.h"

void ck_copy_plane(size_t element_bytes, const ck_plane *plane, const void *src, void *dst) {
    if (plane->rows == 0 || plane->columns == 0) return;
    switch (element_bytes) {
    case 1: copy_plane_8(plane, src, dst); return;
    case 2: copy_plane_16(plane, src, dst); return;
    case 4: copy_plane_32(plane, src, dst); return;
    case 8: copy_plane_64(plane, src, dst); return;
    default: __builtin_trap();
    }
}
