/* The ladder of _kernel_ifma.h: eight points in the lanes of the vector registers and, where that pays, a ninth beside them in the integer
 * units. docs/kernel.md says what was measured. */

#ifndef TALLY_KERNEL_IFMA_LADDER_H
#define TALLY_KERNEL_IFMA_LADDER_H

#include "_kernel_words.h"

/* The five rows x·2^(52i) mod p, i = 0 … 4, each clean. A product by rows needs no fold: its limbs are Σ a_i·row_i. */
typedef struct {
    ifma_fe row[5];
} ifma_rows;

IFMA_IN void ifma_spread(ifma_rows *rows, ifma_fe x) {
    rows->row[0] = x = ifma_clean(x);
    for (int i = 1; i < 5; i++) {
        const word8 wrapped = times64(x.v4, ALL8(608)); /* below 2^57 */
        rows->row[i] = x = ifma_clean(ifma_carry((ifma_fe){wrapped, x.v0, x.v1, x.v2, x.v3}));
    }
}

/* a·x as a sum: r_0 < 6u + 608·6·2^47 < 121u, r_1 … r_4 < 11u. */
IFMA_IN ifma_fe ifma_product_rows(ifma_fe a, const ifma_rows *rows) {
    word8 c0 = NONE8, c1 = NONE8, c2 = NONE8, c3 = NONE8, c4 = NONE8, c5 = NONE8;
    IFMA_ROW(a.v0, rows->row[0], c0, c1, c2, c3, c4, c5);
    IFMA_ROW(a.v1, rows->row[1], c0, c1, c2, c3, c4, c5);
    IFMA_ROW(a.v2, rows->row[2], c0, c1, c2, c3, c4, c5);
    IFMA_ROW(a.v3, rows->row[3], c0, c1, c2, c3, c4, c5);
    IFMA_ROW(a.v4, rows->row[4], c0, c1, c2, c3, c4, c5);
    return (ifma_fe){ADD8(c0, times64(c5, ALL8(608))), c1, c2, c3, c4};
}

/* Two points of the ladder, each as (x + z, x - z): what doubling and differential addition begin with. `fresh` is the one that came
 * from the doubling, `other` the one from the addition. */
typedef struct {
    ifma_fe fresh_plus, fresh_minus, other_plus, other_minus;
    ifma_rows base;
} ifma_ladder;

/* (x4, z4) = 2·(x, z) from s = x + z and t = x - z (RFC 7748 §5): x4 = s²·t², z4 = e·(t² + 121666·e), e = s² - t². x4 is made with
 * BIAS, z4 with SMALL. */
IFMA_IN void ifma_double(ifma_fe *x4, ifma_fe *z4, ifma_fe s, ifma_fe t) {
    const ifma_fe ss = ifma_square(s, BIAS), tt = ifma_square(t, SMALL);
    const ifma_fe e = ifma_carry(ifma_minus(ss, tt));
    *x4 = ifma_product(ifma_carry(ss), ifma_carry(tt), BIAS);
    *z4 = ifma_product(e, ifma_carry(ifma_plus_times(tt, e, 121666)), SMALL);
}

/* One step: double the point that the bit names, add the two. (da + cb)² and x·(da - cb)² do not care which of the two points is
 * called first, so that only the doubling's input is selected.
 *
 * `w` is the ladder of one more point in the integer units, or NULL, which the compiler sees; the same step of it stands between the lines
 * of this one, so that both are at work at once. Of some hundred orders that keep the dependencies, this was the fastest. */
