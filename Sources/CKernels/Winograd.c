/// F(4×4, 3×3) of Lavin & Gray 2016: Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A, 36 products for 16 outputs of 144.
///
/// The points are 0, ±√½, ±√2 and ∞ in place of Lavin's 0, ±1, ±2 and ∞: rounding errors are half as large.
#include "Elements.h"
#include <stdlib.h>

enum { points = 6, outputs = 4, taps = 3, lanes = 16 };

/// Channels of one pixel.
typedef float vector __attribute__((vector_size(lanes * sizeof(float))));

static const float root = 1.41421356f, half_root = 0.707106781f;

/// Up to 16 channels; what is missing is 0.
CK_INLINE void load(const float *x, size_t count, vector *value) {
    if (count >= lanes) {
        memcpy(value, x, sizeof *value);
    } else {
        *value = (vector){0};
        memcpy(value, x, count * sizeof *x);
    }
}

CK_INLINE void store(const vector *value, float *y, size_t count) {
    memcpy(y, value, count >= lanes ? sizeof *value : count * sizeof *y);
}

// MARK: One dimension; from and to are arrays of vectors `stride` apart

/// Bᵀ d.
CK_INLINE void input_transform(const vector *d, vector *v, int stride) {
    vector d1 = d[stride], d2 = d[2 * stride], d3 = d[3 * stride], d4 = d[4 * stride];
    vector even1 = d4 - 2 * d2, odd1 = half_root * (d3 - 2 * d1);
    vector even2 = d4 - 0.5f * d2, odd2 = root * (d3 - 0.5f * d1);
    v[0] = d[0] - 2.5f * d2 + d4;
    v[stride] = even1 + odd1, v[2 * stride] = even1 - odd1;
    v[3 * stride] = even2 + odd2, v[4 * stride] = even2 - odd2;
    v[5 * stride] = d1 - 2.5f * d3 + d[5 * stride];
}

/// G g.
CK_INLINE void weight_transform(const vector *g, vector *u, int stride) {
    vector g0 = g[0], g1 = g[stride], g2 = g[2 * stride];
    vector even1 = (-2.0f / 3) * (g0 + 0.5f * g2), odd1 = (-2.0f / 3 * half_root) * g1;
    vector even2 = (1.0f / 6) * g0 + (1.0f / 3) * g2, odd2 = (1.0f / 6 * root) * g1;
    u[0] = g0;
    u[stride] = even1 + odd1, u[2 * stride] = even1 - odd1;
    u[3 * stride] = even2 + odd2, u[4 * stride] = even2 - odd2;
    u[5 * stride] = g2;
}

/// Aᵀ m.
CK_INLINE void output_transform(const vector *m, vector *y, int stride) {
    vector sum1 = m[stride] + m[2 * stride], difference1 = m[stride] - m[2 * stride];
    vector sum2 = m[3 * stride] + m[4 * stride], difference2 = m[3 * stride] - m[4 * stride];
    y[0] = m[0] + sum1 + sum2;
    y[stride] = half_root * difference1 + root * difference2;
    y[2 * stride] = 0.5f * sum1 + 2 * sum2;
    y[3 * stride] = 0.5f * half_root * difference1 + 2 * root * difference2 + m[5 * stride];
}

// MARK: Two dimensions

/// Where a tile lies: its image, and the place of its first output.
typedef struct {
    size_t image, row, column;
} tile_place;

static tile_place place_of_tile(const ck_convolution *plan, size_t tile) {
    size_t across = (plan->out_width + outputs - 1) / outputs;
    size_t down = (plan->out_height + outputs - 1) / outputs;
    return (tile_place){tile / (across * down), tile / across % down * outputs, tile % across * outputs};
}

CK_HOT static void transform_tile(const float *const pixels[points * points], size_t channels, float *v,
                                  size_t point_stride) {
    vector d[points * points], rows[points * points];
    for (size_t c = 0; c < channels; c += lanes) {
        size_t count = ck_least(lanes, channels - c);
        for (int i = 0; i < points * points; i++) load(pixels[i] + c, count, &d[i]);
        for (int i = 0; i < points; i++) input_transform(d + i, rows + i, points);
        for (int i = 0; i < points; i++) input_transform(rows + points * i, d + points * i, 1);
        for (size_t i = 0; i < points * points; i++) store(&d[i], v + i * point_stride + c, count);
    }
}

