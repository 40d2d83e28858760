"""Whatever stands in the way to the coordinator is told apart and by its right name, with what would mend it (S-35)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tallystick.core.errors import NotReady, Refused
from tallystick.core.net import tls, walk
from tallystick.core.net.tls import CertifiedParty, Credentials
from tallystick.node.reaching import check_identity, find_problem
from tallystick.node.renewing import Renewing
from tests import governance
from tests.integration.nodes import in_loop, make_agency, signed_terms, terms, write_sources
from tests.integration.served import credentials, serving
from tests.integration.test_node_jobs import attending, until
from tests.town import NETWORK, OTHER, Town


def hops(address: str, shown: Credentials, now: datetime | None = None) -> list[tuple[str, str]]:
    """Walk; give each hop's name and the code of what stands in its way."""
    found = list(walk.walk(address, shown, now or datetime.now(UTC)))
    assert all(hop.problem is None or hop.problem.hint for hop in found)
    return [(hop.name, "" if hop.problem is None else hop.problem.code) for hop in found]


@contextlib.contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """Listen on loopback, say something to whoever connects, and hang up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            with contextlib.suppress(OSError):
                while True:
                    link, _ = server.accept()
                    with link:
                        link.recv(65_536)
                        link.sendall(answer)

        threading.Thread(target=run, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


@in_loop
async def test_s35_each_hop_that_fails_is_named(tmp_path: Path) -> None:
    town = Town(tmp_path)
    shown, now = credentials(town, "agency", OTHER), datetime.now(UTC)
    async with serving(town) as address:

        async def found(*given: object) -> list[tuple[str, str]]:
            return await asyncio.to_thread(hops, *given)  # type: ignore[arg-type]  # as they are given

        fine = [("certificate", ""), ("name", ""), ("port", ""), ("TLS", "")]
        assert await found(address, shown) == fine
        elsewhere = tls.new_issuer("other", now=now)
        party = CertifiedParty("other", "agency", OTHER)
        strange = tls.credentials_for(elsewhere, party, now=now, lifetime=timedelta(days=1))
        assert (await found(address, strange))[-1] == ("TLS", "authority-differs")  # the coordinator's is not theirs
        mixed = replace(strange, authority=shown.authority)
        assert (await found(address, mixed))[-1] == ("certificate", "authority-differs")
        assert (await found(address, replace(shown, key=tls.new_key())))[-1] == ("certificate", "not-enrolled")
        assert (await found(address, shown, now + timedelta(days=9999)))[-1] == ("certificate", "certificate-dates")
        assert (await found(address, shown, now - timedelta(hours=2)))[-1] == ("certificate", "clock")
    assert (await found(address, shown))[-1] == ("port", "port-closed")
    assert (await found("no-such-host.invalid:7700", shown))[-1] == ("name", "name-unknown")
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as place:
        assert (await found(place, shown))[-1] == ("TLS", "not-tls")
    with answering(b"") as place:
        assert (await found(place, shown))[-1] == ("TLS", "unreachable")


def test_s35_a_certificate_begins_an_hour_early() -> None:
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    issuer = tls.new_issuer(NETWORK, now=now)
    shown = tls.credentials_for(issuer, CertifiedParty(NETWORK, "agency", OTHER), now=now, lifetime=timedelta(days=1))
    assert walk.check_own(shown, now - timedelta(minutes=59))
    with pytest.raises(Refused, match="clock"):
        walk.check_own(shown, now - timedelta(minutes=61))


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY"])
def test_s35_a_proxy_is_gone_through_and_named_where_it_refuses(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in ("grpc_proxy", "https_proxy", "HTTPS_PROXY", "http_proxy", "no_grpc_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(one, raising=False)
    shown = credentials(Town(tmp_path), "agency", OTHER)
    with answering(b"HTTP/1.1 403 Forbidden\r\n\r\n") as place:
        monkeypatch.setenv(name, f"http://{place}")
        assert hops("coordinator.example:7700", shown)[-2:] == [("port", ""), ("proxy", "proxy")]
        monkeypatch.setenv("NO_PROXY", "10.0.0.1, .example")
        assert walk.find_proxy("coordinator.example") is None
        assert walk.find_proxy("coordinator.example.org") == f"http://{place}"
        assert [name for name, _ in hops("127.0.0.1:1", shown)] == ["certificate", "name", "port"]


@in_loop
async def test_s35_serve_ends_where_no_waiting_helps_and_waits_where_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(governance, "signed_agreement", signed_terms)
    write_sources(tmp_path)
    town = Town(tmp_path, terms=terms())
    async with serving(town) as address:
        agency = make_agency(town, OTHER, address, tmp_path)
        node, config = agency.node(), agency.config
        from tallystick.node.joining import membership_of

        membership = membership_of(config)
        assert await asyncio.to_thread(find_problem, membership, address, OTHER, node.clock) is None
        with pytest.raises(Refused, match="identity-differs"):
            check_identity(membership.credentials(), "housing")
        node.find_problem = lambda: Refused("authority-differs", "another network's")
        monkeypatch.setattr(type(node.coordinator), "attend", lambda _: broken())
        with pytest.raises(Refused, match="authority-differs"):
            await asyncio.wait_for(node.attend(), 10)
        node.find_problem = lambda: NotReady("port-closed", "nothing listens", hint="start it")
        node._looked = float("-inf")
        attend = asyncio.create_task(node.attend())
        await until(lambda: node.link.error is not None)
        assert node.link.error is not None
        assert node.link.error.code == "port-closed"
        attend.cancel()
        await asyncio.gather(attend, return_exceptions=True)
        node.store.close()


@contextlib.asynccontextmanager
async def broken():  # type: ignore[no-untyped-def]  # an attempt to attend that fails
    raise NotReady("unavailable", "the coordinator cannot be reached")
    yield


@in_loop
async def test_s33_a_node_takes_a_certificate_that_is_put_in_place_and_is_back_within_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Revoked, then joined again: without a restart. And a coordinator that starts again is found within five seconds."""
    monkeypatch.setattr(governance, "signed_agreement", signed_terms)
    write_sources(tmp_path)
    town = Town(tmp_path, terms=terms())
    async with serving(town) as address:
        agency = make_agency(town, OTHER, address, tmp_path)
        node = agency.node()
        from tallystick.node.joining import membership_of

        membership = membership_of(agency.config)
        renewing = Renewing(membership, address, node.coordinator, node.clock)  # type: ignore[arg-type]  # it dials
        await renewing.look()
        async with attending(node):
            await until(lambda: node.link.connected)
            await asyncio.to_thread(town.at.authority.revoke, "agency", OTHER)
            await until(lambda: node.link.error is not None and node.link.error.code == "not-enrolled")
            membership.keep(await asyncio.to_thread(credentials, town, "agency", OTHER))
            await renewing.look()
            began = asyncio.get_running_loop().time()
            await until(lambda: node.link.connected)
            assert asyncio.get_running_loop().time() - began < 8
        node.store.close()


def test_s33_the_environment_s_proxy_counts_in_both_cases() -> None:
    """gRPC reads lower case alone; what is set in upper case is copied when this project is imported."""
    import subprocess
    import sys

    code = "import tallystick.core.net.environment, os; print(os.environ['https_proxy'], os.environ['no_proxy'])"
    environment = {k: v for k, v in os.environ.items() if k.lower() not in {"https_proxy", "no_proxy"}}
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | {"HTTPS_PROXY": "http://proxy:1", "NO_PROXY": "x"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split() == ["http://proxy:1", "x"]
