/* Curve25519 over whichever field the including file has: inversions shared by many points, hashing to the curve, checking.
 *
 * Included once for each path, with
 *   F(name)    the path's names: types fe and mask; load, store, constant, add, sub, mul, sqr, mul_small, select, is_zero, is_odd,
 *              mask_and, mask_or, mask_xor, mask_not, mask_bits, expand, ladders
 *   LANES      how many numbers an fe holds; points come in groups of so many
 *   KERNEL_FN, KERNEL_IN   how its functions are declared
 *
 * Two groups are worked on side by side wherever there is a long chain of squarings, so that one's latency hides the other's. */

enum { F(GROUPS) = BLOCK_POINTS / LANES }; /* a block shares one inversion */

typedef struct {
    F(fe) at[2];
} F(two);

KERNEL_IN F(two) F(two_mul)(F(two) a, F(two) b) { return (F(two)){{F(mul)(a.at[0], b.at[0]), F(mul)(a.at[1], b.at[1])}}; }

KERNEL_FN void F(two_squared)(F(two) *a, int times) {
    F(fe) x = a->at[0], y = a->at[1];
    for (int i = 0; i < times; i++) x = F(sqr)(x), y = F(sqr)(y);
    a->at[0] = x, a->at[1] = y;
}

KERNEL_IN F(two) F(two_power)(F(two) a, int times) {
    F(two_squared)(&a, times);
    return a;
}

/* x^(2^250 - 1), and x^11 on the way: 249 squarings, 10 products. */
KERNEL_IN F(two) F(two_250)(F(two) x, F(two) *x11) {
    const F(two) x2 = F(two_power)(x, 1);
    const F(two) x9 = F(two_mul)(F(two_power)(x2, 2), x);
    *x11 = F(two_mul)(x9, x2);
    const F(two) n5 = F(two_mul)(F(two_power)(*x11, 1), x9); /* n5 = x^(2^5 - 1), and so on */
    const F(two) n10 = F(two_mul)(F(two_power)(n5, 5), n5);
    const F(two) n20 = F(two_mul)(F(two_power)(n10, 10), n10);
    const F(two) n40 = F(two_mul)(F(two_power)(n20, 20), n20);
    const F(two) n50 = F(two_mul)(F(two_power)(n40, 10), n10);
    const F(two) n100 = F(two_mul)(F(two_power)(n50, 50), n50);
    const F(two) n200 = F(two_mul)(F(two_power)(n100, 100), n100);
    return F(two_mul)(F(two_power)(n200, 50), n50);
}

/* x^((p - 5)/8) = x^(2^252 - 3). */
KERNEL_FN void F(two_eighth)(F(two) *out, const F(two) *x) {
    F(two) x11;
    *out = F(two_mul)(F(two_power)(F(two_250)(*x, &x11), 2), *x);
}

/* 1/x = x^(p - 2) = x^(2^255 - 21), and 0 for 0. */
KERNEL_FN void F(two_inverse)(F(two) *out, const F(two) *x) {
    F(two) x11;
    const F(two) n250 = F(two_250)(*x, &x11);
    *out = F(two_mul)(F(two_power)(n250, 5), x11);
}

/* Write x[g]/z[g] for `groups` groups to `out`, `count` coordinates in all; 0 where z is 0. Give the first index whose result is 0, or -1.
 *
 * Montgomery's trick, lane by lane, in two chains (even and odd groups): one inversion and three products a group. */
