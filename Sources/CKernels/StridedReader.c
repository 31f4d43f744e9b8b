#include "StridedReader.h"

ck_strided_reader ck_read_strided(size_t element_bytes, int rank, const int64_t *shape,
                                  const int64_t *strides, const void *x) {
    if (rank > ck_most_dimensions - 2) __builtin_trap();
    ck_strided_reader reader = {.element_bytes = element_bytes, .count = 1, .at = x};
    // The first two are dimensions of one element each: a plane to read is always there.
    reader.rank = 2;
    reader.shape[0] = reader.shape[1] = 1;
    for (int d = 0; d < rank; d++) {
        reader.count *= (size_t)shape[d];
        if (shape[d] == 1) continue;
        int last = reader.rank - 1;
        bool continues = last > 1 && reader.strides[last] == strides[d] * shape[d];
        if (!continues) last = reader.rank++;
        reader.shape[last] = continues ? reader.shape[last] * shape[d] : shape[d];
        reader.strides[last] = strides[d];
    }
    reader.is_contiguous = reader.rank == 2 || (reader.rank == 3 && reader.strides[2] == 1);
    return reader;
}

/// Moves on by `steps` in dimension d, then carries.
static void advance(ck_strided_reader *reader, int d, int64_t steps) {
    int64_t bytes = (int64_t)reader->element_bytes;
    reader->index[d] += steps;
    reader->at += steps * reader->strides[d] * bytes;
    for (; d > 0 && reader->index[d] == reader->shape[d]; d--) {
        reader->at += (reader->strides[d - 1] - reader->shape[d] * reader->strides[d]) * bytes;
        reader->index[d] = 0;
        reader->index[d - 1]++;
    }
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

const void *ck_read_next(ck_strided_reader *reader, size_t n, void *buffer) {
    const char *start = reader->at;
    if (reader->is_contiguous) {
        reader->at += n * reader->element_bytes;
        return start;
    }
    int r = reader->rank - 2, c = reader->rank - 1;
    char *to = buffer;
    for (int64_t left = (int64_t)n; left > 0;) {
        // Whole rows where a row begins, else what is left of this one.
        bool whole = reader->index[c] == 0 && left >= reader->shape[c];
        int64_t rows = whole ? least(reader->shape[r] - reader->index[r], left / reader->shape[c]) : 1;
        int64_t columns = whole ? reader->shape[c] : least(reader->shape[c] - reader->index[c], left);
        ck_plane plane = {rows, columns, reader->strides[r], reader->strides[c], columns, 1};
        ck_copy_plane(reader->element_bytes, &plane, reader->at, to);
        advance(reader, whole ? r : c, whole ? rows : columns);
        to += (size_t)(rows * columns) * reader->element_bytes;
        left -= rows * columns;
    }
    return buffer;
}
