"""The keys that letters to this node are sealed to: new ones every half hour, in memory alone, so that old letters stay shut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from tallystick.core.consent.asking import DOOR_SECONDS, LetterDoor
from tallystick.core.consent.letters import open_letter
from tallystick.core.documents import sign_document
from tallystick.core.errors import Broken
from tallystick.core.keyfile import IdentityKey
from tallystick.crypto.envelope import SealingKey

FRESH: Final = timedelta(seconds=DOOR_SECONDS // 2)


@dataclass
class Doors:
    """This node's doors: the newest is announced, and the one before stays open until its time is over.

    Attributes:
        agency, identity: who announces.
    """

    agency: str
    identity: IdentityKey
    _open: list[tuple[SealingKey, datetime]] = field(default_factory=list, repr=False)

    def announce(self, now: datetime) -> bytes:
        """Give the signed announcement of the newest door; makes one where that is old."""
        self._open = [(key, until) for key, until in self._open if until > now]
        if not self._open or self._open[-1][1] - now < FRESH:
            self._open.append((SealingKey.generate(), now + timedelta(seconds=DOOR_SECONDS)))
        key, until = self._open[-1]
        door = LetterDoor(agency=self.agency, key=key.public.hex(), until=until.strftime("%Y-%m-%dT%H:%M:%SZ"))
        return sign_document("door", door, self.agency, self.identity).encode()

    def open(self, sealed: bytes) -> Sequence[bytes]:
        """Give the parts of a letter.

        Raises:
            Broken: `protocol-broken`: it is sealed to no door that is open.
        """
        for key, _ in reversed(self._open):
            try:
                return open_letter(key, sealed)
            except Broken:
                continue
        raise Broken("protocol-broken", "a letter does not open here")
