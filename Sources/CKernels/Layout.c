#include "Elements.h"
#include "Plane.h"
#include <stdlib.h>

// MARK: Strided copy

/// What is left of a strided copy once dimensions are ordered for the caches and joined.
typedef struct {
    size_t element_bytes;
    int rank;
    int64_t shape[ck_most_dimensions], src[ck_most_dimensions], dst[ck_most_dimensions];
} copy_plan;

/// Moves dimension `from` to place `to` >= `from`; those between move up.
static void move_dimension(copy_plan *plan, int from, int to) {
    for (int d = from; d < to; d++) {
        int64_t shape = plan->shape[d], src = plan->src[d], dst = plan->dst[d];
        plan->shape[d] = plan->shape[d + 1], plan->src[d] = plan->src[d + 1], plan->dst[d] = plan->dst[d + 1];
        plan->shape[d + 1] = shape, plan->src[d + 1] = src, plan->dst[d + 1] = dst;
    }
}

/// Destination strides descend, so that it is written in order.
static void order_by_destination(copy_plan *plan) {
    for (int sorted = plan->rank - 1; sorted > 0; sorted--) {
        for (int d = 0; d < sorted; d++) {
            if (llabs(plan->dst[d]) < llabs(plan->dst[d + 1])) move_dimension(plan, d, d + 1);
        }
    }
}

static void join_dimensions(copy_plan *plan) {
    int kept = 0;
    for (int d = 1; d < plan->rank; d++) {
        int64_t size = plan->shape[d];
        bool joins = plan->src[kept] == plan->src[d] * size && plan->dst[kept] == plan->dst[d] * size;
        if (!joins) kept++;
        plan->shape[kept] = joins ? plan->shape[kept] * size : size;
        plan->src[kept] = plan->src[d], plan->dst[kept] = plan->dst[d];
    }
    plan->rank = plan->rank == 0 ? 0 : kept + 1;
}

/// Where the source is not contiguous along the last dimension, the one along which it is goes next to it:
/// the two are transposed tile by tile.
static void pair_with_source(copy_plan *plan) {
    int last = plan->rank - 1;
    if (plan->src[last] == 1) return;
    for (int d = 0; d < last - 1; d++) {
        if (plan->src[d] != 1) continue;
        move_dimension(plan, d, last - 1);
        return;
    }
}

static void copy_dimensions(const copy_plan *plan, int d, const char *src, char *dst) {
    if (d == plan->rank - 2) {
        ck_plane plane = {plan->shape[d], plan->shape[d + 1], plan->src[d], plan->src[d + 1],
                          plan->dst[d], plan->dst[d + 1]};
        ck_copy_plane(plan->element_bytes, &plane, src, dst);
        return;
    }
    int64_t bytes = (int64_t)plan->element_bytes;
    for (int64_t i = 0; i < plan->shape[d]; i++) {
        copy_dimensions(plan, d + 1, src + i * plan->src[d] * bytes, dst + i * plan->dst[d] * bytes);
    }
}

void ck_copy_strided(size_t element_bytes, int rank, const int64_t *shape,
                     const int64_t *src_strides, const void *src, const int64_t *dst_strides, void *dst) {
    if (rank > ck_most_dimensions - 2) __builtin_trap();
    copy_plan plan = {.element_bytes = element_bytes};
    for (int d = 0; d < rank; d++) {
        if (shape[d] == 0) return;
        if (shape[d] == 1) continue;
        int kept = plan.rank++;
        plan.shape[kept] = shape[d], plan.src[kept] = src_strides[d], plan.dst[kept] = dst_strides[d];
    }
    order_by_destination(&plan);
    join_dimensions(&plan);
    while (plan.rank < 2) {
        plan.shape[plan.rank] = 1, plan.src[plan.rank] = plan.dst[plan.rank] = 0;
        move_dimension(&plan, 0, plan.rank++);
    }
    pair_with_source(&plan);
    copy_dimensions(&plan, 0, src, dst);
}

// MARK: Rows of a table

void ck_gather_rows(size_t element_bytes, const void *table, const int32_t *indices, void *y, size_t rows,
                    size_t width) {
    size_t row_bytes = width * element_bytes;
    for (size_t i = 0; i < rows; i++) {
        memcpy((char *)y + i * row_bytes, (const char *)table + (size_t)indices[i] * row_bytes, row_bytes);
    }
}

void ck_scatter_add_rows(ck_dtype type, const void *dy, const int32_t *indices, void *table, size_t rows,
                         size_t width) {
    for (size_t i = 0; i < rows; i++) {
        void *row = ck_at_mutable(type, table, (size_t)indices[i] * width);
        ck_binary(ck_add, type, row, ck_at(type, dy, i * width), row, width);
    }
}