IFMA_IN void ifma_step(ifma_ladder *at, words_ladder *w, unsigned other) {
    const ifma_mask take_other = (ifma_mask)(0U - other);
    const uint64_t words_other = 0 - (uint64_t)other;
    const ifma_fe a = at->fresh_plus, b = at->fresh_minus, c = at->other_plus, d = at->other_minus;
    const ifma_fe da = ifma_product(d, a, BIAS);
    if (w) words_select(&w->t, words_other, &w->fresh_minus, &w->other_minus);
    if (w) words_mul(&w->cb, &w->other_plus, &w->fresh_minus);
    if (w) words_mul(&w->da, &w->other_minus, &w->fresh_plus);
    const ifma_fe t = ifma_select(take_other, b, d);
    const ifma_fe cb = ifma_product(c, b, SMALL);
    if (w) words_select(&w->s, words_other, &w->fresh_plus, &w->other_plus);
    if (w) words_sub(&w->difference, &w->da, &w->cb);
    if (w) words_sqr(&w->ss, &w->s);
    const ifma_fe s = ifma_select(take_other, a, c);
    const ifma_fe difference = ifma_carry(ifma_minus(da, cb));
    const ifma_fe ss = ifma_square(s, BIAS);
    if (w) words_add(&w->sum, &w->da, &w->cb);
    if (w) words_sqr(&w->tt, &w->t);
    const ifma_fe sum = ifma_carry(ifma_plus(da, cb));
    const ifma_fe tt = ifma_square(t, SMALL);
    if (w) words_sqr(&w->x, &w->sum);
    const ifma_fe x5 = ifma_square(sum, BIAS);
    if (w) words_sub(&w->e, &w->ss, &w->tt);
    if (w) words_sqr(&w->z, &w->difference);
    const ifma_fe e = ifma_carry(ifma_minus(ss, tt));
    const ifma_fe square_operand = ifma_carry(ifma_square(difference, PLAIN));
    if (w) words_mul(&w->z, &w->z, &w->base);
    const ifma_fe tt_operand = ifma_carry(tt);
    const ifma_fe z5 = ifma_product_rows(square_operand, &at->base);
    const ifma_fe ss_operand = ifma_carry(ss);
    at->other_minus = ifma_carry(ifma_minus(x5, z5));
    if (w) words_add(&w->other_plus, &w->x, &w->z);
    if (w) words_sub(&w->other_minus, &w->x, &w->z);
    const ifma_fe e_times = ifma_carry(ifma_plus_times(tt, e, 121666));
    at->other_plus = ifma_carry(ifma_plus(x5, z5));
    if (w) words_plus_121666(&w->e_times, &w->tt, &w->e);
    const ifma_fe x4 = ifma_product(ss_operand, tt_operand, BIAS);
    if (w) words_mul(&w->x, &w->ss, &w->tt);
    if (w) words_mul(&w->z, &w->e, &w->e_times);
    const ifma_fe z4 = ifma_product(e, e_times, SMALL);
    at->fresh_minus = ifma_carry(ifma_minus(x4, z4));
    if (w) words_add(&w->fresh_plus, &w->x, &w->z);
    if (w) words_sub(&w->fresh_minus, &w->x, &w->z);
    at->fresh_plus = ifma_carry(ifma_plus(x4, z4));
}

/* (base, 2·base) for eight points. */
IFMA_FN void ifma_start(ifma_ladder *at, const uint8_t *points) {
    const ifma_fe base = ifma_load(points), one = ifma_constant(1, 0, 0, 0);
    ifma_fe x4, z4;
    ifma_spread(&at->base, base);
    at->other_plus = ifma_add(base, one), at->other_minus = ifma_sub(base, one);
    ifma_double(&x4, &z4, at->other_plus, at->other_minus);
    at->fresh_plus = ifma_carry(ifma_plus(x4, z4)), at->fresh_minus = ifma_carry(ifma_minus(x4, z4));
}

/* What the bit names, times 8, as x/z. */
IFMA_FN void ifma_end(ifma_ladder *at, unsigned other, ifma_fe *x, ifma_fe *z) {
    const ifma_mask take_other = (ifma_mask)(0U - other);
    ifma_fe s = ifma_select(take_other, at->fresh_plus, at->other_plus);
    ifma_fe t = ifma_select(take_other, at->fresh_minus, at->other_minus);
    for (int i = 0;; i++) {
        ifma_fe x4, z4;
        ifma_double(&x4, &z4, s, t);
        if (i == 2) {
            *x = ifma_carry(x4), *z = ifma_carry(z4);
            return;
        }
        s = ifma_carry(ifma_plus(x4, z4)), t = ifma_carry(ifma_minus(x4, z4));
    }
}

