"""A log that cannot be written stops nobody (S-36)."""

from __future__ import annotations

import errno
import io
import os
from typing import Any

import pytest
import structlog

from tallystick.core.logs import configure_logs


class Full(io.StringIO):
    """A stream on a full disk."""

    full = True

    def write(self, text: str) -> int:
        """Fail while it is full."""
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(text)


@pytest.fixture
def configured() -> Any:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.usefixtures("configured")
def test_s36_a_log_on_a_full_disk_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Full()
    monkeypatch.setattr("sys.stderr", stream)
    configure_logs()
    structlog.get_logger("test").info("lost", count=1)
    stream.full = False
    structlog.get_logger("test").info("kept", count=2)
    assert "lost" not in stream.getvalue()
    assert '"event": "kept"' in stream.getvalue()
