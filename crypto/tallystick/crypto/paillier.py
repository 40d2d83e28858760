"""Paillier sealing of shares under the job recipient's key: 3072 bits, integers only, additively homomorphic.

    c = (1 + N·m) · r^N mod N²,    product of ciphertexts = ciphertext of the sum

A modulus travels as 384 bytes and a ciphertext as 768, big-endian. phe's arithmetic on bare integers, with gmpy2, which is
required: phe's slow path is not, and its encoded numbers and floats are never used.

Security: IND-CPA under decisional composite residuosity, 128 bits classical, none against a quantum computer. Whoever
forwards a product re-randomises it. A malicious agency can add any number. gmpy2's exponentiation is not constant-time. Keys
are the primes of an RSA key that OpenSSL makes: both of 1,536 bits and above √2·2^1535, so neither divides the other less 1 and N is prime to
(p - 1)·(q - 1). OpenSSL draws them from its own generator: the second exception, after HPKE (`envelope.py`), to the rule that randomness
enters by `randomness.py`; encryption's r is drawn there.

Reference: Paillier, EUROCRYPT 1999; Damgård, Jurik, PKC 2001 (g = N + 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, reduce
from math import gcd
from operator import mul
from typing import Any, Final

import gmpy2
import phe.util
from cryptography.hazmat.primitives.asymmetric import rsa
from phe import paillier as phe_paillier

from tallystick.crypto.errors import LocalFault, PeerFault
from tallystick.crypto.randomness import Randomness, uniform_below

KEY_BITS: Final = 3072
MODULUS_BYTES: Final = KEY_BITS // 8
CIPHERTEXT_BYTES: Final = 2 * MODULUS_BYTES
RSA_EXPONENT: Final = 65_537
"""OpenSSL wants one; nothing is raised to it."""

_SMALL_FACTORS: Final = 1 << 16
_PRIME_ROUNDS: Final = 25


def _require_gmp() -> None:
    if not phe.util.HAVE_GMP:
        raise LocalFault("gmpy2-missing", "phe works without gmpy2 here; sealing would be hundreds of times slower")


@dataclass(frozen=True)
class PublicKey:
    """A modulus N that `public_key` let pass, or our own."""

    modulus: int = field(repr=False)

    @property
    def modulus_bytes(self) -> bytes:
        """N, 384 bytes, big-endian."""
        return self.modulus.to_bytes(MODULUS_BYTES, "big")

    def phe(self) -> Any:
        """Give phe's form."""
        return phe_paillier.PaillierPublicKey(self.modulus)


@dataclass(frozen=True)
class PrivateKey:
    """A job recipient's key: two primes of 1536 bits, 192 bytes each. Picklable, for own workers only; a desk never stores its own."""

    public: PublicKey
    p: bytes = field(repr=False)
    q: bytes = field(repr=False)

    def phe(self) -> Any:
        """Give phe's form."""
        p, q = (int.from_bytes(prime, "big") for prime in (self.p, self.q))
        return phe_paillier.PaillierPrivateKey(self.public.phe(), p, q)


