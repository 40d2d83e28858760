/* Curve25519 for many points at once: masks (X25519), hashing to the curve, checks and tags, on the fastest path that the processor has.
 *
 * docs/kernel.md explains the algorithms; each header proves its bounds. This file chooses the path and speaks with Python, through
 * the stable ABI of 3.11. All functions release the interpreter's lock while they work, read and write contiguous buffers in place and
 * allocate nothing. Lengths are checked here; meaning (offsets, canonical points) is checked by kernel.py. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__OPTIMIZE__) /* the assembler's operands fit the registers only where a compiler optimises */
#define TALLY_X86 1
#include <cpuid.h>
#include <immintrin.h>
#endif

#include "_kernel_sha.h"

#include "_kernel_job.h"

enum { BLOCK_POINTS = 288 }; /* points that are worked on at a time: a multiple of all lanes, and of the nine of ifma9 times eight */

#include "_kernel_plain.h"
#include "_kernel_ntt.h"
#include "_kernel_residues.h"
#ifdef TALLY_X86
#include "_kernel_avx2.h"
#include "_kernel_ifma.h"
#endif

typedef struct {
    const char *name;
    ptrdiff_t (*mask)(const uint8_t *scalar, const uint8_t *points, uint8_t *out, size_t count);
    ptrdiff_t (*hash)(const hash_job *job, uint8_t *out, size_t count);
    ptrdiff_t (*map)(const uint8_t *elements, uint8_t *out, size_t count);
    ptrdiff_t (*off_curve)(const uint8_t *points, size_t count);
    int usable;
} kernel_path;

static kernel_path PATHS[] = {
#ifdef TALLY_X86
    {"ifma9", ifma9_mask_points, ifma_hash_points, ifma_map_points, ifma_first_off_curve, 0},
    {"ifma", ifma_mask_points, ifma_hash_points, ifma_map_points, ifma_first_off_curve, 0},
    {"avx2", avx2_mask_points, avx2_hash_points, avx2_map_points, avx2_first_off_curve, 0},
#endif
    {"plain", plain_mask_points, plain_hash_points, plain_map_points, plain_first_off_curve, 1},
};
enum { PATH_COUNT = sizeof PATHS / sizeof *PATHS };

static sha256_block_fn SHA256_STEP = sha256_block_plain;

#ifdef TALLY_X86
/* AMD's family 19h (Zen 3 and 4): of those with IFMA, Zen 4, whose one 512-bit multiplication a cycle leaves time for a ninth point in
 * the integer units. With two multiplications a cycle the eight would wait for the ninth. */
static int has_one_multiplier(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid(0, &a, &b, &c, &d) || b != signature_AMD_ebx || c != signature_AMD_ecx || d != signature_AMD_edx) return 0;
    return __get_cpuid(1, &a, &b, &c, &d) && (a >> 8 & 15) + (a >> 20 & 255) == 0x19;
}
#endif

/* What this processor and its operating system can run. __builtin_cpu_supports looks at CPUID and at the saved register state. */
static void find_paths(void) {
#ifdef TALLY_X86
    unsigned a, b = 0, c, d;
    const int leaf_7 = __get_cpuid_count(7, 0, &a, &b, &c, &d);
    __builtin_cpu_init();
    PATHS[1].usable = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512ifma");
    PATHS[0].usable = PATHS[1].usable && leaf_7 && (b & bit_BMI2) != 0 && (b & bit_ADX) != 0;
    PATHS[2].usable = __builtin_cpu_supports("avx2");
    if (!has_one_multiplier()) { /* the fastest comes first */
        const kernel_path nine = PATHS[0];
        PATHS[0] = PATHS[1], PATHS[1] = nine;
    }
    if (leaf_7 && (b >> 29 & 1) != 0 && __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("ssse3"))
        SHA256_STEP = sha256_block_ni;
#endif
}

static const kernel_path *path_named(const char *name) {
    for (int i = 0; i < PATH_COUNT; i++)
        if (PATHS[i].usable && strcmp(PATHS[i].name, name) == 0) return &PATHS[i];
    PyErr_Format(PyExc_ValueError, "no such kernel path here: %s", name);
    return NULL;
}

static PyObject *py_paths(PyObject *self, PyObject *unused) {
    (void)self, (void)unused;
    PyObject *names = PyList_New(0);
    for (int i = 0; names != NULL && i < PATH_COUNT; i++) {
        if (!PATHS[i].usable) continue;
        PyObject *name = PyUnicode_FromString(PATHS[i].name);
        if (name == NULL || PyList_Append(names, name) < 0) Py_CLEAR(names);
        Py_XDECREF(name);
    }
    return names;
}

