/// Patches of images as rows of a matrix (im2col), and their adjoint.
#include "Elements.h"

/// Columns of the kernel that stay inside a row of `width` pixels when it starts at pixel `start`.
typedef struct {
    size_t first, end;
} column_range;

static column_range columns_inside(int64_t start, size_t kernel_width, size_t width) {
    int64_t first = start < 0 ? -start : 0;
    int64_t end = (int64_t)width - start;
    end = end < (int64_t)kernel_width ? end : (int64_t)kernel_width;
    first = first < (int64_t)kernel_width ? first : (int64_t)kernel_width;
    return (column_range){(size_t)first, (size_t)(end > first ? end : first)};
}

/// One row of a patch: pixels of one row of the image, 0 where they lie outside.
static void gather_row(const char *row, int64_t start, const ck_convolution *plan, size_t pixel_bytes, char *to) {
    column_range inside = {0, 0};
    if (row) inside = columns_inside(start, plan->kernel_width, plan->width);
    memset(to, 0, inside.first * pixel_bytes);
    size_t count = inside.end - inside.first;
    if (count > 0) {
        const char *from = row + (start + (int64_t)inside.first) * (int64_t)pixel_bytes;
        memcpy(to + inside.first * pixel_bytes, from, count * pixel_bytes);
    }
    memset(to + inside.end * pixel_bytes, 0, (plan->kernel_width - inside.end) * pixel_bytes);
}

void ck_gather_patches(size_t element_bytes, const ck_convolution *plan, const void *x, size_t first_row,
                       size_t rows, void *patches) {
    size_t pixel_bytes = plan->channels * element_bytes, row_bytes = plan->width * pixel_bytes;
    char *to = patches;
    for (size_t r = first_row; r < first_row + rows; r++) {
        size_t column = r % plan->out_width, row = r / plan->out_width % plan->out_height;
        const char *image = (const char *)x + r / plan->out_width / plan->out_height * plan->height * row_bytes;
        int64_t start = (int64_t)(column * plan->stride) - (int64_t)plan->pad_left;
        for (size_t k = 0; k < plan->kernel_height; k++, to += plan->kernel_width * pixel_bytes) {
            // Above the image this wraps to a large number.
            size_t y = row * plan->stride + k - plan->pad_top;
            gather_row(y < plan->height ? image + y * row_bytes : NULL, start, plan, pixel_bytes, to);
        }
    }
}

#include "Single.h"
#include "PatchSums.h"

#include "Double.h"
#include "PatchSums.h"

void ck_scatter_patches(ck_dtype type, const ck_convolution *plan, const void *patches, size_t first_out,
                        size_t out_rows, size_t first_row, size_t end_row, void *band) {
    if (type == ck_f64) {
        scatter_patches_f64(plan, patches, first_out, out_rows, first_row, end_row, band);
    } else {
        scatter_patches_f32(plan, patches, first_out, out_rows, first_row, end_row, band);
    }
}
