"""The log's chain: each entry's value is SHA-256 over the one before it and the entry, so that no entry can be changed unseen.

Whoever can write the whole file can make a new chain; what finds that is a value of the chain that somebody else has noted.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from tallystick.core.canonical import Json, canonical_bytes
from tallystick.core.errors import Broken
from tallystick.crypto.codec import digest
from tallystick.node.entries import Event

START: Final = bytes(32)
SALT_BYTES: Final = 16


def next_event(previous: Event | None, event: str, now: datetime, job: str, details: dict[str, Json], salt: bytes) -> Event:
    """Make the entry that follows another; its random salt keeps it from being guessed from the head of the tree (`heads.py`)."""
    number = 1 if previous is None else previous.number + 1
    time = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    entry = canonical_bytes(
        {"number": number, "time": time, "event": event, "job": job, "details": details, "salt": salt.hex()}
    )
    return Event(number, entry, chain_value(START if previous is None else previous.chain, entry))


def chain_value(previous: bytes, entry: bytes) -> bytes:
    """Give the chain's value after an entry."""
    return digest("node log", previous, entry)


def check_chain(events: Iterable[Event], after: int, before: bytes) -> list[Event]:
    """Give events whose numbers and chain follow on `before`, the chain's value at entry number `after`.

    Raises:
        Broken: `state-corrupt`.
    """
    good: list[Event] = []
    for event in events:
        if event.number != after + len(good) + 1 or event.chain != chain_value(before, event.entry):
            raise Broken("state-corrupt", "the node's log was changed", hint="keep the state folder as it is and ask why")
        before = event.chain
        good.append(event)
    return good