static PyObject *py_mask(PyObject *self, PyObject *args) {
    (void)self;
    Py_buffer scalar, points, out;
    const char *name;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "sy*y*w*:mask", &name, &scalar, &points, &out)) return NULL;
    const kernel_path *path = path_named(name);
    if (path == NULL) {
    } else if (scalar.len != 32 || points.len % 32 != 0 || out.len != points.len) {
        PyErr_SetString(PyExc_ValueError, "mask wants 32 bytes of scalar, n x 32 of points, n x 32 of room");
    } else {
        uint8_t clamped[32];
        ptrdiff_t zero;
        memcpy(clamped, scalar.buf, 32);
        clamped[0] &= 248, clamped[31] = (uint8_t)((clamped[31] & 127) | 64);
        Py_BEGIN_ALLOW_THREADS
        zero = path->mask(clamped, points.buf, out.buf, (size_t)points.len / 32);
        memset(clamped, 0, sizeof clamped);
        __asm__ volatile("" : : "r"(clamped) : "memory"); /* the wipe must not be optimised away */
        Py_END_ALLOW_THREADS
        result = PyLong_FromSsize_t(zero);
    }
    PyBuffer_Release(&scalar), PyBuffer_Release(&points), PyBuffer_Release(&out);
    return result;
}

static PyObject *py_hash_to_curve(PyObject *self, PyObject *args) {
    (void)self;
    Py_buffer dst, prefix, data, offsets, out;
    const char *name;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "sy*y*y*y*w*:hash_to_curve", &name, &dst, &prefix, &data, &offsets, &out)) return NULL;
    const kernel_path *path = path_named(name);
    const size_t count = (size_t)out.len / 32;
    if (path == NULL) {
    } else if (dst.len < 2 || dst.len > HASH_DST_MAX || out.len % 32 != 0 || offsets.len != (Py_ssize_t)(8 * (count + 1))) {
        PyErr_SetString(PyExc_ValueError, "hash_to_curve wants DST', n + 1 offsets of 64 bits, n x 32 of room");
    } else {
        const int64_t *at = offsets.buf;
        int rising = at[0] >= 0 && at[count] <= data.len;
        for (size_t i = 0; i < count; i++) rising &= at[i] <= at[i + 1] && at[i + 1] - at[i] <= UINT32_MAX;
        if (!rising) {
            PyErr_SetString(PyExc_ValueError, "offsets must rise within the data");
        } else {
            ptrdiff_t zero;
            Py_BEGIN_ALLOW_THREADS
            hash_job job;
            hash_job_start(&job, dst.buf, (size_t)dst.len, prefix.buf, (size_t)prefix.len, data.buf, at);
            zero = path->hash(&job, out.buf, count);
            Py_END_ALLOW_THREADS
            result = PyLong_FromSsize_t(zero);
        }
    }
    PyBuffer_Release(&dst), PyBuffer_Release(&prefix), PyBuffer_Release(&data), PyBuffer_Release(&offsets), PyBuffer_Release(&out);
    return result;
}

static PyObject *py_map_to_curve(PyObject *self, PyObject *args) {
    (void)self;
    Py_buffer elements, out;
    const char *name;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "sy*w*:map_to_curve", &name, &elements, &out)) return NULL;
    const kernel_path *path = path_named(name);
    if (path == NULL) {
    } else if (out.len % 32 != 0 || elements.len != 2 * out.len) {
        PyErr_SetString(PyExc_ValueError, "map_to_curve wants n x 64 of elements, n x 32 of room");
    } else {
        ptrdiff_t zero;
        Py_BEGIN_ALLOW_THREADS
        zero = path->map(elements.buf, out.buf, (size_t)out.len / 32);
        Py_END_ALLOW_THREADS
        result = PyLong_FromSsize_t(zero);
    }
    PyBuffer_Release(&elements), PyBuffer_Release(&out);
    return result;
}

