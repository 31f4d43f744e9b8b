/// CPU kernels of TensorCore. Every function works on one contiguous range on one thread; Swift splits
/// ranges over threads. Element types: `bf16` and `f16` are widened to float, computed, rounded to nearest even.
/// Results do not depend on how a caller splits a range (no reduction crosses the range it is given).
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Values equal `DType.rawValue`.
typedef enum : int32_t { ck_f32 = 0, ck_bf16 = 1, ck_f16 = 2, ck_f64 = 3, ck_i32 = 4 } ck_dtype;

// MARK: Element-wise (Elementwise.c)

typedef enum : int32_t {
    ck_negate = 0, ck_absolute, ck_square, ck_square_root, ck_reciprocal, ck_exponential, ck_logarithm,
    ck_sine, ck_cosine, ck_tanh, ck_sigmoid, ck_relu, ck_silu,
    ck_gelu /* exact, erf */, ck_quick_gelu /* x·σ(1.702x) */,
} ck_unary_op;

/// y[i] = f(x[i]).
void ck_unary(ck_unary_op op, ck_dtype type, const void *x, void *y, size_t n);
/// dx[i] = f'(x[i]) · dy[i].
void ck_unary_adjoint(ck_unary_op op, ck_dtype type, const void *x, const void *dy, void *dx, size_t n);

typedef enum : int32_t { ck_add = 0, ck_subtract, ck_multiply, ck_divide, ck_maximum, ck_minimum } ck_binary_op;

/// y[i] = a[i] ∘ b[i]; y may alias a or b.
void ck_binary(ck_binary_op op, ck_dtype type, const void *a, const void *b, void *y, size_t n);
/// y = a ∘ b with broadcasting: y is contiguous of `shape[rank]`; a stride of 0 repeats. Strides count elements.
void ck_binary_strided(ck_binary_op op, ck_dtype type, int rank, const int64_t *shape,
                       const int64_t *a_strides, const int64_t *b_strides, const void *a, const void *b, void *y);
/// y[i] = scale · x[i] + shift; y may alias x.
void ck_affine(ck_dtype type, const void *x, double scale, double shift, void *y, size_t n);
/// y[i] = a · x[i] + b · y[i].
void ck_axpby(ck_dtype type, double a, const void *x, double b, void *y, size_t n);
/// y[i] = min(max(x[i], low), high).
void ck_clamp(ck_dtype type, const void *x, double low, double high, void *y, size_t n);
/// dx[i] = low <= x[i] <= high ? dy[i] : 0.
void ck_clamp_adjoint(ck_dtype type, const void *x, const void *dy, double low, double high, void *dx, size_t n);
void ck_fill(ck_dtype type, double value, void *y, size_t n);
/// Converts between any two of the floating types, and i32 -> floating.
void ck_cast(ck_dtype from, const void *x, ck_dtype to, void *y, size_t n);
/// y[r, c] = x[r · row_step + c · column_step] rounded to f32, bf16 or f16; rows of y `leading` apart.
void ck_narrow_strided(ck_dtype type, const float *x, size_t row_step, size_t column_step, void *y, size_t leading,
                       size_t rows, size_t columns);

// MARK: Layout (Layout.c)

/// dst[strides] = src[strides] over `shape[rank]`; strides count elements of `element_bytes` (1, 2, 4, 8).
void ck_copy_strided(size_t element_bytes, int rank, const int64_t *shape,
                     const int64_t *src_strides, const void *src, const int64_t *dst_strides, void *dst);
/// y[i, :] = table[indices[i], :], rows of `width`.
void ck_gather_rows(size_t element_bytes, const void *table, const int32_t *indices, void *y, size_t rows,
                    size_t width);
/// table[indices[i], :] += dy[i, :], in order of i.
void ck_scatter_add_rows(ck_dtype type, const void *dy, const int32_t *indices, void *table, size_t rows, size_t width);

// MARK: Reductions (Reduction.c)

typedef enum : int32_t { ck_sum = 0, ck_max = 1, ck_min = 2 } ck_reduce_op;

