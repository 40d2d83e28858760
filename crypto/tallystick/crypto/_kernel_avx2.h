/* GF(2^255 - 19) in four lanes with AVX2: radix 2^25.5, ten limbs of 26 and 25 bits by turns, limb k of four numbers in one register.
 * The instruction at hand multiplies 32 bits by 32 bits.
 *
 * Two kinds of number, one type; "even, odd" are the bounds of the even and the odd limbs:
 *
 *   tight   below 2^26 + 2^16, 2^25 + 2^16: what products, squares and `carry` give
 *   loose   below 2^27.6, 2^26.6: a sum of two tight ones, or a difference with 2p added; products and squares take these
 *
 * Bounds of a product of loose numbers: 19·b_j < 2^31.9 fits 32 bits, as do 2·a_i for odd i (2^27.6), 2·a_i for even i (2^28.6) and
 * 38·a_j for odd j (2^31.9). A column takes ten terms, those of even i and j below 2^(27.6 + 31.9), those of odd i and j (with their
 * factor 2) no larger than 2^(27.6 + 30.9): in all below 5·2^59.5 + 5·2^58.5 < 2^62.4. */

#ifndef TALLY_KERNEL_AVX2_H
#define TALLY_KERNEL_AVX2_H

#define AVX2_TARGET "avx2"
#define AVX2_FN static __attribute__((noinline, target(AVX2_TARGET)))
#define AVX2_IN static inline __attribute__((always_inline, target(AVX2_TARGET)))

enum { AVX2_LANES = 4 };

typedef __m256i word4;
typedef __m256i avx2_mask; /* 64-bit lanes of all ones or zero */
typedef struct {
    word4 v[10];
} avx2_fe;

#define LOW26 ((1LL << 26) - 1)
#define LOW25 ((1LL << 25) - 1)
#define ALL4(x) _mm256_set1_epi64x((long long)(x))
#define ADD4 _mm256_add_epi64
#define SUB4 _mm256_sub_epi64
#define AND4 _mm256_and_si256
#define OR4 _mm256_or_si256
#define SHR4 _mm256_srli_epi64
#define SHL4 _mm256_slli_epi64
#define MUL4 _mm256_mul_epu32

/* x·19 in 64 bits. */
AVX2_IN word4 avx2_times19(word4 x) { return ADD4(ADD4(x, ADD4(x, x)), SHL4(x, 4)); }

#define AVX2_MOVE(h, k, bits, low) h[(k) + 1] = ADD4(h[(k) + 1], SHR4(h[k], bits)), h[k] = AND4(h[k], low)

/* Columns below 2^63 to a tight number. Two chains run side by side, from limb 0 and from limb 5; after limb 9 has gone to limb 0 (19
 * times below 2^38, so below 2^43) limb 0 is carried once more, into limb 1 below 2^25 + 2^17. Likewise limb 5 into limb 6. */
AVX2_IN avx2_fe avx2_carry_columns(word4 h[10]) {
    const word4 low26 = ALL4(LOW26), low25 = ALL4(LOW25);
    AVX2_MOVE(h, 0, 26, low26);
    AVX2_MOVE(h, 5, 25, low25);
    AVX2_MOVE(h, 1, 25, low25);
    AVX2_MOVE(h, 6, 26, low26);
    AVX2_MOVE(h, 2, 26, low26);
    AVX2_MOVE(h, 7, 25, low25);
    AVX2_MOVE(h, 3, 25, low25);
    AVX2_MOVE(h, 8, 26, low26);
    AVX2_MOVE(h, 4, 26, low26);
    h[0] = ADD4(h[0], avx2_times19(SHR4(h[9], 25))), h[9] = AND4(h[9], low25);
    AVX2_MOVE(h, 5, 25, low25);
    AVX2_MOVE(h, 0, 26, low26);
    avx2_fe out;
    for (int k = 0; k < 10; k++) out.v[k] = h[k];
    return out;
}

/* sum += x·y, here and now: compilers that gather all products first run out of registers, and lose a third of the speed. */
AVX2_IN void avx2_gather(word4 *sum, word4 x, word4 y) {
    *sum = ADD4(*sum, MUL4(x, y));
    __asm__ volatile("" : "+x"(*sum));
}

AVX2_IN avx2_fe avx2_mul(avx2_fe a, avx2_fe b) {
    word4 h[10], wrapped[10];
#pragma GCC unroll 10
    for (int k = 0; k < 10; k++) h[k] = _mm256_setzero_si256(), wrapped[k] = MUL4(b.v[k], ALL4(19));
#pragma GCC unroll 10
    for (int i = 0; i < 10; i++) {
        const word4 once = a.v[i], twice = ADD4(once, once);
#pragma GCC unroll 10
        for (int j = 0; j < 10; j++)
            avx2_gather(&h[(i + j) % 10], (i & j & 1) ? twice : once, i + j < 10 ? b.v[j] : wrapped[j]);
    }
    return avx2_carry_columns(h);
}