/* Canonical, and not one of the coordinates 0, 1 and those of order 8. */
static int is_presentable(const uint8_t *point) {
    static const uint64_t EIGHTH[2][4] = {
        {UINT64_C(0xaeb8413b7c7aebe0), UINT64_C(0x6ac49ff1fae35616), UINT64_C(0xfdb1329ceb8d09da), UINT64_C(0x00b8495f16056286)},
        {UINT64_C(0x248c50a3bc959c5f), UINT64_C(0x5bef839c55b1d0b1), UINT64_C(0x868e1c58c45c4404), UINT64_C(0x57119fd0dd4e22d8)},
    };
    uint64_t w[4];
    memcpy(w, point, 32);
    if (w[3] > UINT64_MAX >> 1 || (w[3] == UINT64_MAX >> 1 && w[2] == UINT64_MAX && w[1] == UINT64_MAX && w[0] >= UINT64_MAX - 18)) return 0;
    if (w[0] <= 1 && (w[1] | w[2] | w[3]) == 0) return 0;
    return memcmp(w, EIGHTH[0], 32) != 0 && memcmp(w, EIGHTH[1], 32) != 0;
}

static PyObject *py_first_bad_point(PyObject *self, PyObject *args) {
    (void)self;
    Py_buffer points;
    const char *name;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "sy*:first_bad_point", &name, &points)) return NULL;
    const kernel_path *path = path_named(name);
    if (path == NULL) {
    } else if (points.len % 32 != 0) {
        PyErr_SetString(PyExc_ValueError, "first_bad_point wants n x 32 of points");
    } else {
        ptrdiff_t bad;
        Py_BEGIN_ALLOW_THREADS
        const uint8_t *at = points.buf;
        size_t good = 0; /* points before the first that is wrong by its bytes alone */
        while (good < (size_t)points.len / 32 && is_presentable(at + 32 * good)) good++;
        bad = path->off_curve(at, good);
        if (bad < 0 && good < (size_t)points.len / 32) bad = (ptrdiff_t)good;
        Py_END_ALLOW_THREADS
        result = PyLong_FromSsize_t(bad);
    }
    PyBuffer_Release(&points);
    return result;
}

