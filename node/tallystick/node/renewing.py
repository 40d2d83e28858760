"""A node renews its certificate in time, without a failed job: streams that are open go on over the old one (S-33)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from tallystick.core.clock import Clock
from tallystick.core.errors import TallyError
from tallystick.core.net.membership import Membership
from tallystick.core.net.tls import Credentials, is_key_of

LOOK_SECONDS: Final = 15.0
"""How often the certificate's files are looked at."""
TRY_SECONDS: Final = 600.0
"""After how long a renewal is tried again that failed."""
_LOG: Final = structlog.get_logger("node")


class Dialled(Protocol):
    """What dials the coordinator."""

    def use(self, credentials: Credentials) -> None:
        """Show another certificate from the next call on."""
        ...


@dataclass
class Renewing:
    """Looks at the certificate now and then.

    Attributes:
        membership: the files.
        address: the coordinator's `host:port`.
        client: what must show the new certificate.
        shown: what it shows now.
    """

    membership: Membership
    address: str
    client: Dialled
    clock: Clock
    shown: Credentials | None = None
    _failed: datetime | None = None

    async def attend(self) -> None:
        """Look at the certificate, for ever; a coordinator that cannot be reached is asked again."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Take a certificate that was put in place of the one that is shown (`tally node join`), and renew it if that is due."""
        now = self.clock.now()
        try:
            held = await asyncio.to_thread(self.membership.credentials)
            whole = await asyncio.to_thread(is_key_of, held.key, held.chain)  # files are replaced one after another
            if self.shown is not None and held != self.shown and whole:
                self._show(held, "certificate taken")
            self.shown = self.shown or held
            tried = self._failed is not None and timedelta(0) <= now - self._failed < timedelta(seconds=TRY_SECONDS)
            if not tried and await asyncio.to_thread(self.membership.due, now):
                self._show(await asyncio.to_thread(self.membership.renew, self.address), "renewed")
                self._failed = None
        except TallyError as error:
            self._failed = now
            _LOG.warning("not renewed", code=error.code, message=error.message)

    def _show(self, credentials: Credentials, how: str) -> None:
        self.client.use(credentials)
        self.shown = credentials
        _LOG.info(how)
