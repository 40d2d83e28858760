"""The bytes of tagging, fixed in a file: what another implementation, or a later version of this one, must make of the same inputs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from tallystick.crypto import codec, decoys, kernel, masks, tags
from tallystick.crypto import hash_to_curve as h2c
from tests.passes import with_bands

Load = Callable[[str], dict[str, Any]]
Multiply = Callable[[int, bytes], bytes]


def _framed(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _number(text: str) -> int:
    return int.from_bytes(bytes.fromhex(text), "little")


def test_the_job_secret(load: Load) -> None:
    file = load("ts1_tags.json")
    common = {name: bytes.fromhex(part) for name, part in file["contributions"].items()}
    job = bytes.fromhex(file["job_digest"])
    parts = _framed(*(part for name in ("housing", "human-services", "labor") for part in (name.encode(), common[name])))
    by_hand = hashlib.shake_256(_framed(b"tallystick TS1 job secret", parts, job, b"\0\0\0\x01")).hexdigest(32)
    assert by_hand == tags.job_secret(common, job, file["attempt"]).hex() == file["job_secret"]


def test_each_step_from_token_to_tag(load: Load, multiply: Multiply, path: str) -> None:
    file = load("ts1_tags.json")
    secret, job, d = (bytes.fromhex(file[name]) for name in ("job_secret", "job_digest", "d"))
    for row in file["rows"]:
        token, name = bytes.fromhex(row["token"]), row["pass"]
        by_hand = h2c.encode_coordinate(h2c.hash_to_curve(_framed(secret, name.encode(), token), tags.DST)[0])
        offsets = np.array([0, len(token)], dtype=np.int64)
        point = kernel.hash_to_curve(tags.DST, codec.frame(secret, name.encode()), token, offsets)
        assert by_hand.hex() == point.tobytes().hex() == row["point"]
        masked = kernel.mask(bytes.fromhex(file["k_prime"]), point)
        assert multiply(_number(file["k_prime"]), by_hand).hex() == masked.tobytes().hex() == row["masked"]
        assert multiply(_number(file["k"]), by_hand).hex() == kernel.mask(d, masked).tobytes().hex() == row["corrected"]
        tag = hashlib.sha256(_framed(b"TS1 tag", job, name.encode()) + bytes.fromhex(row["corrected"])).digest()[:16]
        made = tags.correct_tags(masked[None], d, job_digest=job, passes=[name], sender="north")
        assert tag.hex() == made.tobytes().hex() == row["tag"]
    assert _number(file["d"]) * _number(file["k_prime"]) % masks.L == _number(file["k"]) % masks.L


def test_coins_and_decoys(load: Load) -> None:
    file = load("ts1_tags.json")
    key, job, secret = (bytes.fromhex(file[name]) for name in ("coin_key", "job_digest", "job_secret"))
    wanted = file["coins"]
    stream = hashlib.shake_256(_framed(b"tallystick TS1 decoy coins", key, job, wanted["pass"].encode())).digest(4)
    by_hand = [i for i in range(32) if stream[i // 8] >> (7 - i % 8) & 1]
    assert by_hand == np.flatnonzero(decoys.coins(key, job, wanted["pass"], wanted["decoys"])).tolist() == wanted["heads"]
    decoy = file["decoy_token"]
    made = decoys.decoy_tokens(secret, decoy["own_pass"], decoy["at_pass"], 1024)[decoy["number"]]
    assert made.tobytes().hex() == decoy["token"]


def test_the_shapes_of_decoys(load: Load) -> None:
    file = load("ts1_tags.json")
    wanted, secret = file["decoy_shapes"], bytes.fromhex(file["job_secret"])
    exact, bands, need, count = wanted["exact"], wanted["bands"], wanted["need"], wanted["decoys"]
    for own, shapes in wanted["shapes"].items():
        least, width = (need, 1 + 1 + 4 + 4 * bands) if own == "similarity" else (0, 1 + 1 + 4 + 4 * bands)
        stream = hashlib.shake_256(_framed(b"tallystick TS1 decoy shapes", secret, own.encode())).digest(count * width)
        by_hand = []
        for i in range(count):
            record = stream[i * width : (i + 1) * width]
            whole = own != "similarity" and record[0] >= 128
            words = [int.from_bytes(record[at : at + 4], "little") for at in range(2, width, 4)]
            number = bands if whole else least + (words[0] * (bands - least + 1) >> 32)
            keys = words[1:]
            held = [exact.index(own)] if own in exact else []
            held += [at for at in range(len(exact)) if held and at > held[0] and (whole or record[1] >> (7 - at) & 1)]
            held += [len(exact) + band for band in sorted(sorted(range(bands), key=keys.__getitem__)[:number])]
            by_hand.append(held)
        made = decoys.decoy_shapes(secret, own, with_bands(exact, bands, need), count)
        assert by_hand == [np.flatnonzero(shape).tolist() for shape in made.T] == shapes
