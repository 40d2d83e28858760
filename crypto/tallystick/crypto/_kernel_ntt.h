/* The negacyclic number-theoretic transform of polynomials mod x^N + 1 and a prime below 2^61, and its inverse, in place.
 *
 * ψ is a primitive 2N-th root of unity; `roots[k]` is ψ to the power of k with its bits reversed, or for the inverse its inverse. Forward,
 * value i becomes the polynomial's at ψ^(2·r(i) + 1), r reversing the bits of i (Longa, Naehrig, eprint 2016/504, algorithms 1 and 2).
 * A product by a root w is a·w - ⌊a·w'/2^64⌋·p with w' = ⌊w·2^64/p⌋ (Shoup; Harvey, arXiv 1205.2926): between 0 and 2p, without a division.
 * No branch and no division depends on a value. */

#ifndef TALLY_KERNEL_NTT_H
#define TALLY_KERNEL_NTT_H

typedef struct {
    const uint64_t *roots, *shoups; /* [ring] each */
    uint64_t prime;
    size_t ring;
} ntt_table;

static inline uint64_t ntt_reduce(uint64_t value, uint64_t prime) { /* of a value below 2p */
    const uint64_t less = value - prime;
    return less + (prime & -(less >> 63));
}

static inline uint64_t ntt_multiply(uint64_t value, uint64_t root, uint64_t shoup, uint64_t prime) {
    const uint64_t quotient = (uint64_t)((unsigned __int128)value * shoup >> 64);
    return ntt_reduce(value * root - quotient * prime, prime);
}

static void ntt_forward(uint64_t *values, const ntt_table *table) {
    const uint64_t prime = table->prime;
    for (size_t groups = 1, span = table->ring / 2; span > 0; groups *= 2, span /= 2)
        for (size_t group = 0; group < groups; group++) {
            const uint64_t root = table->roots[groups + group], shoup = table->shoups[groups + group];
            uint64_t *low = values + 2 * group * span, *high = low + span;
            for (size_t k = 0; k < span; k++) {
                const uint64_t a = low[k], b = ntt_multiply(high[k], root, shoup, prime);
                low[k] = ntt_reduce(a + b, prime), high[k] = ntt_reduce(a + prime - b, prime);
            }
        }
}

/* `roots` are those of the inverse, and `roots[0]` is 1/N. */
static void ntt_inverse(uint64_t *values, const ntt_table *table) {
    const uint64_t prime = table->prime;
    for (size_t groups = table->ring / 2, span = 1; groups > 0; groups /= 2, span *= 2)
        for (size_t group = 0; group < groups; group++) {
            const uint64_t root = table->roots[groups + group], shoup = table->shoups[groups + group];
            uint64_t *low = values + 2 * group * span, *high = low + span;
            for (size_t k = 0; k < span; k++) {
                const uint64_t a = low[k], b = high[k];
                low[k] = ntt_reduce(a + b, prime), high[k] = ntt_multiply(ntt_reduce(a + prime - b, prime), root, shoup, prime);
            }
        }
    for (size_t k = 0; k < table->ring; k++) values[k] = ntt_multiply(values[k], table->roots[0], table->shoups[0], prime);
}

#endif
