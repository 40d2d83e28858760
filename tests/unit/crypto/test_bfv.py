"""BFV's parameters (S-13), its bytes, and the strict reading of what a peer sends (S-16)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tenseal import sealapi

from tallystick.crypto import bfv, seal_bytes
from tallystick.crypto.bfv import COEFFICIENT_PRIMES, DATA_PRIMES, Scheme, checked_parameters, packed, scheme, unpacked
from tallystick.crypto.errors import LocalFault, PeerFault
from tallystick.crypto.flooding import RING
from tallystick.crypto.modulus import PRIMES
from tallystick.crypto.seal_bytes import Polynomials

BITS = (55, 54, 54, 55)


@pytest.fixture(scope="module")
def own() -> Scheme:
    return scheme(0)


@pytest.fixture(scope="module")
def secret(own: Scheme) -> bytes:
    return own.new_secret()


@pytest.fixture
def fresh(own: Scheme, secret: bytes) -> Any:
    ciphertext = sealapi.Ciphertext()
    own.encryptor(secret).encrypt_symmetric(own.plaintext(np.arange(RING)), ciphertext)
    return ciphertext


@pytest.fixture
def coefficients(own: Scheme, fresh: Any) -> Polynomials:
    return own.polynomials(fresh, DATA_PRIMES)


def test_s13_the_constants_are_at_seals_limit_and_not_above_it() -> None:
    """S-13: the sum of modulus bits is within SEAL's 128-bit table."""
    level = sealapi.SEC_LEVEL_TYPE.TC128
    assert sum(BITS) == sealapi.CoeffModulus.MaxBitCount(RING, level) == 218
    assert tuple(prime.bit_length() for prime in COEFFICIENT_PRIMES) == BITS
    assert all(sealapi.Modulus(prime).is_prime() and prime % (2 * RING) == 1 for prime in COEFFICIENT_PRIMES)
    for ring, bits in bfv.MAX_MODULUS_BITS.items():
        assert sealapi.CoeffModulus.MaxBitCount(ring, level) == bits
    for index in range(4):
        assert bfv.parameters(index) == checked_parameters(RING, BITS, PRIMES[index])


@pytest.mark.parametrize(
    ("ring", "bits", "plain", "rule"),
    [
        (4096, BITS, PRIMES[0], "bfv-ring"),
        (16384, BITS, PRIMES[0], "bfv-ring"),
        (8191, BITS, PRIMES[0], "bfv-ring"),
        (0, BITS, PRIMES[0], "bfv-ring"),
        (RING, (55, 55, 54, 55), PRIMES[0], "bfv-modulus"),  # 219 bits
        (RING, (60, 60, 60, 60), PRIMES[0], "bfv-modulus"),
        (RING, (61, 50, 50, 57), PRIMES[0], "bfv-modulus"),
        (RING, (109, 109), PRIMES[0], "bfv-modulus"),
        (RING, (), PRIMES[0], "bfv-modulus"),
        (RING, (60, 60, 60, 20), PRIMES[0], "bfv-modulus"),
        (RING, BITS, PRIMES[0] - 1, "bfv-plain"),
        (RING, BITS, PRIMES[0] + 2 * RING, "bfv-plain"),  # 1 mod 2N, not 30 bits
        (RING, BITS, 65537, "bfv-plain"),
        (RING, BITS, (1 << 30) - 35, "bfv-plain"),  # a prime that cannot batch
        (RING, BITS, 0, "bfv-plain"),
        (RING, (43, 43, 43, 43), PRIMES[0], "bfv-room"),
        (RING, (36, 60, 60, 60), PRIMES[0], "bfv-room"),
    ],
)
def test_s13_unsafe_parameters_are_refused(ring: int, bits: tuple[int, ...], plain: int, rule: str) -> None:
    """S-13: anything but safe, batching sets with room for the flood is refused here, whoever proposes it."""
    with pytest.raises(LocalFault) as refused:
        checked_parameters(ring, bits, plain)
    assert refused.value.rule == rule


def test_the_self_test_passes_here() -> None:
    bfv.self_test()


def test_the_self_test_notices_a_flood_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_much(polynomials: Polynomials, *_: object) -> Polynomials:
        other = polynomials.copy()
        other[0, 0] = (other[0, 0] + np.uint64(1 << 54)) % np.uint64(COEFFICIENT_PRIMES[0])
        return other

    monkeypatch.setattr(bfv, "flooded", too_much)
    with pytest.raises(LocalFault) as failed:
        bfv.self_test()
    assert failed.value.rule == "bfv-self-test"


