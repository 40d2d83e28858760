"""Who gets in at the relay over real mutual TLS on loopback, and who is put out again (S-31, S-33)."""

from __future__ import annotations

import asyncio
import ssl
from datetime import timedelta

import grpc
import grpc.aio
import pytest

from tallystick.core.clock import SystemClock
from tallystick.core.errors import TallyError
from tallystick.core.net import tls
from tallystick.core.net.channel import channel, client_options
from tallystick.core.net.joining import InvitationFile, exchange_invitation
from tallystick.core.net.tls import SERVER_NAME, Credentials
from tallystick.v1 import relay_pb2
from tallystick.v1.relay_pb2_grpc import RelayStub
from tests.integration.relays import LIMIT, refusal, relays, together
from tests.integration.served import credentials, serving
from tests.town import DESK, NETWORK, OTHER, Town


@together
async def test_a_newcomer_joins_once_and_is_heard(town: Town) -> None:
    async with serving(town) as address:
        invitation = InvitationFile.read(town.at.authority.invite("agency", OTHER, address), what="invitation")
        key = tls.new_key()
        shown = await asyncio.to_thread(exchange_invitation, invitation, key)
        assert tls.certificate_identity(shown.chain) == tls.CertifiedParty(NETWORK, "agency", OTHER)
        again = await asyncio.to_thread(exchange_invitation, invitation, key)
        assert again == shown  # the answer was lost: asked again with the same key
        with pytest.raises(TallyError, match="invite-invalid"):
            await asyncio.to_thread(exchange_invitation, invitation, tls.new_key())
        async with channel(address, shown) as opened:
            call = RelayStub(opened).Sync(relay_pb2.SyncRequest(job=bytes(32)), timeout=LIMIT)
            assert await refusal(call) == ("job-unknown", grpc.StatusCode.NOT_FOUND)


@together
async def test_s31_an_invitation_can_only_join(town: Town) -> None:
    async with serving(town) as address:
        held = InvitationFile.read(town.at.authority.invite("agency", OTHER, address), what="invitation")
        async with channel(address, held.credentials) as opened:
            call = RelayStub(opened).Sync(relay_pb2.SyncRequest(job=bytes(32)), timeout=LIMIT)
            assert await refusal(call) == ("not-allowed", grpc.StatusCode.PERMISSION_DENIED)


@together
async def test_s31_strangers_do_not_get_in(town: Town) -> None:
    """No certificate; one of another authority; one of ours that was never issued by name; an expired one."""
    async with serving(town) as address:
        now = SystemClock().now()
        ours = credentials(town, "agency", OTHER)
        other = tls.new_issuer(NETWORK, now=now)
        forged = tls.credentials_for(other, tls.CertifiedParty(NETWORK, "agency", OTHER), now=now, lifetime=timedelta(days=1))
        expired = tls.credentials_for(
            _issuer(town), tls.CertifiedParty(NETWORK, "agency", OTHER), now=now - timedelta(days=2), lifetime=timedelta(days=1)
        )
        unknown = tls.credentials_for(
            _issuer(town), tls.CertifiedParty(NETWORK, "agency", OTHER), now=now, lifetime=timedelta(days=1)
        )
        bare = grpc.ssl_channel_credentials(ours.authority)
        expected = {
            "forged": (Credentials(ours.authority, forged.chain, forged.key), grpc.StatusCode.UNAVAILABLE),
            "expired": (expired, grpc.StatusCode.UNAVAILABLE),
            "unknown": (unknown, grpc.StatusCode.UNAUTHENTICATED),
        }
        request = relay_pb2.SyncRequest(job=bytes(32))
        for what, (shown, status) in expected.items():
            async with channel(address, shown) as opened:
                assert (await refusal(RelayStub(opened).Sync(request, timeout=LIMIT)))[1] == status, what
        async with grpc.aio.secure_channel(address, bare, options=client_options(address)) as opened:
            assert (await refusal(RelayStub(opened).Sync(request, timeout=LIMIT)))[1] == grpc.StatusCode.UNAVAILABLE


@together
async def test_s31_tls_12_is_refused(town: Town) -> None:
    async with serving(town) as address:
        held = credentials(town, "agency", OTHER)
        folder = town.folder
        (folder / "chain").write_bytes(held.chain)
        (folder / "key").write_bytes(held.key)
        host, _, port = address.rpartition(":")

        async def negotiated(version: ssl.TLSVersion) -> str | None:
            context = ssl.create_default_context(cadata=held.authority.decode())
            context.load_cert_chain(folder / "chain", folder / "key")
            context.minimum_version = context.maximum_version = version
            context.set_alpn_protocols(["h2"])
            _, writer = await asyncio.open_connection(host, int(port), ssl=context, server_hostname=SERVER_NAME)
            found: str | None = writer.get_extra_info("ssl_object").version()
            writer.close()
            return found

        assert await negotiated(ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await negotiated(ssl.TLSVersion.TLSv1_2)


@together
async def test_s31_a_client_accepts_no_other_member_as_the_coordinator(town: Town) -> None:
    """A node's certificate cannot serve: it has neither the name nor the usage."""
    held = credentials(town, "agency", OTHER)
    server = grpc.aio.server()
    shown = grpc.ssl_server_credentials([(held.key, held.chain)])
    port = server.add_secure_port("127.0.0.1:0", shown)
    await server.start()
    try:
        async with channel(f"127.0.0.1:{port}", held) as opened:
            call = RelayStub(opened).Sync(relay_pb2.SyncRequest(job=bytes(32)), timeout=2)
            assert (await refusal(call))[0] == "unavailable"
    finally:
        await server.stop(None)


@together
async def test_s33_revocation_ends_open_streams(town: Town) -> None:
    async with relays(town) as stubs:
        attending = stubs[OTHER].Attend(relay_pb2.AttendRequest(protocol="TS1"))
        assert (await attending.read()).job == town.digest
        other = stubs[DESK].Attend(relay_pb2.AttendRequest(protocol="TS1"))
        await other.read()
        await asyncio.to_thread(town.at.authority.revoke, "agency", OTHER)
        assert await refusal(attending.read()) == ("not-enrolled", grpc.StatusCode.UNAUTHENTICATED)
        request = relay_pb2.SyncRequest(job=town.digest)
        assert (await refusal(stubs[OTHER].Sync(request, timeout=LIMIT)))[0] == "not-enrolled"
        assert (await stubs[DESK].Sync(request, timeout=LIMIT)).job == town.digest


def _issuer(town: Town) -> tls.Issuer:
    state = town.settings.state
    return tls.Issuer(NETWORK, (state / "ca.pem").read_bytes(), (state / "ca.key").read_bytes())