AVX2_IN avx2_fe avx2_sqr(avx2_fe a) {
    word4 h[10], wrapped[10], both[10]; /* 19·a_j; 38·a_j for odd j */
#pragma GCC unroll 10
    for (int k = 0; k < 10; k++) h[k] = _mm256_setzero_si256(), wrapped[k] = MUL4(a.v[k], ALL4(19)), both[k] = ADD4(wrapped[k], wrapped[k]);
#pragma GCC unroll 10
    for (int i = 0; i < 10; i++) {
        const word4 once = a.v[i], twice = ADD4(once, once);
#pragma GCC unroll 10
        for (int j = i; j < 10; j++) {
            const int odd = i & j & 1, over = i + j >= 10;
            const word4 other = over ? (odd ? both[j] : wrapped[j]) : (odd ? ADD4(a.v[j], a.v[j]) : a.v[j]);
            avx2_gather(&h[(i + j) % 10], i == j ? once : twice, other);
        }
    }
    return avx2_carry_columns(h);
}

/* The loose sum of two tight numbers. */
AVX2_IN avx2_fe avx2_plus(avx2_fe a, avx2_fe b) {
    for (int k = 0; k < 10; k++) a.v[k] = ADD4(a.v[k], b.v[k]);
    return a;
}

/* The loose difference of two tight numbers: a + 2p - b. */
AVX2_IN avx2_fe avx2_minus(avx2_fe a, avx2_fe b) {
    a.v[0] = ADD4(a.v[0], SUB4(ALL4(2 * (LOW26 - 18)), b.v[0]));
    for (int k = 1; k < 10; k++) a.v[k] = ADD4(a.v[k], SUB4(ALL4(2 * (k & 1 ? LOW25 : LOW26)), b.v[k]));
    return a;
}

/* ---- the field as _kernel_curve.h wants it: every argument and result is tight --------------------------------------------- */

AVX2_IN avx2_fe avx2_add(avx2_fe a, avx2_fe b) {
    a = avx2_plus(a, b);
    return avx2_carry_columns(a.v);
}

AVX2_IN avx2_fe avx2_sub(avx2_fe a, avx2_fe b) {
    a = avx2_minus(a, b);
    return avx2_carry_columns(a.v);
}

/* k·a for k < 2^20, a tight or loose. */
AVX2_IN avx2_fe avx2_mul_small(avx2_fe a, uint32_t times) {
    for (int k = 0; k < 10; k++) a.v[k] = MUL4(a.v[k], ALL4(times));
    return avx2_carry_columns(a.v);
}

/* Limbs of four numbers whose 64-bit words are in lanes; the top bit is ignored. */
AVX2_IN avx2_fe avx2_split(word4 w0, word4 w1, word4 w2, word4 w3) {
    const word4 low26 = ALL4(LOW26), low25 = ALL4(LOW25);
    return (avx2_fe){{AND4(w0, low26), AND4(SHR4(w0, 26), low25), AND4(OR4(SHR4(w0, 51), SHL4(w1, 13)), low26), AND4(SHR4(w1, 13), low25),
                      AND4(SHR4(w1, 38), low26), AND4(w2, low25), AND4(SHR4(w2, 25), low26), AND4(OR4(SHR4(w2, 51), SHL4(w3, 13)), low25),
                      AND4(SHR4(w3, 12), low26), AND4(SHR4(w3, 38), low25)}};
}

AVX2_IN avx2_fe avx2_constant(uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3) {
    return avx2_split(ALL4(w0), ALL4(w1), ALL4(w2), ALL4(w3));
}

AVX2_IN avx2_fe avx2_select(avx2_mask mask, avx2_fe a, avx2_fe b) {
    for (int k = 0; k < 10; k++) a.v[k] = _mm256_blendv_epi8(a.v[k], b.v[k], mask);
    return a;
}

/* The one representative below p; a tight number is below 2^255 + 2^246 < 2p. */
AVX2_IN avx2_fe avx2_freeze(avx2_fe a) {
    word4 over = SHR4(ADD4(a.v[0], ALL4(19)), 26);
    for (int k = 1; k < 10; k++) over = k & 1 ? SHR4(ADD4(a.v[k], over), 25) : SHR4(ADD4(a.v[k], over), 26);
    a.v[0] = ADD4(a.v[0], avx2_times19(over));
    for (int k = 0; k < 9; k++) {
        if (k & 1) AVX2_MOVE(a.v, k, 25, ALL4(LOW25));
        else AVX2_MOVE(a.v, k, 26, ALL4(LOW26));
    }
    a.v[9] = AND4(a.v[9], ALL4(LOW25));
    return a;
}

AVX2_IN avx2_mask avx2_is_zero(avx2_fe a) {
    a = avx2_freeze(a);
    word4 any = a.v[0];
    for (int k = 1; k < 10; k++) any = OR4(any, a.v[k]);
    return _mm256_cmpeq_epi64(any, _mm256_setzero_si256());
}