KERNEL_FN ptrdiff_t F(quotients)(F(fe) *x, F(fe) *z, int groups, uint8_t *out, size_t count) {
    const F(fe) one = F(constant)(1, 0, 0, 0);
    F(fe) before[F(GROUPS)]; /* the product of the z of the earlier groups of the same chain */
    F(mask) none[F(GROUPS)];
    F(two) chain = {{one, one}};
    for (int g = 0; g < groups; g++) {
        none[g] = F(is_zero)(z[g]);
        z[g] = F(select)(none[g], z[g], one);
        x[g] = F(select)(none[g], x[g], F(constant)(0, 0, 0, 0));
        before[g] = chain.at[g & 1];
        chain.at[g & 1] = F(mul)(chain.at[g & 1], z[g]);
    }
    F(two_inverse)(&chain, &chain);
    ptrdiff_t zero = -1;
    for (int g = groups - 1; g >= 0; g--) {
        const F(fe) quotient = F(mul)(x[g], F(mul)(chain.at[g & 1], before[g]));
        chain.at[g & 1] = F(mul)(chain.at[g & 1], z[g]);
        const size_t first = (size_t)g * LANES, here = count - first < LANES ? count - first : LANES;
        const unsigned zeros = F(mask_bits)(F(is_zero)(quotient)) & (unsigned)((UINT64_C(1) << here) - 1);
        if (zeros != 0) zero = (ptrdiff_t)first + __builtin_ctz(zeros);
        if (here == LANES) {
            F(store)(out + 32 * first, quotient);
        } else {
            uint8_t spare[32 * LANES];
            F(store)(spare, quotient);
            memcpy(out + 32 * first, spare, 32 * here);
        }
    }
    return zero;
}

/* Give `groups` groups of points beginning at `points`, of which `count` coordinates exist: the points themselves, or a copy in `spare`
 * that is filled up with the base point. */
KERNEL_IN const uint8_t *F(filled)(const uint8_t *points, size_t count, int groups, uint8_t *spare) {
    const size_t wanted = (size_t)groups * LANES;
    if (count >= wanted) return points;
    memcpy(spare, points, 32 * count);
    memset(spare + 32 * count, 0, 32 * (wanted - count));
    for (size_t i = count; i < wanted; i++) spare[32 * i] = 9;
    return spare;
}

/* x[g]/z[g] = scalar·(group g of points) for `groups` groups. */
typedef void F(ladders_fn)(const uint8_t *scalar, const uint8_t *points, F(fe) *x, F(fe) *z, int groups);

/* out[i] = X25519(scalar, points[i]) by the given ladders; scalar is clamped. Give the first index whose result is 0, or -1. */
KERNEL_IN ptrdiff_t F(masked)(F(ladders_fn) *ladders, const uint8_t *scalar, const uint8_t *points, uint8_t *out, size_t count) {
    ptrdiff_t zero = -1;
    for (size_t base = 0; base < count; base += BLOCK_POINTS) {
        F(fe) x[F(GROUPS)], z[F(GROUPS)];
        const size_t here = count - base < BLOCK_POINTS ? count - base : BLOCK_POINTS, rest = here % LANES;
        const int whole = (int)(here / LANES);
        ladders(scalar, points + 32 * base, x, z, whole);
        if (rest != 0) {
            uint8_t spare[32 * LANES];
            ladders(scalar, F(filled)(points + 32 * (base + here - rest), rest, 1, spare), x + whole, z + whole, 1);
        }
        const ptrdiff_t bad = F(quotients)(x, z, whole + (rest != 0), out + 32 * base, here);
        if (zero < 0 && bad >= 0) zero = (ptrdiff_t)base + bad;
    }
    return zero;
}

KERNEL_FN ptrdiff_t F(mask_points)(const uint8_t *scalar, const uint8_t *points, uint8_t *out, size_t count) {
    return F(masked)(F(ladders), scalar, points, out, count);
}

/* Elligator 2 (RFC 9380 §6.7.1, Z = 2) for two groups: x = xn/xd and y.
 *
 * With d = 1 + 2u², x1 = -A/d and g(x1) = n/d³ for n = -A·(A² - A²d + d²). Let r = n·(n·d³)^((p-5)/8); then r²·d³ = ε·n with ε = (n·d³)^((p-1)/4), ε⁴ = 1.
 *   ε = 1, -1: g(x1) is a square, its roots are ± r and ± i·r.
 *   ε = i, -i: it is none; x2 = -x1 - A = A(1 - d)/d, g(x2) = 2u²·g(x1), and with c = 2^((p+3)/8), c² = 2i, the roots are ± u·c·i·r and
 *   ± u·c·r. (If n = 0, r = 0 is right whichever case is taken; d is never 0, as -1/2 is not a square.)
 * y is the odd root for x1, the even one for x2. */
