"""The relay over real mutual TLS on loopback: what is refused, how an upload goes on (S-31, S-32). Who gets in: test_relay_doors.py."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from tallystick.coordinator.changes import JobChange
from tallystick.coordinator.server.services import PUSHED_BYTES
from tallystick.core.net.chunks import open_chunks
from tallystick.crypto.machine import Ref
from tallystick.v1 import jobs_pb2, relay_pb2
from tallystick.v1.jobs_pb2_grpc import JobsStub
from tallystick.v1.relay_pb2_grpc import RelayStub
from tallystick.v1.types_pb2 import Envelope
from tests.governance import identity
from tests.integration.relays import LIMIT, refusal, relays, stream, together
from tests.integration.served import connected, serving
from tests.town import DESK, OTHER, Town, tags_chunks, tags_refs

SEED = Ref("seed", OTHER, DESK)
POINTS = Ref("points", OTHER, DESK, OTHER)


@together
async def test_s31_over_each_limit_and_others_go_on(town: Town) -> None:
    """Messages, metadata, compression, deadlines; and another caller is served in between."""
    async with relays(town) as stubs:
        labor, request = stubs[OTHER], relay_pb2.SyncRequest(job=town.digest)
        large = relay_pb2.DepositRequest(job=town.digest, document=bytes(1 << 20))
        exhausted = grpc.StatusCode.RESOURCE_EXHAUSTED
        assert (await refusal(labor.Deposit(large, timeout=LIMIT)))[1] == exhausted
        too_long = relay_pb2.DepositRequest(job=town.digest, document=bytes(65 * 1024))
        assert await refusal(labor.Deposit(too_long, timeout=LIMIT)) == ("too-large", exhausted)
        heavy = (("x-weight", "x" * 20_000),)
        assert (await refusal(labor.Sync(request, timeout=LIMIT, metadata=heavy)))[1] == exhausted
        squeezed = labor.Sync(request, timeout=LIMIT, compression=grpc.Compression.Gzip)
        assert (await refusal(squeezed))[1] == grpc.StatusCode.UNIMPLEMENTED
        assert (await refusal(labor.Sync(request)))[0] == "protocol-broken"  # no deadline
        assert (await stubs[DESK].Sync(request, timeout=LIMIT)).job == town.digest


def test_s31_calls_come_no_faster_than_the_limit(tmp_path: Path) -> None:
    async def run() -> None:
        town = Town(tmp_path, config={"limits": {"calls_per_second": 1}})
        async with serving(town) as address, connected(town, address, OTHER) as opened:
            request = relay_pb2.SyncRequest(job=bytes(32))
            codes = [(await refusal(RelayStub(opened).Sync(request, timeout=LIMIT)))[0] for _ in range(14)]
            assert codes[:10] == ["job-unknown"] * 10
            assert codes[-1] == "busy"
            async with connected(town, address, DESK) as other:
                assert (await refusal(RelayStub(other).Sync(request, timeout=LIMIT)))[0] == "job-unknown"

    asyncio.run(run())


def test_s31_bytes_of_a_message_are_bounded(tmp_path: Path) -> None:
    async def run() -> None:
        town = Town(tmp_path, config={"limits": {"message_mib": 1}})
        async with relays(town) as stubs:
            town.reach(POINTS)
            envelopes = town.envelopes(POINTS, [bytes(512 * 1024)] * 3)
            refused = await refusal(stubs[OTHER].Put(stream(envelopes), timeout=LIMIT))
            assert refused == ("too-large", grpc.StatusCode.RESOURCE_EXHAUSTED)
            assert (await stubs[OTHER].Put(stream(town.envelopes(SEED, [b"seed"])), timeout=LIMIT)).complete

    asyncio.run(run())


@together
async def test_a_message_goes_through_and_opens_at_its_receiver_alone(town: Town) -> None:
    async with relays(town) as stubs:
        town.reach(POINTS)
        chunks = [bytes([n]) * 1000 for n in range(5)]
        state = await stubs[OTHER].Put(stream(town.envelopes(POINTS, chunks)), timeout=LIMIT)
        assert (state.complete, state.next_sequence) == (True, 5)
        view = await stubs[DESK].Sync(relay_pb2.SyncRequest(job=town.digest), timeout=LIMIT)
        assert [item.ref.round for item in view.inbox] == [POINTS.round]
        get = relay_pb2.GetRequest(ref=town.name(POINTS).wire())
        received = [envelope async for envelope in stubs[DESK].Get(get, timeout=LIMIT)]
        opened = open_chunks(town.name(POINTS), received, receiver=town.key(DESK), sender_public=identity(OTHER).public)
        assert list(opened) == chunks
        rest = relay_pb2.GetRequest(ref=town.name(POINTS).wire(), from_sequence=3)
        assert [e.sequence async for e in stubs[DESK].Get(rest, timeout=LIMIT)] == [3, 4]
        assert (await refusal(_drained(stubs[OTHER].Get(get, timeout=LIMIT))))[0] == "not-allowed"


@together
async def test_an_upload_goes_on_where_it_was_cut(town: Town) -> None:
    """A stream that dies half way; Stat; the rest; the same again; and another content refused."""
    async with relays(town) as stubs:
        town.reach(POINTS)
        labor, envelopes = stubs[OTHER], town.envelopes(POINTS, [bytes([n]) * 200_000 for n in range(6)])
        held_back = asyncio.Event()

        async def broken() -> AsyncIterator[Envelope]:
            for envelope in envelopes[:3]:
                yield envelope
            await held_back.wait()

        call = labor.Put(broken(), timeout=LIMIT)
        for _ in range(100):
            state = await labor.Stat(town.name(POINTS).wire(), timeout=LIMIT)
            if state.next_sequence == 3:
                break
            await asyncio.sleep(0.05)
        assert (state.next_sequence, state.complete) == (3, False)
        call.cancel()
        state = await labor.Put(stream(envelopes[3:]), timeout=LIMIT)
        assert (state.complete, state.next_sequence) == (True, 6)
        assert (await labor.Put(stream(envelopes), timeout=LIMIT)).complete
        other = town.envelopes(POINTS, [bytes([n]) * 200_000 for n in range(6)])  # sealed again: other bytes
        assert (await refusal(labor.Put(stream(other), timeout=LIMIT)))[0] == "protocol-broken"


@together
async def test_s32_envelopes_that_were_moved_are_refused(town: Town) -> None:
    """Another round, attempt, sender, sequence, last mark; somebody else's; a cut-off signature; a gap."""
    async with relays(town) as stubs:
        town.reach(POINTS)
        labor = stubs[OTHER]
        [seed] = town.envelopes(SEED, [b"seed"])
        first, second = town.envelopes(POINTS, [b"one", b"two"])

        def moved(envelope: Envelope, **changes: Any) -> Envelope:
            copy = Envelope.FromString(envelope.SerializeToString())
            for field, value in changes.items():
                if field in {"sequence", "last", "sealed", "signature"}:
                    setattr(copy, field, value)
                else:
                    setattr(copy.ref, field, value)
            return copy

        bad = {
            "another round": [moved(seed, round=POINTS.round)],
            "a round that nobody knows": [moved(seed, round="gossip")],
            "another attempt": [moved(seed, attempt=2)],
            "reflected": [moved(seed, sender=DESK, receiver=OTHER)],
            "to the coordinator": [moved(seed, receiver="coordinator")],
            "another place": [moved(second, sequence=0)],
            "not the last": [moved(seed, last=False)],
            "a gap": [second],
            "two messages": [first, seed],
            "after the last": [seed, moved(seed, sequence=1)],
            "altered": [moved(seed, sealed=seed.sealed[:-1] + b"\0")],
            "unsigned": [moved(seed, signature=b"")],
            "not sealed": [moved(seed, sealed=b"plain")],
        }
        for what, envelopes in bad.items():
            code, _ = await refusal(labor.Put(stream(envelopes), timeout=LIMIT))
            assert code in {"protocol-broken", "job-state"}, what
        code, _ = await refusal(stubs[DESK].Put(stream([seed]), timeout=LIMIT))
        assert code == "protocol-broken"
        assert (await labor.Put(stream([seed]), timeout=LIMIT)).complete