/* The steps for bits 253 to 3 of a clamped scalar. Bits 254 (set) and 2 to 0 (clear) are known: a ladder starts after the first and ends
 * with three doublings. The sequence of instructions and addresses is the same for all scalars. `beside` has a ladder for each group, or
 * is NULL. */
IFMA_IN void ifma_climb(const uint8_t *scalar, ifma_ladder *at, words_ladder *beside, int groups) {
    unsigned last = 1;
    for (int i = 253; i >= 3; i--) {
        const unsigned bit = scalar[i >> 3] >> (i & 7) & 1, other = bit ^ last;
        last = bit;
        ifma_step(&at[0], beside != NULL ? &beside[0] : NULL, other);
        if (groups == 2) ifma_step(&at[1], beside != NULL ? &beside[1] : NULL, other);
    }
}

/* scalar·point as x/z for one or two groups of eight points. */
IFMA_FN void ifma_pair(const uint8_t *scalar, const uint8_t *points, ifma_fe *x, ifma_fe *z, int groups) {
    ifma_ladder at[2];
    for (int g = 0; g < groups; g++) ifma_start(&at[g], points + 32 * IFMA_LANES * g);
    ifma_climb(scalar, at, NULL, groups);
    for (int g = 0; g < groups; g++) ifma_end(&at[g], scalar[0] >> 3 & 1, x + g, z + g);
    memset(at, 0, sizeof at);
    __asm__ volatile("" : : "r"(at) : "memory"); /* the wipe must not be optimised away */
}

/* The same for two groups, and for the two points at `single` beside them, as 32 bytes each in xs and zs. */
IFMA_FN void ifma_pair_beside(const uint8_t *scalar, const uint8_t *points, ifma_fe *x, ifma_fe *z, const uint8_t *single, uint8_t *xs,
                              uint8_t *zs) {
    ifma_ladder at[2];
    words_ladder beside[2];
    for (int g = 0; g < 2; g++) ifma_start(&at[g], points + 32 * IFMA_LANES * g), words_start(&beside[g], single + 32 * g);
    ifma_climb(scalar, at, beside, 2);
    for (int g = 0; g < 2; g++) {
        ifma_end(&at[g], scalar[0] >> 3 & 1, x + g, z + g);
        words_end(&beside[g], scalar[0] >> 3 & 1, xs + 32 * g, zs + 32 * g);
    }
    memset(at, 0, sizeof at), memset(beside, 0, sizeof beside);
    __asm__ volatile("" : : "r"(at), "r"(beside) : "memory"); /* the wipe must not be optimised away */
}

/* scalar·point as x/z for `groups` groups of eight points. */
IFMA_FN void ifma_ladders(const uint8_t *scalar, const uint8_t *points, ifma_fe *x, ifma_fe *z, int groups) {
    for (int g = 0; g < groups; g += 2) ifma_pair(scalar, points + 32 * IFMA_LANES * g, x + g, z + g, groups - g < 2 ? 1 : 2);
}

/* The same, nine groups at a time: the points of the ninth stand one each beside the eight others. */
IFMA_FN void ifma9_ladders(const uint8_t *scalar, const uint8_t *points, ifma_fe *x, ifma_fe *z, int groups) {
    enum { GROUP = 32 * IFMA_LANES };
    uint8_t xs[GROUP], zs[GROUP];
    for (; groups >= 9; groups -= 9, points += 9 * GROUP, x += 9, z += 9) {
        for (int g = 0; g < 8; g += 2)
            ifma_pair_beside(scalar, points + GROUP * g, x + g, z + g, points + 8 * GROUP + 32 * g, xs + 32 * g, zs + 32 * g);
        x[8] = ifma_load(xs), z[8] = ifma_load(zs);
    }
    ifma_ladders(scalar, points, x, z, groups);
}

#endif
