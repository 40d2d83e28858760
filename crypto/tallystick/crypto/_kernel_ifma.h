/* GF(2^255 - 19) in eight lanes with AVX-512 IFMA: radix 2^52, five limbs, limb k of eight numbers in one register.
 *
 * Why 2^52: the instructions multiply the low 52 bits of two words and add the low or the high 52 bits of the product. With limbs
 * of 52 bits the high half of a_i·b_j has exactly the weight of limb i + j + 1, so both halves go into the same ten sums without
 * a doubling; and bits above 52 of an operand are ignored, so a limb whose excess has been added to the next limb needs no mask.
 *
 * Two kinds of number, one type:
 *
 *   sum      limbs are what they say, each below 2^64, value = Σ v_k·2^(52k). What a product gives; can be added and subtracted.
 *   operand  limbs 0 to 3 count by their low 52 bits only (what is above is rubbish); limb 4 is below 2^47 + 2^13. `carry` makes
 *            one of a sum; only operands are multiplied.
 *
 * Bounds. Let u = 2^52. A product's sums c_0 … c_9 take at most (lo + hi): 1, 3, 5, 7, 9 halves below u for c_0 … c_4; then, since a
 * limb 4 is below 2^47 + 2^13 and its high halves therefore below 2^47 + 2^13 too, c_5 < 7u + 2^49, c_6 < 5u + 2^49, c_7 < 3u + 2^49,
 * c_8 < u + 2^49, c_9 < 2^43. As 2^260 ≡ 608, c_5 … c_9 are multiplied by 608 and added to c_0 … c_4. The carries of c_5 and c_6 go up
 * first, so that their 608-folds can be split in halves again:
 *
 *   r_0 < 2u   r_1 < 5u   r_2 < (5 + 608·(3 + 1/8))u < 1906u   r_3 < (7 + 608·(1 + 1/8))u < 692u   r_4 < 10u.
 *
 * A product made with SMALL moves the carry of c_7 up as well: then r_2 < 7u and r_3 < 693u. A product made with BIAS starts from a
 * multiple of p whose limbs (128u, 16u, 16u, 704u, 16u, less a little) are above those of any SMALL product and of any product by rows; a
 * square from twice that. So BIAS minus SMALL or rows never falls below zero, and BIAS plus SMALL or rows stays below
 * (2 + 256 + 121, 5 + 32 + 11, 1906 + 32 + 11, 692 + 1408 + 693, 10 + 32 + 11)·u, each below 4096u = 2^64. */

#ifndef TALLY_KERNEL_IFMA_H
#define TALLY_KERNEL_IFMA_H

#define IFMA_TARGET "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma"
#define IFMA_FN static __attribute__((noinline, target(IFMA_TARGET)))
#define IFMA_IN static inline __attribute__((always_inline, target(IFMA_TARGET)))

enum { IFMA_LANES = 8 };

typedef __m512i word8;
typedef __mmask8 ifma_mask;
typedef struct {
    word8 v0, v1, v2, v3, v4;
} ifma_fe;

#define LOW52 ((UINT64_C(1) << 52) - 1)
#define LOW47 ((UINT64_C(1) << 47) - 1)
#define ALL8(x) _mm512_set1_epi64((long long)(x))
#define ADD8 _mm512_add_epi64
#define SUB8 _mm512_sub_epi64
#define AND8 _mm512_and_si512
#define OR8 _mm512_or_si512
#define SHR8 _mm512_srli_epi64
#define SHL8 _mm512_slli_epi64
#define LO8 _mm512_madd52lo_epu64
#define HI8 _mm512_madd52hi_epu64
#define NONE8 _mm512_setzero_si512()

/* 512·p = 2^264 - 9728 has the limbs u - 9728, u - 1, u - 1, u - 1, 2^56 - 1; then 127u, 15u, 15u, 703u are borrowed from the limb above. */
#define UNIT (UINT64_C(1) << 52)
#define BIAS_0 (128 * UNIT - 9728)
#define BIAS_1 (16 * UNIT - 1 - 127)
#define BIAS_2 (16 * UNIT - 1 - 15)
#define BIAS_3 (704 * UNIT - 1 - 15)
#define BIAS_4 ((UINT64_C(1) << 56) - 1 - 703)

enum { PLAIN = 0, BIAS = 1, SMALL = 2 };

/* x·k in 64 bits, as one instruction: compilers would make it of shifts and additions, which costs more here. */
IFMA_IN word8 times64(word8 x, word8 k) {
    __asm__("" : "+v"(k));
    return _mm512_mullo_epi64(x, k);
}