def test_a_ciphertext_comes_back_from_its_bytes(own: Scheme, secret: bytes, coefficients: Polynomials) -> None:
    chunk = packed(coefficients)
    assert len(chunk) == bfv.chunk_bytes(DATA_PRIMES) == 344_064
    back = unpacked(chunk, DATA_PRIMES, sender="labor")
    assert np.array_equal(back, coefficients)
    assert np.array_equal(own.slots(own.decryptor(secret), own.ciphertext(back)), np.arange(RING))


def test_reading_word_by_word_gives_the_same(own: Scheme, fresh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where SEAL's library hides its zstd."""
    quick = own.polynomials(fresh, DATA_PRIMES)
    monkeypatch.setattr(seal_bytes, "_DECOMPRESS", None)
    assert np.array_equal(own.polynomials(fresh, DATA_PRIMES), quick)
    with pytest.raises(LocalFault) as refused:
        own.polynomials(fresh, 1)
    assert refused.value.rule == "seal-format"


def test_another_level_or_form_is_noticed(own: Scheme, fresh: Any) -> None:
    for primes, ntt in ((1, False), (2, False), (DATA_PRIMES, True)):
        with pytest.raises(LocalFault) as refused:
            own.polynomials(fresh, primes, ntt=ntt)
        assert refused.value.rule == "seal-format"


def test_small_coefficients_are_coefficients_and_not_slots(own: Scheme, secret: bytes) -> None:
    """x times x is x², not slot by slot."""
    monomial = np.zeros(RING, dtype=np.int8)
    monomial[1] = -1
    product = sealapi.Ciphertext()
    own.encryptor(secret).encrypt_symmetric(own.small_plaintext(monomial), product)
    own.evaluator.multiply_plain_inplace(product, own.small_plaintext(monomial))
    plain = sealapi.Plaintext()
    own.decryptor(secret).decrypt(product, plain)
    assert plain.to_string() == "1x^2"


@pytest.mark.parametrize("position", [(0, 0, 0), (1, 2, RING - 1), (0, 1, 4000)])
def test_s16_coefficients_below_their_prime_pass_and_the_prime_itself_does_not(
    coefficients: Polynomials, position: tuple[int, int, int]
) -> None:
    prime = COEFFICIENT_PRIMES[position[1]]
    coefficients[position] = prime - 1
    assert unpacked(packed(coefficients), DATA_PRIMES, sender="labor")[position] == prime - 1
    for bad in (prime, (1 << 56) - 1):
        coefficients[position] = bad
        with pytest.raises(PeerFault) as refused:
            unpacked(packed(coefficients), DATA_PRIMES, sender="labor")
        assert refused.value.rule == "ciphertext-range"
        assert refused.value.sender == "labor"


def test_s16_transparent_ciphertexts_are_refused(coefficients: Polynomials) -> None:
    whole, part = coefficients.copy(), coefficients.copy()
    whole[1] = 0
    part[1, 1] = 0
    for bad in (np.zeros_like(coefficients), whole, part):
        with pytest.raises(PeerFault) as refused:
            unpacked(packed(bad), DATA_PRIMES, sender="labor")
        assert refused.value.rule == "ciphertext-transparent"


def test_s16_what_seal_itself_saves_is_refused_whatever_it_is(own: Scheme, secret: bytes, fresh: Any) -> None:
    """S-16: headers, parameters, levels, forms, other numbers of polynomials, secret keys: none of them is ever parsed."""
    evaluator = own.evaluator
    ntt, lower, three = (sealapi.Ciphertext() for _ in range(3))
    evaluator.transform_to_ntt(fresh, ntt)
    evaluator.mod_switch_to_next(fresh, lower)
    evaluator.multiply(fresh, fresh, three)
    whole = seal_bytes.saved(fresh)
    bad = [b"", secret, whole, *(seal_bytes.saved(one) for one in (ntt, lower, three))]
    bad += [whole[:length] for length in range(1, 120)]
    bad += [whole[:8] + (1 << 63).to_bytes(8, "little") + whole[16:]]
    bad += [packed(own.polynomials(lower, 2)), packed(np.concatenate([own.polynomials(fresh, DATA_PRIMES)] * 2)[:3])]
    good = packed(own.polynomials(fresh, DATA_PRIMES))
    bad += [good[:-1], good + b"\x00", good[: len(good) // 2]]
    for chunk in bad:
        with pytest.raises(PeerFault) as refused:
            unpacked(chunk, DATA_PRIMES, sender="labor")
        assert refused.value.rule == "ciphertext-length"


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([1, 2, 3]), st.integers(0, 2**32 - 1))
def test_packing_to_seven_bytes_loses_nothing(primes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    limits = np.array(COEFFICIENT_PRIMES[:primes], dtype=np.uint64)[None, :, None]
    values = rng.integers(0, limits, (2, primes, RING), dtype=np.uint64)
    assert np.array_equal(unpacked(packed(values), primes, sender="labor"), values)
