"""Asking again where the answer was "later": for callers that block. Nodes, which wait for ever, have their own (`node/courier.py`)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

import grpc

from tallystick.core.errors import NotReady
from tallystick.core.net.status import broke_off, read_error

T = TypeVar("T")

FIRST_WAIT: Final = 0.5
LONGEST_WAIT: Final = 8.0
TRIES: Final = 10
"""How often a call is made that is too much for the other side: with the waits between them it takes 47 seconds or longer."""


def wait_before(again: int) -> float:
    """Give how many seconds to wait before asking again for the `again`-th time, from 1."""
    return min(FIRST_WAIT * 2.0 ** min(again - 1, 10), LONGEST_WAIT)


def patiently(call: Callable[[], T], sleep: Callable[[float], None] = time.sleep) -> T:
    """Make a call, and again while the other side takes no more calls (`busy`) or gRPC itself breaks it off.

    Args:
        call: may be made twice (every call of ours may); raises what gRPC raises, or a `TallyError`.
        sleep: waits so many seconds.

    Raises:
        TallyError: what the call's status stands for; `busy`, and what broke off, only after `TRIES` calls.
    """
    again = 0
    while True:
        try:
            return call()
        except (grpc.RpcError, NotReady) as failure:
            error = read_error(failure) if isinstance(failure, grpc.RpcError) else failure
            again += 1
            later = error.code == "busy" or (isinstance(failure, grpc.RpcError) and broke_off(failure))
            if not later or again == TRIES:
                raise error from failure
        sleep(wait_before(again))
