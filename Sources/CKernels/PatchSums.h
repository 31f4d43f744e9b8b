/// Template over REAL (see Single.h): patches added back to the image they were taken from.

CK_HOT static void NAME(add)(const REAL *restrict from, REAL *restrict to, size_t n) {
    for (size_t i = 0; i < n; i++) to[i] += from[i];
}

static void NAME(scatter_patches)(const ck_convolution *plan, const REAL *patches, size_t first_out,
                                  size_t out_rows, size_t first_row, size_t end_row, REAL *band) {
    size_t channels = plan->channels;
    for (size_t out = 0; out < out_rows * plan->out_width; out++) {
        size_t row = first_out + out / plan->out_width, column = out % plan->out_width;
        int64_t start = (int64_t)(column * plan->stride) - (int64_t)plan->pad_left;
        column_range inside = columns_inside(start, plan->kernel_width, plan->width);
        for (size_t k = 0; k < plan->kernel_height; k++, patches += plan->kernel_width * channels) {
            size_t y = row * plan->stride + k - plan->pad_top;
            if (inside.first == inside.end || y < first_row || y >= end_row) continue;
            size_t pixel = (y - first_row) * plan->width + (size_t)(start + (int64_t)inside.first);
            NAME(add)(patches + inside.first * channels, band + pixel * channels,
                      (inside.end - inside.first) * channels);
        }
    }
}