AVX2_IN avx2_mask avx2_is_odd(avx2_fe a) { return _mm256_cmpeq_epi64(AND4(avx2_freeze(a).v[0], ALL4(1)), ALL4(1)); }
AVX2_IN avx2_mask avx2_mask_and(avx2_mask a, avx2_mask b) { return AND4(a, b); }
AVX2_IN avx2_mask avx2_mask_or(avx2_mask a, avx2_mask b) { return OR4(a, b); }
AVX2_IN avx2_mask avx2_mask_xor(avx2_mask a, avx2_mask b) { return _mm256_xor_si256(a, b); }
AVX2_IN avx2_mask avx2_mask_not(avx2_mask a) { return _mm256_xor_si256(a, ALL4(-1)); }
AVX2_IN unsigned avx2_mask_bits(avx2_mask a) { return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(a)); }

/* Rows of four words to columns, and back. */
AVX2_IN void avx2_turn(word4 w[4]) {
    const word4 a = _mm256_unpacklo_epi64(w[0], w[1]), b = _mm256_unpackhi_epi64(w[0], w[1]);
    const word4 c = _mm256_unpacklo_epi64(w[2], w[3]), d = _mm256_unpackhi_epi64(w[2], w[3]);
    w[0] = _mm256_permute2x128_si256(a, c, 0x20), w[1] = _mm256_permute2x128_si256(b, d, 0x20);
    w[2] = _mm256_permute2x128_si256(a, c, 0x31), w[3] = _mm256_permute2x128_si256(b, d, 0x31);
}

AVX2_IN avx2_fe avx2_load(const uint8_t *from) {
    word4 w[4];
    for (int k = 0; k < 4; k++) w[k] = _mm256_loadu_si256((const word4 *)(from + 32 * k));
    avx2_turn(w);
    return avx2_split(w[0], w[1], w[2], w[3]);
}

AVX2_IN void avx2_store(uint8_t *to, avx2_fe a) {
    a = avx2_freeze(a);
    word4 w[4] = {OR4(OR4(a.v[0], SHL4(a.v[1], 26)), SHL4(a.v[2], 51)), OR4(OR4(SHR4(a.v[2], 13), SHL4(a.v[3], 13)), SHL4(a.v[4], 38)),
                  OR4(OR4(a.v[5], SHL4(a.v[6], 25)), SHL4(a.v[7], 51)), OR4(OR4(SHR4(a.v[7], 13), SHL4(a.v[8], 12)), SHL4(a.v[9], 38))};
    avx2_turn(w);
    for (int k = 0; k < 4; k++) _mm256_storeu_si256((word4 *)(to + 32 * k), w[k]);
}

/* scalar·point for `groups` groups of four points as fractions (RFC 7748 §5). The sequence of instructions and addresses is the same for
 * all scalars. */
AVX2_FN void avx2_ladders(const uint8_t *scalar, const uint8_t *points, avx2_fe *x, avx2_fe *z, int groups) {
    for (int g = 0; g < groups; g++) {
        const avx2_fe x1 = avx2_load(points + 32 * AVX2_LANES * g);
        avx2_fe x2 = avx2_constant(1, 0, 0, 0), z2 = avx2_constant(0, 0, 0, 0), x3 = x1, z3 = x2;
        uint64_t last = 0;
        for (int i = 254; i >= 0; i--) {
            const uint64_t bit = scalar[i >> 3] >> (i & 7) & 1;
            const avx2_mask swap = ALL4(0 - (bit ^ last));
            last = bit;
            /* (da + cb)² and (da - cb)² do not care which point is called first: only the doubling's input is selected */
            const avx2_fe a = avx2_plus(x2, z2), b = avx2_minus(x2, z2), c = avx2_plus(x3, z3), d = avx2_minus(x3, z3);
            const avx2_fe da = avx2_mul(d, a), cb = avx2_mul(c, b);
            const avx2_fe aa = avx2_sqr(avx2_select(swap, a, c)), bb = avx2_sqr(avx2_select(swap, b, d)), e = avx2_minus(aa, bb);
            x3 = avx2_sqr(avx2_plus(da, cb)), z3 = avx2_mul(x1, avx2_sqr(avx2_minus(da, cb)));
            x2 = avx2_mul(aa, bb), z2 = avx2_mul(e, avx2_plus(bb, avx2_mul_small(e, 121666)));
        }
        x[g] = x2, z[g] = z2;
    }
}

AVX2_FN void avx2_expand(const hash_job *job, size_t i, int count, avx2_fe u[2]) {
    uint64_t words[AVX2_LANES][2][4] = {{{0}}};
    uint8_t rows[2][32 * AVX2_LANES];
    for (int lane = 0; lane < count; lane++) hash_job_elements(job, i + (size_t)lane, words[lane]);
    for (int k = 0; k < 2; k++) {
        for (int lane = 0; lane < AVX2_LANES; lane++) memcpy(rows[k] + 32 * lane, words[lane][k], 32);
        u[k] = avx2_load(rows[k]);
    }
}

#define F(name) avx2_##name
#define KERNEL_FN AVX2_FN
#define KERNEL_IN AVX2_IN
#define LANES AVX2_LANES
#include "_kernel_curve.h"
#undef F
#undef KERNEL_FN
#undef KERNEL_IN
#undef LANES

#endif
