"""Every kernel path against the RFCs, the reference hash, `cryptography`, and an independent ladder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto import hash_to_curve as h2c
from tallystick.crypto import kernel, portable
from tallystick.crypto.errors import LocalFault
from tallystick.crypto.randomness import SeededRandomness

Load = Callable[[str], dict[str, Any]]
Multiply = Callable[[int, bytes], bytes]
Points = npt.NDArray[np.uint8]
DST = b"TS1-test"


def _array(*points: bytes) -> Points:
    return np.frombuffer(b"".join(points), dtype=np.uint8).reshape(-1, 32)


def _offsets(*lengths: int) -> npt.NDArray[np.int64]:
    return np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)


def _hashed(count: int, seed: bytes = b"points") -> Points:
    return kernel.hash_to_curve(DST, b"", SeededRandomness(seed).take(8 * count), np.arange(count + 1, dtype=np.int64) * 8)


def _reference(prefix: bytes, token: bytes) -> bytes:
    return h2c.encode_coordinate(h2c.hash_to_curve(prefix + len(token).to_bytes(4, "big") + token, DST)[0])


def _clamped(scalar: bytes) -> int:
    return int.from_bytes(scalar, "little") & (2**254 - 8) | 2**254


def test_the_last_path_is_portable_and_the_first_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TALLY_KERNEL", raising=False)
    assert kernel.paths()[-1] == "portable"
    assert kernel.choose_path() == kernel.paths()[0]


def test_a_path_can_be_forced_and_an_unusable_one_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_KERNEL", "portable")
    assert kernel.choose_path() == "portable"
    monkeypatch.setenv("TALLY_KERNEL", "abacus")
    with pytest.raises(RuntimeError, match=r"abacus.*usable: .*portable"):
        kernel.mask(bytes(32), _array(bytes(32)))


def _check_hashes(count: int) -> None:
    randomness = SeededRandomness(b"differential")
    lengths = np.frombuffer(randomness.take(count), dtype=np.uint8).astype(
        np.int64
    )  # 0…255 bytes: up to three blocks of SHA-512
    data, offsets = randomness.take(int(lengths.sum())), _offsets(*lengths)
    points = kernel.hash_to_curve(DST, b"prefix", data, offsets)
    expected = b"".join(_reference(b"prefix", data[offsets[i] : offsets[i + 1]]) for i in range(count))
    assert points.tobytes() == expected


def test_s01_batch_hashing_equals_the_reference(path: str) -> None:
    _check_hashes(2_000)


@pytest.mark.slow
def test_s01_batch_hashing_equals_the_reference_100_000_times(path: str) -> None:
    _check_hashes(100_000)


@given(st.lists(st.binary(max_size=300), max_size=6), st.binary(max_size=200), st.sampled_from(kernel.paths()))
def test_s01_any_tokens_under_any_prefix(tokens: list[bytes], prefix: bytes, path: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TALLY_KERNEL", path)
        points = kernel.hash_to_curve(DST, prefix, b"".join(tokens), _offsets(*map(len, tokens)))
    assert [row.tobytes() for row in points] == [_reference(prefix, token) for token in tokens]


def test_a_token_of_a_megabyte(path: str) -> None:
    token = b"x" * 1_000_000
    assert kernel.hash_to_curve(DST, b"", token, _offsets(len(token)))[0].tobytes() == _reference(b"", token)


def test_data_may_be_bytes_a_view_or_an_array_and_offsets_a_window(path: str) -> None:
    data = b"--abcdef--"
    offsets = np.array([2, 5, 5, 8], dtype=np.int64)
    expected = [_reference(b"", token) for token in (b"abc", b"", b"def")]
    for given_data in (data, memoryview(data), np.frombuffer(data, dtype=np.uint8)):
        assert [row.tobytes() for row in kernel.hash_to_curve(DST, b"", given_data, offsets)] == expected


@pytest.mark.parametrize("offsets", [[], [1, 0], [-1, 2], [0, 4], [0, 3, 2, 3]])
def test_offsets_outside_the_data_are_refused(offsets: list[int], path: str) -> None:
    with pytest.raises(LocalFault) as caught:
        kernel.hash_to_curve(DST, b"", b"abc", np.array(offsets, dtype=np.int64))
    assert caught.value.rule == "offsets-invalid"


def test_what_cannot_be_read_as_bytes_is_refused(path: str) -> None:
    with pytest.raises(LocalFault) as caught:
        kernel.hash_to_curve(DST, b"", b"abc", np.array([0, 3], dtype=np.int32))
    assert caught.value.rule == "offsets-invalid"
    with pytest.raises(LocalFault) as caught:
        kernel.hash_to_curve(DST, b"", memoryview(b"a.b.c.")[::2], _offsets(3))
    assert caught.value.rule == "tokens-invalid"
    with pytest.raises(LocalFault) as caught:
        kernel.hash_to_curve(b"", b"", b"abc", _offsets(3))
    assert caught.value.rule == "dst-empty"


def test_nothing_gives_nothing(path: str) -> None:
    none = kernel.hash_to_curve(DST, b"", b"", np.zeros(1, dtype=np.int64))
    assert none.shape == (0, 32)
    assert kernel.mask(bytes(32), none).shape == (0, 32)
    assert kernel.first_bad_point(none) is None
    assert kernel.hash_tags(b"", none).shape == (0, 16)


def test_s02_masks_equal_rfc_7748(load: Load, path: str) -> None:
    file = load("rfc7748_x25519.json")
    for vector in file["vectors"]:
        scalar, u = bytes.fromhex(vector["scalar"]), bytes.fromhex(vector["u"])
        if vector["iterations"] > 1_000:
            continue
        for _ in range(vector["iterations"] or 1):
            scalar, u = kernel.mask(scalar, _array(u)).tobytes(), scalar
        assert scalar.hex() == vector["result"]
    pair = {name: bytes.fromhex(value) for name, value in file["diffie_hellman"].items()}
    assert kernel.mask(pair["alice"], _array(pair["bob_public"])).tobytes() == pair["shared"]
    assert kernel.mask(pair["bob"], _array(pair["alice_public"])).tobytes() == pair["shared"]


@pytest.mark.slow
def test_s02_masks_equal_rfc_7748_after_a_million_rounds(load: Load, path: str) -> None:
    vector = load("rfc7748_x25519.json")["vectors"][-1]
    scalar, u = bytes.fromhex(vector["scalar"]), bytes.fromhex(vector["u"])
    for _ in range(vector["iterations"]):
        scalar, u = kernel.mask(scalar, _array(u)).tobytes(), scalar
    assert scalar.hex() == vector["result"]


def test_s02_masks_equal_wycheproof(load: Load, path: str) -> None:
    """Twist and non-canonical coordinates too: the ladder is right for them, and `first_bad_point` keeps them out before it."""
    tests = load("wycheproof_x25519.json")["tests"]
    assert len(tests) == 518
    for test in tests:
        scalar, point = bytes.fromhex(test["private"]), _array(bytes.fromhex(test["public"]))
        if "ZeroSharedSecret" in test["flags"]:
            with pytest.raises(LocalFault) as caught:
                kernel.mask(scalar, point)
            assert caught.value.rule == "point-unchecked"
        else:
            assert kernel.mask(scalar, point).tobytes().hex() == test["shared"], test["tcId"]


def test_s03_wycheproofs_bad_points_are_found(load: Load, path: str) -> None:
    for test in load("wycheproof_x25519.json")["tests"]:
        bad = bool({"Twist", "LowOrderPublic", "NonCanonicalPublic", "ZeroSharedSecret"} & set(test["flags"]))
        assert (kernel.first_bad_point(_array(bytes.fromhex(test["public"]))) is not None) == bad, test["tcId"]


def _check_masks(count: int) -> None:
    scalar, points = os.urandom(32), _hashed(count)
    key = X25519PrivateKey.from_private_bytes(scalar)
    expected = b"".join(key.exchange(X25519PublicKey.from_public_bytes(row.tobytes())) for row in points)
    assert kernel.mask(scalar, points).tobytes() == expected
    assert kernel.mask(scalar, points, workers=2).tobytes() == expected


def test_s02_masks_equal_cryptography(path: str) -> None:
    _check_masks(5_000)


@pytest.mark.slow
def test_s02_masks_equal_cryptography_100_000_times(path: str) -> None:
    _check_masks(100_000)


def test_s02_masks_equal_an_independent_ladder(multiply: Multiply, path: str) -> None:
    points = _hashed(50)
    for scalar in (os.urandom(32), bytes(32), b"\xff" * 32):
        expected = [multiply(_clamped(scalar), row.tobytes()) for row in points]
        assert [row.tobytes() for row in kernel.mask(scalar, points)] == expected


def test_what_is_not_a_scalar_or_points_is_refused(path: str) -> None:
    points = _hashed(2)
    for scalar in (b"", bytes(31), bytes(33)):
        with pytest.raises(LocalFault) as caught:
            kernel.mask(scalar, points)
        assert caught.value.rule == "scalar-length"
    with pytest.raises(LocalFault) as caught:
        kernel.mask(bytes(32), points, workers=0)
    assert caught.value.rule == "workers-invalid"
    wrongs: list[Any] = [points[:, :31], points[::-1], points.reshape(-1), points.view(np.int8), np.asfortranarray(points)]
    for wrong in wrongs:
        for function in (lambda p: kernel.mask(bytes(32), p), kernel.first_bad_point, lambda p: kernel.hash_tags(b"", p)):
            with pytest.raises(LocalFault) as caught:
                function(wrong)
            assert caught.value.rule == "points-shape"


def test_a_point_of_small_order_never_passes_the_mask(path: str) -> None:
    for number in portable.SMALL_ORDER:
        with pytest.raises(LocalFault) as caught:
            kernel.mask(os.urandom(32), _array(number.to_bytes(32, "little")))
        assert caught.value.rule == "point-unchecked"


def test_the_first_bad_point_is_the_first(path: str) -> None:
    points = _hashed(5_000)
    assert kernel.first_bad_point(points) is None
    assert kernel.first_bad_point(kernel.mask(os.urandom(32), points)) is None
    for index in (4_999, 4_609, 4_608, 4_607, 0):
        points[index] = 0
        assert kernel.first_bad_point(points) == index


def test_tags_are_the_head_of_sha_256(path: str) -> None:
    points = _hashed(5_000)
    expected = b"".join(hashlib.sha256(b"prefix" + row.tobytes()).digest()[:16] for row in points)
    assert kernel.hash_tags(b"prefix", points).tobytes() == expected
