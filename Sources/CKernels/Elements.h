/// Private to CKernels: element types, and what every kernel file needs.
#pragma once
#include "CKernels.h"
#include <string.h>

// One binary serves every x86-64 machine: the loader binds a hot function to the widest version that runs.
#if defined(__x86_64__) && defined(__ELF__)
#define CK_HOT __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CK_HOT
#endif

// A call left standing inside a loop would keep it from being vectorised.
#define CK_INLINE static inline __attribute__((always_inline))

#define CK_UNROLLED _Pragma("clang loop unroll(full)")

// An element depends on its own index alone: output and input may be one array. Four vectors at a time hide
// the latency of the polynomials.
#define CK_EACH_ALONE _Pragma("clang loop vectorize(assume_safety) interleave_count(4)")

enum {
    ck_block = 64,    ///< Elements a kernel takes at a time; tails are padded to it.
    ck_chunk = 1024,  ///< Elements of a narrow type that are widened on the stack at a time.
};

// Elements moved without regard to what they mean.
typedef uint8_t ck_bits8 __attribute__((may_alias));
typedef uint16_t ck_bits16 __attribute__((may_alias));
typedef uint32_t ck_bits32 __attribute__((may_alias));
typedef uint64_t ck_bits64 __attribute__((may_alias));

static inline size_t ck_least(size_t a, size_t b) { return a < b ? a : b; }

CK_INLINE float ck_float_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

CK_INLINE uint32_t ck_bits_of_float(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

size_t ck_element_bytes(ck_dtype type);

static inline bool ck_is_narrow(ck_dtype type) { return type == ck_bf16 || type == ck_f16; }

/// The address of element `index`.
static inline const void *ck_at(ck_dtype type, const void *x, size_t index) {
    return (const char *)x + index * ck_element_bytes(type);
}
static inline void *ck_at_mutable(ck_dtype type, void *x, size_t index) {
    return (char *)x + index * ck_element_bytes(type);
}

/// f32, bf16 or f16 to float: exact.
void ck_widen(ck_dtype type, const void *x, float *y, size_t n);
/// float to f32, bf16 or f16, to nearest even.
void ck_narrow(ck_dtype type, const float *x, void *y, size_t n);
/// double to any floating type, rounded once to nearest even; to i32 towards zero.
void ck_store_doubles(ck_dtype type, const double *x, void *y, size_t n);

/// Room for `count` elements, to be freed; traps where memory has run out.
void *ck_scratch(size_t count, size_t element_bytes);
