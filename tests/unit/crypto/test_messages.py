"""Lists as chunks and back: however they are cut, and while they still arrive."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto.errors import PeerFault
from tallystick.crypto.statistic import messages as kinds

PIECE = 48


def a_list(passes: int, rows: int) -> kinds.Bytes2:
    return np.random.default_rng(rows).integers(0, 256, (passes, rows, 16), dtype=np.uint8)


@given(st.integers(1, 3), st.integers(1, 20), st.data())
def test_a_list_has_the_same_chunks_however_it_is_cut(passes: int, rows: int, data: st.DataObject) -> None:
    whole = a_list(passes, rows)
    cuts = sorted(data.draw(st.sets(st.integers(1, passes * rows - 1), max_size=6))) if passes * rows > 1 else []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kinds, "PIECE", PIECE)
        chunks = list(kinds.list_chunks(passes, rows, np.split(whole.reshape(-1, 16), cuts)))
        assert chunks == list(kinds.list_payload(whole))
    assert all(len(chunk) == PIECE for chunk in chunks[1:-1])
    assert np.array_equal(kinds.read_list(chunks, 16, passes=passes, sender="x"), whole)


@given(st.integers(1, 3), st.integers(1, 20), st.integers(1, 25), st.integers(1, 70))
def test_a_list_is_known_row_by_row_as_it_arrives(passes: int, rows: int, step: int, piece: int) -> None:
    sent = a_list(passes, rows)
    taken = 0

    def chunks() -> Iterator[bytes]:
        nonlocal taken
        header, *rest = kinds.list_payload(sent)
        yield header
        data = b"".join(rest)
        for start in range(0, len(data), piece):
            taken = min(start + piece, len(data))
            yield data[start : start + piece]

    said, arrived = kinds.arriving_list(chunks(), 16, passes=passes, sender="x", step=step)
    assert said == rows
    seen = []
    for at, start, block in arrived:
        stop = start + len(block)
        assert 0 < len(block) <= step
        assert (at * rows + stop) * 16 <= taken
        assert np.array_equal(block, sent[at, start:stop])
        seen += [(at, row) for row in range(start, stop)]
    assert seen == [(at, row) for at in range(passes) for row in range(rows)]


@pytest.mark.parametrize("change", [-1, 1])
def test_a_list_of_another_length_is_refused_when_it_ends(change: int) -> None:
    header, data = kinds.list_payload(a_list(1, 4))
    cut = data[:change] if change < 0 else data + b"x"
    _, arrived = kinds.arriving_list([header, cut], 16, passes=1, sender="labor", step=1)
    with pytest.raises(PeerFault, match="labor"):
        list(arrived)