/// y[o, i] = ⊕_e x[o, e, i]. Sums of f32 and narrower are carried in wider or compensated form:
/// relative error of a sum of a million like-signed floats stays below 1e-6.
void ck_reduce(ck_reduce_op op, ck_dtype type, const void *x, void *y, size_t outer, size_t extent, size_t inner);
/// Σ x[i]² in double.
double ck_sum_of_squares(ck_dtype type, const void *x, size_t n);
/// Σ a[i]·b[i] in double.
double ck_dot(ck_dtype type, const void *a, const void *b, size_t n);
/// max |x[i]|, ∞ or NaN where there is one; sets *finite to false if any element is NaN or infinite (it never
/// sets it to true).
double ck_max_magnitude(ck_dtype type, const void *x, size_t n, bool *finite);

// MARK: Softmax and norms (Softmax.c, LayerNorm.c); rows are contiguous

/// y = e^(x − max x) / Σ e^(x − max x) over each row. −∞ gets 0; a row of nothing else, or with a NaN, is NaN.
void ck_softmax(ck_dtype type, const void *x, void *y, size_t rows, size_t columns);
/// dx = y · (dy − Σ_j dy_j y_j).
void ck_softmax_adjoint(ck_dtype type, const void *y, const void *dy, void *dx, size_t rows, size_t columns);

/// y = γ · (x − mean) · rstd + β over each row. γ, β may be NULL. mean, rstd are f32 (f64 when type is f64), one per
/// row.
void ck_layer_norm(ck_dtype type, const void *x, const void *gamma, const void *beta, double epsilon,
                   void *y, void *mean, void *rstd, size_t rows, size_t columns);
/// dx of layer norm. dgamma_sum, dbeta_sum (f32, or f64 when type is f64; NULL to skip) receive += over these rows.
void ck_layer_norm_adjoint(ck_dtype type, const void *x, const void *gamma, const void *mean, const void *rstd,
                           const void *dy, void *dx, void *dgamma_sum, void *dbeta_sum, size_t rows, size_t columns);

// MARK: Convolution (Patches.c, Winograd.c); images are [N, H, W, C], weights [O, kh, kw, I]

/// Sizes of a convolution. Padding below and to the right is what the output's extent implies.
typedef struct {
    size_t height, width, channels;
    size_t out_height, out_width, out_channels;
    size_t kernel_height, kernel_width, stride, pad_top, pad_left;
} ck_convolution;

/// patches[r, ky, kx, :] = x[n, stride · oy − pad_top + ky, stride · ox − pad_left + kx, :], 0 outside, for `rows`
/// output pixels r = (n, oy, ox) from `first_row` on.
void ck_gather_patches(size_t element_bytes, const ck_convolution *plan, const void *x, size_t first_row,
                       size_t rows, void *patches);
/// The adjoint for one image, f32 or f64: adds patches of whole output rows `first_out`... to the pixels of x's
/// rows `first_row` ..< `end_row`; band points to the first of them.
void ck_scatter_patches(ck_dtype type, const ck_convolution *plan, const void *patches, size_t first_out,
                        size_t out_rows, size_t first_row, size_t end_row, void *band);

/// Winograd's F(4×4, 3×3) for a stride of 1. v[p, t, :] = (Bᵀ d B)[p] for `tiles` tiles of 4 × 4 outputs, counted over
/// images, rows, columns from `first_tile` on.
void ck_winograd_input(const ck_convolution *plan, const float *x, size_t first_tile, size_t tiles, float *v,
                       size_t point_stride);
/// u[p, r, :] = (G g Gᵀ)[p] for the columns `first_column`... of `rows` filters [3, 3, channels]; g turned by half a
/// turn where `flipped`. type is any but f64.
void ck_winograd_weight(ck_dtype type, const void *w, size_t rows, size_t channels, size_t first_column,
                        size_t columns, bool flipped, float *u, size_t point_stride);
/// y = Aᵀ m A + bias (NULL for none), or + what y holds where `adds`, in channels `first_column`... of y;
/// m is [36, tiles, columns].
void ck_winograd_output(const ck_convolution *plan, const float *m, size_t point_stride, size_t first_tile,
                        size_t tiles, size_t first_column, size_t columns, const float *bias, bool adds, float *y);

