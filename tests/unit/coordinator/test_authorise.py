"""What stands before every handler: TLS 1.3 per call, one certificate, a row, a deadline, a pace (S-28, S-31)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from tallystick.coordinator.server.authorise import MAX_CALLERS, Authorise, Pace, caller
from tallystick.coordinator.server.hub import Hub, woken
from tallystick.core.clock import FixedClock
from tallystick.core.errors import NotReady, Refused, TallyError
from tallystick.core.net.tls import Credentials
from tests.governance import NOW
from tests.integration.served import credentials
from tests.town import OTHER, Town, member

SYNC = "/tallystick.v1.Relay/Sync"


class Call:
    """A call's context, as gRPC would give it."""

    def __init__(self, shown: Credentials, **auth: Any) -> None:
        leaf = shown.chain.split(b"-----END CERTIFICATE-----")[0] + b"-----END CERTIFICATE-----\n"
        self.auth: dict[str, Any] = {
            "transport_security_type": [b"ssl"],
            "ssl_tls_version": [b"TLSv1.3"],
            "x509_pem_cert": [leaf],
        } | auth
        self.deadline: float | None = 5.0

    def auth_context(self) -> dict[str, Any]:
        return {name: value for name, value in self.auth.items() if value is not None}

    def time_remaining(self) -> float | None:
        return self.deadline

    def peer(self) -> str:
        return "ipv4:127.0.0.1:1"

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return ()


class Details:
    """A call's method."""

    def __init__(self, method: str) -> None:
        self.method = method


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def through(town: Town, call: Call, method: str = SYNC, hub: Hub | None = None) -> str:
    """Call a method; give whose call its handler saw, or the refusal's code."""
    guard = Authorise(town.at.authority, hub or Hub(), town.clock, calls_per_second=100)

    async def behaviour(request: Any, context: Any) -> str:
        return caller().identity.name

    async def continuation(details: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(behaviour)

    async def run() -> str:
        handler: Any = await guard.intercept_service(continuation, Details(method))  # type: ignore[arg-type]  # a stand-in
        try:
            return str(await handler.unary_unary(b"", call))
        except TallyError as error:
            return error.code

    return asyncio.run(run())


def test_s31_a_call_is_let_through_over_tls_13_alone(town: Town) -> None:
    shown = credentials(town, "agency", OTHER)
    assert through(town, Call(shown)) == OTHER
    for changed in (
        {"ssl_tls_version": [b"TLSv1.2"]},
        {"ssl_tls_version": None},
        {"ssl_tls_version": [b"TLSv1.3", b"TLSv1.3"]},
        {"transport_security_type": [b"insecure"]},
        {"transport_security_type": None},
        {"x509_pem_cert": None},
        {"x509_pem_cert": [b"nonsense"]},
    ):
        assert through(town, Call(shown, **changed)) == "not-enrolled", changed


def test_s28_a_method_without_a_row_is_refused_to_all(town: Town) -> None:
    shown = credentials(town, "agency", OTHER)
    for method in ("/tallystick.v1.Relay/New", "/tallystick.v1.Steward/Decide", "", "/tallystick.v1.Jobs/Submit"):
        assert through(town, Call(shown), method) == "not-allowed", method


def test_a_call_needs_a_deadline_unless_it_is_endless(town: Town) -> None:
    call = Call(credentials(town, "agency", OTHER))
    call.deadline = None
    assert through(town, call) == "protocol-broken"
    assert through(town, call, "/tallystick.v1.Relay/Attend") == OTHER


def test_another_networks_member_is_nobody_here(town: Town, tmp_path: Path) -> None:
    from tallystick.core.net import tls

    issuer = tls.new_issuer("other", now=town.clock.now())
    other = tls.CertifiedParty("other", "agency", OTHER)
    shown = tls.credentials_for(issuer, other, now=town.clock.now(), lifetime=timedelta(days=1))
    assert through(town, Call(shown)) == "not-allowed"


def test_a_coordinator_that_stops_takes_no_calls(town: Town) -> None:
    hub = Hub()
    hub.close()
    assert through(town, Call(credentials(town, "agency", OTHER)), hub=hub) == "unavailable"


def test_the_pace_is_kept_for_each_certificate() -> None:
    clock = FixedClock(NOW)
    pace = Pace(clock, 2)
    for _ in range(20):
        pace.take("one")
    with pytest.raises(NotReady, match="busy"):
        pace.take("one")
    pace.take("other")
    clock.advance(timedelta(seconds=1))
    pace.take("one")
    pace.take("one")
    with pytest.raises(NotReady, match="busy"):
        pace.take("one")
    clock.advance(-timedelta(hours=1))  # a clock that is set back gives nothing
    with pytest.raises(NotReady, match="busy"):
        pace.take("one")
    for number in range(MAX_CALLERS + 10):
        pace.take(f"certificate {number}")
    assert len(pace._buckets) == MAX_CALLERS


def test_streams_are_told_of_the_newest_and_of_their_end(town: Town) -> None:
    town.at.jobs.submit(member("ana"), town.document())
    record = town.at.storage.job(town.digest)
    assert record is not None

    async def run() -> None:
        hub = Hub()
        hub.publish(record)  # before there is a loop: nobody listens, nothing breaks
        hub.bind()
        with hub.session("0a") as session, hub.session("0b") as other, hub.changes() as changes, hub.attending("labor"):
            assert hub.connected == {"labor"}
            await asyncio.to_thread(hub.publish, record)
            await asyncio.wait_for(woken(session, changes), 5)
            assert changes.take() == [record]
            assert changes.take() == []
            hub.revoke({"0a"})
            with pytest.raises(Refused, match="not-enrolled"):
                await asyncio.wait_for(woken(session, changes), 5)
            other.check()
            hub.close()
            with pytest.raises(TallyError, match="unavailable"):
                other.check()
            assert session.why is not None
            assert session.why.code == "not-enrolled"  # the first reason stays
        assert hub.connected == frozenset()

    asyncio.run(run())
