"""Hear from PostgreSQL which jobs other replicas changed. It is a hint: what was not heard is found by asking (`server/peers.py`)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

import structlog

from tallystick.coordinator.storage.sql import CHANNEL

PATIENCE_S: Final = 2.0
"""How long the listener hears before it looks whether it should end, and waits before it connects again."""
_JOB_DIGITS: Final = 64


class Hints:
    """A thread with a connection of its own, that listens."""

    def __init__(self, parameters: dict[str, Any], replica: str, heard: Callable[[bytes], None]) -> None:
        """Take how to connect, this replica's own word, which is not listened to, and what to call, in the thread, with a job."""
        self._parameters = parameters
        self._replica = replica
        self._heard = heard
        self._stopped = threading.Event()
        self._log = structlog.get_logger("hints")
        self._thread = threading.Thread(target=self._listen, name="hints", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Listen no more; return when the connection is closed."""
        self._stopped.set()
        self._thread.join()

    def _listen(self) -> None:
        import psycopg

        while not self._stopped.is_set():
            try:
                with psycopg.connect(**self._parameters, autocommit=True) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    while not self._stopped.is_set():
                        for word in connection.notifies(timeout=PATIENCE_S):
                            self._hear(word.payload)
            except psycopg.Error as error:  # the database is away: what it would have said is asked for meanwhile
                self._log.warning("hints lost", error=type(error).__name__)
                self._stopped.wait(PATIENCE_S)

    def _hear(self, payload: str) -> None:
        job, _, replica = payload.partition(" ")
        if replica != self._replica and len(job) == _JOB_DIGITS:
            self._heard(bytes.fromhex(job))
