#include "FloatMath.h"

// MARK: The bijection.   Salmon et al. 2011, §2.2 and Table 2

/// Four 32-bit words, each in the lower half of 64 bits. What the upper halves hold is ignored, so that the
/// vector multiplication of lower halves is all a round needs.
typedef struct {
    uint64_t word[4];
} philox_counter;

CK_INLINE philox_counter philox_4x32_10(philox_counter c, uint64_t seed) {
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t first = (c.word[0] & UINT32_MAX) * 0xD2511F53;
        uint64_t second = (c.word[2] & UINT32_MAX) * 0xCD9E8D57;
        c = (philox_counter){
            {second >> 32 ^ c.word[1] ^ key0, second, first >> 32 ^ c.word[3] ^ key1, first}};
        // The key schedule: a Weyl sequence of the golden ratio and √3 − 1.
        key0 += 0x9E3779B9;
        key1 += 0xBB67AE85;
    }
    return c;
}

void ck_philox_block(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    philox_counter c = {{counter[0], counter[1], counter[2], counter[3]}};
    c = philox_4x32_10(c, (uint64_t)key[1] << 32 | key[0]);
    for (int j = 0; j < 4; j++) out[j] = (uint32_t)c.word[j];
}

// MARK: Values of 64 counters at a time

enum { counters_abreast = 64, values_abreast = 4 * counters_abreast };

/// What the counters of one call share, and where they differ.
typedef struct {
    uint64_t seed;
    uint32_t stream, step;
    uint32_t sample[counters_abreast], block[counters_abreast];
} counter_group;

CK_INLINE philox_counter draw(const counter_group *group, int l) {
    philox_counter c = {{group->block[l], group->sample[l], group->step, group->stream}};
    return philox_4x32_10(c, group->seed);
}

CK_HOT static void draw_uniform(const counter_group *restrict group, float *restrict out) {
    for (int l = 0; l < counters_abreast; l++) {
        philox_counter c = draw(group, l);
        for (int j = 0; j < 4; j++) out[4 * l + j] = (float)((int32_t)((uint32_t)c.word[j] >> 8)) * 0x1p-24f;
    }
}

/// √(−2 ln u) for u = (w + 1) / 2³².
CK_INLINE float radius_of(uint32_t w) {
    // Near 1 the distance from 1 is what w holds exactly; elsewhere u = 2^k · (1 + f) as in `log_f32`.
    bool near_one = w >= 0xB504F334;
    uint32_t bits = ck_bits_of_float((float)w + 1.0f);
    int32_t exponent = (int32_t)(bits - 0x3f3504f3) >> 23;
    float f = ck_float_of_bits(bits - ((uint32_t)exponent << 23)) - 1.0f;
    float k = near_one ? 0.0f : (float)(exponent - 32);
    float log = log_of_parts_f32(k, near_one ? (float)~w * -0x1p-32f : f);
    return __builtin_elementwise_sqrt(-2.0f * log);
}

/// Box & Muller 1958: radius from one word, angle 2π · a / 2³² from the other.
CK_INLINE void normal_pair(uint32_t w, uint32_t a, float *out) {
    float radius = radius_of(w);
    uint32_t quadrant = (a + (1u << 29)) >> 30;
    float r = (float)(int32_t)(a - (quadrant << 30)) * 1.46291808e-9f;
    out[0] = radius * sine_in_quadrant_f32(r, quadrant + 1);
    out[1] = radius * sine_in_quadrant_f32(r, quadrant);
}

CK_HOT static void draw_normal(const counter_group *restrict group, float *restrict out) {
    for (int l = 0; l < counters_abreast; l++) {
        philox_counter c = draw(group, l);
        normal_pair((uint32_t)c.word[0], (uint32_t)c.word[1], out + 4 * l);
        normal_pair((uint32_t)c.word[2], (uint32_t)c.word[3], out + 4 * l + 2);
    }
}

// MARK: Samples

/// Sample after sample, block after block; a group of counters may span samples, so that short ones fill it.
static void fill_samples(void (*draw_group)(const counter_group *, float *), ck_philox_key key,
                         float *out, size_t samples, size_t width) {
    size_t blocks = (width + 3) / 4, total = samples * blocks;
    counter_group group = {.seed = key.seed, .stream = key.stream, .step = key.step};
    float values[values_abreast];
    size_t sample = 0, block = 0;
    for (size_t start = 0; start < total; start += counters_abreast) {
        size_t count = ck_least(counters_abreast, total - start), first_sample = sample, first_block = block;
        for (size_t l = 0; l < count; l++) {
            group.sample[l] = key.sample + (uint32_t)sample;
            group.block[l] = key.block + (uint32_t)block;
            if (++block == blocks) sample++, block = 0;
        }
        draw_group(&group, values);
        for (size_t l = 0, s = first_sample, b = first_block; l < count; s++, b = 0) {
            size_t run = ck_least(blocks - b, count - l);
            memcpy(out + s * width + 4 * b, values + 4 * l, ck_least(4 * run, width - 4 * b) * sizeof *out);
            l += run;
        }
    }
}

void ck_philox_uniform(ck_philox_key key, float *out, size_t samples, size_t width) {
    fill_samples(draw_uniform, key, out, samples, width);
}

void ck_philox_normal(ck_philox_key key, float *out, size_t samples, size_t width) {
    fill_samples(draw_normal, key, out, samples, width);
}