IFMA_IN ifma_fe ifma_fold(word8 c0, word8 c1, word8 c2, word8 c3, word8 c4, word8 c5, word8 c6, word8 c7, word8 c8, word8 c9, int kind) {
    const word8 k = ALL8(608);
    c6 = ADD8(c6, SHR8(c5, 52));
    c0 = LO8(c0, c5, k), c1 = HI8(c1, c5, k);
    c7 = ADD8(c7, SHR8(c6, 52));
    c1 = LO8(c1, c6, k), c2 = HI8(c2, c6, k);
    if (kind & SMALL) {
        c8 = ADD8(c8, SHR8(c7, 52));
        c2 = LO8(c2, c7, k), c3 = HI8(c3, c7, k);
    } else {
        c2 = ADD8(c2, times64(c7, k));
    }
    c3 = ADD8(c3, times64(c8, k));
    c4 = LO8(c4, c9, k); /* 608·2^43 < u: no high half */
    return (ifma_fe){c0, c1, c2, c3, c4};
}

#define IFMA_ROW(x, y, s0, s1, s2, s3, s4, s5)                                                                         \
    s0 = LO8(s0, x, (y).v0), s1 = LO8(s1, x, (y).v1), s2 = LO8(s2, x, (y).v2), s3 = LO8(s3, x, (y).v3), s4 = LO8(s4, x, (y).v4); \
    s1 = HI8(s1, x, (y).v0), s2 = HI8(s2, x, (y).v1), s3 = HI8(s3, x, (y).v2), s4 = HI8(s4, x, (y).v3), s5 = HI8(s5, x, (y).v4)

/* a·b as a sum: 50 multiplications and the fold. */
IFMA_IN ifma_fe ifma_product(ifma_fe a, ifma_fe b, int kind) {
    word8 c0 = NONE8, c1 = NONE8, c2 = NONE8, c3 = NONE8, c4 = NONE8, c5 = NONE8, c6 = NONE8, c7 = NONE8, c8 = NONE8, c9 = NONE8;
    if (kind & BIAS) c0 = ALL8(BIAS_0), c1 = ALL8(BIAS_1), c2 = ALL8(BIAS_2), c3 = ALL8(BIAS_3), c4 = ALL8(BIAS_4);
    IFMA_ROW(a.v0, b, c0, c1, c2, c3, c4, c5);
    IFMA_ROW(a.v1, b, c1, c2, c3, c4, c5, c6);
    IFMA_ROW(a.v2, b, c2, c3, c4, c5, c6, c7);
    IFMA_ROW(a.v3, b, c3, c4, c5, c6, c7, c8);
    IFMA_ROW(a.v4, b, c4, c5, c6, c7, c8, c9);
    return ifma_fold(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, kind);
}

#define IFMA_PAIR(x, y, low, high) low = LO8(low, x, y), high = HI8(high, x, y)

/* a² as a sum: 30 multiplications. What stands above the diagonal counts twice: its sums are doubled (with half of the bias in them),
 * and after that come the terms of limb 4, which is small enough to be doubled itself. No sum grows larger than `product`'s. */
IFMA_IN ifma_fe ifma_square(ifma_fe a, int kind) {
    word8 c0 = NONE8, c1 = NONE8, c2 = NONE8, c3 = NONE8, c4 = NONE8, c5 = NONE8, c6 = NONE8, c7 = NONE8, c8 = NONE8, c9 = NONE8;
    if (kind & BIAS) c0 = ALL8(2 * BIAS_0), c1 = ALL8(BIAS_1), c2 = ALL8(BIAS_2), c3 = ALL8(BIAS_3), c4 = ALL8(BIAS_4);
    IFMA_PAIR(a.v0, a.v1, c1, c2);
    IFMA_PAIR(a.v2, a.v3, c5, c6);
    IFMA_PAIR(a.v0, a.v3, c3, c4);
    IFMA_PAIR(a.v0, a.v2, c2, c3);
    IFMA_PAIR(a.v1, a.v2, c3, c4);
    IFMA_PAIR(a.v1, a.v3, c4, c5);
    c1 = ADD8(c1, c1), c2 = ADD8(c2, c2), c3 = ADD8(c3, c3), c4 = ADD8(c4, c4), c5 = ADD8(c5, c5), c6 = ADD8(c6, c6);
    const word8 twice = ADD8(a.v4, a.v4);
    IFMA_PAIR(a.v0, a.v0, c0, c1);
    IFMA_PAIR(a.v3, twice, c7, c8);
    IFMA_PAIR(a.v1, twice, c5, c6);
    IFMA_PAIR(a.v1, a.v1, c2, c3);
    IFMA_PAIR(a.v2, twice, c6, c7);
    IFMA_PAIR(a.v4, a.v4, c8, c9);
    IFMA_PAIR(a.v0, twice, c4, c5);
    IFMA_PAIR(a.v3, a.v3, c6, c7);
    IFMA_PAIR(a.v2, a.v2, c4, c5);
    return ifma_fold(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, kind);
}

