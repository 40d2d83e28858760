"""Who uses the database now: its end waits for them, whatever thread they are in."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tallystick.core.errors import NotReady


class Users:
    """Count transactions under way; once closed, let none begin."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0
        self._closed = False

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count one transaction for as long as the context lasts.

        Raises:
            NotReady: `unavailable`: closed.
        """
        with self._changed:
            if self._closed:
                raise NotReady("unavailable", "the coordinator stops", hint="it may start again: dial again later")
            self._count += 1
        try:
            yield
        finally:
            with self._changed:
                self._count -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Let none begin, and return when the last has ended. Closing again changes nothing."""
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: self._count == 0)
