/* One number in four words of 64 bits modulo 2p = 2^256 - 38, with mulx, adcx and adox: the ninth point beside the eight of
 * _kernel_ifma.h, whose multiplier leaves the integer units idle.
 *
 * Every value below 2^256 stands for its residue. Each function reads its arguments before it writes its result, which may be one of
 * them, and no instruction or address depends on a value. Written in assembler because compilers do not keep two carry chains (adcx and
 * adox) apart; volatile, so that the statements stay where the ladder puts them between those of the other eight points. */

#ifndef TALLY_KERNEL_WORDS_H
#define TALLY_KERNEL_WORDS_H

#define WORDS_FN static __attribute__((noinline))
#define WORDS_IN static inline __attribute__((always_inline))

typedef struct {
    uint64_t w[4];
} words;

/* The four words of *p as operands name0 … name3. */
#define WORDS_OUT(name, p) [name##0] "=m"((p)->w[0]), [name##1] "=m"((p)->w[1]), [name##2] "=m"((p)->w[2]), [name##3] "=m"((p)->w[3])
#define WORDS_OF(name, p) [name##0] "m"((p)->w[0]), [name##1] "m"((p)->w[1]), [name##2] "m"((p)->w[2]), [name##3] "m"((p)->w[3])

#define WORDS_SCRATCH "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc"

/* r8 … r11 += 38·rcx for rcx < 2^58: what the carry out of 2^256 comes back as leaves r8 small enough for a second 38. */
#define WORDS_WRAP                                                                                                                \
    "imulq $38, %%rcx, %%rcx\n\t addq %%rcx, %%r8\n\t adcq $0, %%r9\n\t adcq $0, %%r10\n\t adcq $0, %%r11\n\t"                    \
    "sbbq %%rax, %%rax\n\t andl $38, %%eax\n\t addq %%rax, %%r8\n\t"

#define WORDS_STORE "movq %%r8, %[o0]\n\t movq %%r9, %[o1]\n\t movq %%r10, %[o2]\n\t movq %%r11, %[o3]\n\t"

/* o = r8 … r15: the upper four words come back times 38, the carry (at most 39) as above. */
#define WORDS_FOLD                                                                                                                \
    "movl $38, %%edx\n\t xorl %%eax, %%eax\n\t"                                                                                   \
    "mulx %%r12, %%rax, %%rcx\n\t adcx %%rax, %%r8\n\t adox %%rcx, %%r9\n\t"                                                      \
    "mulx %%r13, %%rax, %%rcx\n\t adcx %%rax, %%r9\n\t adox %%rcx, %%r10\n\t"                                                     \
    "mulx %%r14, %%rax, %%rcx\n\t adcx %%rax, %%r10\n\t adox %%rcx, %%r11\n\t"                                                    \
    "mulx %%r15, %%rax, %%rcx\n\t adcx %%rax, %%r11\n\t movl $0, %%eax\n\t adcx %%rax, %%rcx\n\t adox %%rax, %%rcx\n\t"           \
    WORDS_WRAP WORDS_STORE

/* r0 … r4 += (word i of a)·b, of which r4 is new: it cannot overflow, as r0 … r3 plus the product is below 2^320. */
#define WORDS_ROW(i, r0, r1, r2, r3, r4)                                                                                         \
    "movq %[a" #i "], %%rdx\n\t xorl %%eax, %%eax\n\t"                                                                          \
    "mulx %[b0], %%rax, %%rcx\n\t adcx %%rax, %%" #r0 "\n\t adox %%rcx, %%" #r1 "\n\t"                                             \
    "mulx %[b1], %%rax, %%rcx\n\t adcx %%rax, %%" #r1 "\n\t adox %%rcx, %%" #r2 "\n\t"                                           \
    "mulx %[b2], %%rax, %%rcx\n\t adcx %%rax, %%" #r2 "\n\t adox %%rcx, %%" #r3 "\n\t"                                          \
    "mulx %[b3], %%rax, %%" #r4 "\n\t adcx %%rax, %%" #r3 "\n\t movl $0, %%eax\n\t adcx %%rax, %%" #r4 "\n\t adox %%rax, %%" #r4 "\n\t"