/* The sum of two sums. */
IFMA_IN ifma_fe ifma_plus(ifma_fe a, ifma_fe b) {
    return (ifma_fe){ADD8(a.v0, b.v0), ADD8(a.v1, b.v1), ADD8(a.v2, b.v2), ADD8(a.v3, b.v3), ADD8(a.v4, b.v4)};
}

/* The difference of a sum made with BIAS and one made with SMALL or by rows. */
IFMA_IN ifma_fe ifma_minus(ifma_fe a, ifma_fe b) {
    return (ifma_fe){SUB8(a.v0, b.v0), SUB8(a.v1, b.v1), SUB8(a.v2, b.v2), SUB8(a.v3, b.v3), SUB8(a.v4, b.v4)};
}

/* A sum as an operand: what limb 4 has above 2^255 comes back as 19 times itself, then each limb's excess goes up. */
IFMA_IN ifma_fe ifma_carry(ifma_fe r) {
    const word8 top = SHR8(r.v4, 47); /* below 2^17 */
    r.v4 = AND8(r.v4, ALL8(LOW47));
    r.v0 = LO8(r.v0, top, ALL8(19));
    r.v1 = ADD8(r.v1, SHR8(r.v0, 52));
    r.v2 = ADD8(r.v2, SHR8(r.v1, 52));
    r.v3 = ADD8(r.v3, SHR8(r.v2, 52));
    r.v4 = ADD8(r.v4, SHR8(r.v3, 52));
    return r;
}

/* An operand as a sum: limbs 0 to 3 below u, limb 4 below 2^47 + 2^13. */
IFMA_IN ifma_fe ifma_clean(ifma_fe a) {
    const word8 low = ALL8(LOW52);
    return (ifma_fe){AND8(a.v0, low), AND8(a.v1, low), AND8(a.v2, low), AND8(a.v3, low), a.v4};
}

/* ---- the field as _kernel_curve.h wants it: every argument and result is an operand --------------------------------------- */

IFMA_IN ifma_fe ifma_mul(ifma_fe a, ifma_fe b) { return ifma_carry(ifma_product(a, b, PLAIN)); }
IFMA_IN ifma_fe ifma_sqr(ifma_fe a) { return ifma_carry(ifma_square(a, PLAIN)); }
IFMA_IN ifma_fe ifma_add(ifma_fe a, ifma_fe b) { return ifma_carry(ifma_plus(ifma_clean(a), ifma_clean(b))); }

IFMA_IN ifma_fe ifma_sub(ifma_fe a, ifma_fe b) {
    const ifma_fe bias = {ALL8(BIAS_0), ALL8(BIAS_1), ALL8(BIAS_2), ALL8(BIAS_3), ALL8(BIAS_4)};
    return ifma_carry(ifma_minus(ifma_plus(ifma_clean(a), bias), ifma_clean(b)));
}

IFMA_IN ifma_fe ifma_constant(uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3) {
    return (ifma_fe){ALL8(w0 & LOW52), ALL8((w0 >> 52 | w1 << 12) & LOW52), ALL8((w1 >> 40 | w2 << 24) & LOW52),
                     ALL8((w2 >> 28 | w3 << 36) & LOW52), ALL8(w3 >> 16 & LOW47)};
}

/* sum + k·a for k < 2^20: a sum, each limb larger than before by less than 2u. */
IFMA_IN ifma_fe ifma_plus_times(ifma_fe sum, ifma_fe a, uint32_t times) {
    const word8 k = ALL8(times);
    IFMA_PAIR(k, a.v0, sum.v0, sum.v1);
    IFMA_PAIR(k, a.v1, sum.v1, sum.v2);
    IFMA_PAIR(k, a.v2, sum.v2, sum.v3);
    IFMA_PAIR(k, a.v3, sum.v3, sum.v4);
    sum.v4 = LO8(sum.v4, k, a.v4);
    sum.v0 = LO8(sum.v0, HI8(NONE8, k, a.v4), ALL8(608));
    return sum;
}

IFMA_IN ifma_fe ifma_mul_small(ifma_fe a, uint32_t times) {
    return ifma_carry(ifma_plus_times((ifma_fe){NONE8, NONE8, NONE8, NONE8, NONE8}, a, times));
}

/* Lane by lane: b where the mask is set, else a. */
IFMA_IN ifma_fe ifma_select(ifma_mask mask, ifma_fe a, ifma_fe b) {
    return (ifma_fe){_mm512_mask_blend_epi64(mask, a.v0, b.v0), _mm512_mask_blend_epi64(mask, a.v1, b.v1),
                     _mm512_mask_blend_epi64(mask, a.v2, b.v2), _mm512_mask_blend_epi64(mask, a.v3, b.v3),
                     _mm512_mask_blend_epi64(mask, a.v4, b.v4)};
}

