"""BFV as this project uses it: one fixed parameter set per plaintext prime, keys, encryption, ciphertexts on the wire.

N = 8192; the coefficient modulus has 218 bits in four primes, the most that SEAL's table allows for 128-bit security; the
last prime is SEAL's for key switching, which is never used, so ciphertexts have three (163 bits) and returned ones, after one
drop, two (109 bits). Nothing here comes from a peer: parameters are these constants, and a chunk on the wire is bare residues
(7 bytes each, little-endian, prime by prime), exactly as many as its kind has, each checked below its prime. The rest of what
SEAL loads is our own template.

    column   c0 alone, three primes, in NTT form: 172,032 bytes. c1 is expanded by both sides (`expansion.py`).
    answer   c0 then c1, two primes, coefficients: 229,376 bytes.

NTT form under a prime p: value i is the polynomial's at ψ^(2·r(i) + 1), where ψ is the smallest primitive 16384th root of unity mod p
and r reverses the 13 bits of i. An encryption of m (coefficients below t) is c0 = round(q·m/t) + e - c1·s.

Security: 128 bits classical by SEAL's table (uniform ternary secret; homomorphicencryption.org standard, 2018). Keys and errors are
drawn from `Randomness`; SEAL draws nothing. SEAL makes keys and decrypts, and holds the GIL; encryption, products and the drop are `ntt.py`'s
and `residues.py`'s, compared with SEAL's bit by bit.

Reference: Fan, Vercauteren, eprint 2012/144; Microsoft SEAL 4.3 through `tenseal.sealapi`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log2, prod
from typing import Any, Final

import gmpy2
import numpy as np
import numpy.typing as npt

from tallystick.crypto.errors import LocalFault, PeerFault
from tallystick.crypto.expansion import WORD_BYTES, words_of, zero_c1
from tallystick.crypto.flooding import FAILURE_BITS, NOISE_BITS, RING, add_flood, errors, small, ternary
from tallystick.crypto.modulus import PRIMES
from tallystick.crypto.ntt import encode_slots, lift, transform, transform_back
from tallystick.crypto.randomness import Randomness, SystemRandomness, uniform_mod
from tallystick.crypto.residues import Residues, add, multiply, negate, reduce_small
from tallystick.crypto.seal_bytes import (
    Polynomials,
    ciphertext_bytes,
    load,
    load_seal,
    metadata,
    new_ciphertext,
    new_plaintext,
    plaintext_bytes,
    plaintext_words,
    polynomials,
)

COEFFICIENT_PRIMES: Final = (0x7FFFFFFFEAC001, 0x3FFFFFFFEB8001, 0x3FFFFFFFEF8001, 0x7FFFFFFFFB4001)
DATA_PRIMES: Final = 3
RETURNED_PRIMES: Final = 2
DATA: Final = COEFFICIENT_PRIMES[:DATA_PRIMES]
COLUMN_BYTES: Final = DATA_PRIMES * RING * WORD_BYTES
"""A column's block on the wire: c0 alone."""

MAX_MODULUS_BITS: Final = {1024: 27, 2048: 54, 4096: 109, 8192: 218, 16384: 438, 32768: 881}
"""SEAL's table for 128 bits: ring dimension to the largest coefficient modulus."""

_MAX_PRIME_BITS: Final = 60
_PLAIN_BITS: Final = 30
_POLYNOMIALS: Final = 2
ANSWER_BYTES: Final = _POLYNOMIALS * RETURNED_PRIMES * RING * WORD_BYTES
"""A returned product on the wire."""


@dataclass(frozen=True)
class Parameters:
    """A parameter set that `check_parameters` let pass."""

    ring: int
    modulus_bits: tuple[int, ...]
    plain: int