// MARK: Products of packed matrices (PanelProduct.c; PairProduct.c for bf16, FloatProduct.c for f32)

enum { ck_panel_columns = 32 };

/// b, k×n, or n×k if transposed, rows `leading` apart; bf16 or f32.
typedef struct {
    ck_dtype type;
    const void *values;
    size_t leading, columns, depth;
    bool is_transposed;
} ck_panel_matrix;

/// c = scale · a · b or c += scale · a · b, rounded once: a m×k, c m×n, both of `type`, or c f32 if wide; b packed.
/// A row of a is `pieces` runs of `depth` elements, `piece_stride` apart, each of which is packed by itself in b.
typedef struct {
    ck_dtype type;
    const void *a, *b;
    void *c;
    size_t leading_a, leading_c, columns, depth, pieces, piece_stride;
    /// Words of 4 bytes from one step along b's depth to the next, and from one panel to the next. An f32 matrix that
    /// has room up to the next whole panel need not be packed.
    size_t step_b, panel_b;
    float scale;
    bool accumulates, is_wide;
    bool avoids_avx512;  ///< for f32: the sums are the same to the bit, which tests see
} ck_panel_product;

/// Whether the processor has the instructions for products of `type`.
bool ck_has_panel_products(ck_dtype type);
/// Steps along the depth once it is packed: pairs of bf16, or elements of f32. Each takes 4 · `ck_panel_columns` bytes.
size_t ck_panel_steps(ck_dtype type, size_t depth);
/// Packs the columns of one panel, `ck_panel_columns` of them, step by step of the depth, with zeros beyond the edges.
void ck_panel_pack(const ck_panel_matrix *b, size_t panel, void *packed_panel);
/// Rows `row` to `end` of c in the columns of one panel.
void ck_panel_multiply(const ck_panel_product *product, size_t row, size_t end, size_t panel);

// MARK: Group norm (GroupNorm.c); one image or a part of it, [pixels, channels], groups of equal size

/// What group norm needs besides the pixels. γ and β may be NULL; mean and rstd are f32 (f64 when type is f64), one
/// per group.
typedef struct {
    ck_dtype type;
    size_t channels, groups;
    const void *gamma, *beta, *mean, *rstd;
    bool silu;  ///< y = z · σ(z) of the normalised z
} ck_group_norm;

/// sums[0, c] = Σ x and sums[1, c] = Σ x² over the pixels.
void ck_group_norm_sums(ck_dtype type, const void *x, size_t pixels, size_t channels, double *sums);
/// Mean and 1/√(variance + ε) of each group from `parts` sums over `pixels` pixels in all.
void ck_group_norm_moments(ck_dtype type, const double *sums, size_t parts, size_t pixels, size_t channels,
                           size_t groups, double epsilon, void *mean, void *rstd);
/// z = γ · (x − mean) · rstd + β, and y = z or its SiLU.
void ck_group_norm_apply(const ck_group_norm *norm, const void *x, void *y, size_t pixels);
/// sums[0, c] = Σ dz and sums[1, c] = Σ dz · x̂ over the pixels.
void ck_group_norm_adjoint_sums(const ck_group_norm *norm, const void *x, const void *dy, size_t pixels, double *sums);
/// dx = rstd · (γ dz − ⟨γ dz⟩ − x̂ ⟨γ dz x̂⟩), the means over the group of all `all_pixels`, from sums[2, channels] of
/// the whole image.
void ck_group_norm_adjoint_apply(const ck_group_norm *norm, const void *x, const void *dy, const double *sums,
                                 size_t all_pixels, void *dx, size_t pixels);

// MARK: Attention (Attention.c); tiles of the score matrix, f32 or f64

/// A tile of scores s[rows, columns], its rows `stride` apart; room is needed up to the next multiple of 64 columns.
typedef struct {
    ck_dtype type;
    size_t rows, columns, stride;
    /// Columns that row r may see: at most `visible` + r, where `causal`.
    bool causal;
    int64_t visible;
    const int32_t *mask;  ///< per column, 0 hides it; NULL hides none
} ck_score_tile;

