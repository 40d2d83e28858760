"""What a node keeps of logs: the entries of its own, how it stands, and how others said that theirs do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Event:
    """One entry of the node's log.

    Attributes:
        number: from 1, without gaps.
        entry: canonical JSON: time, event, job, details.
        chain: SHA-256 over the previous entry's chain value and this entry.
    """

    number: int
    entry: bytes
    chain: bytes


@dataclass(frozen=True)
class OwnHead:
    """How this node's log stands.

    Attributes:
        size: entries.
        head: of the tree over them, 32 bytes.
    """

    size: int
    head: bytes


@dataclass(frozen=True)
class PeerHead:
    """How another agency said that its log stood.

    Attributes:
        agency: whose log.
        size, head: as `OwnHead` has them.
        document: the signed hello that says so.
        heard: when it came.
    """

    agency: str
    size: int
    head: bytes
    document: bytes = field(repr=False)
    heard: datetime
