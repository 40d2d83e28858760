"""S-42: an encryptor that deviates reads nothing of the multiplier's columns from a product.

Each attack runs on the tasks that a node's workers run. It knows its secret key and every c1, sends what it likes in place of c0, and
looks at the answer as closely as can be done: the exact phase c0 + c1·s, and c1 itself. Controls show the same attacks reading
every slot where c1 is the encryptor's choice, or the flood narrow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from tallystick.crypto import product_work
from tallystick.crypto.bfv import COLUMN_BYTES, DATA, RETURNED_PRIMES, pack_residues, read_answer, read_column
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.flooding import RING
from tallystick.crypto.ntt import transform
from tallystick.crypto.product_work import OpenTask, finish, hide_product, open_sum
from tallystick.crypto.randomness import SeededRandomness, uniform_below, uniform_mod
from tallystick.crypto.seal_bytes import Polynomials, new_plaintext, plaintext_bytes
from tallystick.node.failures import build_outward_error
from tests.meter import Meter, Objects, crt, residues
from tests.protocol.cases import all_pairs, run_of, sides_of_two

Slots = npt.NDArray[np.int64]
Sent = tuple[bytes | None, bytes]
"""c0 of the encryption of zero (None: an honest one), and of one block."""

Q = prod(DATA)
LARGE = 1 << 102
CHANCE = 5 / np.sqrt(RING)
"""Five standard deviations of a correlation of N independent pairs."""


@pytest.fixture
def meter() -> Meter:
    """Give an encryptor and a multiplier who draw the same in every run: a test of chance cannot fail by chance."""
    return Meter(randomness=SeededRandomness(b"S-42"))


def values(seed: int) -> Slots:
    """Give the multiplier's block: presence in one half, amounts in the other."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.integers(0, 2, RING // 2), rng.integers(0, 90_000, RING // 2)])