@together
async def test_notices_tell_of_every_change_and_of_the_stop(town: Town) -> None:
    async with contextlib.AsyncExitStack() as stack:
        address = await stack.enter_async_context(serving(town))
        labor = RelayStub(await stack.enter_async_context(connected(town, address, OTHER)))
        ana = JobsStub(await stack.enter_async_context(connected(town, address, "ana", "analyst")))
        old = labor.Attend(relay_pb2.AttendRequest(protocol="TS0"))
        assert (await refusal(old.read()))[0] == "version-mismatch"
        attending: Any = labor.Attend(relay_pb2.AttendRequest(protocol="TS1"))
        await asyncio.sleep(0.2)
        view = await ana.Submit(jobs_pb2.SubmitRequest(document=town.document()), timeout=LIMIT)
        notice = await asyncio.wait_for(attending.read(), LIMIT)
        assert notice.job == view.job == town.digest
        watching: Any = ana.Watch(jobs_pb2.ShowRequest(job=town.digest))
        assert (await watching.read()).waiting
        cancelled = await ana.Cancel(jobs_pb2.ShowRequest(job=town.digest), timeout=LIMIT)
        while (seen := await asyncio.wait_for(watching.read(), LIMIT)) is not grpc.aio.EOF:
            last = seen
        assert last.state == cancelled.state
        await town.at.server.stop()
        assert (await refusal(_to_the_end(attending)))[0] == "unavailable"