def check_parameters(ring: int, modulus_bits: Sequence[int], plain: int) -> Parameters:
    """Give a parameter set that is safe, can batch, and leaves room beside the flood.

    Args:
        ring: N.
        modulus_bits: bits of each coefficient prime, the key-switching prime last.
        plain: t.

    Raises:
        LocalFault: `bfv-ring`, `bfv-modulus` (malformed, or above the table), `bfv-plain` (not a 30-bit prime ≡ 1 mod 2N),
            `bfv-room` (answers would be wrong oftener than `flooding.py` says).
    """
    if ring != RING:
        raise LocalFault("bfv-ring", f"the ring dimension is {RING}")
    if len(modulus_bits) <= DATA_PRIMES or any(not _PLAIN_BITS < bits <= _MAX_PRIME_BITS for bits in modulus_bits):
        raise LocalFault("bfv-modulus", "a coefficient modulus has four primes or more, each above the plaintext modulus")
    if sum(modulus_bits) > MAX_MODULUS_BITS[ring]:
        raise LocalFault("bfv-modulus", f"{sum(modulus_bits)} bits of modulus are below 128-bit security at ring {ring}")
    if plain.bit_length() != _PLAIN_BITS or plain % (2 * ring) != 1 or not gmpy2.is_prime(plain):
        raise LocalFault("bfv-plain", f"a plaintext modulus is a prime of {_PLAIN_BITS} bits that is 1 mod {2 * ring}")
    data = sum(modulus_bits[:-1]) - len(modulus_bits) + 1  # a prime of b bits is at least 2^(b-1)
    returned = sum(modulus_bits[:RETURNED_PRIMES]) - RETURNED_PRIMES
    moved = log2(ring) + max(NOISE_BITS - (data - log2(plain)), log2(ring / 2 + 1) - (returned - log2(plain)))
    if moved > FAILURE_BITS:
        raise LocalFault("bfv-room", "the modulus leaves too little room beside the flood")
    return Parameters(ring, tuple(modulus_bits), plain)


def parameters(prime_index: int) -> Parameters:
    """Give the parameters for PRIMES[prime_index]."""
    return check_parameters(RING, [prime.bit_length() for prime in COEFFICIENT_PRIMES], PRIMES[prime_index])


Message = tuple[Residues, npt.NDArray[np.integer[Any]] | None]
"""What is encrypted: its c1 in NTT form, uint64[3, N], and its slots, None for zero."""


