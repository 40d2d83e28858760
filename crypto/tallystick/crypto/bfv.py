"""BFV as this project uses it: one fixed parameter set per plaintext prime, contexts, keys, ciphertexts on the wire.

N = 8192; the coefficient modulus has 218 bits in four primes, the most that SEAL's table allows for 128-bit security; the
last prime is SEAL's for key switching, which is never used, so ciphertexts have three (163 bits) and returned ones, after two
drops, one. Nothing here comes from a peer: parameters are these constants, and a chunk on the wire is bare coefficients (7
bytes each, little-endian, c0 then c1, prime by prime), exactly as many as the level has, each checked below its prime. The
rest of what SEAL loads is our own template.

Security: 128 bits classical by SEAL's table (ternary secret; homomorphicencryption.org standard, 2018). SEAL draws keys and
encryption errors from its own generator, BLAKE2xb seeded by the operating system: the one exception to the rule that
randomness enters by `randomness.py`, and the reason why an encryptor's messages cannot be made again from a seed. SEAL holds
the GIL.

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
from tenseal import sealapi

from tallystick.crypto.errors import LocalFault, PeerFault
from tallystick.crypto.flooding import FLOOD_BITS, NOISE_BITS, RING, errors, flooded
from tallystick.crypto.modulus import PRIMES
from tallystick.crypto.randomness import SystemRandomness, uniform_mod
from tallystick.crypto.seal_bytes import (
    Polynomials,
    ciphertext_bytes,
    load,
    metadata,
    new_ciphertext,
    new_plaintext,
    plaintext_bytes,
    polynomials,
    saved,
)

COEFFICIENT_PRIMES: Final = (0x7FFFFFFFEAC001, 0x3FFFFFFFEB8001, 0x3FFFFFFFEF8001, 0x7FFFFFFFFB4001)
DATA_PRIMES: Final = 3
RETURNED_PRIMES: Final = 1
COEFFICIENT_BYTES: Final = 7

MAX_MODULUS_BITS: Final = {1024: 27, 2048: 54, 4096: 109, 8192: 218, 16384: 438, 32768: 881}
"""SEAL's table for 128 bits: ring dimension to the largest coefficient modulus."""

_MAX_PRIME_BITS: Final = 60
_PLAIN_BITS: Final = 30
_POLYNOMIALS: Final = 2


@dataclass(frozen=True)
class Parameters:
    """A parameter set that `checked_parameters` let pass."""

    ring: int
    modulus_bits: tuple[int, ...]
    plain: int


