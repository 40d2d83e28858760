"""Worker processes: order, look-ahead, exceptions, and a child that dies."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterator

import pytest

from tallystick.core.errors import Broken
from tallystick.node.workers import LOOK_AHEAD, ProcessWorkers


@pytest.fixture(scope="module")
def workers() -> Iterator[ProcessWorkers]:
    made = ProcessWorkers(2, memory_bytes=1 << 30)
    yield made
    made.close()


def test_results_come_in_order_with_bounded_look_ahead(workers: ProcessWorkers) -> None:
    drawn = itertools.count()
    results = workers.map(math.factorial, drawn)
    assert list(itertools.islice(results, 5)) == [1, 1, 2, 6, 24]
    assert next(drawn) <= 5 + 1 + workers.count * LOOK_AHEAD


def test_an_exception_is_the_callers(workers: ProcessWorkers) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        list(workers.map(int, ["three"]))
    assert list(workers.map(math.factorial, [3])) == [6]


def test_s16_a_child_that_dies_fails_cleanly_and_the_next_call_works(workers: ProcessWorkers) -> None:
    with pytest.raises(Broken) as caught:
        list(workers.map(os._exit, [9, 9]))
    assert caught.value.code == "internal"
    assert list(workers.map(math.factorial, [4])) == [24]


def test_s16_a_child_cannot_take_more_memory_than_it_may(workers: ProcessWorkers) -> None:
    with pytest.raises(MemoryError):
        list(workers.map(bytearray, [2 << 30]))


def test_no_arguments_no_results(workers: ProcessWorkers) -> None:
    assert list(workers.map(math.factorial, [])) == []
