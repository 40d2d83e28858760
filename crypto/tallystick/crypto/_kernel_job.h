/* What hashing a column of tokens needs on every path: the message's text, and what all messages of a call have in common.
 *
 * expand_message_xmd (RFC 9380 §5.3.1) with SHA-512 to 96 bytes:
 *
 *   b_0 = H(Z_pad ‖ prefix ‖ length₄ ‖ token ‖ 0 96 ‖ 0 ‖ DST')     Z_pad is 128 zeros
 *   b_1 = H(b_0 ‖ 1 ‖ DST')     b_2 = H((b_0 ⊕ b_1) ‖ 2 ‖ DST')     u_0, u_1 = the 48-byte halves of (b_1 ‖ b_2)[:96] mod p
 *
 * Z_pad and the whole blocks of the prefix are hashed once a call; the tails "1 ‖ DST' ‖ padding" are laid out once. */

#ifndef TALLY_KERNEL_JOB_H
#define TALLY_KERNEL_JOB_H

enum {
    HASH_MESSAGE_MAX = 8 * SHA512_BLOCK, /* longer messages are hashed one by one */
    HASH_DST_MAX = 256,
    HASH_TAIL_WORDS = 3 * SHA512_BLOCK / 8, /* 64 + 1 + 256 + padding in three blocks */
};

typedef struct {
    sha512 start; /* Z_pad and prefix taken; `state` covers their whole blocks */
    const uint8_t *dst, *data;
    const int64_t *offsets;
    size_t dst_length;
    uint64_t tail_1[HASH_TAIL_WORDS], tail_2[HASH_TAIL_WORDS];
    int tail_blocks;
} hash_job;

static void hash_job_tail(uint64_t *words, uint8_t number, const uint8_t *dst, size_t dst_length, int blocks) {
    uint8_t text[HASH_TAIL_WORDS * 8] = {0};
    text[SHA512_DIGEST] = number;
    memcpy(text + SHA512_DIGEST + 1, dst, dst_length);
    text[SHA512_DIGEST + 1 + dst_length] = 0x80;
    store_be64(text + blocks * SHA512_BLOCK - 8, 8 * (uint64_t)(SHA512_DIGEST + 1 + dst_length));
    for (int i = 0; i < blocks * SHA512_BLOCK / 8; i++) words[i] = load_be64(text + 8 * i);
}

/* `dst` is DST', of at most HASH_DST_MAX bytes. */
static void hash_job_start(hash_job *job, const uint8_t *dst, size_t dst_length, const uint8_t *prefix, size_t prefix_length,
                           const uint8_t *data, const int64_t *offsets) {
    const uint8_t zeros[SHA512_BLOCK] = {0};
    sha512_start(&job->start);
    sha512_take(&job->start, zeros, sizeof zeros);
    sha512_take(&job->start, prefix, prefix_length);
    job->dst = dst, job->dst_length = dst_length, job->data = data, job->offsets = offsets;
    job->tail_blocks = (int)((SHA512_DIGEST + 1 + dst_length + 17 + SHA512_BLOCK - 1) / SHA512_BLOCK);
    hash_job_tail(job->tail_1, 1, dst, dst_length, job->tail_blocks);
    hash_job_tail(job->tail_2, 2, dst, dst_length, job->tail_blocks);
}

