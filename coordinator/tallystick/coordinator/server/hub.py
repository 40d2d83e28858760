"""Who is connected, and who is told of what: the one piece of shared state of the server's event loop.

Changes come from threads; they are handed to the loop and wake the streams that wait there. A stream that is slow misses nothing that
matters: it gets the newest version of each job, not every version.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from tallystick.coordinator.records import JobRecord
from tallystick.core.errors import NotReady, Refused, TallyError
from tallystick.core.net.tls import CertifiedParty


@dataclass(eq=False)
class CallSession:
    """One call under way.

    Attributes:
        serial: of the certificate that it came with.
        ended: set when the call must end; `why` says what the caller is told.
    """

    serial: str
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    why: TallyError | None = None

    def check(self) -> None:
        """Let the call go on, or end it.

        Raises:
            TallyError: the certificate was revoked, or the coordinator stops.
        """
        if self.why is not None:
            raise self.why


@dataclass(eq=False)
class Changes:
    """What one stream has not been told yet."""

    news: asyncio.Event = field(default_factory=asyncio.Event)
    jobs: dict[bytes, JobRecord] = field(default_factory=dict)

    def take(self) -> list[JobRecord]:
        """Give the jobs that changed since it was asked last."""
        taken = list(self.jobs.values())
        self.jobs.clear()
        self.news.clear()
        return taken


class Hub:
    """Sessions, attending parties, and streams that want to know of changes. Everything but `publish` is of the loop's thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sessions: set[CallSession] = set()
        self._streams: set[Changes] = set()
        self._attending: Counter[str] = Counter()
        self._runs: dict[str, dict[CallSession, str]] = {}
        self._since: dict[str, datetime] = {}
        self._heard: dict[CertifiedParty, datetime] = {}
        self._software: dict[str, str] = {}
        self._closing: TallyError | None = None
        self.elsewhere: frozenset[str] = frozenset()
        self._log = structlog.get_logger("server")

    def bind(self) -> None:
        """Belong to the running loop."""
        self._loop = asyncio.get_running_loop()

    def publish(self, record: JobRecord) -> None:
        """Tell every stream of a change; from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._publish, record)

    def _publish(self, record: JobRecord) -> None:
        for stream in self._streams:
            held = stream.jobs.get(record.job)
            if held is None or held.version <= record.version:
                stream.jobs[record.job] = record
                stream.news.set()

    @contextlib.contextmanager
    def session(self, serial: str) -> Iterator[CallSession]:
        """Count a call as under way."""
        session = CallSession(serial, why=self._closing)
        self._sessions.add(session)
        try:
            yield session
        finally:
            self._sessions.discard(session)

    @contextlib.contextmanager
    def changes(self) -> Iterator[Changes]:
        """Follow the changes of all jobs."""
        stream = Changes()
        self._streams.add(stream)
        try:
            yield stream
        finally:
            self._streams.discard(stream)

    @contextlib.contextmanager
    def attending(self, party: str, session: CallSession | None = None, *, run: str = "", peer: str = "") -> Iterator[None]:
        """Count a party as connected. Of two processes of one party the later stays: the other's stream ends, and it is told why.

        Args:
            party: its name.
            session: of its call.
            run: what its process says to tell itself from others of the party; empty says nothing.
            peer: where the call comes from.
        """
        here = self._runs.setdefault(party, {})
        others = [other for other, said in here.items() if run and said and said != run]
        if others:
            self._log.warning("second process", party=party, peer=peer)
            self._end(others, second_process(party, peer))
        if session is not None:
            here[session] = run
        if not self._attending[party]:
            self._since[party] = datetime.now(UTC)
            self._log.info("connected", party=party)
        self._attending[party] += 1
        try:
            yield
        finally:
            self._attending[party] -= 1
            if session is not None:
                here.pop(session, None)
            if not self._attending[party]:
                began, self._since[party] = self._since[party], datetime.now(UTC)
                self._log.info("disconnected", party=party, seconds=round((self._since[party] - began).total_seconds()))

    def hear(self, party: CertifiedParty) -> None:
        """Note that a party called."""
        self._heard[party] = datetime.now(UTC)

    def hear_software(self, party: str, version: str) -> None:
        """Note which version of this software a party says that it runs."""
        self._software[party] = version

    @property
    def software(self) -> Mapping[str, str]:
        """Give the version that each party that ever attended says that it runs."""
        return dict(self._software)

    @property
    def contacts(self) -> Mapping[CertifiedParty, datetime]:
        """Give when each member called last, since this process began."""
        return dict(self._heard)

    @property
    def since(self) -> Mapping[str, datetime]:
        """Give since when each party that ever attended is connected, or is not."""
        return dict(self._since)

    @property
    def connected(self) -> Collection[str]:
        """The parties that are connected now, here or to another replica."""
        return self.here | self.elsewhere

    @property
    def here(self) -> frozenset[str]:
        """The parties that are connected to this process now."""
        return frozenset(party for party, streams in self._attending.items() if streams > 0)

    def revoke(self, serials: Collection[str]) -> None:
        """End the calls of revoked certificates."""
        why = Refused("not-enrolled", "this certificate was revoked", hint="ask the coordinator's operator")
        self._end([session for session in self._sessions if session.serial in serials], why)

    def close(self) -> None:
        """End all calls, and all that still come: the coordinator stops."""
        self._closing = NotReady("unavailable", "the coordinator stops", hint="it may start again: dial again later")
        self._end(list(self._sessions), self._closing)

    def _end(self, sessions: list[CallSession], why: TallyError) -> None:
        for session in sessions:
            session.why = session.why or why
            session.ended.set()


def second_process(party: str, peer: str) -> Refused:
    """Say to a party that another process shows its certificate."""
    return Refused(
        "second-process",
        f"another process of {party} connected from {peer or 'elsewhere'}",
        hint=f"run one node of {party}; if the other is not yours, tell the coordinator's operator to revoke {party}",
    )


async def woken(session: CallSession, changes: Changes) -> None:
    """Return when there is news.

    Raises:
        TallyError: the session ended first. (A stream is ended by an error of its own; a cancelled one would leave its client hanging.)
    """
    session.check()
    waits = [asyncio.ensure_future(event.wait()) for event in (session.ended, changes.news)]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    session.check()