/* o = a·b. */
WORDS_IN void words_mul(words *o, const words *a, const words *b) {
    __asm__ volatile("movq %[a0], %%rdx\n\t mulx %[b0], %%r8, %%r9\n\t mulx %[b1], %%rcx, %%r10\n\t addq %%rcx, %%r9\n\t"
            "mulx %[b2], %%rcx, %%r11\n\t adcq %%rcx, %%r10\n\t mulx %[b3], %%rcx, %%r12\n\t adcq %%rcx, %%r11\n\t adcq $0, %%r12\n\t"
            WORDS_ROW(1, r9, r10, r11, r12, r13) WORDS_ROW(2, r10, r11, r12, r13, r14) WORDS_ROW(3, r11, r12, r13, r14, r15) WORDS_FOLD
            : WORDS_OUT(o, o) : WORDS_OF(a, a), WORDS_OF(b, b) : WORDS_SCRATCH);
}

/* o = a²: the six products above the diagonal, doubled by one chain while the other adds the squares. */
WORDS_IN void words_sqr(words *o, const words *a) {
    __asm__ volatile("movq %[a0], %%rdx\n\t mulx %[a1], %%r9, %%r10\n\t mulx %[a2], %%rcx, %%r11\n\t addq %%rcx, %%r10\n\t"
            "mulx %[a3], %%rcx, %%r12\n\t adcq %%rcx, %%r11\n\t adcq $0, %%r12\n\t"
            "movq %[a1], %%rdx\n\t xorl %%r13d, %%r13d\n\t"
            "mulx %[a2], %%rax, %%rcx\n\t adcx %%rax, %%r11\n\t adox %%rcx, %%r12\n\t"
            "mulx %[a3], %%rax, %%rcx\n\t adcx %%rax, %%r12\n\t adox %%rcx, %%r13\n\t"
            "movq %[a2], %%rdx\n\t mulx %[a3], %%rax, %%r14\n\t"
            "adcx %%rax, %%r13\n\t movl $0, %%eax\n\t adcx %%rax, %%r14\n\t adox %%rax, %%r14\n\t"
            "xorl %%r15d, %%r15d\n\t movq %[a0], %%rdx\n\t mulx %%rdx, %%r8, %%rcx\n\t"
            "adcx %%r9, %%r9\n\t adox %%rcx, %%r9\n\t"
            "movq %[a1], %%rdx\n\t mulx %%rdx, %%rax, %%rcx\n\t"
            "adcx %%r10, %%r10\n\t adox %%rax, %%r10\n\t adcx %%r11, %%r11\n\t adox %%rcx, %%r11\n\t"
            "movq %[a2], %%rdx\n\t mulx %%rdx, %%rax, %%rcx\n\t"
            "adcx %%r12, %%r12\n\t adox %%rax, %%r12\n\t adcx %%r13, %%r13\n\t adox %%rcx, %%r13\n\t"
            "movq %[a3], %%rdx\n\t mulx %%rdx, %%rax, %%rcx\n\t"
            "adcx %%r14, %%r14\n\t adox %%rax, %%r14\n\t adcx %%r15, %%r15\n\t adox %%rcx, %%r15\n\t"
            WORDS_FOLD
            : WORDS_OUT(o, o) : WORDS_OF(a, a) : WORDS_SCRATCH);
}

/* o = a ± b: a carry or borrow out of 2^256 is worth 38, and leaves r8 … r11 so near the end that a second one stops in r8. */
#define WORDS_LINEAR(o, a, b, first, next)                                                                                        \
    __asm__ volatile("movq %[x0], %%r8\n\t movq %[x1], %%r9\n\t movq %[x2], %%r10\n\t movq %[x3], %%r11\n\t"                           \
            first " %[y0], %%r8\n\t " next " %[y1], %%r9\n\t " next " %[y2], %%r10\n\t " next " %[y3], %%r11\n\t"             \
            "sbbq %%rax, %%rax\n\t andl $38, %%eax\n\t"                                                                           \
            first " %%rax, %%r8\n\t " next " $0, %%r9\n\t " next " $0, %%r10\n\t " next " $0, %%r11\n\t"                          \
            "sbbq %%rax, %%rax\n\t andl $38, %%eax\n\t " first " %%rax, %%r8\n\t" WORDS_STORE                                     \
            : WORDS_OUT(o, o) : WORDS_OF(x, a), WORDS_OF(y, b) : "rax", "r8", "r9", "r10", "r11", "cc")

