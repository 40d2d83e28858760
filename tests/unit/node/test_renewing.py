"""When a node renews: at once where that is due, soon again where nobody answered, later where it was refused; and where it dials."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from tallystick.core.clock import FixedClock
from tallystick.core.errors import NotReady, Refused, TallyError
from tallystick.core.net import tls
from tallystick.core.net.membership import Membership
from tallystick.core.net.tls import CertifiedParty, Credentials
from tallystick.node.renewing import SOON_SECONDS, TRY_SECONDS, Renewing

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Files:
    """A membership whose certificate is always due, and a coordinator that says no at first."""

    def __init__(self, error: TallyError) -> None:
        issuer = tls.new_issuer("county", now=NOW)
        self.held = tls.credentials_for(
            issuer, CertifiedParty("county", "agency", "labor"), now=NOW, lifetime=timedelta(days=1)
        )
        self.error: TallyError | None = error
        self.tries = 0

    def credentials(self) -> Credentials:
        return self.held

    def due(self, _: datetime) -> bool:
        return True

    def renew(self, _: str) -> Credentials:
        self.tries += 1
        if self.error is not None:
            raise self.error
        return self.held


class Dialed:
    """What a node dials with: remembers what it was told."""

    def __init__(self) -> None:
        self.used = 0
        self.addresses: list[str] = []

    def use(self, _: Credentials) -> None:
        self.used += 1

    def dial(self, address: str, _: Credentials) -> None:
        self.addresses.append(address)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [(NotReady("unavailable", "nobody answers"), SOON_SECONDS), (Refused("not-enrolled", "no"), TRY_SECONDS)],
)
def test_s33_a_renewal_that_failed_is_tried_again(error: TallyError, seconds: float) -> None:
    files, client, clock = Files(error), Dialed(), FixedClock(NOW)
    renewing = Renewing(cast("Membership", files), "old:1", client, clock)
    asyncio.run(renewing.look())
    clock.advance(timedelta(seconds=seconds - 1))
    asyncio.run(renewing.look())
    assert (files.tries, client.used) == (1, 0)
    files.error = None
    clock.advance(timedelta(seconds=2))
    asyncio.run(renewing.look())
    assert (files.tries, client.used) == (2, 1)


def test_an_address_that_was_changed_is_dialed_once() -> None:
    client, moved, now = Dialed(), list[str](), ["old:1"]
    files = cast("Membership", Files(NotReady("unavailable", "")))
    renewing = Renewing(files, "old:1", client, FixedClock(NOW), None, lambda: now[0], moved.append)
    asyncio.run(renewing.look_at_address())
    assert client.addresses == []
    now[0] = "new:2"
    asyncio.run(renewing.look_at_address())
    asyncio.run(renewing.look_at_address())
    assert client.addresses == moved == ["new:2"]
