"""A node renews its certificate in time, without a failed job: streams that are open go on over the old one (S-33)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from tallystick.core.clock import Clock
from tallystick.core.errors import TallyError
from tallystick.core.net.membership import Membership
from tallystick.core.net.tls import Credentials

LOOK_SECONDS: Final = 3600.0
"""How often the certificate is looked at."""
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
    """

    membership: Membership
    address: str
    client: Dialled
    clock: Clock

    async def attend(self) -> None:
        """Renew whenever it is due, for ever; a coordinator that cannot be reached is asked again."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Renew if it is due."""
        try:
            if await asyncio.to_thread(self.membership.due, self.clock.now()):
                self.client.use(await asyncio.to_thread(self.membership.renew, self.address))
                _LOG.info("renewed")
        except TallyError as error:
            _LOG.warning("not renewed", code=error.code)
