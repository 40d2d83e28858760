/* Sums of products of residues: what a multiplier of columns does with ciphertexts and plaintexts in NTT form, where a product of
 * polynomials is one of values.
 *
 * Residues are below 2^55, so a product is below 2^110 and 2^16 of them and what was there add up below 2^127: a sum is reduced once, at its
 * end, as high·(2^64 mod p) + low with two of `ntt_multiply`, which takes any word. No branch and no division depends on a value. */

#ifndef TALLY_KERNEL_RESIDUES_H
#define TALLY_KERNEL_RESIDUES_H

enum {
    RESIDUE_TILE = 256,          /* values of a polynomial that are worked on together: the sums of a tile are 4 KiB */
    RESIDUE_BITS = 55,
    RESIDUE_BLOCKS = 1 << 16,    /* the most products in a sum */
    RESIDUE_POLYNOMIALS = 2,
};

typedef struct {
    uint64_t prime, fold, fold_shoup, one_shoup; /* fold is 2^64 mod p */
} residue_modulus;

static residue_modulus residue_modulus_of(uint64_t prime) {
    const unsigned __int128 wide = (unsigned __int128)1 << 64;
    const uint64_t fold = (uint64_t)(wide % prime);
    return (residue_modulus){prime, fold, (uint64_t)(((unsigned __int128)fold << 64) / prime), (uint64_t)(wide / prime)};
}

static inline uint64_t residue_of(unsigned __int128 sum, residue_modulus modulus) {
    const uint64_t high = ntt_multiply((uint64_t)(sum >> 64), modulus.fold, modulus.fold_shoup, modulus.prime);
    return ntt_reduce(high + ntt_multiply((uint64_t)sum, 1, modulus.one_shoup, modulus.prime), modulus.prime);
}

typedef struct {
    const uint64_t *left;   /* [blocks][lefts][2][primes][ring] */
    const uint64_t *right;  /* [blocks][rights][primes][ring] */
    const uint32_t *pairs;  /* [pairs][2]: which left, which right */
    const uint64_t *moduli; /* [primes] */
    uint64_t *sums;         /* [pairs][2][primes][ring]: added to */
    size_t blocks, lefts, rights, pair_count, primes, ring;
} residue_sums;

static void add_products(const residue_sums *job) {
    const size_t polynomial = job->primes * job->ring, ciphertext = RESIDUE_POLYNOMIALS * polynomial;
    unsigned __int128 sum[RESIDUE_TILE];
    for (size_t prime = 0; prime < job->primes; prime++) {
        const residue_modulus modulus = residue_modulus_of(job->moduli[prime]);
        for (size_t tile = 0; tile < job->ring; tile += RESIDUE_TILE)
            for (size_t pair = 0; pair < job->pair_count; pair++)
                for (size_t half = 0; half < RESIDUE_POLYNOMIALS; half++) {
                    const size_t at = prime * job->ring + tile, width = job->ring - tile < RESIDUE_TILE ? job->ring - tile : RESIDUE_TILE;
                    uint64_t *out = job->sums + pair * ciphertext + half * polynomial + at;
                    for (size_t k = 0; k < width; k++) sum[k] = out[k];
                    for (size_t block = 0; block < job->blocks; block++) {
                        const uint64_t *a = job->left + (block * job->lefts + job->pairs[2 * pair]) * ciphertext + half * polynomial + at;
                        const uint64_t *b = job->right + (block * job->rights + job->pairs[2 * pair + 1]) * polynomial + at;
                        for (size_t k = 0; k < width; k++) sum[k] += (unsigned __int128)a[k] * b[k];
                    }
                    for (size_t k = 0; k < width; k++) out[k] = residue_of(sum[k], modulus);
                }
    }
}

/* out[row][prime] = left * right, value by value. */
static void multiply_residues(const uint64_t *left, const uint64_t *right, uint64_t *out, const uint64_t *moduli, size_t rows, size_t primes,
                              size_t ring) {
    for (size_t row = 0; row < rows; row++)
        for (size_t prime = 0; prime < primes; prime++) {
            const residue_modulus modulus = residue_modulus_of(moduli[prime]);
            for (size_t k = 0; k < ring; k++, left++, right++, out++) *out = residue_of((unsigned __int128)*left * *right, modulus);
        }
}

#endif
