"""Worker processes: order, look-ahead, exceptions, and a child that dies."""

from __future__ import annotations

import itertools
import math
import os
import time
from collections.abc import Iterator

import pytest

from tallystick.core.errors import Broken
from tallystick.node.workers import LOOK_AHEAD, ProcessWorkers

NOTE = "TALLY_TEST_READY"


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


def test_children_that_were_made_ready_are_those_that_work() -> None:
    made = ProcessWorkers(1, memory_bytes=1 << 30)
    try:
        made.make_ready(_note)
        for _ in range(200):
            if os.environ.get(NOTE) is None and list(made.map(_noted, [None])) == [True]:
                return
            time.sleep(0.05)
        pytest.fail("no child called what makes it ready")
    finally:
        made.close()


def test_a_failure_in_making_ready_stops_nothing() -> None:
    made = ProcessWorkers(1, memory_bytes=1 << 30)
    try:
        made.make_ready(_fail)
        assert list(made.map(math.factorial, [5])) == [120]
    finally:
        made.close()


def _note() -> None:
    os.environ[NOTE] = "x"


def _noted(_: None) -> bool:
    return NOTE in os.environ


def _fail() -> None:
    raise ValueError("no")


def test_no_arguments_no_results(workers: ProcessWorkers) -> None:
    assert list(workers.map(math.factorial, [])) == []
