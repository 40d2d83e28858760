"""BFV's parameters (S-13), its bytes, and the strict reading of what a peer sends (S-16)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from tenseal import sealapi

from tallystick.crypto import bfv, seal_bytes
from tallystick.crypto.bfv import (
    ANSWER_BYTES,
    COEFFICIENT_PRIMES,
    COLUMN_BYTES,
    DATA,
    DATA_PRIMES,
    RETURNED_PRIMES,
    Scheme,
    check_parameters,
    pack_residues,
    read_answer,
    read_column,
    scheme,
)
from tallystick.crypto.errors import LocalFault, PeerFault
from tallystick.crypto.expansion import zero_c1
from tallystick.crypto.flooding import RING
from tallystick.crypto.modulus import PRIMES
from tallystick.crypto.ntt import transform
from tallystick.crypto.randomness import SeededRandomness, SystemRandomness
from tallystick.crypto.residues import Residues
from tallystick.crypto.seal_bytes import Polynomials

BITS = (55, 54, 54, 55)
RANDOM = SystemRandomness()
C1 = zero_c1(bytes(32), 0, DATA, RING)


@pytest.fixture(scope="module")
def own() -> Scheme:
    return scheme(0)


@pytest.fixture(scope="module")
def secret(own: Scheme) -> bytes:
    return own.new_secret(RANDOM)


@pytest.fixture
def column(own: Scheme, secret: bytes) -> Residues:
    return own.encrypt(secret, [(C1, np.arange(RING))], RANDOM)[0]


@pytest.fixture
def fresh(own: Scheme, column: Residues) -> Any:
    """Give SEAL's ciphertext, in coefficient form."""
    ciphertext = own.ciphertext(np.stack([column, C1]), ntt=True)
    own.evaluator.transform_from_ntt_inplace(ciphertext)
    return ciphertext


@pytest.fixture
def answer(own: Scheme, fresh: Any) -> Polynomials:
    lower = sealapi.Ciphertext()
    own.evaluator.mod_switch_to_next(fresh, lower)
    return own.polynomials(lower, RETURNED_PRIMES)


def test_s13_the_constants_are_at_seals_limit_and_not_above_it() -> None:
    """S-13: the sum of modulus bits is within SEAL's 128-bit table."""
    level = sealapi.SEC_LEVEL_TYPE.TC128
    assert sum(BITS) == sealapi.CoeffModulus.MaxBitCount(RING, level) == 218
    assert tuple(prime.bit_length() for prime in COEFFICIENT_PRIMES) == BITS
    assert all(sealapi.Modulus(prime).is_prime() and prime % (2 * RING) == 1 for prime in COEFFICIENT_PRIMES)
    for ring, bits in bfv.MAX_MODULUS_BITS.items():
        assert sealapi.CoeffModulus.MaxBitCount(ring, level) == bits
    for index in range(4):
        assert bfv.parameters(index) == check_parameters(RING, BITS, PRIMES[index])


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
        check_parameters(ring, bits, plain)
    assert refused.value.rule == rule


def test_the_self_test_passes_here() -> None:
    bfv.self_test()


def test_the_self_test_notices_a_flood_that_is_too_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_much(polynomials: Polynomials, *_: object) -> Polynomials:
        other = polynomials.copy()
        other[0, 0] = (other[0, 0] + np.uint64(1 << 54)) % np.uint64(DATA[0])
        return other

    monkeypatch.setattr(bfv, "add_flood", too_much)
    with pytest.raises(LocalFault) as failed:
        bfv.self_test()
    assert failed.value.rule == "bfv-self-test"


def test_a_column_and_an_answer_come_back_from_their_bytes(
    own: Scheme, secret: bytes, column: Residues, answer: Polynomials
) -> None:
    chunk = pack_residues(column)
    assert len(chunk) == COLUMN_BYTES == 172_032
    back = read_column(chunk, sender="labor")
    assert np.array_equal(back, column)
    ciphertext = own.ciphertext(np.stack([back, C1]), ntt=True)
    own.evaluator.transform_from_ntt_inplace(ciphertext)
    assert np.array_equal(own.slots(own.decryptor(secret), ciphertext), np.arange(RING))
    chunk = pack_residues(answer)
    assert len(chunk) == ANSWER_BYTES == 229_376
    back = read_answer(chunk, sender="labor")
    assert np.array_equal(back, answer)
    assert np.array_equal(own.slots(own.decryptor(secret), own.ciphertext(back)), np.arange(RING))