WORDS_IN void words_add(words *o, const words *a, const words *b) { WORDS_LINEAR(o, a, b, "addq", "adcq"); }
WORDS_IN void words_sub(words *o, const words *a, const words *b) { WORDS_LINEAR(o, a, b, "subq", "sbbq"); }

/* o = sum + 121666·a. */
WORDS_IN void words_plus_121666(words *o, const words *sum, const words *a) {
    __asm__ volatile("movl $121666, %%edx\n\t mulx %[a0], %%r8, %%r9\n\t mulx %[a1], %%rax, %%r10\n\t addq %%rax, %%r9\n\t"
            "mulx %[a2], %%rax, %%r11\n\t adcq %%rax, %%r10\n\t mulx %[a3], %%rax, %%rcx\n\t adcq %%rax, %%r11\n\t adcq $0, %%rcx\n\t"
            "addq %[s0], %%r8\n\t adcq %[s1], %%r9\n\t adcq %[s2], %%r10\n\t adcq %[s3], %%r11\n\t adcq $0, %%rcx\n\t"
            WORDS_WRAP WORDS_STORE
            : WORDS_OUT(o, o) : WORDS_OF(a, a), WORDS_OF(s, sum) : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "cc");
}

/* o = b where the mask is all ones, a where it is zero. */
WORDS_IN void words_select(words *o, uint64_t mask, const words *a, const words *b) {
    for (int k = 0; k < 4; k++) o->w[k] = a->w[k] ^ (mask & (a->w[k] ^ b->w[k]));
}

/* 32 bytes, little-endian; the top bit is ignored (RFC 7748 §5). */
WORDS_IN void words_load(words *o, const uint8_t *from) {
    for (int k = 0; k < 4; k++) o->w[k] = load_le64(from + 8 * k);
    o->w[3] &= UINT64_MAX >> 1;
}

/* 32 bytes, little-endian, of a number below 2^255: bit 255 comes back as 19, and after the first time there is room for the second. */
WORDS_IN void words_store(uint8_t *to, const words *a) {
    words r = *a;
    for (int pass = 0; pass < 2; pass++) {
        unsigned __int128 sum = (unsigned __int128)19 * (r.w[3] >> 63);
        r.w[3] &= UINT64_MAX >> 1;
        for (int k = 0; k < 4; k++) sum += r.w[k], r.w[k] = (uint64_t)sum, sum >>= 64;
    }
    for (int k = 0; k < 4; k++) store_le64(to + 8 * k, r.w[k]);
}

/* ---- the ladder, its points as (x + z, x - z) like those of _kernel_ifma.h --------------------------------------------------------- */

typedef struct {
    words fresh_plus, fresh_minus, other_plus, other_minus, base;
    words da, cb, s, t, ss, tt, e, e_times, sum, difference, x, z; /* within a step */
} words_ladder;

/* (s, t) = 2·(s, t), and (x, z) of it (RFC 7748 §5). */
WORDS_IN void words_double(words_ladder *at) {
    words_sqr(&at->ss, &at->s), words_sqr(&at->tt, &at->t);
    words_sub(&at->e, &at->ss, &at->tt);
    words_plus_121666(&at->e_times, &at->tt, &at->e);
    words_mul(&at->x, &at->ss, &at->tt), words_mul(&at->z, &at->e, &at->e_times);
    words_add(&at->s, &at->x, &at->z), words_sub(&at->t, &at->x, &at->z);
}

/* (base, 2·base). */
WORDS_FN void words_start(words_ladder *at, const uint8_t *point) {
    const words one = {{1, 0, 0, 0}};
    words_load(&at->base, point);
    words_add(&at->other_plus, &at->base, &one), words_sub(&at->other_minus, &at->base, &one);
    at->s = at->other_plus, at->t = at->other_minus;
    words_double(at);
    at->fresh_plus = at->s, at->fresh_minus = at->t;
}

/* What the bit names, times 8, as x/z in 32 bytes each. */
WORDS_FN void words_end(words_ladder *at, unsigned other, uint8_t *x, uint8_t *z) {
    const uint64_t mask = 0 - (uint64_t)other;
    words_select(&at->s, mask, &at->fresh_plus, &at->other_plus);
    words_select(&at->t, mask, &at->fresh_minus, &at->other_minus);
    for (int i = 0; i < 3; i++) words_double(at);
    words_store(x, &at->x), words_store(z, &at->z);
}

#endif