def checked_parameters(ring: int, modulus_bits: Sequence[int], plain: int) -> Parameters:
    """Give a parameter set that is safe, can batch, and leaves room for the flood.

    Args:
        ring: N.
        modulus_bits: bits of each coefficient prime, the key-switching prime last.
        plain: t.

    Raises:
        LocalFault: `bfv-ring`, `bfv-modulus` (malformed, or above the table), `bfv-plain` (not a 30-bit prime ≡ 1 mod 2N),
            `bfv-room` (the flood would not decrypt).
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
    half_scale = data - 1 - log2(plain)
    returned = modulus_bits[0] - 1 - 1 - log2(plain)
    dropped = log2(2.0 ** (FLOOD_BITS - data + modulus_bits[0]) + ring / 2 + 1)
    if half_scale <= max(FLOOD_BITS, NOISE_BITS) + 1 or returned <= dropped + 1:
        raise LocalFault("bfv-room", "the modulus leaves no room for the flood")
    return Parameters(ring, tuple(modulus_bits), plain)


def parameters(prime_index: int) -> Parameters:
    """Give the parameters for PRIMES[prime_index]."""
    return checked_parameters(RING, [prime.bit_length() for prime in COEFFICIENT_PRIMES], PRIMES[prime_index])


class Scheme:
    """SEAL's objects for one plaintext prime, and the way between them and bytes.

    Attributes:
        plain: t.
        context, encoder, evaluator: SEAL's.
        parms_ids: number of primes of a level to SEAL's name of it.
    """

    def __init__(self, prime_index: int) -> None:
        checked = parameters(prime_index)
        self.plain = checked.plain
        chosen = sealapi.EncryptionParameters(sealapi.SCHEME_TYPE.BFV)
        chosen.set_poly_modulus_degree(checked.ring)
        chosen.set_coeff_modulus([sealapi.Modulus(prime) for prime in COEFFICIENT_PRIMES])
        chosen.set_plain_modulus(sealapi.Modulus(checked.plain))
        self.context = sealapi.SEALContext(chosen, True, sealapi.SEC_LEVEL_TYPE.TC128)
        if not self.context.parameters_set():
            raise LocalFault("bfv-refused", "SEAL refuses the parameters")
        self.encoder = sealapi.BatchEncoder(self.context)
        self.evaluator = sealapi.Evaluator(self.context)
        level = sealapi.Ciphertext(self.context)
        self.parms_ids: dict[int, list[int]] = {}
        key = sealapi.KeyGenerator(self.context).secret_key()
        sealapi.Encryptor(self.context, key).encrypt_zero_symmetric(level)
        for primes in range(DATA_PRIMES, 0, -1):
            self.parms_ids[primes] = level.parms_id()
            if primes > 1:
                self.evaluator.mod_switch_to_next_inplace(level)

    def new_secret(self) -> bytes:
        """Give a fresh secret key as SEAL saves it."""
        return saved(sealapi.KeyGenerator(self.context).secret_key())

    def _secret(self, secret: bytes) -> Any:
        key = sealapi.SecretKey()
        load(key, self.context, secret)
        return key

    def encryptor(self, secret: bytes) -> Any:
        """Give SEAL's symmetric encryptor of a key that this process's user made."""
        return sealapi.Encryptor(self.context, self._secret(secret))

    def decryptor(self, secret: bytes) -> Any:
        """Give SEAL's decryptor of a key that this process's user made."""
        return sealapi.Decryptor(self.context, self._secret(secret))

    def plaintext(self, slots: npt.NDArray[np.integer[Any]]) -> Any:
        """Give the plaintext that has these values, any integers taken mod t, in its slots; missing slots are zero."""
        plaintext = sealapi.Plaintext()
        self.encoder.encode((slots % self.plain).tolist(), plaintext)
        return plaintext

    def small_plaintext(self, coefficients: npt.NDArray[np.int8]) -> Any:
        """Give the plaintext polynomial with these small coefficients, not slots."""
        return new_plaintext(self.context, plaintext_bytes((coefficients.astype(np.int64) % self.plain).astype(np.uint64)))

    def ntt(self, plaintext: Any) -> Any:
        """Give a plaintext in NTT form at the data level."""
        transformed = sealapi.Plaintext()
        self.evaluator.transform_to_ntt(plaintext, self.parms_ids[DATA_PRIMES], transformed)
        return transformed

    def ciphertext(self, coefficients: Polynomials, *, ntt: bool = False) -> Any:
        """Give SEAL's ciphertext of these polynomials, uint64[2, primes, N], already checked below their primes."""
        primes = coefficients.shape[1]
        head = metadata(self.parms_ids[primes], RING, primes, ntt=ntt)
        return new_ciphertext(self.context, ciphertext_bytes(head, coefficients))

    def polynomials(self, ciphertext: Any, primes: int, *, ntt: bool = False) -> Polynomials:
        """Give the polynomials of a ciphertext of this process: uint64[2, primes, N]."""
        return polynomials(ciphertext, metadata(self.parms_ids[primes], RING, primes, ntt=ntt), primes, RING)

    def dropped(self, ciphertext: Any) -> Any:
        """Drop a data-level ciphertext to the returned level, in place."""
        for _ in range(DATA_PRIMES - RETURNED_PRIMES):
            self.evaluator.mod_switch_to_next_inplace(ciphertext)
        return ciphertext

    def slots(self, decryptor: Any, ciphertext: Any) -> npt.NDArray[np.uint64]:
        """Decrypt to N values below t."""
        plaintext = sealapi.Plaintext()
        decryptor.decrypt(ciphertext, plaintext)
        return np.array(self.encoder.decode_uint64(plaintext), dtype=np.uint64)


