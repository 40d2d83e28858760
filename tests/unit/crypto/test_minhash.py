"""Keys and hashes of bands, fixed in a file, and made a second way: SHAKE-256 over frames by hand, AES from its counter mode."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tallystick.core.linkage.passes.bands import PeopleGrams
from tallystick.core.linkage.passes.coincidence import weight
from tallystick.core.linkage.passes.similarity import SimilarityPlan
from tallystick.crypto import minhash
from tallystick.crypto.minhash import band_key, least_hashes

Load = Callable[[str], dict[str, Any]]
NONE = 2**32 - 1


def framed(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def key_by_hand(secret: bytes, field: str, place: int, band: int) -> bytes:
    parts = framed(b"tallystick TS1 bands", secret, field.encode(), place.to_bytes(4, "big"), band.to_bytes(4, "big"))
    return hashlib.shake_256(parts).digest(32)


def hash_by_hand(key: bytes, gram: int, repetition: int) -> int:
    """Encrypt zeros in counter mode from the block: the first block of that is AES of it."""
    block = gram.to_bytes(8, "little") + (repetition // 4).to_bytes(8, "little")
    stream = Cipher(algorithms.AES(key), modes.CTR(block)).encryptor().update(bytes(16))
    return int.from_bytes(stream[4 * (repetition % 4) :][:4], "little")


def name_grams(text: str) -> list[int]:
    marked = [1, *map(ord, text), 2]
    return [a << 21 | b for a, b in pairwise(marked)]


def date_grams(text: str) -> list[int]:
    year, month, day = int(text[:4]), int(text[4:6]), int(text[6:])
    return [year * 100 + month, year * 100 + day, 10**7 + min(month, day) * 100 + max(month, day)]


def zip_grams(text: str) -> list[int]:
    return [(ord(a) << 21 | ord(b)) ^ at << 8 for at, (a, b) in enumerate(pairwise(text))]


GRAMS: dict[str, Callable[[str], list[int]]] = {"first_name": name_grams, "birth_date": date_grams, "zip": zip_grams}


def test_s43_keys_of_bands(load: Load) -> None:
    file = load("ts1_bands.json")
    secret = bytes.fromhex(file["job_secret"])
    for row in file["keys"]:
        where = row["field"], row["place"], row["band"]
        assert key_by_hand(secret, *where).hex() == band_key(secret, *where).hex() == row["key"]
    assert len({row["key"] for row in file["keys"]}) == len(file["keys"]) >= 6
    assert len({band_key(bytes(32), row["field"], row["place"], row["band"]) for row in file["keys"]}) == len(file["keys"])


def test_hashes_of_grams(load: Load) -> None:
    file = load("ts1_bands.json")
    for row in file["hashes"]:
        key, gram = bytes.fromhex(row["key"]), int(row["gram"])
        for repetition, word in enumerate(row["words"]):
            assert hash_by_hand(key, gram, repetition) == word
            least = least_hashes(key, np.array([gram], dtype=np.uint64), repetition + 1)
            assert least.tolist() == [min(row["words"][: repetition + 1])]


def test_tokens_of_a_person(load: Load) -> None:
    file = load("ts1_bands.json")
    secret, elements = bytes.fromhex(file["job_secret"]), tuple(tuple(one) for one in file["elements"])
    fields = tuple(file["person"])
    plan = SimilarityPlan(fields, len(file["tokens"]), elements, 1, "similarity", 2, 0.0, 1)
    made = PeopleGrams(plan, {name: [value] for name, value in file["person"].items()}, 1).bands(secret)
    for band, (name, token) in enumerate(zip(plan.passes, file["tokens"], strict=True)):
        by_hand = b""
        for place, element in enumerate(elements):
            hashes = [
                hash_by_hand(key_by_hand(secret, field, place, band), gram, repetition)
                for field in element
                for gram in GRAMS[field](file["canonical"][field])
                for repetition in range(weight(field))
            ]
            by_hand += min(hashes).to_bytes(4, "big")
        assert by_hand.hex() == made[name].data.hex() == token


@pytest.mark.parametrize("chunk", [1, 3, 1 << 13])
def test_a_hash_does_not_depend_on_the_other_grams(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(minhash, "CHUNK", chunk)
    grams = np.array([0, 7, 2**64 - 1, 7, 123456789], dtype=np.uint64)
    key = band_key(bytes(32), "street", 1, 2)
    expected = [min(hash_by_hand(key, int(gram), repetition) for repetition in range(11)) for gram in grams]
    assert least_hashes(key, grams, 11).tolist() == expected
    assert least_hashes(key, grams[:0], 11).tolist() == []


def test_the_least_of_several_is_as_small_as_it_should_be() -> None:
    for repetitions in (1, 4, 9):
        least = least_hashes(band_key(bytes(32), "zip", 0, 0), np.arange(20_000, dtype=np.uint64), repetitions)
        assert float(least.mean()) / NONE == pytest.approx(1 / (repetitions + 1), rel=0.05)