class Scheme:
    """SEAL's objects for one plaintext prime, and the way between them and bytes.

    Attributes:
        index: of the plaintext prime.
        plain: t.
        flood_width: W = floor(q/t), see `flooding.py`.
        context, encoder, evaluator: SEAL's.
        parms_ids: number of primes of a level to SEAL's name of it.
    """

    def __init__(self, prime_index: int) -> None:
        checked = parameters(prime_index)
        sealapi = load_seal()
        self.index = prime_index
        self.plain = checked.plain
        self.flood_width = prod(DATA) // checked.plain
        self._width = np.array([[self.flood_width % prime] for prime in DATA], dtype=np.uint64)
        chosen = sealapi.EncryptionParameters(sealapi.SCHEME_TYPE.BFV)
        chosen.set_poly_modulus_degree(checked.ring)
        chosen.set_coeff_modulus([sealapi.Modulus(prime) for prime in COEFFICIENT_PRIMES])
        chosen.set_plain_modulus(sealapi.Modulus(checked.plain))
        self.context = sealapi.SEALContext(chosen, True, sealapi.SEC_LEVEL_TYPE.TC128)
        if not self.context.parameters_set():
            raise LocalFault("bfv-refused", "SEAL refuses the parameters")
        self.encoder = sealapi.BatchEncoder(self.context)
        self.evaluator = sealapi.Evaluator(self.context)
        level = self.context.first_context_data()
        self.parms_ids: dict[int, list[int]] = {}
        for primes in range(DATA_PRIMES, 0, -1):
            self.parms_ids[primes] = level.parms_id()
            level = level.next_context_data()

    def new_secret(self, randomness: Randomness) -> bytes:
        """Draw a secret key, uniform ternary: its NTT values under all four primes, uint64[4, N] as bytes."""
        key_level = self.context.key_parms_id()
        transformed = load_seal().Plaintext()
        self.evaluator.transform_to_ntt(self.small_plaintext(ternary(randomness)), key_level, transformed)
        return plaintext_words(transformed, key_level, len(COEFFICIENT_PRIMES) * RING).astype("<u8", copy=False).tobytes()

    def decryptor(self, secret: bytes) -> Any:
        """Give SEAL's decryptor of a key of `new_secret`."""
        key = load_seal().SecretKey()
        load(key, self.context, plaintext_bytes(np.frombuffer(secret, dtype="<u8"), self.context.key_parms_id()))
        return load_seal().Decryptor(self.context, key)

    def encrypt(self, secret: bytes, messages: Sequence[Message], randomness: Randomness) -> list[Residues]:
        """Encrypt each message under its own c1: c0 in NTT form, uint64[3, N], for each.

        Args:
            secret: of `new_secret`.
            messages: (c1 in NTT form, slots): any integers, taken mod t; None for an encryption of zero.
            randomness: of the errors.

        Security: one c1 and one secret key MUST NOT encrypt twice.
        """
        key = np.frombuffer(secret, dtype="<u8").reshape(-1, RING)[:DATA_PRIMES]
        made = []
        for c1, slots in messages:
            noise = reduce_small(small(randomness), DATA)
            message = noise if slots is None else add(noise, self.scale(slots), DATA)
            made.append(add(transform(message, DATA), negate(multiply(c1, key, DATA), DATA), DATA))
        return made

    def scale(self, slots: npt.NDArray[np.integer[Any]]) -> Residues:
        """Give round(q·m/t) = floor(q/t)·m + round((q mod t)·m/t) for the polynomial m with these slots: uint64[3, N]."""
        m = encode_slots(slots, self.plain)
        t = np.uint64(self.plain)
        rest = (m * np.uint64(prod(DATA) % self.plain) + t // np.uint64(2)) // t  # of numbers below 2^60
        return add(multiply(m[None], self._width, DATA), rest[None], DATA)

    def transform_slots(self, slots: npt.NDArray[np.integer[Any]]) -> Residues:
        """Give the plaintext that has these values, any integers taken mod t, in its slots, in NTT form: uint64[3, N]."""
        return transform(lift(encode_slots(slots, self.plain), self.plain, DATA), DATA)

    def small_plaintext(self, coefficients: npt.NDArray[np.int8]) -> Any:
        """Give the plaintext polynomial with these small coefficients, not slots."""
        return new_plaintext(self.context, plaintext_bytes((coefficients.astype(np.int64) % self.plain).astype(np.uint64)))

    def ciphertext(self, coefficients: Polynomials, *, ntt: bool = False) -> Any:
        """Give SEAL's ciphertext of these polynomials, uint64[2, primes, N], already checked below their primes."""
        primes = coefficients.shape[1]
        head = metadata(self.parms_ids[primes], RING, primes, ntt=ntt)
        return new_ciphertext(self.context, ciphertext_bytes(head, coefficients))

    def polynomials(self, ciphertext: Any, primes: int, *, ntt: bool = False) -> Polynomials:
        """Give the polynomials of a ciphertext of this process: uint64[2, primes, N]."""
        return polynomials(ciphertext, metadata(self.parms_ids[primes], RING, primes, ntt=ntt), primes, RING)

    def slots(self, decryptor: Any, ciphertext: Any) -> npt.NDArray[np.uint64]:
        """Decrypt to N values below t."""
        plaintext = load_seal().Plaintext()
        decryptor.decrypt(ciphertext, plaintext)
        return np.array(self.encoder.decode_uint64(plaintext), dtype=np.uint64)


def drop_prime(polynomials: Polynomials) -> Polynomials:
    """Divide a ciphertext's coefficients by the last data prime, rounded, which takes it to the returned level: uint64[2, 2, N].

    Reference: `divide_and_round_q_last_inplace` of Microsoft SEAL 4.3.
    """
    last, kept = DATA[RETURNED_PRIMES], DATA[:RETURNED_PRIMES]
    half = np.uint64(last // 2)
    rest = (polynomials[:, RETURNED_PRIMES] + half) % np.uint64(last)  # below 2^56
    modulus = np.array(kept, dtype=np.uint64)[:, None]
    moved = add(rest[:, None] % modulus, negate(np.broadcast_to(half % modulus, (RETURNED_PRIMES, 1)), kept), kept)
    inverses = np.array([[pow(last, -1, prime)] for prime in kept], dtype=np.uint64)
    return multiply(add(polynomials[:, :RETURNED_PRIMES], negate(moved, kept), kept), inverses, kept)


@lru_cache(maxsize=len(PRIMES))
def scheme(prime_index: int) -> Scheme:
    """Give this process's `Scheme` of one plaintext prime; the first call takes about 20 ms."""
    return Scheme(prime_index)


def pack_residues(residues: Residues) -> bytes:
    """Give residues, or a whole ciphertext, as the bytes that go on the wire: the lower 7 of each 8."""
    return np.ascontiguousarray(residues, dtype="<u8").view(np.uint8).reshape(-1, 8)[:, :WORD_BYTES].tobytes()


def check_length(chunk: bytes, length: int, *, sender: str) -> bytes:
    """Give a chunk of exactly `length` bytes, `COLUMN_BYTES` or `ANSWER_BYTES`; done before anything else looks at it.

    Raises:
        PeerFault: `ciphertext-length`.
    """
    if len(chunk) != length:
        raise PeerFault("ciphertext-length", f"a ciphertext of {len(chunk)} bytes, not {length}", sender=sender)
    return chunk


def _unpack(chunk: bytes, shape: tuple[int, ...], *, sender: str) -> Residues:
    """Read residues of shape (…, primes, N), each below its prime; the length has been checked."""
    residues = words_of(chunk + b"\x00", len(chunk) // WORD_BYTES).reshape(shape)
    limits = np.array(COEFFICIENT_PRIMES[: shape[-2]], dtype=np.uint64)
    if np.any(residues.max(axis=-1) >= limits):
        raise PeerFault("ciphertext-range", "a ciphertext has a residue that is not below its prime", sender=sender)
    return residues


def read_column(chunk: bytes, *, sender: str) -> Residues:
    """Read an encryptor's c0 from the wire, strictly: uint64[3, N] in NTT form. Any value below its prime is one.

    Raises:
        PeerFault: `ciphertext-length`; `ciphertext-range`: a residue is not below its prime.
    """
    return _unpack(check_length(chunk, COLUMN_BYTES, sender=sender), (DATA_PRIMES, RING), sender=sender)


def read_answer(chunk: bytes, *, sender: str) -> Polynomials:
    """Read a returned ciphertext from the wire, strictly: uint64[2, 2, N], coefficients.

    Raises:
        PeerFault: `ciphertext-length`; `ciphertext-range`: a residue is not below its prime; `ciphertext-transparent`: c1 is zero
            modulo a prime, which no product has.
    """
    shape = (_POLYNOMIALS, RETURNED_PRIMES, RING)
    coefficients = _unpack(check_length(chunk, ANSWER_BYTES, sender=sender), shape, sender=sender)
    if not coefficients[1].any(axis=1).all():
        raise PeerFault("ciphertext-transparent", "a ciphertext is transparent", sender=sender)
    return coefficients


def self_test() -> None:
    """Encrypt, multiply, mask, flood, drop and decrypt once for each prime, and compare: what `tally doctor` calls. About 0.1 s.

    Raises:
        LocalFault: `bfv-self-test`, or `seal-format` where this SEAL saves in another way than expected.
    """
    randomness = SystemRandomness()
    if prod(COEFFICIENT_PRIMES).bit_length() > MAX_MODULUS_BITS[RING]:
        raise LocalFault("bfv-self-test", "the coefficient modulus is above the table")
    for index, plain in enumerate(PRIMES):
        own = scheme(index)
        left, right, mask = (uniform_mod(randomness, plain, RING) for _ in range(3))
        secret, c1 = own.new_secret(randomness), zero_c1(randomness.take(32), index, DATA, RING)
        sent = read_column(pack_residues(own.encrypt(secret, [(c1, left)], randomness)[0]), sender="self-test")
        product = transform_back(multiply(np.stack([sent, c1]), np.stack([own.transform_slots(right)] * 2), DATA), DATA)
        product[0] = add(product[0], own.scale(mask), DATA)
        noisy = add_flood(product, errors(randomness, own.flood_width), own.flood_width, DATA)
        answer = pack_residues(drop_prime(noisy))
        returned = own.ciphertext(read_answer(answer, sender="self-test"))
        if not np.array_equal(own.slots(own.decryptor(secret), returned), (left * right + mask) % np.uint64(plain)):
            raise LocalFault("bfv-self-test", "a product does not decrypt to what it should")