KERNEL_FN void F(two_map)(const F(two) *us, F(two) *xn, F(two) *xd, F(two) *y) {
    const F(fe) one = F(constant)(1, 0, 0, 0), nothing = F(constant)(0, 0, 0, 0), a = F(constant)(486662, 0, 0, 0);
    const F(fe) aa = F(constant)(UINT64_C(236839902244), 0, 0, 0); /* A² */
    const F(fe) i = F(constant)(UINT64_C(0xc4ee1b274a0ea0b0), UINT64_C(0x2f431806ad2fe478), UINT64_C(0x2b4d00993dfbd7a7), UINT64_C(0x2b8324804fc1df0b));
    const F(fe) c = F(constant)(UINT64_C(0xc4ee1b274a0ea0b1), UINT64_C(0x2f431806ad2fe478), UINT64_C(0x2b4d00993dfbd7a7), UINT64_C(0x2b8324804fc1df0b));
    const F(fe) ci = F(mul)(c, i);
    F(two) d, n, ddd, power;
    for (int k = 0; k < 2; k++) {
        const F(fe) uu = F(sqr)(us->at[k]);
        d.at[k] = F(add)(F(add)(uu, uu), one);
        const F(fe) dd = F(sqr)(d.at[k]);
        const F(fe) inner = F(add)(F(sub)(aa, F(mul)(aa, d.at[k])), dd);
        n.at[k] = F(sub)(nothing, F(mul_small)(inner, 486662));
        ddd.at[k] = F(mul)(dd, d.at[k]);
        power.at[k] = F(mul)(n.at[k], ddd.at[k]);
    }
    F(two_eighth)(&power, &power);
    for (int k = 0; k < 2; k++) {
        const F(fe) r = F(mul)(n.at[k], power.at[k]);
        const F(fe) side = F(mul)(F(sqr)(r), ddd.at[k]), turned = F(mul)(n.at[k], i);
        const F(mask) plus = F(is_zero)(F(sub)(side, n.at[k])), minus = F(is_zero)(F(add)(side, n.at[k]));
        const F(mask) plus_i = F(is_zero)(F(sub)(side, turned)), square = F(mask_or)(plus, minus);
        const F(fe) factor = F(select)(square, F(mul)(us->at[k], F(select)(plus_i, c, ci)), F(select)(plus, i, one));
        const F(fe) root = F(mul)(r, factor);
        const F(mask) wrong = F(mask_xor)(F(is_odd)(root), square);
        y->at[k] = F(select)(wrong, F(sub)(nothing, root), root);
        xn->at[k] = F(select)(square, F(sub)(a, F(mul_small)(d.at[k], 486662)), F(sub)(nothing, a));
        xd->at[k] = d.at[k];
    }
}

/* (x : z) = 2·(x : z) (RFC 7748 §5). */
KERNEL_IN void F(twice)(F(fe) *x, F(fe) *z) {
    const F(fe) ss = F(sqr)(F(add)(*x, *z)), tt = F(sqr)(F(sub)(*x, *z)), e = F(sub)(ss, tt);
    *x = F(mul)(ss, tt);
    *z = F(mul)(e, F(add)(tt, F(mul_small)(e, 121666)));
}

/* (x : z) = 8·(map(u0) + map(u1)) for one group.
 *
 * Points x0 = n0/d0 and x1 = n1/d1 with h = n1·d0 - n0·d1, D = d0·d1:
 *   x/z = ((y1 - y0)²·D³ - (A·D + n0·d1 + n1·d0)·h²) / (h²·D).
 * Where h = 0: opposite points give (x : 0), the identity, which stays so; equal points are doubled instead. */
KERNEL_FN void F(map_sum)(const F(fe) u[2], F(fe) *x_out, F(fe) *z_out) {
    F(two) us = {{u[0], u[1]}}, n, d, y;
    F(two_map)(&us, &n, &d, &y);
    const F(fe) left = F(mul)(n.at[0], d.at[1]), right = F(mul)(n.at[1], d.at[0]), h = F(sub)(right, left);
    const F(fe) both = F(mul)(d.at[0], d.at[1]), hh = F(sqr)(h), rise = F(sub)(y.at[1], y.at[0]);
    const F(fe) cube = F(mul)(F(sqr)(both), both);
    const F(fe) rest = F(mul)(F(add)(F(mul_small)(both, 486662), F(add)(left, right)), hh);
    F(fe) x = F(sub)(F(mul)(F(sqr)(rise), cube), rest), z = F(mul)(hh, both);
    const F(mask) equal = F(mask_and)(F(is_zero)(h), F(is_zero)(rise));
    if (F(mask_bits)(equal) != 0) { /* about 2^-252 for a token */
        F(fe) x_twice = n.at[0], z_twice = d.at[0];
        F(twice)(&x_twice, &z_twice);
        x = F(select)(equal, x, x_twice), z = F(select)(equal, z, z_twice);
    }
    for (int times = 0; times < 3; times++) F(twice)(&x, &z);
    *x_out = x, *z_out = z;
}