def test_a_column_is_made_again_from_a_seed_and_no_other(own: Scheme) -> None:
    """No randomness but what is given."""
    first, again, other = (own.new_secret(SeededRandomness(seed)) for seed in (b"1", b"1", b"2"))
    assert first == again != other
    messages: list[bfv.Message] = [(C1, None), (C1, np.arange(5)), (C1, np.full(9, -1))]
    made, same, different = (own.encrypt(first, messages, SeededRandomness(seed)) for seed in (b"3", b"3", b"4"))
    for one, two, three in zip(made, same, different, strict=True):
        assert np.array_equal(one, two)
        assert not np.array_equal(one, three)
    assert own.encrypt(first, [], RANDOM) == []


def test_a_secret_key_is_uniform_ternary(own: Scheme, secret: bytes) -> None:
    """Its decryption of (0, round(q/t)) is the key itself."""
    q = DATA[0] * DATA[1] * DATA[2]
    one = np.zeros((2, DATA_PRIMES, RING), dtype=np.uint64)
    one[1, :, 0] = [(q // own.plain) % prime for prime in DATA]
    plain = sealapi.Plaintext()
    own.decryptor(secret).decrypt(own.ciphertext(one), plain)
    values = seal_bytes.plaintext_words(plain, seal_bytes.NO_LEVEL, plain.coeff_count()).astype(np.int64)
    counts = [int((values == value).sum()) for value in (0, 1, own.plain - 1)]
    counts[0] += RING - len(values)
    assert sum(counts) == RING
    assert stats.chisquare(counts).pvalue > 1e-6


def root_of(prime: int) -> int:
    """Give the smallest primitive 16384th root of unity."""
    some = next(
        x for x in (pow(base, (prime - 1) // (2 * RING), prime) for base in range(2, 100)) if pow(x, RING, prime) == prime - 1
    )
    square = some * some % prime
    best, power = some, some
    for _ in range(RING - 1):
        power = power * square % prime
        best = min(best, power)
    return best


def test_ntt_form_is_the_one_that_is_written_down(own: Scheme) -> None:
    """docs/protocol.md §7: value i is the polynomial's at ψ^(2·r(i) + 1)."""
    coefficients = np.stack([np.random.default_rng(5).integers(0, prime, RING, dtype=np.uint64) for prime in DATA])
    transformed = transform(coefficients, DATA)
    for row, values, prime in zip(coefficients, transformed, DATA, strict=True):
        root = root_of(prime)
        for i in (0, 1, 2, 4097, RING - 1):
            x, value = pow(root, 2 * int(f"{i:013b}"[::-1], 2) + 1, prime), 0
            for coefficient in row[::-1].tolist():
                value = (value * x + coefficient) % prime
            assert value == values[i]


def test_reading_word_by_word_gives_the_same(own: Scheme, fresh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where SEAL's library hides its zstd."""
    quick = own.polynomials(fresh, DATA_PRIMES)
    monkeypatch.setattr(seal_bytes, "find_decompress", lambda: None)
    assert np.array_equal(own.polynomials(fresh, DATA_PRIMES), quick)
    with pytest.raises(LocalFault) as refused:
        own.polynomials(fresh, 1)
    assert refused.value.rule == "seal-format"


def test_reading_a_plaintext_word_by_word_gives_the_same(own: Scheme, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = sealapi.Plaintext()
    own.encoder.encode(list(range(RING)), plain)
    quick = seal_bytes.plaintext_words(plain, seal_bytes.NO_LEVEL, RING)
    monkeypatch.setattr(seal_bytes, "find_decompress", lambda: None)
    assert np.array_equal(seal_bytes.plaintext_words(plain, seal_bytes.NO_LEVEL, RING), quick)
    for parms_id, count in ((seal_bytes.NO_LEVEL, RING - 1), (own.parms_ids[3], RING)):
        with pytest.raises(LocalFault) as refused:
            seal_bytes.plaintext_words(plain, parms_id, count)
        assert refused.value.rule == "seal-format"


def test_another_level_or_form_is_noticed(own: Scheme, fresh: Any) -> None:
    for primes, ntt in ((1, False), (2, False), (DATA_PRIMES, True)):
        with pytest.raises(LocalFault) as refused:
            own.polynomials(fresh, primes, ntt=ntt)
        assert refused.value.rule == "seal-format"


def test_small_coefficients_are_coefficients_and_not_slots(own: Scheme, secret: bytes, fresh: Any) -> None:
    """X times a polynomial turns its coefficients by one; it is not slot by slot."""
    monomial = np.zeros(RING, dtype=np.int8)
    monomial[1] = -1
    before, after = sealapi.Plaintext(), sealapi.Plaintext()
    decryptor = own.decryptor(secret)
    decryptor.decrypt(fresh, before)
    own.evaluator.multiply_plain_inplace(fresh, own.small_plaintext(monomial))
    decryptor.decrypt(fresh, after)
    assert int(after[1]) == own.plain - int(before[0])


@pytest.mark.parametrize("position", [(0, 0), (2, RING - 1), (1, 4000)])
def test_s16_residues_below_their_prime_pass_and_the_prime_itself_does_not(
    column: Residues, answer: Polynomials, position: tuple[int, int]
) -> None:
    prime = COEFFICIENT_PRIMES[position[0]]
    column[position] = prime - 1
    assert read_column(pack_residues(column), sender="labor")[position] == prime - 1
    for bad in (prime, (1 << 56) - 1):
        column[position] = bad
        with pytest.raises(PeerFault) as refused:
            read_column(pack_residues(column), sender="labor")
        assert refused.value.rule == "ciphertext-range"
        assert refused.value.sender == "labor"
    if position[0] < RETURNED_PRIMES:
        for half in (0, 1):
            bad_answer = answer.copy()
            bad_answer[half][position] = prime
            with pytest.raises(PeerFault) as refused:
                read_answer(pack_residues(bad_answer), sender="labor")
            assert refused.value.rule == "ciphertext-range"


def test_s16_transparent_answers_are_refused(answer: Polynomials) -> None:
    whole, part = answer.copy(), answer.copy()
    whole[1] = 0
    part[1, 1] = 0
    for bad in (np.zeros_like(answer), whole, part):
        with pytest.raises(PeerFault) as refused:
            read_answer(pack_residues(bad), sender="labor")
        assert refused.value.rule == "ciphertext-transparent"


def test_s16_what_seal_itself_saves_is_refused_whatever_it_is(own: Scheme, secret: bytes, fresh: Any) -> None:
    """S-16: headers, parameters, levels, forms, other numbers of polynomials, secret keys: none of them is ever parsed."""
    evaluator = own.evaluator
    ntt, lower, three = (sealapi.Ciphertext() for _ in range(3))
    evaluator.transform_to_ntt(fresh, ntt)
    evaluator.mod_switch_to_next(fresh, lower)
    evaluator.multiply(fresh, fresh, three)
    whole = seal_bytes.save_object(fresh)
    bad = [b"", secret, whole, *(seal_bytes.save_object(one) for one in (ntt, lower, three))]
    bad += [whole[:length] for length in range(1, 120)]
    bad += [whole[:8] + (1 << 63).to_bytes(8, "little") + whole[16:]]
    two = pack_residues(own.polynomials(fresh, DATA_PRIMES))
    bad += [two, two[:-1], two + b"\x00", pack_residues(own.polynomials(lower, RETURNED_PRIMES)[:1])]
    for chunk in bad:
        for read in (read_column, read_answer):
            with pytest.raises(PeerFault) as refused:
                read(chunk, sender="labor")
            assert refused.value.rule == "ciphertext-length"


def test_s42_a_column_has_no_room_for_a_c1(column: Residues, answer: Polynomials) -> None:
    """S-42: a whole ciphertext in place of c0 is of the wrong length, as is an answer."""
    for chunk in (pack_residues(np.stack([column, C1])), pack_residues(column) + pack_residues(C1), pack_residues(answer)):
        with pytest.raises(PeerFault) as refused:
            read_column(chunk, sender="labor")
        assert refused.value.rule == "ciphertext-length"


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_packing_to_seven_bytes_loses_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, np.array(DATA, dtype=np.uint64)[:, None], (DATA_PRIMES, RING), dtype=np.uint64)
    assert np.array_equal(read_column(pack_residues(values), sender="labor"), values)
    answer = rng.integers(0, np.array(DATA[:2], dtype=np.uint64)[None, :, None], (2, RETURNED_PRIMES, RING), dtype=np.uint64)
    assert np.array_equal(read_answer(pack_residues(answer), sender="labor"), answer)
