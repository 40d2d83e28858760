"""A line of the node's log, within a transaction of the store."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tallystick.core.canonical import Json
from tallystick.crypto.randomness import SystemRandomness
from tallystick.node.entries import Event
from tallystick.node.storage import chain


def append_event(run: Any, event: str, now: datetime, job: str, details: Mapping[str, Json]) -> Event:
    """Append to the log."""
    last = run("SELECT number, entry, chain FROM event ORDER BY number DESC LIMIT 1").fetchone()
    salt = SystemRandomness().take(chain.SALT_BYTES)
    appended = chain.next_event(None if last is None else Event(*last), event, now, job, dict(details), salt)
    run("INSERT INTO event VALUES (?, ?, ?)", (appended.number, appended.entry, appended.chain))
    return appended
