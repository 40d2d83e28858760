"""How the connection to the coordinator is, since when, and why it is not there; the log says what changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from tallystick.core.clock import Clock
from tallystick.core.errors import TallyError

_LOG: Final = structlog.get_logger("node")


@dataclass
class LinkState:
    """The connection of one node.

    Attributes:
        address: `host:port` of the coordinator.
        connected: the coordinator has taken the call that brings notices, and has not ended it.
        since: since when that is so, or is not; None before the first try.
        heard: when it answered last; None for never.
        error: why it is not connected.
    """

    address: str
    clock: Clock
    connected: bool = False
    since: datetime | None = None
    heard: datetime | None = None
    error: TallyError | None = None

    def move(self, address: str) -> None:
        """Note that the coordinator is dialed at another address."""
        self.address = address

    def hear(self) -> None:
        """Note that the coordinator answered."""
        self.heard = self.clock.now()

    def open(self) -> None:
        """Note that it is connected."""
        self.hear()
        lost = self.since if self.error is not None else None
        away = None if lost is None else int((self.clock.now() - lost).total_seconds())
        self.connected, self.since, self.error = True, self.clock.now(), None
        _LOG.info("connected", coordinator=self.address, away_seconds=away)

    def lose(self, error: TallyError) -> None:
        """Note that it is not; the log says a reason once."""
        news = self.connected or self.error is None or self.error.code != error.code or self.error.message != error.message
        if self.connected or self.since is None:
            self.since = self.clock.now()
        self.connected, self.error = False, error
        if news:
            _LOG.warning("not connected", coordinator=self.address, code=error.code, message=error.message, hint=error.hint)
