/* GF(2^255 - 19) in plain C, one number at a time: radix 2^51, five limbs, 128-bit products. Runs on every 64-bit processor.
 *
 * Every argument and result has limbs below 2^52. A product's column is at most 5·19·2^104 < 2^111; its carry into the next column is
 * below 2^60, and 19 times the last carry below 2^65 - hence the last carry is added in 128 bits. */

#ifndef TALLY_KERNEL_PLAIN_H
#define TALLY_KERNEL_PLAIN_H

#define PLAIN_FN static __attribute__((noinline))
#define PLAIN_IN static inline __attribute__((always_inline))

enum { PLAIN_LANES = 1 };

typedef unsigned __int128 wide;
typedef uint64_t plain_mask; /* all ones or zero */
typedef struct {
    uint64_t v[5];
} plain_fe;

#define LOW51 ((UINT64_C(1) << 51) - 1)

/* Limbs below 2^63 in, below 2^51 + 2^17 out. */
PLAIN_IN plain_fe plain_carry(plain_fe a) {
    const uint64_t c0 = a.v[0] >> 51, c1 = a.v[1] >> 51, c2 = a.v[2] >> 51, c3 = a.v[3] >> 51, c4 = a.v[4] >> 51;
    return (plain_fe){{(a.v[0] & LOW51) + 19 * c4, (a.v[1] & LOW51) + c0, (a.v[2] & LOW51) + c1, (a.v[3] & LOW51) + c2, (a.v[4] & LOW51) + c3}};
}

PLAIN_IN plain_fe plain_columns(wide r0, wide r1, wide r2, wide r3, wide r4) {
    plain_fe out;
    r1 += (uint64_t)(r0 >> 51), out.v[0] = (uint64_t)r0 & LOW51;
    r2 += (uint64_t)(r1 >> 51), out.v[1] = (uint64_t)r1 & LOW51;
    r3 += (uint64_t)(r2 >> 51), out.v[2] = (uint64_t)r2 & LOW51;
    r4 += (uint64_t)(r3 >> 51), out.v[3] = (uint64_t)r3 & LOW51;
    out.v[4] = (uint64_t)r4 & LOW51;
    r0 = (wide)(uint64_t)(r4 >> 51) * 19 + out.v[0];
    out.v[0] = (uint64_t)r0 & LOW51;
    out.v[1] += (uint64_t)(r0 >> 51); /* below 2^51 + 2^14 */
    return out;
}

PLAIN_IN plain_fe plain_mul(plain_fe a, plain_fe b) {
    const uint64_t a0 = a.v[0], a1 = a.v[1], a2 = a.v[2], a3 = a.v[3], a4 = a.v[4];
    const uint64_t b0 = b.v[0], b1 = b.v[1], b2 = b.v[2], b3 = b.v[3], b4 = b.v[4];
    const uint64_t n1 = 19 * b1, n2 = 19 * b2, n3 = 19 * b3, n4 = 19 * b4; /* below 2^57 */
    return plain_columns((wide)a0 * b0 + (wide)a1 * n4 + (wide)a2 * n3 + (wide)a3 * n2 + (wide)a4 * n1,
                         (wide)a0 * b1 + (wide)a1 * b0 + (wide)a2 * n4 + (wide)a3 * n3 + (wide)a4 * n2,
                         (wide)a0 * b2 + (wide)a1 * b1 + (wide)a2 * b0 + (wide)a3 * n4 + (wide)a4 * n3,
                         (wide)a0 * b3 + (wide)a1 * b2 + (wide)a2 * b1 + (wide)a3 * b0 + (wide)a4 * n4,
                         (wide)a0 * b4 + (wide)a1 * b3 + (wide)a2 * b2 + (wide)a3 * b1 + (wide)a4 * b0);
}

PLAIN_IN plain_fe plain_sqr(plain_fe a) {
    const uint64_t a0 = a.v[0], a1 = a.v[1], a2 = a.v[2], a3 = a.v[3], a4 = a.v[4];
    const uint64_t d0 = 2 * a0, d1 = 2 * a1, d2 = 2 * a2, n3 = 19 * a3, n4 = 19 * a4;
    return plain_columns((wide)a0 * a0 + (wide)d1 * n4 + (wide)d2 * n3,
                         (wide)d0 * a1 + (wide)d2 * n4 + (wide)a3 * n3,
                         (wide)d0 * a2 + (wide)a1 * a1 + (wide)(2 * a3) * n4,
                         (wide)d0 * a3 + (wide)d1 * a2 + (wide)a4 * n4,
                         (wide)d0 * a4 + (wide)d1 * a3 + (wide)a2 * a2);
}

PLAIN_IN plain_fe plain_add(plain_fe a, plain_fe b) {
    for (int k = 0; k < 5; k++) a.v[k] += b.v[k];
    return plain_carry(a);
}

/* a + 4p - b, so that no limb falls below zero. */
PLAIN_IN plain_fe plain_sub(plain_fe a, plain_fe b) {
    a.v[0] += 4 * (LOW51 - 18) - b.v[0];
    for (int k = 1; k < 5; k++) a.v[k] += 4 * LOW51 - b.v[k];
    return plain_carry(a);
}

