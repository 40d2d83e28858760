"""A call that was too much for the moment is made again; any other answer is final (S-49)."""

from __future__ import annotations

import grpc
import grpc.aio
import pytest

from tallystick.core.errors import NotReady, Refused, TallyError
from tallystick.core.net.patience import LONGEST_WAIT, TRIES, patiently


def calls(answers: list[TallyError | int]) -> tuple[int | TallyError, list[float]]:
    """Call until there is an answer; give it, and how long was waited each time."""
    left, waits = iter(answers), list[float]()

    def call() -> int:
        answer = next(left)
        if isinstance(answer, TallyError):
            raise answer
        return answer

    try:
        return patiently(call, waits.append), waits
    except TallyError as error:
        return error, waits


BUSY = NotReady("busy", "later")


def test_a_busy_party_is_asked_again_ever_more_slowly() -> None:
    assert calls([BUSY, BUSY, BUSY, 7]) == (7, [0.5, 1.0, 2.0])


def test_it_ends_at_some_time() -> None:
    answer, waits = calls([BUSY] * TRIES)
    assert answer is BUSY
    assert (len(waits), max(waits)) == (TRIES - 1, LONGEST_WAIT)


@pytest.mark.parametrize("error", [NotReady("unavailable", "down"), Refused("too-large", "no"), NotReady("disk", "full")])
def test_another_answer_is_final(error: TallyError) -> None:
    """One that cannot be reached may have heard the call: its caller decides."""
    assert calls([error]) == (error, [])
    assert calls([BUSY, error]) == (error, [0.5])


def test_s49_a_call_that_grpc_broke_off_is_made_again() -> None:
    broken = grpc.aio.AioRpcError(grpc.StatusCode.INTERNAL, grpc.aio.Metadata(), grpc.aio.Metadata())
    waits: list[float] = []
    answers = iter([broken, broken])

    def call() -> int:
        for one in answers:
            raise one
        return 7

    assert (patiently(call, waits.append), waits) == (7, [0.5, 1.0])