/* The one representative below p. An operand is below 2^255 + 2^222 < 2p, so one conditional subtraction does it: the number is at
 * least p just when adding 19 reaches 2^255. */
IFMA_IN ifma_fe ifma_freeze(ifma_fe a) {
    const word8 low = ALL8(LOW52);
    a = ifma_clean(a);
    word8 over = ADD8(a.v0, ALL8(19));
    over = ADD8(a.v1, SHR8(over, 52));
    over = ADD8(a.v2, SHR8(over, 52));
    over = ADD8(a.v3, SHR8(over, 52));
    over = SHR8(ADD8(a.v4, SHR8(over, 52)), 47);
    a.v0 = LO8(a.v0, over, ALL8(19));
    a.v1 = ADD8(a.v1, SHR8(a.v0, 52));
    a.v2 = ADD8(a.v2, SHR8(a.v1, 52));
    a.v3 = ADD8(a.v3, SHR8(a.v2, 52));
    a.v4 = ADD8(a.v4, SHR8(a.v3, 52));
    return (ifma_fe){AND8(a.v0, low), AND8(a.v1, low), AND8(a.v2, low), AND8(a.v3, low), AND8(a.v4, ALL8(LOW47))};
}

IFMA_IN ifma_mask ifma_is_zero(ifma_fe a) {
    a = ifma_freeze(a);
    const word8 any = OR8(OR8(OR8(a.v0, a.v1), OR8(a.v2, a.v3)), a.v4);
    return _mm512_testn_epi64_mask(any, any);
}

IFMA_IN ifma_mask ifma_is_odd(ifma_fe a) { return _mm512_test_epi64_mask(ifma_freeze(a).v0, ALL8(1)); }
IFMA_IN ifma_mask ifma_mask_and(ifma_mask a, ifma_mask b) { return a & b; }
IFMA_IN ifma_mask ifma_mask_or(ifma_mask a, ifma_mask b) { return a | b; }
IFMA_IN ifma_mask ifma_mask_xor(ifma_mask a, ifma_mask b) { return a ^ b; }
IFMA_IN ifma_mask ifma_mask_not(ifma_mask a) { return (ifma_mask)~a; }
IFMA_IN unsigned ifma_mask_bits(ifma_mask a) { return a; }

#define IFMA_STRIDE _mm512_set_epi64(28, 24, 20, 16, 12, 8, 4, 0)

/* Eight coordinates of 32 bytes, little-endian; the top bit is ignored (RFC 7748 §5). */
IFMA_IN ifma_fe ifma_load(const uint8_t *from) {
    const word8 low = ALL8(LOW52), at = IFMA_STRIDE;
    const word8 w0 = _mm512_i64gather_epi64(at, from, 8), w1 = _mm512_i64gather_epi64(at, from + 8, 8);
    const word8 w2 = _mm512_i64gather_epi64(at, from + 16, 8), w3 = _mm512_i64gather_epi64(at, from + 24, 8);
    return (ifma_fe){AND8(w0, low), AND8(OR8(SHR8(w0, 52), SHL8(w1, 12)), low), AND8(OR8(SHR8(w1, 40), SHL8(w2, 24)), low),
                     AND8(OR8(SHR8(w2, 28), SHL8(w3, 36)), low), AND8(SHR8(w3, 16), ALL8(LOW47))};
}

/* Eight canonical coordinates of 32 bytes. */
IFMA_IN void ifma_store(uint8_t *to, ifma_fe a) {
    const word8 at = IFMA_STRIDE;
    a = ifma_freeze(a);
    _mm512_i64scatter_epi64(to, at, OR8(a.v0, SHL8(a.v1, 52)), 8);
    _mm512_i64scatter_epi64(to + 8, at, OR8(SHR8(a.v1, 12), SHL8(a.v2, 40)), 8);
    _mm512_i64scatter_epi64(to + 16, at, OR8(SHR8(a.v2, 24), SHL8(a.v3, 28)), 8);
    _mm512_i64scatter_epi64(to + 24, at, OR8(SHR8(a.v3, 36), SHL8(a.v4, 16)), 8);
}

#include "_kernel_ifma_ladder.h"
#include "_kernel_ifma_hash.h"

/* ---- the curve, from the one text that all paths share ------------------------------------------------------------------------ */

#define F(name) ifma_##name
#define KERNEL_FN IFMA_FN
#define KERNEL_IN IFMA_IN
#define LANES IFMA_LANES
#include "_kernel_curve.h"

/* As ifma_mask_points, by nine points at a time. */
IFMA_FN ptrdiff_t ifma9_mask_points(const uint8_t *scalar, const uint8_t *points, uint8_t *out, size_t count) {
    return ifma_masked(ifma9_ladders, scalar, points, out, count);
}

#undef F
#undef KERNEL_FN
#undef KERNEL_IN
#undef LANES

#endif
