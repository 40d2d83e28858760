"""A blocking call to the coordinator: made again where the answer was "later", and explained where there was none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tallystick.core.clock import SystemClock
from tallystick.core.errors import NotReady
from tallystick.core.net.patience import patiently
from tallystick.core.net.tls import Credentials
from tallystick.core.net.walk import find_cause

T = TypeVar("T")


def ask(address: str, credentials: Credentials, call: Callable[[], T]) -> T:
    """Make a call; where the coordinator is not reached, try each hop to it and say which one fails.

    Args:
        address: `host:port`.
        credentials: what the call shows.
        call: may be made twice; raises what gRPC raises, or a `TallyError`.

    Raises:
        TallyError: what the coordinator said, or what stands in the way (`walk.py`); `unavailable` where nothing is found to.
    """
    try:
        return patiently(call)
    except NotReady as error:
        if error.code != "unavailable":
            raise
        cause = find_cause(address, credentials, SystemClock().now())
        if cause is None:
            raise
        raise cause from error
