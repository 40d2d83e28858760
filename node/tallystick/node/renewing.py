"""A node renews its certificate in time, without a failed job: streams that are open go on over the old one (S-33).

The coordinator's address is looked at as well: one that was changed (`tally node dial`) is taken without a restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from tallystick.core.clock import Clock
from tallystick.core.errors import NotReady, TallyError
from tallystick.core.net.membership import Membership
from tallystick.core.net.tls import Credentials, is_key_of

LOOK_SECONDS: Final = 15.0
"""How often the certificate's files are looked at."""
TRY_SECONDS: Final = 600.0
"""After how long a renewal is tried again that was refused."""
SOON_SECONDS: Final = 30.0
"""And one that the coordinator did not answer, or put off."""
_LOG: Final = structlog.get_logger("node")


class Dialled(Protocol):
    """What dials the coordinator."""

    def use(self, credentials: Credentials) -> None:
        """Show another certificate from the next call on."""
        ...

    def dial(self, address: str, credentials: Credentials) -> None:
        """Dial another address, and hang up at the one before."""
        ...


@dataclass
class Renewing:
    """Looks at the certificate now and then.

    Attributes:
        membership: the files.
        address: the coordinator's `host:port`.
        client: what must show the new certificate.
        shown: what it shows now.
        read_address: gives the address of the moment.
        moved: is told of an address that was taken.
    """

    membership: Membership
    address: str
    client: Dialled
    clock: Clock
    shown: Credentials | None = None
    read_address: Callable[[], str] | None = None
    moved: Callable[[str], None] = lambda _: None
    _failed: datetime | None = None
    _wait: timedelta = timedelta(0)

    async def attend(self) -> None:
        """Look at the certificate, for ever; a coordinator that cannot be reached is asked again."""
        while True:
            await self.look()
            await self.look_at_address()
            await asyncio.sleep(LOOK_SECONDS)

    async def look_at_address(self) -> None:
        """Take the coordinator's address if it is another one now."""
        if self.read_address is None:
            return
        try:
            address = await asyncio.to_thread(self.read_address)
            if address != self.address:
                self.client.dial(address, await asyncio.to_thread(self.membership.credentials))
                self.address = address
                self.moved(address)
                _LOG.info("address taken", coordinator=address)
        except TallyError as error:  # somebody is writing the file
            _LOG.warning("address not read", code=error.code, message=error.message)

    async def look(self) -> None:
        """Take a certificate that was put in place of the one that is shown (`tally node join`), and renew it if that is due."""
        now = self.clock.now()
        try:
            held = await asyncio.to_thread(self.membership.credentials)
            whole = await asyncio.to_thread(is_key_of, held.key, held.chain)  # files are replaced one after another
            if self.shown is not None and held != self.shown and whole:
                self._show(held, "certificate taken")
            self.shown = self.shown or held
            tried = self._failed is not None and timedelta(0) <= now - self._failed < self._wait
            if not tried and await asyncio.to_thread(self.membership.due, now):
                self._show(await asyncio.to_thread(self.membership.renew, self.address), "renewed")
                self._failed = None
        except TallyError as error:
            self._failed = now
            self._wait = timedelta(seconds=SOON_SECONDS if isinstance(error, NotReady) else TRY_SECONDS)
            _LOG.warning("not renewed", code=error.code, message=error.message)

    def _show(self, credentials: Credentials, how: str) -> None:
        self.client.use(credentials)
        self.shown = credentials
        _LOG.info(how)
