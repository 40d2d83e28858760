"""The table of what other agencies said of their logs, within a transaction of the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from tallystick.node.entries import PeerHead

_ADD: Final = (
    "INSERT INTO head (agency, size, head, document, heard) SELECT ?, ?, ?, ?, ? WHERE NOT EXISTS "
    "(SELECT 1 FROM head WHERE agency = ? AND size = ? AND head = ?)"
)
_OTHERS: Final = "SELECT 1 FROM head WHERE agency = ? AND size = ? AND head <> ?"
_ALL: Final = "SELECT agency, size, head, document, heard FROM head ORDER BY number LIMIT ? OFFSET ?"
_LAST: Final = "SELECT agency, size, head, document, heard FROM head WHERE agency = ? ORDER BY number DESC LIMIT 1"


def add_head(run: Any, head: PeerHead) -> bool:
    """Keep a head that is not there yet; tell whether no other head of that size is kept of that agency."""
    said = (head.agency, head.size, head.head)
    run(_ADD, (*said, head.document, head.heard.isoformat(), *said))
    return run(_OTHERS, said).fetchone() is None


def read_heads(run: Any, after: int, limit: int) -> Sequence[PeerHead]:
    """Read heads in the order in which they came."""
    return [_read(*row) for row in run(_ALL, (limit, after)).fetchall()]


def find_head(run: Any, agency: str) -> PeerHead | None:
    """Find what an agency said last."""
    row = run(_LAST, (agency,)).fetchone()
    return None if row is None else _read(*row)


def _read(agency: str, size: int, head: bytes, document: bytes, heard: str) -> PeerHead:
    return PeerHead(agency, size, head, document, datetime.fromisoformat(heard))
