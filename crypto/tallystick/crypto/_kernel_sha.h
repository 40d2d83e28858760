/* SHA-512 and SHA-256 (FIPS 180-4), one message at a time; SHA-256 with the processor's SHA instructions where it has them.
 *
 * The hashes read a node's own tokens and prefixes (both on its own machine); no table is indexed by data. */

#ifndef TALLY_KERNEL_SHA_H
#define TALLY_KERNEL_SHA_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "little-endian processors only; elsewhere the portable path serves"
#endif

static inline uint64_t load_le64(const uint8_t *from) {
    uint64_t word;
    memcpy(&word, from, 8);
    return word;
}

static inline void store_le64(uint8_t *to, uint64_t word) {
    memcpy(to, &word, 8);
}

static inline uint64_t load_be64(const uint8_t *from) {
    uint64_t word;
    memcpy(&word, from, 8);
    return __builtin_bswap64(word);
}

static inline void store_be64(uint8_t *to, uint64_t word) {
    word = __builtin_bswap64(word);
    memcpy(to, &word, 8);
}

static inline uint32_t load_be32(const uint8_t *from) {
    uint32_t word;
    memcpy(&word, from, 4);
    return __builtin_bswap32(word);
}

static inline void store_be32(uint8_t *to, uint32_t word) {
    word = __builtin_bswap32(word);
    memcpy(to, &word, 4);
}

/* ---- SHA-512 ------------------------------------------------------------------------------------------------------------ */

enum { SHA512_BLOCK = 128, SHA512_DIGEST = 64 };