/* out[i] = the coordinate of message i, for i < count. Give the first index whose result is 0 (the identity), or -1. */
KERNEL_FN ptrdiff_t F(hash_points)(const hash_job *job, uint8_t *out, size_t count) {
    ptrdiff_t zero = -1;
    for (size_t base = 0; base < count; base += BLOCK_POINTS) {
        F(fe) x[F(GROUPS)], z[F(GROUPS)];
        const size_t here = count - base < BLOCK_POINTS ? count - base : BLOCK_POINTS;
        const int groups = (int)((here + LANES - 1) / LANES);
        for (int g = 0; g < groups; g++) {
            const size_t first = (size_t)g * LANES;
            F(fe) u[2];
            F(expand)(job, base + first, (int)(here - first < LANES ? here - first : LANES), u);
            F(map_sum)(u, x + g, z + g);
        }
        const ptrdiff_t bad = F(quotients)(x, z, groups, out + 32 * base, here);
        if (zero < 0 && bad >= 0) zero = (ptrdiff_t)base + bad;
    }
    return zero;
}

/* out[i] = the coordinate of 8·(map(u0) + map(u1)) for the elements u0, u1 in 64 bytes of `elements`: the part of `hash_points` after
 * the hash, for tests of what no known message hashes to. */
KERNEL_FN ptrdiff_t F(map_points)(const uint8_t *elements, uint8_t *out, size_t count) {
    ptrdiff_t zero = -1;
    for (size_t base = 0; base < count; base += LANES) {
        uint8_t halves[2][32 * LANES] = {{0}};
        const size_t here = count - base < LANES ? count - base : LANES;
        for (size_t i = 0; i < here; i++) {
            memcpy(halves[0] + 32 * i, elements + 64 * (base + i), 32);
            memcpy(halves[1] + 32 * i, elements + 64 * (base + i) + 32, 32);
        }
        const F(fe) u[2] = {F(load)(halves[0]), F(load)(halves[1])};
        F(fe) x, z;
        F(map_sum)(u, &x, &z);
        const ptrdiff_t bad = F(quotients)(&x, &z, 1, out + 32 * base, here);
        if (zero < 0 && bad >= 0) zero = (ptrdiff_t)base + bad;
    }
    return zero;
}

/* The first of `count` canonical coordinates that is not on the curve, or -1: u³ + A·u² + u = w must be a square and not 0, that is
 * w^((p-1)/2) = (w^((p-5)/8))⁴·w² = 1. */
KERNEL_FN ptrdiff_t F(first_off_curve)(const uint8_t *points, size_t count) {
    const F(fe) one = F(constant)(1, 0, 0, 0);
    for (size_t base = 0; base < count; base += 2 * LANES) {
        uint8_t spare[2 * 32 * LANES];
        const size_t here = count - base < 2 * LANES ? count - base : 2 * LANES;
        const uint8_t *from = F(filled)(points + 32 * base, here, 2, spare);
        F(two) w, power;
        for (int k = 0; k < 2; k++) {
            const F(fe) u = F(load)(from + 32 * LANES * k), uu = F(sqr)(u);
            w.at[k] = F(mul)(u, F(add)(F(add)(uu, F(mul_small)(u, 486662)), one));
        }
        F(two_eighth)(&power, &w);
        uint64_t bad = 0;
        for (int k = 0; k < 2; k++) {
            const F(fe) symbol = F(mul)(F(sqr)(F(sqr)(power.at[k])), F(sqr)(w.at[k]));
            bad |= (uint64_t)F(mask_bits)(F(mask_not)(F(is_zero)(F(sub)(symbol, one)))) << (LANES * k);
        }
        bad &= (UINT64_C(1) << here) - 1;
        if (bad != 0) return (ptrdiff_t)base + __builtin_ctzll(bad);
    }
    return -1;
}
