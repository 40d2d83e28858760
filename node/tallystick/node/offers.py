"""What comes along with the coordinator's notices: views in place of the answer to a question, and small messages in place of a download.

Rules that this file enforces:

1. A view counts in place of an answer only where it is newer than all that was looked at of its job: an older one, that a question overtook,
   would seem to be a lie.
2. What is kept has bounds; beyond them, and of what is not here, the coordinator is asked.

Nothing is believed because it came this way: views and envelopes are checked as answers are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tallystick.core.net.chunks import MessageName
from tallystick.v1.relay_pb2 import Notice
from tallystick.v1.types_pb2 import Envelope, JobView

MOST_VIEWS: Final = 64
"""Views that wait to be looked at; of further jobs the coordinator is asked."""
MOST_BYTES: Final = 4 << 20
"""Of one session's messages that came along and wait to be read; what is more is fetched when it is."""


@dataclass
class OfferedViews:
    """Views that came along and were not looked at yet, by job, and the newest version that was."""

    _views: dict[bytes, JobView] = field(default_factory=dict)
    _seen: dict[bytes, int] = field(default_factory=dict)

    def hear(self, notice: Notice) -> None:
        """Keep a notice's view (rule 2)."""
        if not notice.HasField("view"):
            return
        before = self._views.get(notice.job)
        if before is None and len(self._views) >= MOST_VIEWS:
            return
        if before is None or before.version < notice.view.version:
            self._views[notice.job] = notice.view

    def take(self, job: bytes) -> JobView | None:
        """Give the view of a job that is newer than all that was looked at (rule 1), if there is one; once."""
        view = self._views.pop(job, None)
        return view if view is not None and view.version > self._seen.get(job, 0) else None

    def note(self, view: JobView) -> None:
        """Note that a view is looked at."""
        self._seen[view.job] = view.version

    def forget(self, job: bytes) -> None:
        """Let go of a job that ended."""
        self._seen.pop(job, None)


@dataclass
class OfferedMessages:
    """Envelopes of one session's messages that came along, by message."""

    _held: dict[bytes, list[Envelope]] = field(default_factory=dict)
    _bytes: int = 0

    def hear(self, envelopes: Iterable[Envelope]) -> None:
        """Keep envelopes until their message is awaited (rule 2); a stream that was opened again brings some that are here already."""
        for envelope in envelopes:
            held = self._held.setdefault(envelope.ref.SerializeToString(deterministic=True), [])
            if envelope.sequence != len(held):
                continue
            if self._bytes + envelope.ByteSize() > MOST_BYTES:
                return
            self._bytes += envelope.ByteSize()
            held.append(envelope)

    def take(self, name: MessageName) -> list[Envelope]:
        """Give what is here of a message, once."""
        taken = self._held.pop(name.wire().SerializeToString(deterministic=True), [])
        self._bytes -= sum(envelope.ByteSize() for envelope in taken)
        return taken

    def clear(self) -> None:
        """Let go of everything."""
        self._held.clear()
        self._bytes = 0