static const uint64_t SHA512_START[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                                         0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

/* The fractional parts of the cube roots of the first eighty primes (FIPS 180-4 §4.2.3). */
static const uint64_t SHA512_K[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538,
    0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe,
    0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2, 0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235,
    0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5, 0x983e5152ee66dfab,
    0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
    0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed,
    0x53380d139d95b3df, 0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218,
    0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8, 0x19a4c116b8d2d0c8, 0x1e376c085141ab53,
    0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373,
    0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c,
    0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6,
    0x113f9804bef90dae, 0x1b710b35131c471b, 0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc,
    0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

typedef struct {
    uint64_t state[8];
    uint64_t length; /* bytes taken so far; 2^61 are never reached */
    uint8_t rest[SHA512_BLOCK];
} sha512;

static inline uint64_t ror64(uint64_t x, int n) { return x >> n | x << (64 - n); }

static void sha512_block(uint64_t state[8], const uint8_t *block) {
    uint64_t w[16], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 16; i++) w[i] = load_be64(block + 8 * i);
    for (int round = 0; round < 80; round += 16) {
        for (int i = 0; i < 16; i++) {
            if (round > 0) {
                const uint64_t x = w[(i + 1) & 15], y = w[(i + 14) & 15];
                w[i] += (ror64(x, 1) ^ ror64(x, 8) ^ x >> 7) + w[(i + 9) & 15] + (ror64(y, 19) ^ ror64(y, 61) ^ y >> 6);
            }
            const uint64_t t1 = h + (ror64(e, 14) ^ ror64(e, 18) ^ ror64(e, 41)) + (g ^ (e & (f ^ g))) + SHA512_K[round + i] + w[i];
            const uint64_t t2 = (ror64(a, 28) ^ ror64(a, 34) ^ ror64(a, 39)) + ((a & b) | (c & (a | b)));
            h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
        }
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

static void sha512_start(sha512 *hash) {
    memcpy(hash->state, SHA512_START, sizeof hash->state);
    hash->length = 0;
}

static void sha512_take(sha512 *hash, const uint8_t *data, size_t count) {
    const size_t filled = hash->length % SHA512_BLOCK;
    hash->length += count;
    if (filled + count < SHA512_BLOCK) {
        if (count > 0) memcpy(hash->rest + filled, data, count);
        return;
    }
    if (filled > 0) {
        const size_t head = SHA512_BLOCK - filled;
        memcpy(hash->rest + filled, data, head);
        sha512_block(hash->state, hash->rest);
        data += head, count -= head;
    }
    for (; count >= SHA512_BLOCK; data += SHA512_BLOCK, count -= SHA512_BLOCK) sha512_block(hash->state, data);
    if (count > 0) memcpy(hash->rest, data, count);
}

static void sha512_end(sha512 *hash, uint8_t digest[SHA512_DIGEST]) {
    uint8_t tail[2 * SHA512_BLOCK] = {0x80};
    const uint64_t bits = 8 * hash->length;
    const size_t filled = hash->length % SHA512_BLOCK;
    const size_t padding = (filled < SHA512_BLOCK - 16 ? SHA512_BLOCK : 2 * SHA512_BLOCK) - filled;
    store_be64(tail + padding - 8, bits);
    sha512_take(hash, tail, padding);
    for (int i = 0; i < 8; i++) store_be64(digest + 8 * i, hash->state[i]);
}

/* ---- SHA-256 ------------------------------------------------------------------------------------------------------------ */

enum { SHA256_BLOCK = 64 };

static const uint32_t SHA256_START[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

/* The fractional parts of the cube roots of the first sixty-four primes (FIPS 180-4 §4.2.2). */
static const uint32_t SHA256_K[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

typedef void (*sha256_block_fn)(uint32_t state[8], const uint8_t *block);

static inline uint32_t ror32(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void sha256_block_plain(uint32_t state[8], const uint8_t *block) {
    uint32_t w[16], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 16; i++) w[i] = load_be32(block + 4 * i);
    for (int round = 0; round < 64; round += 16) {
        for (int i = 0; i < 16; i++) {
            if (round > 0) {
                const uint32_t x = w[(i + 1) & 15], y = w[(i + 14) & 15];
                w[i] += (ror32(x, 7) ^ ror32(x, 18) ^ x >> 3) + w[(i + 9) & 15] + (ror32(y, 17) ^ ror32(y, 19) ^ y >> 10);
            }
            const uint32_t t1 = h + (ror32(e, 6) ^ ror32(e, 11) ^ ror32(e, 25)) + (g ^ (e & (f ^ g))) + SHA256_K[round + i] + w[i];
            const uint32_t t2 = (ror32(a, 2) ^ ror32(a, 13) ^ ror32(a, 22)) + ((a & b) | (c & (a | b)));
            h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
        }
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

#ifdef TALLY_X86
__attribute__((target("sha,sse4.1,ssse3"))) static void sha256_block_ni(uint32_t state[8], const uint8_t *block) {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    /* The instructions want the state as (a b e f) and (c d g h), highest word first. */
    const __m128i dcba = _mm_loadu_si128((const __m128i *)state), hgfe = _mm_loadu_si128((const __m128i *)(state + 4));
    const __m128i badc = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
    __m128i abef = _mm_alignr_epi8(badc, efgh, 8), cdgh = _mm_blend_epi16(efgh, badc, 0xf0);
    const __m128i abef0 = abef, cdgh0 = cdgh;
    __m128i w[4];
    for (int i = 0; i < 4; i++) w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(block + 16 * i)), swap);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
        const __m128i now = w[i & 3];
        const __m128i sum = _mm_add_epi32(now, _mm_load_si128((const __m128i *)(SHA256_K + 4 * i)));
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
        if (i < 12) { /* words 4i+16 … 4i+19 from the sixteen before them */
            const __m128i next = w[(i + 1) & 3], third = w[(i + 2) & 3], last = w[(i + 3) & 3];
            const __m128i partial = _mm_add_epi32(_mm_sha256msg1_epu32(now, next), _mm_alignr_epi8(last, third, 4));
            w[i & 3] = _mm_sha256msg2_epu32(partial, last);
        }
    }
    abef = _mm_add_epi32(abef, abef0), cdgh = _mm_add_epi32(cdgh, cdgh0);
    const __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}
#endif

/* out[i] = SHA-256(prefix ‖ points[i])[:16] for n points of 32 bytes. The prefix's whole blocks are hashed once. */
static void hash_tags(sha256_block_fn step, const uint8_t *prefix, size_t prefix_length, const uint8_t *points, uint8_t *out, size_t n) {
    uint32_t start[8];
    memcpy(start, SHA256_START, sizeof start);
    size_t done = 0;
    for (; prefix_length - done >= SHA256_BLOCK; done += SHA256_BLOCK) step(start, prefix + done);
    const size_t left = prefix_length - done;
    uint8_t blocks[2 * SHA256_BLOCK] = {0};
    if (left > 0) memcpy(blocks, prefix + done, left);
    blocks[left + 32] = 0x80;
    const size_t count = left + 32 + 9 <= SHA256_BLOCK ? 1 : 2;
    store_be64(blocks + count * SHA256_BLOCK - 8, 8 * ((uint64_t)prefix_length + 32));
    for (size_t i = 0; i < n; i++) {
        uint32_t state[8];
        memcpy(state, start, sizeof state);
        memcpy(blocks + left, points + 32 * i, 32);
        for (size_t block = 0; block < count; block++) step(state, blocks + block * SHA256_BLOCK);
        for (int word = 0; word < 4; word++) store_be32(out + 16 * i + 4 * word, state[word]);
    }
}

#endif