def centered(meter: Meter, slots: Slots) -> npt.NDArray[np.int64]:
    """Give the polynomial with these slots, coefficients in (-t/2, t/2)."""
    polynomial = meter.polynomial(slots).astype(np.int64)
    return np.where(polynomial > meter.own.plain // 2, polynomial - meter.own.plain, polynomial)


def slots_of(meter: Meter, polynomial: Any) -> Slots:
    """Give the slots of a polynomial, integers of any size."""
    words = np.array([int(value) % meter.own.plain for value in polynomial], dtype=np.uint64)
    return np.array(meter.own.encoder.decode_uint64(new_plaintext(meter.own.context, plaintext_bytes(words))), dtype=np.int64)


# What an encryptor may send


def one_large_error(meter: Meter) -> Sent:
    error = np.zeros(RING, dtype=object)
    error[0] = LARGE
    return None, meter.encrypted(np.zeros(RING, dtype=np.int64), 0, error)


def largest_errors(meter: Meter) -> Sent:
    error = np.array([uniform_below(meter.randomness, Q) for _ in range(RING)], dtype=object)
    return None, meter.encrypted(np.zeros(RING, dtype=np.int64), 0, error)


def zero_with_an_error(meter: Meter) -> Sent:
    error = np.zeros(RING, dtype=object)
    error[0] = 1 << 125
    return meter.encrypted(None, None, error), meter.encrypted(np.ones(RING, dtype=np.int64), 0)


def nothing_for_zero(meter: Meter) -> Sent:
    return bytes(COLUMN_BYTES), one_large_error(meter)[1]


def nothing_at_all(_: Meter) -> Sent:
    return bytes(COLUMN_BYTES), bytes(COLUMN_BYTES)


def ones_in_place_of_everything(_: Meter) -> Sent:
    return pack_residues(np.ones((3, RING), dtype=np.uint64)), pack_residues(np.ones((3, RING), dtype=np.uint64))


def noise_in_place_of_everything(meter: Meter) -> Sent:
    zero, column = (pack_residues(np.stack([uniform_mod(meter.randomness, prime, RING) for prime in DATA])) for _ in range(2))
    return zero, column


def as_if_c1_were_chosen(meter: Meter) -> Sent:
    """Send c0 = e - k·s, which is right under the key for c1 = k, and c1 = 1 in the zero."""
    return chosen(meter, 1, None), chosen(meter, 1 << 128, np.zeros(RING, dtype=np.int64))


def chosen(meter: Meter, k: int, slots: Slots | None) -> bytes:
    """Encrypt under the constant c1 = k."""
    c1 = np.stack([np.full(RING, k % prime, dtype=np.uint64) for prime in DATA])  # a constant's NTT form
    return pack_residues(meter.own.encrypt(meter.secret, [(c1, slots)], meter.randomness)[0])


ATTACKS: list[Callable[[Meter], Sent]] = [
    one_large_error, largest_errors, zero_with_an_error, nothing_for_zero, nothing_at_all, ones_in_place_of_everything,
    noise_in_place_of_everything, as_if_c1_were_chosen,
]  # fmt: skip


def hidden_of(meter: Meter, sent: Sent, slots: Slots, *, flood: npt.NDArray[np.uint64] | None = None) -> Polynomials:
    """Give what the multiplier would send before the modulus is dropped, which says more than what it sends."""
    zero, column = sent
    task = meter.task_of(meter.multiplied([column], slots[None], zero), zero)
    return hide_product(task if flood is None else replace(task, errors=replace(task.errors, flood=flood)))


def left_over(meter: Meter, answer: Polynomials) -> npt.NDArray[np.float64]:
    """Give where the phase lies in its scale, from -1/2 to 1/2."""
    q = prod(DATA[: answer.shape[1]])
    rest: npt.NDArray[np.float64] = (meter.noise(answer) * meter.own.plain / q).astype(np.float64)
    return rest


# The attacks


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_s42_the_phase_says_nothing_whatever_was_sent(meter: Meter, attack: Callable[[Meter], Sent]) -> None:
    """S-42: correlation with the multiplier's polynomial at chance; no slot read; the same distribution for another multiplier."""
    slots, others = values(1), np.zeros(RING, dtype=np.int64)
    sent = attack(meter)
    answer = hidden_of(meter, sent, slots)
    rest, v = left_over(meter, answer), centered(meter, slots).astype(np.float64)
    assert abs(np.corrcoef(rest, v)[0, 1]) < CHANCE
    assert abs(np.corrcoef(meter.phase(answer)[0].astype(np.float64), v)[0, 1]) < CHANCE
    guess = np.rint(meter.noise(answer).astype(np.float64) / LARGE)
    assert (slots_of(meter, guess.tolist()) == slots).sum() == 0
    again = left_over(meter, hidden_of(meter, sent, others))
    assert stats.ks_2samp(rest[:2000], again[:2000]).pvalue > 1e-3
    assert stats.kstest(rest, stats.uniform(-0.5, 1).cdf).pvalue > 1e-4


@pytest.mark.parametrize("attack", [one_large_error, as_if_c1_were_chosen], ids=lambda attack: attack.__name__)
def test_s42_the_answer_on_the_wire_says_nothing(meter: Meter, attack: Callable[[Meter], Sent]) -> None:
    """S-42, after the modulus is dropped: c0, c1 and the phase of what travels, for two very different multipliers."""
    zero, column = attack(meter)
    seen = []
    for slots in (values(1), np.zeros(RING, dtype=np.int64)):
        answer = read_answer(finish(meter.task_of(meter.multiplied([column], slots[None], zero), zero)), sender="labor")
        seen.append((left_over(meter, answer), *(crt(half, DATA[:RETURNED_PRIMES]).astype(np.float64) for half in answer)))
    v = centered(meter, values(1)).astype(np.float64)
    for one, other in zip(*seen, strict=True):
        assert stats.ks_2samp(one[:2000], other[:2000]).pvalue > 1e-3
        assert abs(np.corrcoef(one, v)[0, 1]) < CHANCE


@pytest.mark.slow
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_s42_two_thousand_answers_to_a_deviating_encryptor(meter: Meter, attack: Callable[[Meter], Sent]) -> None:
    """S-42: KS at n = 2,000 answers to one message, for two multipliers, on one place, the mean square and the projection on v."""
    zero, column = attack(meter)
    v = centered(meter, values(1)).astype(np.float64)
    features = []
    for slots in (values(1), np.zeros(RING, dtype=np.int64)):
        total, rows = meter.multiplied([column], slots[None], zero), []
        for _ in range(2000):
            rest = left_over(meter, hide_product(meter.task_of(total, zero)))
            rows.append((rest[0], np.mean(rest**2), rest @ v))
        features.append(np.array(rows))
    for feature in range(3):
        assert stats.ks_2samp(features[0][:, feature], features[1][:, feature]).pvalue > 1e-3


def read_from_c1(meter: Meter, answer: Polynomials) -> Slots:
    """Read what an encryptor that chose c1 = 2^128 reads: v, from 2^128·v + u + e."""
    c1: Objects = crt(answer[1], DATA)
    return slots_of(meter, [(int(value) + (1 << 127)) >> 128 for value in c1])


def test_s42_a_chosen_c1_is_not_looked_at(meter: Meter) -> None:
    """S-42: no message has room for c1; a c0 that would fit a chosen one reads 0 slots."""
    slots = values(1) % 2**16
    assert (read_from_c1(meter, hidden_of(meter, as_if_c1_were_chosen(meter), slots)) == slots).sum() == 0
    whole = pack_residues(
        np.stack([read_column(chosen(meter, 1, None), sender="housing"), np.ones((3, RING), dtype=np.uint64)])
    )
    with pytest.raises(PeerFault) as refused:
        hidden_of(meter, (None, whole), slots)
    assert (refused.value.rule, refused.value.sender) == ("ciphertext-length", "labor")


# Controls: the same attacks where they work


def test_control_with_a_chosen_c1_every_slot_is_read(meter: Meter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the encryptor chose c1, this is what it read: all of the block."""
    ones = np.ones((3, RING), dtype=np.uint64)
    large = np.stack([np.full(RING, (1 << 128) % prime, dtype=np.uint64) for prime in DATA])
    monkeypatch.setattr(product_work, "zero_c1", lambda *_: ones)
    monkeypatch.setattr(product_work, "column_c1", lambda *_: large)
    slots = values(1)
    answer = hidden_of(meter, as_if_c1_were_chosen(meter), slots)
    assert (read_from_c1(meter, answer) == slots).all()


def narrow_flood(meter: Meter, bits: int) -> npt.NDArray[np.uint64]:
    """Give a flood over [-2^bits, 2^bits) as the task takes it."""
    numbers = [meter.own.flood_width // 2 + uniform_below(meter.randomness, 2 << bits) - (1 << bits) for _ in range(RING)]
    return np.array([[number >> shift & (2**64 - 1) for number in numbers] for shift in (128, 64, 0)], dtype=np.uint64)


def test_control_with_a_narrow_flood_the_polynomial_is_read(meter: Meter) -> None:
    """With a flood of 2^119, however good its statistical distance for honest noise, one large error reads the polynomial."""
    slots = values(1)
    answer = hidden_of(meter, one_large_error(meter), slots, flood=narrow_flood(meter, 119))
    v = centered(meter, slots).astype(np.float64)
    assert np.corrcoef(left_over(meter, answer), v)[0, 1] > 0.999


def test_control_with_a_flood_below_the_error_every_slot_is_read(meter: Meter) -> None:
    slots = values(1)
    answer = hidden_of(meter, one_large_error(meter), slots, flood=narrow_flood(meter, 99))
    guess = [(int(value) + LARGE // 2) // LARGE for value in meter.noise(answer)]
    assert (slots_of(meter, guess) == slots).all()


# In a whole job


@pytest.mark.parametrize("desk", ["housing", "labor"])
def test_s42_a_pair_key_that_differs_ends_the_job_and_names_the_sender(desk: str) -> None:
    """Bytes of the pair's contribution changed on the way; the common contribution is left as it was."""
    sides = sides_of_two()
    computation = all_pairs("housing", "labor", sides, bound=100)
    (exchange,) = computation.exchanges

    def tamper(ref: Any, chunks: list[bytes]) -> list[bytes]:
        if ref.kind == "seed" and ref.sender == exchange.encryptor:
            payload = b"".join(chunks)
            return [payload[:40] + bytes([payload[40] ^ 1]) + payload[41:]]
        return chunks

    with pytest.raises(PeerFault) as refused:
        run_of(sides, computation, desk_name=desk, tamper=tamper)
    assert (refused.value.rule, refused.value.sender) == ("exchange-differs", exchange.encryptor)
    told = build_outward_error(refused.value)
    assert told.code == "protocol-broken"
    assert exchange.encryptor in told.message


def test_s42_an_answer_under_another_pair_key_names_the_multiplier() -> None:
    sides = sides_of_two()
    computation = all_pairs("housing", "labor", sides, bound=100)

    def tamper(ref: Any, chunks: list[bytes]) -> list[bytes]:
        return [bytes(32), *chunks[1:]] if ref.kind == "products" else chunks

    with pytest.raises(PeerFault) as refused:
        run_of(sides, computation, desk_name="housing", tamper=tamper)
    assert (refused.value.rule, refused.value.sender) == ("exchange-differs", computation.exchanges[0].multiplier)


# The limit that SECURITY.md states


def test_limit_a_deviating_multiplier_makes_the_encryptors_share_say_something_of_its_key(meter: Meter) -> None:
    """Not a requirement but its edge: one answer, made up, puts 18 coefficients of the secret key into the encryptor's share.

    The share goes into a cell, so who opens cells can read it. SECURITY.md, "A malicious multiplier", says so.
    """
    level, t = DATA[:RETURNED_PRIMES], meter.own.plain
    q = prod(level)
    c1 = np.zeros(RING, dtype=object)
    for place in range(18):
        power = -(3**place) if place else 1  # X^(N - i)·X^i = -1
        c1[-place % RING] = (2 * q * (power % t) + t) // (2 * t)
    answer = np.stack([np.zeros((2, RING), dtype=np.uint64), residues(c1, level)])
    share = open_sum(OpenTask(0, meter.secret, pack_residues(answer), "labor"))
    number = share * pow(RING, -1, t) % t  # the sum of the slots is N times the first coefficient
    number -= t if number > t // 2 else 0
    read = []
    for _ in range(18):
        digit = (number + 1) % 3 - 1
        read.append(digit)
        number = (number - digit) // 3
    assert read == meter.small_key[:18].tolist()


def test_s42_shares_of_an_honest_exchange_still_add_up(meter: Meter) -> None:
    """The tasks that the attacks run are those of a job: one honest product adds up."""
    slots = values(2)
    total = meter.accumulated(slots[None])
    task = meter.task_of(total)
    share = open_sum(OpenTask(0, meter.secret, finish(task), "labor"))
    exact = sum(int(x) * int(y) for x, y in zip(meter.left[0], slots, strict=True))
    assert (share - int(task.mask.sum()) - exact) % meter.own.plain == 0


# c1: what the error and the ternary polynomial are for


def implied(meter: Meter, answer: Polynomials, slots: Slots) -> Objects:
    """Give (c1 - a·v) / p1 for a guess v: what multiplied the zero's c1, if the guess is right and there is no error on it."""
    level, own = range(len(DATA)), meter.own
    carrier = own.ciphertext(answer)
    own.evaluator.transform_to_ntt_inplace(carrier)
    c1 = own.polynomials(carrier, len(DATA), ntt=True)[1].astype(object)
    v = transform(residues(centered(meter, slots).astype(object)), DATA).astype(object)
    a, p1 = meter.c1(0).astype(object), meter.c1(None).astype(object)
    found = [
        [int(x) * pow(int(p), -1, DATA[i]) % DATA[i] for x, p in zip(c1[i] - a[i] * v[i], p1[i], strict=True)] for i in level
    ]
    numbers: Objects = crt(meter.coefficients(np.array([found] * 2, dtype=np.uint64))[0], DATA)
    return np.where(numbers > Q // 2, numbers - Q, numbers)


def test_s42_a_guess_of_the_whole_column_is_not_confirmed(meter: Meter) -> None:
    """The error on c1: without it, the right guess alone gives the multiplier's own small polynomial (the control)."""
    slots = values(1)
    zero, column = nothing_at_all(meter)
    task = meter.task_of(meter.multiplied([column], slots[None], zero), zero)
    assert abs(implied(meter, hide_product(task), slots)).max() > Q >> 8
    bare = hide_product(replace(task, errors=replace(task.errors, small=np.zeros(RING, dtype=np.int8))))
    assert abs(implied(meter, bare, slots)).max() <= 2  # of the sums' start and of the answer
    assert abs(implied(meter, bare, values(2))).max() > Q >> 8