PLAIN_IN plain_fe plain_mul_small(plain_fe a, uint32_t times) {
    return plain_columns((wide)a.v[0] * times, (wide)a.v[1] * times, (wide)a.v[2] * times, (wide)a.v[3] * times, (wide)a.v[4] * times);
}

PLAIN_IN plain_fe plain_constant(uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3) {
    return (plain_fe){{w0 & LOW51, (w0 >> 51 | w1 << 13) & LOW51, (w1 >> 38 | w2 << 26) & LOW51, (w2 >> 25 | w3 << 39) & LOW51, w3 >> 12 & LOW51}};
}

PLAIN_IN plain_fe plain_select(plain_mask mask, plain_fe a, plain_fe b) {
    for (int k = 0; k < 5; k++) a.v[k] ^= mask & (a.v[k] ^ b.v[k]);
    return a;
}

/* The one representative below p. After a carry the number is below 2^255 + 2^222 < 2p. */
PLAIN_IN plain_fe plain_freeze(plain_fe a) {
    a = plain_carry(a);
    uint64_t over = (a.v[0] + 19) >> 51;
    for (int k = 1; k < 5; k++) over = (a.v[k] + over) >> 51;
    a.v[0] += 19 * over;
    for (int k = 0; k < 4; k++) a.v[k + 1] += a.v[k] >> 51, a.v[k] &= LOW51;
    a.v[4] &= LOW51;
    return a;
}

PLAIN_IN plain_mask plain_is_zero(plain_fe a) {
    a = plain_freeze(a);
    const uint64_t any = a.v[0] | a.v[1] | a.v[2] | a.v[3] | a.v[4]; /* below 2^51 */
    return 0 - ((any - 1) >> 63);
}

PLAIN_IN plain_mask plain_is_odd(plain_fe a) { return 0 - (plain_freeze(a).v[0] & 1); }
PLAIN_IN plain_mask plain_mask_and(plain_mask a, plain_mask b) { return a & b; }
PLAIN_IN plain_mask plain_mask_or(plain_mask a, plain_mask b) { return a | b; }
PLAIN_IN plain_mask plain_mask_xor(plain_mask a, plain_mask b) { return a ^ b; }
PLAIN_IN plain_mask plain_mask_not(plain_mask a) { return ~a; }
PLAIN_IN unsigned plain_mask_bits(plain_mask a) { return (unsigned)(a & 1); }

PLAIN_IN plain_fe plain_load(const uint8_t *from) {
    return plain_constant(load_le64(from), load_le64(from + 8), load_le64(from + 16), load_le64(from + 24));
}

PLAIN_IN void plain_store(uint8_t *to, plain_fe a) {
    a = plain_freeze(a);
    store_le64(to, a.v[0] | a.v[1] << 51);
    store_le64(to + 8, a.v[1] >> 13 | a.v[2] << 38);
    store_le64(to + 16, a.v[2] >> 26 | a.v[3] << 25);
    store_le64(to + 24, a.v[3] >> 39 | a.v[4] << 12);
}

/* RFC 7748 §5, as it stands there. */
PLAIN_FN void plain_ladders(const uint8_t *scalar, const uint8_t *points, plain_fe *x, plain_fe *z, int groups) {
    for (int point = 0; point < groups; point++) {
        const plain_fe x1 = plain_load(points + 32 * point);
        plain_fe x2 = plain_constant(1, 0, 0, 0), z2 = plain_constant(0, 0, 0, 0), x3 = x1, z3 = x2;
        uint64_t last = 0;
        for (int i = 254; i >= 0; i--) {
            const uint64_t bit = scalar[i >> 3] >> (i & 7) & 1, swap = 0 - (bit ^ last);
            const plain_fe s = plain_select(swap, x2, x3), t = plain_select(swap, z2, z3);
            x3 = plain_select(swap, x3, x2), z3 = plain_select(swap, z3, z2), last = bit;
            const plain_fe a = plain_add(s, t), b = plain_sub(s, t), aa = plain_sqr(a), bb = plain_sqr(b), e = plain_sub(aa, bb);
            const plain_fe da = plain_mul(plain_sub(x3, z3), a), cb = plain_mul(plain_add(x3, z3), b);
            x3 = plain_sqr(plain_add(da, cb)), z3 = plain_mul(x1, plain_sqr(plain_sub(da, cb)));
            x2 = plain_mul(aa, bb), z2 = plain_mul(e, plain_add(bb, plain_mul_small(e, 121666)));
        }
        x[point] = x2, z[point] = z2; /* bit 0 of a clamped scalar is clear: nothing is left to swap */
    }
}

PLAIN_IN void plain_expand(const hash_job *job, size_t i, int count, plain_fe u[2]) {
    uint64_t words[2][4];
    (void)count;
    hash_job_elements(job, i, words);
    for (int k = 0; k < 2; k++) u[k] = plain_constant(words[k][0], words[k][1], words[k][2], words[k][3]);
}

#define F(name) plain_##name
#define KERNEL_FN PLAIN_FN
#define KERNEL_IN PLAIN_IN
#define LANES PLAIN_LANES
#include "_kernel_curve.h"
#undef F
#undef KERNEL_FN
#undef KERNEL_IN
#undef LANES

#endif
