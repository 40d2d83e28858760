"""Lists that are read pass by pass give what whole arrays give, in little memory, and what is bad in them is found (S-06, S-38)."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

from tallystick.coordinator.matching import match_tags
from tallystick.coordinator.taglist import Opened, TagList, whole_passes
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.points import refuse_repeats
from tallystick.crypto.statistic import messages as kinds

Tags = npt.NDArray[np.uint8]


def a_list(passes: int, rows: int, seed: int = 1) -> Tags:
    return np.random.default_rng(seed).integers(0, 256, (passes, rows, 16), dtype=np.uint8)


def opening(chunks: Callable[[], Iterator[bytes]], passes: int, opened: list[int] | None = None) -> Callable[[], Opened]:
    """Give what opens a list of chunks, and notes that it was opened."""

    def checked(_: int, values: Tags) -> Tags:
        refuse_repeats(values, sender="labor")
        return values

    def open_it() -> Opened:
        if opened is not None:
            opened.append(1)
        rows, arrived = kinds.arriving_list(chunks(), 16, passes=passes, sender="labor", step=7)
        return rows, whole_passes(arrived, passes, (rows, 16), checked)

    return open_it


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def test_a_list_reads_as_an_array_does(threads: ThreadPoolExecutor) -> None:
    whole, opened = a_list(5, 23), list[int]()
    one = TagList(opening(lambda: kinds.list_payload(whole), 5, opened), 5, threads)
    assert (one.shape, one.ndim, len(one)) == (whole.shape, whole.ndim, len(whole))
    for place in range(5):
        assert np.array_equal(one.at(place), whole[place])
    assert len(opened) == 1
    assert np.array_equal(np.stack(list(one)), whole)
    rest = one[3:]
    assert rest.shape == whole[3:].shape
    assert np.array_equal(np.stack(list(rest)), whole[3:])
    assert np.array_equal(one[4], whole[4])
    assert np.array_equal(one[1], whole[1])  # an earlier one: read anew
    assert len(opened) == 5
    for place in (-1, 5):
        with pytest.raises(IndexError):
            one.at(place)


def test_s06_a_value_that_stands_twice_is_found_in_any_pass(threads: ThreadPoolExecutor) -> None:
    for bad in range(3):
        whole = a_list(3, 20)
        whole[bad, 4] = whole[bad, 11]

        def chunks(whole: Tags = whole) -> Iterator[bytes]:
            return kinds.list_payload(whole)

        one = TagList(opening(chunks, 3), 3, threads)
        for place in range(bad):
            assert np.array_equal(one.at(place), whole[place])
        with pytest.raises(PeerFault, match="labor"):
            one.at(bad)
        two = TagList(opening(chunks, 3), 3, threads)
        with pytest.raises(PeerFault, match="labor"):
            two.finish()


def test_lists_that_are_read_match_as_arrays_do(threads: ThreadPoolExecutor) -> None:
    one, two = a_list(4, 40, seed=1), a_list(4, 50, seed=2)
    for step in range(4):
        two[step, 8 * step : 8 * step + 12] = one[step, 7 * step : 7 * step + 12]
    whole = match_tags([one, two])
    opened = [TagList(opening(partial(kinds.list_payload, values), 4), 4, threads) for values in (one, two)]
    read = match_tags(cast("list[Tags]", opened))
    assert (read.clusters, read.links, read.ties) == (whole.clusters, whole.links, whole.ties)
    assert min(whole.links) > 0
    assert all(np.array_equal(a, b) for a, b in zip(read.cluster, whole.cluster, strict=True))


@pytest.mark.parametrize("change", [-1, 1])
def test_a_list_of_another_length_is_refused_before_its_last_pass_is_given(threads: ThreadPoolExecutor, change: int) -> None:
    whole = a_list(3, 20)

    def chunks() -> Iterator[bytes]:
        data = b"".join(kinds.list_payload(whole))
        yield data[:12]
        yield data[12:change] if change < 0 else data[12:]
        if change > 0:
            yield b"x"

    one = TagList(opening(chunks, 3), 3, threads)
    assert np.array_equal(one.at(1), whole[1])
    with pytest.raises(PeerFault, match="bytes that its header says"):
        one.at(2)


def test_s38_two_passes_of_a_list_are_held_at_a_time(threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "PIECE", 4096)
    passes, rows = 40, 4096
    whole = a_list(passes, rows)
    tracemalloc.start()
    try:
        one = TagList(opening(lambda: kinds.list_payload(whole), passes), passes, threads)
        number = sum(len(values) for values in one)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert number == passes * rows
    assert peak < 6 * rows * 16