/// One step of the online softmax (Milakov & Gimelshein 2018): s ← e^(s − max), max and sum brought up to date, and
/// the rows of `output` (width columns, `output_stride` apart) rescaled to the new max. Start with max = −∞, sum = 0.
void ck_softmax_tile(const ck_score_tile *tile, void *s, void *max, double *sum, void *output, size_t width,
                     size_t output_stride);
/// output ← output / sum, lse = max + ln sum. Rows that saw no key become 0.
void ck_softmax_finish(ck_dtype type, const void *max, const double *sum, void *lse, size_t rows, void *output,
                       size_t width, size_t output_stride);
/// s ← p = e^(s − lse), dp ← p · (dp − delta) · scale.
void ck_softmax_tile_adjoint(const ck_score_tile *tile, void *s, void *dp, const void *lse, const void *delta,
                             double scale);
/// y[r] = Σ a[r, :] · b[r, :] over `columns`; rows of a and b `stride` apart. y is f32 (f64 when type is f64).
void ck_row_dots(ck_dtype type, const void *a, const void *b, size_t rows, size_t columns, size_t stride, void *y);

// MARK: Gated units (GatedUnit.c)

/// y = h · gelu(g), rows [h | g] of 2 · columns in x (Shazeer 2020, GEGLU).
void ck_geglu(ck_dtype type, const void *x, void *y, size_t rows, size_t columns);
/// dx = [dy · gelu(g) | dy · h · gelu'(g)].
void ck_geglu_adjoint(ck_dtype type, const void *x, const void *dy, void *dx, size_t rows, size_t columns);

// MARK: Banded matrices (Banded.c), f32 and f64

/// A matrix whose row i has offsets[i + 1] − offsets[i] weights, from column starts[i] on.
typedef struct {
    size_t rows, columns;
    const int32_t *starts;
    const int32_t *offsets;
    const double *weights;
} ck_banded;

/// y[o, i, :] = Σ_t weights[offsets[i] + t] · x[o, starts[i] + t, :], rows of `inner` elements, for `count` pairs
/// (o, i) from number `first` = o · rows + i on; x and y start at o = 0.
void ck_multiply_banded(ck_dtype type, const ck_banded *matrix, const void *x, void *y, size_t inner,
                        size_t first, size_t count);

// MARK: Optimisers (Optimizer.c), f32

/// Loshchilov & Hutter 2019, Algorithm 2. `correction1 = 1 − β1^t`, `correction2 = 1 − β2^t`; `scale` multiplies g
/// (clipping).
void ck_adamw(float *parameter, const float *gradient, float *first_moment, float *second_moment, size_t n,
              double scale, double learning_rate, double beta1, double beta2, double epsilon, double weight_decay,
              double correction1, double correction2);

// MARK: Random numbers (Philox.c)

/// Salmon et al. 2011, Philox 4x32-10: one block of the bijection.
void ck_philox_block(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

typedef struct {
    uint64_t seed;      ///< the key
    uint32_t stream;    ///< counter word 3
    uint32_t step;      ///< counter word 2
    uint32_t sample;    ///< counter word 1: index of the first sample (wraps never: callers check)
    uint32_t block;     ///< counter word 0: first block of each sample (a block is 4 values)
} ck_philox_key;

/// out[s, e]: `width` uniforms in [0, 1) (24 bits) for each of `samples` consecutive samples.
void ck_philox_uniform(ck_philox_key key, float *out, size_t samples, size_t width);
/// out[s, e]: standard normals by Box–Muller of two 32-bit words each pair; the radius uses 32 bits, so |z| <= 6.66.
void ck_philox_normal(ck_philox_key key, float *out, size_t samples, size_t width);

// MARK: Exact sums (FixedPoint.c)

/// sum[i] += round-to-nearest-even(x[i] · 2^exponent). Caller guarantees finite x and no overflow.
void ck_fixed_accumulate(const float *x, int exponent, int64_t *sum, size_t n);
/// y[i] = sum[i] · 2^(−exponent) rounded once to float.
void ck_fixed_to_float(const int64_t *sum, int exponent, float *y, size_t n);
/// The same for double input and output.
void ck_fixed_accumulate_f64(const double *x, int exponent, int64_t *sum, size_t n);
void ck_fixed_to_double(const int64_t *sum, int exponent, double *y, size_t n);