void ck_winograd_input(const ck_convolution *plan, const float *x, size_t first_tile, size_t tiles, float *v,
                       size_t point_stride) {
    size_t channels = plan->channels;
    float *zeros = ck_scratch(channels, sizeof(float));
    memset(zeros, 0, channels * sizeof *zeros);
    for (size_t tile = 0; tile < tiles; tile++) {
        tile_place at = place_of_tile(plan, first_tile + tile);
        const float *image = x + at.image * plan->height * plan->width * channels;
        const float *pixels[points * points];
        for (size_t i = 0; i < points * points; i++) {
            // Above and left of the image these wrap to large numbers.
            size_t row = at.row + i / points - plan->pad_top, column = at.column + i % points - plan->pad_left;
            bool is_inside = row < plan->height && column < plan->width;
            pixels[i] = is_inside ? image + (row * plan->width + column) * channels : zeros;
        }
        transform_tile(pixels, channels, v + tile * channels, point_stride);
    }
    free(zeros);
}

CK_HOT static void transform_filter(const float *g, size_t columns, bool flipped, float *u,
                                    size_t point_stride) {
    vector taken[taps * taps], rows[points * taps], whole[points * points];
    for (size_t c = 0; c < columns; c += lanes) {
        size_t count = ck_least(lanes, columns - c);
        for (size_t i = 0; i < taps * taps; i++) {
            size_t tap = flipped ? taps * taps - 1 - i : i;
            load(g + tap * columns + c, count, &taken[i]);
        }
        for (int i = 0; i < taps; i++) weight_transform(taken + i, rows + i, taps);
        for (int i = 0; i < points; i++) weight_transform(rows + taps * i, whole + points * i, 1);
        for (size_t i = 0; i < points * points; i++) store(&whole[i], u + i * point_stride + c, count);
    }
}

void ck_winograd_weight(ck_dtype type, const void *w, size_t rows, size_t channels, size_t first_column,
                        size_t columns, bool flipped, float *u, size_t point_stride) {
    enum { rows_ahead = 8, line = 64 };
    float *filter = ck_scratch(taps * taps * columns, sizeof(float));
    size_t row_bytes = taps * taps * channels * ck_element_bytes(type);
    for (size_t row = 0; row < rows; row++) {
        for (size_t tap = 0; tap < taps * taps; tap++) {
            const char *from = ck_at(type, w, (row * taps * taps + tap) * channels + first_column);
            // Pieces of a row are too short for the machine to see where the next one will be.
            for (size_t b = 0; columns < channels && b < columns * ck_element_bytes(type); b += line) {
                __builtin_prefetch(from + rows_ahead * row_bytes + b);
            }
            ck_widen(type, from, filter + tap * columns, columns);
        }
        transform_filter(filter, columns, flipped, u + row * columns, point_stride);
    }
    free(filter);
}

CK_HOT static void finish_tile(const float *m, size_t point_stride, size_t columns, const float *bias,
                               bool adds, float *const pixels[outputs * outputs]) {
    vector all[points * points], rows[outputs * points], y[outputs * outputs];
    for (size_t c = 0; c < columns; c += lanes) {
        size_t count = ck_least(lanes, columns - c);
        for (size_t i = 0; i < points * points; i++) load(m + i * point_stride + c, count, &all[i]);
        for (int i = 0; i < points; i++) output_transform(all + i, rows + i, points);
        for (int i = 0; i < outputs; i++) output_transform(rows + points * i, y + outputs * i, 1);
        vector shift = {0};
        if (bias) load(bias + c, count, &shift);
        for (int i = 0; i < outputs * outputs; i++) {
            if (!pixels[i]) continue;
            if (adds) load(pixels[i] + c, count, &shift);
            y[i] += shift;
            store(&y[i], pixels[i] + c, count);
        }
    }
}

void ck_winograd_output(const ck_convolution *plan, const float *m, size_t point_stride, size_t first_tile,
                        size_t tiles, size_t first_column, size_t columns, const float *bias, bool adds, float *y) {
    size_t pixel = plan->out_channels;
    for (size_t tile = 0; tile < tiles; tile++) {
        tile_place at = place_of_tile(plan, first_tile + tile);
        float *image = y + at.image * plan->out_height * plan->out_width * pixel + first_column;
        float *pixels[outputs * outputs];
        for (size_t i = 0; i < outputs * outputs; i++) {
            size_t row = at.row + i / outputs, column = at.column + i % outputs;
            bool is_inside = row < plan->out_height && column < plan->out_width;
            pixels[i] = is_inside ? image + (row * plan->out_width + column) * pixel : NULL;
        }
        finish_tile(m + tile * columns, point_stride, columns, bias ? bias + first_column : NULL, adds,
                    pixels);
    }
}
