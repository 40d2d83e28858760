"""The reference hash against RFC 9380's own vectors, and its edges."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from gmpy2 import mpz
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto import hash_to_curve as h2c
from tallystick.crypto import masks, portable
from tallystick.crypto.errors import LocalFault

Load = Callable[[str], dict[str, Any]]
elements = st.integers(0, int(h2c.P) - 1).map(mpz)


def _number(text: str) -> int:
    return int(text, 16)


def test_s01_expand_message_xmd_equals_rfc_9380(load: Load) -> None:
    file = load("rfc9380_expand_message_xmd_sha512.json")
    assert len(file["vectors"]) == 10
    for vector in file["vectors"]:
        assert h2c.dst_prime(file["dst"].encode()).hex() == vector["DST_prime"]
        uniform = h2c.expand_message_xmd(vector["msg"].encode(), file["dst"].encode(), vector["length"])
        assert uniform.hex() == vector["uniform_bytes"]


def test_s01_every_step_of_hash_to_curve_equals_rfc_9380(load: Load) -> None:
    file = load("rfc9380_curve25519_ro.json")
    dst = file["dst"].encode()
    assert len(file["vectors"]) == 5
    for vector in file["vectors"]:
        message = vector["msg"].encode()
        assert h2c.hash_to_field(message, dst, 2) == [_number(u) for u in vector["u"]]
        for u, point in zip(vector["u"], (vector["Q0"], vector["Q1"]), strict=True):
            assert h2c.map_to_curve_elligator2_curve25519(mpz(_number(u))) == (_number(point["x"]), _number(point["y"]))
        assert h2c.hash_to_curve(message, dst) == (_number(vector["P"]["x"]), _number(vector["P"]["y"]))


@pytest.mark.parametrize("length", [1, 63, 64, 65, 96, 255 * 64])
def test_expansion_is_as_long_as_asked(length: int) -> None:
    assert len(h2c.expand_message_xmd(b"m", b"dst", length)) == length


def test_expansion_beyond_255_blocks_is_refused() -> None:
    with pytest.raises(LocalFault) as caught:
        h2c.expand_message_xmd(b"m", b"dst", 255 * 64 + 1)
    assert caught.value.rule == "expand-length"


def test_a_long_tag_is_hashed_first_and_an_empty_one_refused() -> None:
    assert h2c.dst_prime(b"x" * 255) == b"x" * 255 + b"\xff"
    assert h2c.dst_prime(b"x" * 256) == hashlib.sha512(b"H2C-OVERSIZE-DST-" + b"x" * 256).digest() + b"\x40"
    with pytest.raises(LocalFault) as caught:
        h2c.dst_prime(b"")
    assert caught.value.rule == "dst-empty"


@given(elements)
def test_both_maps_agree_and_land_on_the_curve(u: mpz) -> None:
    x, y = h2c.map_to_curve_elligator2_curve25519(u)
    assert y * y % h2c.P == (x**3 + 486662 * x * x + x) % h2c.P
    assert portable._map(u) == (x, y)


@pytest.mark.parametrize("u", [0, 1, 2, int(h2c.P) - 1, (int(h2c.P) - 1) // 2])
def test_the_maps_agree_at_the_edges(u: int) -> None:
    assert portable._map(mpz(u)) == h2c.map_to_curve_elligator2_curve25519(mpz(u))


@given(elements, elements, elements)
def test_addition_is_a_group_law(a: mpz, b: mpz, c: mpz) -> None:
    p, q, r = (h2c.map_to_curve_elligator2_curve25519(u) for u in (a, b, c))
    assert h2c.add(p, q) == h2c.add(q, p)
    assert h2c.add(h2c.add(p, q), r) == h2c.add(p, h2c.add(q, r))
    assert h2c.add(p, None) == p
    assert h2c.add(p, (p[0], -p[1] % h2c.P)) is None


@given(elements.filter(bool), elements.filter(bool))
def test_both_ways_to_add_and_clear_agree(a: mpz, b: mpz) -> None:
    p, q = h2c.map_to_curve_elligator2_curve25519(a), h2c.map_to_curve_elligator2_curve25519(b)
    for other in (q, p):
        cleared = h2c.clear_cofactor(h2c.add(p, other))
        assert cleared is not None
        assert portable._add_and_clear(*p, *other) == h2c.encode_coordinate(cleared[0])


def test_the_cofactor_is_cleared(multiply: Callable[[int, bytes], bytes]) -> None:
    """The point has the prime order L: (L + 1)·P = P."""
    u = h2c.encode_coordinate(h2c.hash_to_curve(b"message", b"dst")[0])
    assert multiply(masks.L + 1, u) == u
    raw = next(
        x
        for x in map(mpz, range(2, 100))
        if h2c.on_curve(x) and multiply(masks.L + 1, h2c.encode_coordinate(x)) != h2c.encode_coordinate(x)
    )
    assert multiply(8 * masks.L + 1, h2c.encode_coordinate(raw)) == h2c.encode_coordinate(raw)


def test_the_identity_is_never_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Zero maps to (0, 0), of order two; twice that is the identity."""
    monkeypatch.setattr(h2c, "hash_to_field", lambda *_: [mpz(0), mpz(0)])
    with pytest.raises(LocalFault) as caught:
        h2c.hash_to_curve(b"", b"dst")
    assert caught.value.rule == "hash-identity"
    x, y = h2c.map_to_curve_elligator2_curve25519(mpz(7))
    for points in [(mpz(0), mpz(0), mpz(0), mpz(0)), (x, y, x, -y % h2c.P)]:
        with pytest.raises(LocalFault) as caught:
            portable._add_and_clear(*points)
        assert caught.value.rule == "hash-identity"
