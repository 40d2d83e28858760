"""Who is logged in, and who guessed wrongly how often: in memory, so a restart logs everybody out.

Rules that this file enforces:

1. A session ends `IDLE` after its last page, and `LONGEST` after its beginning whatever happens. What a page asks for by itself (live
   updates) is no use of it.
2. A session counts from the address alone that began it; from another one it ends: its cookie was stolen.
3. After `FREE_GUESSES` wrong passphrases for one name, each further one is answered only after a wait that doubles.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from tallystick.core.clock import Clock
from tallystick.core.errors import NotReady
from tallystick.crypto.randomness import Randomness

IDLE: Final = timedelta(minutes=15)
LONGEST: Final = timedelta(hours=8)
FREE_GUESSES: Final = 5
LONGEST_WAIT: Final = timedelta(minutes=15)
MOST_SESSIONS: Final = 200
MOST_NAMES: Final = 1000


@dataclass
class PageSession:
    """Somebody who is logged in.

    Attributes:
        name: whose it is.
        address: where it began.
        form_token: what its forms carry.
        began, used: when it began, and when a page was asked for last.
        choosing: its person has to choose a passphrase before anything else.
        analyst: it sees an analyst's own jobs, and nothing else.
        open: cleared when it ends.
    """

    name: str
    address: str
    form_token: str = field(repr=False)
    began: datetime
    used: datetime
    choosing: bool = False
    analyst: bool = False
    open: bool = True


class Sessions:
    """Sessions by cookie, and guesses by name."""

    def __init__(self, clock: Clock, randomness: Randomness) -> None:
        """Take time, and randomness of cookies."""
        self._clock = clock
        self._randomness = randomness
        self._held: dict[str, PageSession] = {}
        self._guesses: dict[str, tuple[int, datetime]] = {}
        self._lock = threading.Lock()

    def begin(self, name: str, address: str, *, choosing: bool = False, analyst: bool = False) -> str:
        """Begin a session; give its cookie."""
        cookie, now = self._randomness.take(32).hex(), self._clock.now()
        session = PageSession(name, address, self._randomness.take(32).hex(), now, now, choosing, analyst)
        with self._lock:
            self._held[_digest(cookie)] = session
            while len(self._held) > MOST_SESSIONS:
                oldest = min(self._held, key=lambda one: self._held[one].used)
                self._held.pop(oldest).open = False
        return cookie

    def find(self, cookie: str, address: str, *, by_itself: bool = False) -> PageSession | None:
        """Give the session of a cookie; None where there is none, or it has ended.

        Args:
            cookie: as the browser sent it.
            address: where the request comes from.
            by_itself: the page asked, not its reader.
        """
        digest, now = _digest(cookie), self._clock.now()
        with self._lock:
            session = self._held.get(digest)
            if session is None:
                return None
            if session.address != address or not _is_alive(session, now):
                self._held.pop(digest).open = False
                return None
            if not by_itself:
                session.used = now
            return session

    def is_open(self, session: PageSession) -> bool:
        """Tell whether a session still counts."""
        return session.open and _is_alive(session, self._clock.now())

    def end(self, cookie: str) -> None:
        """End a session."""
        with self._lock:
            session = self._held.pop(_digest(cookie), None)
            if session is not None:
                session.open = False

    def end_all_of(self, name: str) -> None:
        """End all sessions of a person."""
        with self._lock:
            for digest in [digest for digest, one in self._held.items() if one.name == name]:
                self._held.pop(digest).open = False

    def check_guess(self, name: str) -> None:
        """Let a passphrase be tried for a name, or not yet.

        Raises:
            NotReady: `busy`: too many wrong ones.
        """
        with self._lock:
            count, until = self._guesses.get(name, (0, self._clock.now()))
        if count >= FREE_GUESSES and self._clock.now() < until:
            raise NotReady("busy", "too many wrong passphrases", hint="wait some minutes, or ask for a login link")

    def note_guess(self, name: str, *, right: bool) -> None:
        """Note how a try ended."""
        with self._lock:
            if right:
                self._guesses.pop(name, None)
                return
            count = self._guesses.pop(name, (0, self._clock.now()))[0] + 1
            wait = min(timedelta(seconds=5 * 2 ** min(max(0, count - FREE_GUESSES), 10)), LONGEST_WAIT)
            self._guesses[name] = (count, self._clock.now() + wait)
            while len(self._guesses) > MOST_NAMES:
                self._guesses.pop(next(iter(self._guesses)))


def is_same(token: str, given: str) -> bool:
    """Tell whether a form's token is the session's, in time that says nothing of where they differ."""
    return hmac.compare_digest(token.encode(), given.encode("utf-8", "surrogatepass"))


def _is_alive(session: PageSession, now: datetime) -> bool:
    return now - session.used < IDLE and now - session.began < LONGEST


def _digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest()
