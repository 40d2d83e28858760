"""The Merkle tree of RFC 6962, against the published heads of eight leaves and against the RFC's definitions, written out here."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto.logtree import (
    EMPTY,
    Heads,
    hash_leaf,
    head_of,
    is_included,
    prove_inclusion,
)

LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
"""The reference leaves of Certificate Transparency, and below the heads of the first one, two, and so on."""
PUBLISHED = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHES = [hash_leaf(bytes.fromhex(one)) for one in LEAVES]
SIZES = st.integers(1, 70)


def leaves(size: int, tail: bytes = b"") -> list[bytes]:
    return [hash_leaf(tail + bytes([number])) for number in range(size)]


def defined(hashes: list[bytes]) -> bytes:
    """The head as RFC 6962 §2.1 defines it."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return sha256(b"\x01" + defined(hashes[:k]) + defined(hashes[k:])).digest()


def test_heads_are_those_that_were_published() -> None:
    assert [head_of(HASHES[: size + 1]).hex() for size in range(8)] == PUBLISHED
    assert head_of([]) == EMPTY == sha256(b"").digest()


@given(st.integers(0, 70))
def test_a_head_that_grows_is_the_one_that_is_defined(size: int) -> None:
    heads = Heads()
    for number, leaf in enumerate(leaves(size)):
        heads.append(leaf)
        assert heads.head() == defined(leaves(number + 1))
    assert (heads.size, heads.head()) == (size, defined(leaves(size)))


@given(st.data())
def test_every_entry_has_a_proof_and_no_other_place_or_entry_has_it(data: st.DataObject) -> None:
    size = data.draw(SIZES)
    index = data.draw(st.integers(0, size - 1))
    all_leaves = leaves(size)
    path, head = prove_inclusion(all_leaves, index), head_of(all_leaves)
    assert is_included(all_leaves[index], index, size, path, head)
    assert not is_included(hash_leaf(b"other"), index, size, path, head)
    for other in range(size):
        assert is_included(all_leaves[index], other, size, path, head) == (other == index)
    assert not is_included(all_leaves[index], index, size, [*path, head], head)
    assert not is_included(all_leaves[index], size, size, path, head)
    if path:
        assert not is_included(all_leaves[index], index, size, path[:-1], head)


@pytest.mark.parametrize(("size", "index"), [(0, 0), (3, 3), (3, -1)])
def test_what_is_not_there_has_no_proof(size: int, index: int) -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        prove_inclusion(leaves(size), index)