static PyObject *py_hash_tags(PyObject *self, PyObject *args) {
    (void)self;
    Py_buffer prefix, points, out;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*y*w*:hash_tags", &prefix, &points, &out)) return NULL;
    if (points.len % 32 != 0 || out.len != points.len / 2) {
        PyErr_SetString(PyExc_ValueError, "hash_tags wants n x 32 of points, n x 16 of room");
    } else {
        Py_BEGIN_ALLOW_THREADS
        hash_tags(SHA256_STEP, prefix.buf, (size_t)prefix.len, points.buf, out.buf, (size_t)points.len / 32);
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    PyBuffer_Release(&prefix), PyBuffer_Release(&points), PyBuffer_Release(&out);
    return result;
}

static PyObject *py_add_products(PyObject *self, PyObject *args) {
    (void)self;
    Py_buffer left, right, pairs, moduli, sums;
    Py_ssize_t blocks;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*y*y*y*w*n:add_products", &left, &right, &pairs, &moduli, &sums, &blocks)) return NULL;
    const size_t primes = (size_t)moduli.len / 8, pair_count = (size_t)pairs.len / 8;
    const size_t polynomial = pair_count && primes ? (size_t)sums.len / (RESIDUE_POLYNOMIALS * pair_count) : 0;
    const size_t a_left = (size_t)blocks * RESIDUE_POLYNOMIALS * polynomial, a_right = (size_t)blocks * polynomial;
    residue_sums job = {left.buf, right.buf, pairs.buf, moduli.buf, sums.buf, (size_t)blocks, 0, 0, pair_count, primes, 0};
    int good = blocks > 0 && blocks <= RESIDUE_BLOCKS && moduli.len % 8 == 0 && pairs.len % 8 == 0 && polynomial > 0 &&
               polynomial % (8 * primes) == 0 && (size_t)sums.len == pair_count * RESIDUE_POLYNOMIALS * polynomial &&
               left.len > 0 && right.len > 0 && (size_t)left.len % a_left == 0 && (size_t)right.len % a_right == 0;
    if (good) job.ring = polynomial / (8 * primes), job.lefts = (size_t)left.len / a_left, job.rights = (size_t)right.len / a_right;
    for (size_t i = 0; good && i < pair_count; i++) good = job.pairs[2 * i] < job.lefts && job.pairs[2 * i + 1] < job.rights;
    for (size_t i = 0; good && i < primes; i++) good = job.moduli[i] > 1 && job.moduli[i] >> RESIDUE_BITS == 0;
    if (!good) {
        PyErr_SetString(PyExc_ValueError, "add_products wants blocks of lefts, of rights, pairs of them, moduli below 2^55 and a sum for each pair");
    } else {
        Py_BEGIN_ALLOW_THREADS
        add_products(&job);
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    PyBuffer_Release(&left), PyBuffer_Release(&right), PyBuffer_Release(&pairs), PyBuffer_Release(&moduli), PyBuffer_Release(&sums);
    return result;
}

static PyObject *py_multiply_residues(PyObject *self, PyObject *args) {
    (void)self;
    Py_buffer left, right, moduli, out;
    Py_ssize_t ring;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*y*y*w*n:multiply_residues", &left, &right, &moduli, &out, &ring)) return NULL;
    const uint64_t *primes = moduli.buf;
    int good = ring > 0 && moduli.len > 0 && moduli.len % 8 == 0 && left.len == out.len && right.len == out.len && out.len % (moduli.len * ring) == 0;
    for (Py_ssize_t i = 0; good && i < moduli.len / 8; i++) good = primes[i] > 1 && primes[i] >> RESIDUE_BITS == 0;
    if (!good) {
        PyErr_SetString(PyExc_ValueError, "multiply_residues wants rows of as many words, moduli below 2^55, and room for the products");
    } else {
        Py_BEGIN_ALLOW_THREADS
        multiply_residues(left.buf, right.buf, out.buf, primes, (size_t)(out.len / (moduli.len * ring)), (size_t)moduli.len / 8, (size_t)ring);
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    PyBuffer_Release(&left), PyBuffer_Release(&right), PyBuffer_Release(&moduli), PyBuffer_Release(&out);
    return result;
}

static PyObject *py_transform(PyObject *self, PyObject *args) {
    (void)self;
    Py_buffer values, roots, shoups;
    unsigned long long prime;
    int inverse;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "w*y*y*Kp:transform", &values, &roots, &shoups, &prime, &inverse)) return NULL;
    const ntt_table table = {roots.buf, shoups.buf, prime, (size_t)roots.len / 8};
    int good = roots.len > 0 && (table.ring & (table.ring - 1)) == 0 && roots.len % 8 == 0 && shoups.len == roots.len &&
               values.len % roots.len == 0 && prime > 1 && prime >> 61 == 0;
    if (!good) {
        PyErr_SetString(PyExc_ValueError, "transform wants rows of a power of two words, as many roots, and a prime below 2^61");
    } else {
        Py_BEGIN_ALLOW_THREADS
        uint64_t *row = values.buf;
        for (size_t i = 0; i < (size_t)(values.len / roots.len); i++, row += table.ring)
            if (inverse) ntt_inverse(row, &table);
            else ntt_forward(row, &table);
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    PyBuffer_Release(&values), PyBuffer_Release(&roots), PyBuffer_Release(&shoups);
    return result;
}

static PyMethodDef METHODS[] = {
    {"paths", py_paths, METH_NOARGS, "paths(): the paths that this processor can run, fastest first."},
    {"mask", py_mask, METH_VARARGS, "mask(path, scalar, points, out): out[i] = X25519(scalar, points[i]); the first index whose result is 0, or -1."},
    {"hash_to_curve", py_hash_to_curve, METH_VARARGS,
     "hash_to_curve(path, dst_prime, prefix, data, offsets, out): out[i] = hash of message i; the first index whose result is 0, or -1."},
    {"map_to_curve", py_map_to_curve, METH_VARARGS,
     "map_to_curve(path, elements, out): out[i] = 8(map(u0) + map(u1)) for elements (u0, u1) in 64 bytes; for tests."},
    {"first_bad_point", py_first_bad_point, METH_VARARGS, "first_bad_point(path, points): the first index of a bad coordinate, or -1."},
    {"hash_tags", py_hash_tags, METH_VARARGS, "hash_tags(prefix, points, out): out[i] = SHA-256(prefix || points[i])[:16]."},
    {"add_products", py_add_products, METH_VARARGS,
     "add_products(left, right, pairs, moduli, sums, blocks): sums[pair] += left[block][i] * right[block][j] over the blocks, mod each modulus."},
    {"multiply_residues", py_multiply_residues, METH_VARARGS,
     "multiply_residues(left, right, moduli, out, ring): out = left * right, value by value, mod each modulus."},
    {"transform", py_transform, METH_VARARGS,
     "transform(values, roots, shoups, prime, inverse): the negacyclic transform of each row of words, or its inverse, in place."},
    {NULL, NULL, 0, NULL},
};

static int kernel_exec(PyObject *module) {
    (void)module;
    find_paths();
    return 0;
}

static PyModuleDef_Slot SLOTS[] = {{Py_mod_exec, (void *)kernel_exec}, {0, NULL}};
static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "_kernel", NULL, 0, METHODS, SLOTS, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit__kernel(void);
PyMODINIT_FUNC PyInit__kernel(void) { return PyModuleDef_Init(&MODULE); }