@together
async def test_a_notice_brings_what_sync_and_get_would_give(town: Town) -> None:
    """The view as it is, and small messages whole, once a stream: so neither has to be asked for."""
    async with relays(town) as stubs:
        town.reach(SEED)
        first: Any = stubs[DESK].Attend(relay_pb2.AttendRequest(protocol="TS1"))
        notice = await asyncio.wait_for(first.read(), LIMIT)
        assert notice.view == await stubs[DESK].Sync(relay_pb2.SyncRequest(job=town.digest), timeout=LIMIT)
        assert notice.version == notice.view.version
        assert [*notice.envelopes] == []
        (seed,) = town.envelopes(SEED, [b"contribution"])
        await stubs[OTHER].Put(stream([seed]), timeout=LIMIT)
        brought = await asyncio.wait_for(first.read(), LIMIT)
        assert [one.ref.round for one in brought.view.inbox] == ["seed"]
        assert [*brought.envelopes] == [seed]
        call = stubs[DESK].Get(relay_pb2.GetRequest(ref=seed.ref), timeout=LIMIT)
        assert [envelope async for envelope in call] == [seed]
        await asyncio.to_thread(town.at.jobs.change, town.digest, lambda _: JobChange())
        assert [*(await asyncio.wait_for(first.read(), LIMIT)).envelopes] == []
        again: Any = stubs[DESK].Attend(relay_pb2.AttendRequest(protocol="TS1"))
        assert [*(await asyncio.wait_for(again.read(), LIMIT)).envelopes] == [seed]
        sender: Any = stubs[OTHER].Attend(relay_pb2.AttendRequest(protocol="TS1"))
        assert [*(await asyncio.wait_for(sender.read(), LIMIT)).envelopes] == []  # it is addressed to the desk


@together
async def test_s31_what_is_large_does_not_come_with_a_notice(town: Town) -> None:
    async with relays(town) as stubs:
        town.reach(SEED)
        sent = town.envelopes(SEED, [bytes(PUSHED_BYTES)])
        await stubs[OTHER].Put(stream(sent), timeout=LIMIT)
        attending: Any = stubs[DESK].Attend(relay_pb2.AttendRequest(protocol="TS1"))
        notice = await asyncio.wait_for(attending.read(), LIMIT)
        assert [one.complete for one in notice.view.inbox] == [True]
        assert [*notice.envelopes] == []


@together
async def test_the_driver_answers_tags_with_slots(town: Town) -> None:
    async with relays(town) as stubs:
        town.reach(*tags_refs().values())
        for number, (owner, ref) in enumerate(tags_refs().items()):
            assert owner != ref.sender
            await stubs[ref.sender].Put(stream(town.envelopes(ref, tags_chunks(number))), timeout=LIMIT)
        for _ in range(100):
            view = await stubs[OTHER].Sync(relay_pb2.SyncRequest(job=town.digest), timeout=LIMIT)
            if len(view.inbox) > 1:
                break
            await asyncio.sleep(0.05)
        assert {item.ref.round for item in view.inbox} == {f"points:{DESK}", "slots"}
        assert view.phase == "compute"


async def _to_the_end(call: Any) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass


async def _drained(call: Any) -> list[Any]:
    return [item async for item in call]
