"""Time as something that is passed in: UTC, whole seconds where it is written down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Give the present moment, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Give the present moment, in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock for tests: it stands still until it is moved."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """Give the moment it was last moved to."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move it."""
        self._now += by
