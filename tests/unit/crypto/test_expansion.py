"""c1 from a shared key (S-42): tests/vectors/products_c1.json, made a second way from bytes alone, and what keeps exchanges apart."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from tallystick.crypto import expansion
from tallystick.crypto.bfv import DATA, pack_residues
from tallystick.crypto.errors import LocalFault, PeerFault
from tallystick.crypto.expansion import check_confirmation, column_c1, confirmation, exchange_key, words_of, zero_c1
from tallystick.crypto.flooding import RING
from tallystick.crypto.layout import Layout

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "products_c1.json").read_text())
KEY = bytes.fromhex(VECTORS["exchange_key"])


def framed(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def by_hand(key: bytes, place: bytes, primes: list[int], ring: int) -> list[list[int]]:
    """Follow docs/protocol.md §7, word by word."""
    stream = hashlib.shake_256(framed(b"tallystick TS1 c1", key, place)).digest(7 * ring * len(primes) * 4)
    position, values = 0, []
    for prime in primes:
        row: list[int] = []
        while len(row) < ring:
            word = int.from_bytes(stream[position : position + 7], "little") % (1 << prime.bit_length())
            position += 7
            if word < prime:
                row.append(word)
        values.append(row)
    return values


def test_the_exchange_key_is_the_vectors() -> None:
    given = VECTORS["exchange"]
    pair_key = bytes.fromhex(given["pair_key"])
    assert exchange_key(pair_key, given["name"], encryptor=given["encryptor"], multiplier=given["multiplier"]) == KEY
    names = [given[part].encode() for part in ("name", "encryptor", "multiplier")]
    assert hashlib.shake_256(framed(b"tallystick TS1 exchange", pair_key, *names)).digest(32) == KEY


def test_the_confirmations_are_the_vectors() -> None:
    given = VECTORS["confirmations"]
    layout = Layout(
        given["left"],
        given["right"],
        tuple((i, j) for i, j in given["pairs"]),
        tuple(given["primes"]),
        given["slots"],
        at_slots=given["at_slots"],
    ).digest()
    numbers = [
        given["left"],
        given["right"],
        given["slots"],
        int(given["at_slots"]),
        *(number for pair in given["pairs"] for number in pair),
        *given["primes"],
    ]
    text = ",".join(map(str, numbers)).encode()
    assert hashlib.sha256(framed(b"tallystick TS1 products layout", text)).digest() == layout == bytes.fromhex(given["layout"])
    for message in ("columns", "products"):
        want = bytes.fromhex(given[message])
        assert confirmation(KEY, message, layout) == want
        assert hashlib.shake_256(framed(b"tallystick TS1 confirmation", KEY, message.encode(), layout)).digest(32) == want


@pytest.mark.parametrize("given", VECTORS["c1"], ids=lambda given: given["place"])
def test_c1_is_the_vectors(given: dict[str, Any]) -> None:
    place = bytes.fromhex(given["place"])
    if "block" in given:
        values = column_c1(KEY, given["prime"], given["block"], given["column"], DATA, RING)
        assert place == bytes([given["prime"]]) + given["block"].to_bytes(4, "big") + given["column"].to_bytes(4, "big")
    else:
        values = zero_c1(KEY, given["prime"], DATA, RING)
        assert place == bytes([given["prime"]])
    assert values.tolist() == by_hand(KEY, place, list(DATA), RING)
    assert values[:, :3].tolist() == given["first"]
    assert hashlib.sha256(pack_residues(values)).hexdigest() == given["sha256"]


def test_skipped_words_are_the_vectors() -> None:
    """Toy primes, so that a third of the words is skipped; the suite's skip one in 2^34."""
    given = VECTORS["toy"]
    values = column_c1(KEY, 0, 0, 0, tuple(given["primes"]), given["ring"])
    assert values.tolist() == given["values"] == by_hand(KEY, bytes(9), given["primes"], given["ring"])


@pytest.mark.parametrize("block", range(40))
def test_words_are_skipped_wherever_they_are(block: int) -> None:
    """The first prime, the last, none, all: as by hand."""
    primes = [(17, 97, 65537), (97, 127), (127, 8191), (65537, 17)][block % 4]
    place = bytes([1]) + block.to_bytes(4, "big") + bytes(4)
    assert column_c1(KEY, 1, block, 0, primes, 20).tolist() == by_hand(KEY, place, list(primes), 20)


def test_values_are_uniform_under_every_prime() -> None:
    values = np.concatenate([column_c1(KEY, 0, block, 7, DATA, RING) for block in range(8)], axis=1)
    for row, prime in zip(values, DATA, strict=True):
        assert row.max() < prime
        assert stats.kstest(row / prime, "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(values.astype(float))[np.triu_indices(3, 1)]).max() < 0.02


def test_no_two_places_or_keys_have_the_same_c1() -> None:
    keys = [KEY, exchange_key(KEY, "columns", encryptor="a", multiplier="b")]
    keys += [
        exchange_key(KEY, "columns", encryptor="b", multiplier="a"),
        exchange_key(KEY, "other", encryptor="a", multiplier="b"),
    ]
    made = [zero_c1(key, prime, DATA, RING) for key in keys for prime in range(4)]
    made += [column_c1(key, p, b, c, DATA, RING) for key in keys for p in (0, 1) for b in (0, 1, 256) for c in (0, 1, 256)]
    assert len({pack_residues(values) for values in made}) == len(made)
    columns = np.stack(made)
    assert not (columns[1:, :, 0] == columns[:-1, :, 0]).any()


def test_a_key_of_another_length_is_refused() -> None:
    for bad in (b"", bytes(31), bytes(33)):
        with pytest.raises(LocalFault) as refused:
            zero_c1(bad, 0, DATA, RING)
        assert refused.value.rule == "exchange-key-malformed"


def test_another_confirmation_names_the_sender() -> None:
    layout = bytes(32)
    good = confirmation(KEY, "columns", layout)
    check_confirmation(good, KEY, "columns", layout, sender="labor")
    bad = [b"", good[:-1], good + b"\x00", bytes(32), confirmation(KEY, "products", layout)]
    bad += [confirmation(bytes(32), "columns", layout), confirmation(KEY, "columns", bytes(31) + b"\x01")]
    for got in bad:
        with pytest.raises(PeerFault) as refused:
            check_confirmation(got, KEY, "columns", layout, sender="labor")
        assert (refused.value.rule, refused.value.sender) == ("exchange-differs", "labor")


def test_words_are_seven_bytes() -> None:
    data = bytes(range(22))
    assert words_of(data, 3).tolist() == [int.from_bytes(data[i : i + 7], "little") for i in (0, 7, 14)]
    assert expansion.WORD_BYTES == 7