/* Lay out what `start.state` has not taken of message i, padded to blocks; give their number, or 0 if the message is too long. */
static int hash_job_text(const hash_job *job, size_t i, uint8_t text[HASH_MESSAGE_MAX]) {
    const size_t rest = job->start.length % SHA512_BLOCK, token = (size_t)(job->offsets[i + 1] - job->offsets[i]);
    if (token > HASH_MESSAGE_MAX) return 0;
    const size_t length = rest + 4 + token + 3 + job->dst_length, blocks = (length + 17 + SHA512_BLOCK - 1) / SHA512_BLOCK;
    if (blocks * SHA512_BLOCK > HASH_MESSAGE_MAX) return 0;
    uint8_t *at = text;
    memcpy(at, job->start.rest, rest), at += rest;
    store_be32(at, (uint32_t)token), at += 4;
    if (token > 0) memcpy(at, job->data + job->offsets[i], token), at += token;
    at[0] = 0, at[1] = 96, at[2] = 0, at += 3;
    memcpy(at, job->dst, job->dst_length), at += job->dst_length;
    *at++ = 0x80;
    memset(at, 0, (size_t)(text + blocks * SHA512_BLOCK - at));
    store_be64(text + blocks * SHA512_BLOCK - 8, 8 * (job->start.length - rest + length));
    return (int)blocks;
}

/* b_0 of message i, of any length. */
static void hash_job_zeroth(const hash_job *job, size_t i, uint64_t words[8]) {
    const size_t token = (size_t)(job->offsets[i + 1] - job->offsets[i]);
    const uint8_t length[3] = {0, 96, 0};
    uint8_t count[4], digest[SHA512_DIGEST];
    sha512 hash = job->start;
    store_be32(count, (uint32_t)token);
    sha512_take(&hash, count, sizeof count);
    sha512_take(&hash, job->data + job->offsets[i], token);
    sha512_take(&hash, length, sizeof length);
    sha512_take(&hash, job->dst, job->dst_length);
    sha512_end(&hash, digest);
    for (int k = 0; k < 8; k++) words[k] = load_be64(digest + 8 * k);
}

/* SHA-512 of 64 bytes given as words, and a tail. */
static void hash_job_tailed(uint64_t out[8], const uint64_t words[8], const uint64_t *tail, int blocks) {
    uint8_t text[SHA512_BLOCK];
    memcpy(out, SHA512_START, 64);
    for (int block = 0; block < blocks; block++) {
        for (int k = 0; k < 16; k++) store_be64(text + 8 * k, block == 0 && k < 8 ? words[k] : tail[16 * block + k]);
        sha512_block(out, text);
    }
}

/* u_0 and u_1 of message i as numbers below 2^255, little-endian words, congruent mod p. */
static void hash_job_elements(const hash_job *job, size_t i, uint64_t u[2][4]) {
    uint64_t zeroth[8], mixed[8], uniform[16];
    hash_job_zeroth(job, i, zeroth);
    hash_job_tailed(uniform, zeroth, job->tail_1, job->tail_blocks);
    for (int k = 0; k < 8; k++) mixed[k] = zeroth[k] ^ uniform[k];
    hash_job_tailed(uniform + 8, mixed, job->tail_2, job->tail_blocks);
    for (int half = 0; half < 2; half++) {
        const uint64_t *w = uniform + 6 * half; /* w[0] is the highest word; 2^256 ≡ 38 */
        unsigned __int128 sum = (unsigned __int128)w[1] * 38 + w[5];
        uint64_t r[4];
        r[0] = (uint64_t)sum, sum >>= 64;
        sum += (unsigned __int128)w[0] * 38 + w[4];
        r[1] = (uint64_t)sum, sum >>= 64;
        sum += w[3];
        r[2] = (uint64_t)sum, sum >>= 64;
        sum += w[2];
        r[3] = (uint64_t)sum;
        uint64_t over = (uint64_t)(sum >> 64) << 1 | r[3] >> 63; /* bits 255 and 256: 19 each time 2^255 */
        r[3] &= UINT64_MAX >> 1;
        for (int pass = 0; pass < 2; pass++) {
            sum = (unsigned __int128)over * 19;
            for (int k = 0; k < 4; k++) sum += r[k], r[k] = (uint64_t)sum, sum >>= 64;
            over = r[3] >> 63, r[3] &= UINT64_MAX >> 1;
        }
        memcpy(u[half], r, sizeof r);
    }
}

#endif
