#pragma once
#include <png.h>

/// The most bytes `png_image_write_to_memory` can need for this image (a macro that Swift does not import).
static inline png_alloc_size_t saddle_png_size_limit(const png_image *image) {
    return PNG_IMAGE_PNG_SIZE_MAX(*image);
}
