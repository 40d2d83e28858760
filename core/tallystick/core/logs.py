"""Logs of the parties that serve: JSON lines on stderr. Events, codes and counts; never data (S-27)."""

from __future__ import annotations

import contextlib
import sys
from typing import Any, TextIO

import structlog


class Forgiving:
    """A stream whose failures are nobody's: a log that lies on a full disk must not stop the work that it tells of (S-36)."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or do without."""
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, or do without."""
        with contextlib.suppress(OSError):
            self._stream.flush()


def configure_logs() -> None:
    """Log to stderr from now on, in this process."""
    stream: Any = Forgiving(sys.stderr)  # all that a logger does with a file
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
