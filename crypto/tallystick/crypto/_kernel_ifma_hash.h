/* Hashing messages to field elements in the eight lanes of _kernel_ifma.h: SHA-512, expand_message_xmd and reduction (RFC 9380 §5). */

#ifndef TALLY_KERNEL_IFMA_HASH_H
#define TALLY_KERNEL_IFMA_HASH_H

IFMA_IN void ifma_sha512_block(word8 state[8], word8 w[16]) {
    word8 a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
    for (int round = 0; round < 80; round += 16) {
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            if (round > 0) {
                const word8 x = w[(i + 1) & 15], y = w[(i + 14) & 15];
                const word8 s0 = _mm512_ternarylogic_epi64(_mm512_ror_epi64(x, 1), _mm512_ror_epi64(x, 8), SHR8(x, 7), 0x96);
                const word8 s1 = _mm512_ternarylogic_epi64(_mm512_ror_epi64(y, 19), _mm512_ror_epi64(y, 61), SHR8(y, 6), 0x96);
                w[i] = ADD8(ADD8(w[i], s0), ADD8(w[(i + 9) & 15], s1));
            }
            const word8 s1 = _mm512_ternarylogic_epi64(_mm512_ror_epi64(e, 14), _mm512_ror_epi64(e, 18), _mm512_ror_epi64(e, 41), 0x96);
            const word8 choose = _mm512_ternarylogic_epi64(e, f, g, 0xca);
            const word8 t1 = ADD8(ADD8(ADD8(h, ADD8(w[i], ALL8(SHA512_K[round + i]))), s1), choose);
            const word8 s0 = _mm512_ternarylogic_epi64(_mm512_ror_epi64(a, 28), _mm512_ror_epi64(a, 34), _mm512_ror_epi64(a, 39), 0x96);
            const word8 t2 = ADD8(s0, _mm512_ternarylogic_epi64(a, b, c, 0xe8));
            h = g, g = f, f = e, e = ADD8(d, t1), d = c, c = b, b = a, a = ADD8(t1, t2);
        }
    }
    state[0] = ADD8(state[0], a), state[1] = ADD8(state[1], b), state[2] = ADD8(state[2], c), state[3] = ADD8(state[3], d);
    state[4] = ADD8(state[4], e), state[5] = ADD8(state[5], f), state[6] = ADD8(state[6], g), state[7] = ADD8(state[7], h);
}

/* The digest of words ‖ tail for eight messages, where `words` are 64 bytes in lanes and `tail`, padded to blocks, is the same for all.
 * The first block's words 0 to 7 are `words`. */
IFMA_IN void ifma_sha512_tailed(word8 out[8], const word8 words[8], const uint64_t *tail, int blocks) {
    word8 w[16];
    for (int i = 0; i < 8; i++) out[i] = ALL8(SHA512_START[i]), w[i] = words[i];
    for (int block = 0; block < blocks; block++) {
        for (int i = block == 0 ? 8 : 0; i < 16; i++) w[i] = ALL8(tail[16 * block + i]);
        ifma_sha512_block(out, w);
    }
}

/* A field element of six words, the first the highest (48 bytes, big-endian): value = low + 2^256·high ≡ low + 38·high. */
IFMA_IN ifma_fe ifma_reduced(const word8 w[6]) {
    const word8 low = ALL8(LOW52), k = ALL8(38), w0 = w[5], w1 = w[4], w2 = w[3], w3 = w[2], h0 = w[1], h1 = w[0];
    ifma_fe sum = {AND8(w0, low), AND8(OR8(SHR8(w0, 52), SHL8(w1, 12)), low), AND8(OR8(SHR8(w1, 40), SHL8(w2, 24)), low),
                   AND8(OR8(SHR8(w2, 28), SHL8(w3, 36)), low), SHR8(w3, 16)};
    IFMA_PAIR(k, h0, sum.v0, sum.v1);
    IFMA_PAIR(k, OR8(SHR8(h0, 52), SHL8(h1, 12)), sum.v1, sum.v2);
    sum.v2 = LO8(sum.v2, k, SHR8(h1, 40));
    return ifma_carry(sum);
}

/* hash_to_field for messages i … i + 7 of a job, or as many of them as `count` says; the other lanes hash nothing. */
IFMA_FN void ifma_expand(const hash_job *job, size_t i, int count, ifma_fe u[2]) {
    uint8_t text[IFMA_LANES][HASH_MESSAGE_MAX];
    int blocks[IFMA_LANES], most = 0, long_one = 0;
    for (int lane = 0; lane < IFMA_LANES; lane++) {
        blocks[lane] = lane < count ? hash_job_text(job, i + (size_t)lane, text[lane]) : 0;
        most = blocks[lane] > most ? blocks[lane] : most;
        long_one |= lane < count && blocks[lane] == 0;
    }
    word8 zeroth[8], first[8], second[8];
    if (long_one) {
        uint64_t words[8][IFMA_LANES] __attribute__((aligned(64)));
        for (int lane = 0; lane < IFMA_LANES; lane++) {
            uint64_t digest[8];
            hash_job_zeroth(job, i + (size_t)(lane < count ? lane : count - 1), digest);
            for (int k = 0; k < 8; k++) words[k][lane] = digest[k];
        }
        for (int k = 0; k < 8; k++) zeroth[k] = _mm512_load_si512(words[k]);
    } else {
        const word8 swap = _mm512_set4_epi32(0x08090a0b, 0x0c0d0e0f, 0x00010203, 0x04050607);
        const word8 at = _mm512_mullo_epi64(_mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0), ALL8(HASH_MESSAGE_MAX));
        for (int k = 0; k < 8; k++) zeroth[k] = ALL8(job->start.state[k]);
        for (int block = 0; block < most; block++) {
            word8 w[16], next[8];
            ifma_mask live = 0; /* lanes whose message has this block; the others keep their state */
            for (int lane = 0; lane < IFMA_LANES; lane++) live |= (ifma_mask)((block < blocks[lane]) << lane);
            for (int k = 0; k < 16; k++)
                w[k] = _mm512_shuffle_epi8(_mm512_mask_i64gather_epi64(NONE8, live, at, &text[0][block * SHA512_BLOCK + 8 * k], 1), swap);
            for (int k = 0; k < 8; k++) next[k] = zeroth[k];
            ifma_sha512_block(next, w);
            for (int k = 0; k < 8; k++) zeroth[k] = _mm512_mask_blend_epi64(live, zeroth[k], next[k]);
        }
    }
    ifma_sha512_tailed(first, zeroth, job->tail_1, job->tail_blocks);
    word8 mixed[8];
    for (int k = 0; k < 8; k++) mixed[k] = _mm512_xor_si512(zeroth[k], first[k]);
    ifma_sha512_tailed(second, mixed, job->tail_2, job->tail_blocks);
    const word8 element[6] = {first[6], first[7], second[0], second[1], second[2], second[3]};
    u[0] = ifma_reduced(first), u[1] = ifma_reduced(element);
}

#endif