@lru_cache(maxsize=len(PRIMES))
def scheme(prime_index: int) -> Scheme:
    """Give this process's `Scheme` of one plaintext prime; the first call takes about 20 ms."""
    return Scheme(prime_index)


def chunk_bytes(primes: int) -> int:
    """Give the exact length of a ciphertext on the wire at the level with so many primes."""
    return _POLYNOMIALS * primes * RING * COEFFICIENT_BYTES


def packed(coefficients: Polynomials) -> bytes:
    """Give uint64[2, primes, N] as the bytes that go on the wire: the lower 7 of each 8."""
    return np.ascontiguousarray(coefficients, dtype="<u8").view(np.uint8).reshape(-1, 8)[:, :COEFFICIENT_BYTES].tobytes()


def checked_length(chunk: bytes, primes: int, *, sender: str) -> bytes:
    """Give a chunk of the level's exact length; cheap, and done before anything else looks at it.

    Raises:
        PeerFault: `ciphertext-length`.
    """
    if len(chunk) != chunk_bytes(primes):
        raise PeerFault("ciphertext-length", f"a ciphertext of {len(chunk)} bytes, not {chunk_bytes(primes)}", sender=sender)
    return chunk


def unpacked(chunk: bytes, primes: int, *, sender: str) -> Polynomials:
    """Read a ciphertext from the wire, strictly: uint64[2, primes, N].

    Raises:
        PeerFault: `ciphertext-length`; `ciphertext-range`: a coefficient is not below its prime; `ciphertext-transparent`: c1
        is zero
            modulo a prime, which encrypts nothing.
    """
    checked_length(chunk, primes, sender=sender)
    wide = np.zeros((_POLYNOMIALS * primes * RING, 8), dtype=np.uint8)
    wide[:, :COEFFICIENT_BYTES] = np.frombuffer(chunk, dtype=np.uint8).reshape(-1, COEFFICIENT_BYTES)
    coefficients = wide.view("<u8").astype(np.uint64, copy=False).reshape(_POLYNOMIALS, primes, RING)
    if np.any(coefficients.max(axis=(0, 2)) >= np.array(COEFFICIENT_PRIMES[:primes], dtype=np.uint64)):
        raise PeerFault("ciphertext-range", "a ciphertext has a coefficient that is not below its prime", sender=sender)
    if not coefficients[1].any(axis=1).all():
        raise PeerFault("ciphertext-transparent", "a ciphertext is transparent", sender=sender)
    return coefficients


def self_test() -> None:
    """Encrypt, multiply, flood, drop and decrypt once for each prime, and compare: what `tally doctor` calls. About 0.1 s.

    Raises:
        LocalFault: `bfv-self-test`, or `seal-format` where this SEAL saves in another way than expected.
    """
    randomness = SystemRandomness()
    if prod(COEFFICIENT_PRIMES).bit_length() > MAX_MODULUS_BITS[RING]:
        raise LocalFault("bfv-self-test", "the coefficient modulus is above the table")
    for index, plain in enumerate(PRIMES):
        own = scheme(index)
        left, right = (uniform_mod(randomness, plain, RING) for _ in range(2))
        secret, fresh = own.new_secret(), sealapi.Ciphertext()
        own.encryptor(secret).encrypt_symmetric(own.plaintext(left), fresh)
        sent = unpacked(packed(own.polynomials(fresh, DATA_PRIMES)), DATA_PRIMES, sender="self-test")
        product = own.ciphertext(sent)
        own.evaluator.multiply_plain_inplace(product, own.plaintext(right))
        noisy = flooded(own.polynomials(product, DATA_PRIMES), errors(randomness), COEFFICIENT_PRIMES[:DATA_PRIMES])
        returned = own.dropped(own.ciphertext(noisy))
        if not np.array_equal(own.slots(own.decryptor(secret), returned), left * right % np.uint64(plain)):
            raise LocalFault("bfv-self-test", "a product does not decrypt to what it should")
