"""Reads the node's log for its page: whole once, after that what is new and what is shown.

Rules that this file enforces:

1. The first reading takes the whole log and checks its chain. What was reached is kept in memory: a number and the chain's value there.
2. A later reading starts there. The entry at that number must still have that value, and what follows must follow on it: a log that was
   cut, or written anew, is refused.
3. The entries that a page shows are checked at each reading: their chain must end at the value that was reached. Older ones are read
   again only when somebody asks for the whole log.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tallystick.core.clock import Clock
from tallystick.core.errors import Broken
from tallystick.node.ports import NodeStorage
from tallystick.node.storage.chain import START, check_chain
from tallystick.node.view_builders import build_log_entry
from tallystick.node.views import LogEntry

PAGE: Final = 1000
MOST_ENTRIES: Final = 500


@dataclass(frozen=True)
class LogPage:
    """What the page of the log says.

    Attributes:
        entries: the newest, newest first.
        count: entries in the log.
        whole: up to which entry the log was read whole, and when.
    """

    entries: list[LogEntry]
    count: int
    whole: tuple[int, datetime]


class LogReader:
    """Reads a log, and keeps how far it was checked. Methods block."""

    def __init__(self, storage: NodeStorage, clock: Clock) -> None:
        """Take the log and a clock."""
        self._storage = storage
        self._clock = clock
        self._reading = threading.Lock()
        self._number, self._chain = 0, START
        self._whole: tuple[int, datetime] | None = None

    def read(self, *, whole: bool = False) -> LogPage:
        """Check what is new, and give the newest entries.

        Args:
            whole: read and check every entry again.

        Raises:
            Broken: `state-corrupt`: an entry was changed, left out or put in.
        """
        with self._reading:
            if whole or self._whole is None:
                self._advance(0, START)
                self._whole = (self._number, self._clock.now())
            else:
                self._check_reached()
                self._advance(self._number, self._chain)
            shown = self._storage.events(max(0, self._number - MOST_ENTRIES), min(MOST_ENTRIES, self._number))
            if self._number and (not shown or shown[-1].chain != self._chain):
                raise _report_change()
            return LogPage([build_log_entry(one) for one in reversed(shown)], self._number, self._whole)

    def _advance(self, number: int, chain: bytes) -> None:
        """Check what follows an entry; what was reached is kept once all of it holds."""
        while events := self._storage.events(number, PAGE):
            check_chain(events, number, chain)
            number, chain = events[-1].number, events[-1].chain
        if number < self._number:
            raise _report_change()  # the whole log was asked for, and has fewer entries than before
        self._number, self._chain = number, chain

    def _check_reached(self) -> None:
        if not self._number:
            return
        last = self._storage.events(self._number - 1, 1)
        if not last or last[0].chain != self._chain:
            raise _report_change()


def _report_change() -> Broken:
    return Broken("state-corrupt", "the node's log was changed", hint="keep the state folder as it is and ask why")