def generate() -> PrivateKey:
    """Make a fresh key: 0.1 to 0.4 s of OpenSSL, which lets other threads run meanwhile.

    Raises:
        LocalFault: `gmpy2-missing`.
    """
    _require_gmp()
    numbers = rsa.generate_private_key(RSA_EXPONENT, KEY_BITS).private_numbers()
    p, q = (prime.to_bytes(MODULUS_BYTES // 2, "big") for prime in sorted((numbers.p, numbers.q)))
    return PrivateKey(PublicKey(numbers.p * numbers.q), p, q)


@cache
def _small_primes() -> int:
    """Give the product of all odd primes below 2^16."""
    return int(gmpy2.primorial(_SMALL_FACTORS)) >> 1


def public_key(modulus_bytes: bytes, *, sender: str) -> PublicKey:
    """Give a peer's key once its modulus is well-formed.

    That N has exactly two factors of like size cannot be seen from N; a recipient who sends another hurts its own secrecy only.

    Raises:
        PeerFault: `paillier-length`: not 384 bytes; `paillier-modulus`: not exactly 3072 bits, even, a prime, a perfect
            power, or with a factor below 2^16.
    """
    if not isinstance(modulus_bytes, bytes) or len(modulus_bytes) != MODULUS_BYTES:
        raise PeerFault("paillier-length", f"a Paillier modulus has {MODULUS_BYTES} bytes", sender=sender)
    modulus = int.from_bytes(modulus_bytes, "big")
    if modulus.bit_length() != KEY_BITS or modulus % 2 == 0 or gcd(modulus, _small_primes()) != 1:
        raise PeerFault("paillier-modulus", "a Paillier modulus is short, even or has a small factor", sender=sender)
    if gmpy2.is_power(modulus) or gmpy2.is_prime(modulus, _PRIME_ROUNDS):
        raise PeerFault("paillier-modulus", "a Paillier modulus is a prime or a power", sender=sender)
    return PublicKey(modulus)


def check_ciphertext(public: PublicKey, ciphertext: bytes, *, sender: str) -> bytes:
    """Give a ciphertext that is a unit mod N² and hides something.

    Raises:
        PeerFault: `paillier-length`: not 768 bytes; `paillier-ciphertext`: not in [1, N²), a common factor with N, or ±1 mod
            N, which is what r = ±1 makes: 1, N + 1 and N² - 1 are encryptions that anyone can read.
    """
    if not isinstance(ciphertext, bytes) or len(ciphertext) != CIPHERTEXT_BYTES:
        raise PeerFault("paillier-length", f"a Paillier ciphertext has {CIPHERTEXT_BYTES} bytes", sender=sender)
    value, modulus = int.from_bytes(ciphertext, "big"), public.modulus
    if not 1 <= value < modulus * modulus or gcd(value, modulus) != 1 or value % modulus in (1, modulus - 1):
        raise PeerFault("paillier-ciphertext", "a Paillier ciphertext is out of range or not random", sender=sender)
    return ciphertext


def _unit(public: PublicKey, randomness: Randomness) -> int:
    """Give a uniform unit mod N."""
    while True:
        value = uniform_below(randomness, public.modulus)
        if gcd(value, public.modulus) == 1:
            return value


def _bytes(value: int) -> bytes:
    return int(value).to_bytes(CIPHERTEXT_BYTES, "big")


def encrypt(public: PublicKey, values: Sequence[int], randomness: Randomness) -> list[bytes]:
    """Seal each value, in [0, N), with a fresh r.

    Raises:
        LocalFault: `paillier-plaintext`: not an integer (a float, a boolean), or out of range; `gmpy2-missing`.
    """
    _require_gmp()
    if any(type(value) is not int or not 0 <= value < public.modulus for value in values):
        raise LocalFault("paillier-plaintext", "a plaintext is an integer in [0, N)")
    key = public.phe()
    return [_bytes(key.raw_encrypt(value, r_value=_unit(public, randomness))) for value in values]


def multiply_ciphertexts(public: PublicKey, lists: Sequence[Sequence[bytes]]) -> list[bytes]:
    """Multiply lists of ciphertexts place by place: ciphertexts of the sums.

    Raises:
        LocalFault: `paillier-count`: no list, or lists of different lengths.
        PeerFault: as `check_ciphertext`; check first where the error should name the sender.
    """
    if not lists or any(len(one) != len(lists[0]) for one in lists):
        raise LocalFault("paillier-count", "lists of ciphertexts have different lengths")
    square = public.modulus * public.modulus
    products: list[bytes] = []
    for place in zip(*lists, strict=True):
        factors = [int.from_bytes(check_ciphertext(public, one, sender="an agency"), "big") for one in place]
        products.append(_bytes(reduce(lambda left, right: mul(left, right) % square, factors)))
    return products


def rerandomize_ciphertexts(public: PublicKey, ciphertexts: Sequence[bytes], randomness: Randomness) -> list[bytes]:
    """Give other ciphertexts of the same values, which nobody can tell from fresh ones: each times a fresh r^N.

    Raises:
        PeerFault: as `check_ciphertext`.
    """
    return multiply_ciphertexts(public, [ciphertexts, encrypt(public, [0] * len(ciphertexts), randomness)])


def decrypt_ciphertexts(private: PrivateKey, ciphertexts: Sequence[bytes], *, sender: str = "the agencies") -> list[int]:
    """Open ciphertexts: integers in [0, N).

    Raises:
        PeerFault: as `check_ciphertext`.
        LocalFault: `gmpy2-missing`.
    """
    _require_gmp()
    key = private.phe()
    checked = [check_ciphertext(private.public, one, sender=sender) for one in ciphertexts]
    return [int(key.raw_decrypt(int.from_bytes(one, "big"))) for one in checked]


def extract_roots(private: PrivateKey, ciphertexts: Sequence[bytes], plaintexts: Sequence[int]) -> list[int]:
    """Give the r of each ciphertext, in [1, N): with it anybody can see what the ciphertext opens to.

    Args:
        private: the key.
        ciphertexts: units mod N².
        plaintexts: what they open to.

    Security: r says nothing of the plaintext, and nothing of the key.
    """
    modulus = private.public.modulus
    square = modulus * modulus
    p, q = (int.from_bytes(prime, "big") for prime in (private.p, private.q))
    exponent = gmpy2.invert(modulus, (p - 1) * (q - 1))
    roots = []
    for ciphertext, plaintext in zip(ciphertexts, plaintexts, strict=True):
        power = int.from_bytes(ciphertext, "big") * (1 - plaintext * modulus) % square
        roots.append(int(gmpy2.powmod(power % modulus, exponent, modulus)))
    return roots


def rebuild_ciphertexts(public: PublicKey, plaintexts: Sequence[int], roots: Sequence[int]) -> list[bytes]:
    """Give the ciphertexts of plaintexts under given r, which decides them: (1 + N·m)·r^N mod N².

    Args:
        public: the key.
        plaintexts: in [0, N).
        roots: in [1, N), as many.

    Raises:
        PeerFault: `opening-differs`: one out of range, or another number of them.
    """
    modulus = public.modulus
    square = modulus * modulus
    within = all(0 <= one < modulus for one in plaintexts) and all(0 < one < modulus for one in roots)
    if len(plaintexts) != len(roots) or not within:
        raise PeerFault("opening-differs", "what shows an opening is out of range", sender="the analyst")
    return [
        _bytes(int((1 + modulus * plaintext) * gmpy2.powmod(root, modulus, square) % square))
        for plaintext, root in zip(plaintexts, roots, strict=True)
    ]
