"""S-28: every method of every service × every kind of caller × every state of a job, over real mutual TLS. Default deny.

`EXPECTED` is written out here and nowhere derived from the code: a method without an entry fails the first test, so a new RPC cannot
come without a decision.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from google.protobuf import descriptor

from tallystick.coordinator.records import JobRecord
from tallystick.coordinator.server.authorise import RULES
from tallystick.coordinator.storage.memory import MemoryCoordinatorStorage
from tallystick.core.consent.asking import LetterDoor
from tallystick.core.consent.letters import LETTER_BYTES
from tallystick.core.documents import sign_document
from tallystick.core.job.lifecycle import FINAL, JobState
from tallystick.core.net import tls
from tallystick.core.net.channel import channel
from tallystick.core.net.status import read_error
from tallystick.core.net.tls import CertifiedParty, Credentials
from tallystick.crypto.machine import Ref
from tallystick.v1 import enrol_pb2, jobs_pb2, letters_pb2, relay_pb2, types_pb2
from tests.governance import identity, sealing_key, stamp
from tests.integration.served import connected, serving
from tests.town import DESK, NETWORK, OTHER, Town, member

ALL = frozenset(JobState)
ENDED = FINAL
OPEN = ALL - ENDED
DECIDING = frozenset({JobState.SUBMITTED, JobState.APPROVING})
MOVING = frozenset({JobState.RUNNING, JobState.RELEASING})

CALLERS = (
    "agency",
    "agency elsewhere",
    "analyst",
    "analyst elsewhere",
    "approver",
    "worker",
    "invitation",
    "unknown certificate",
)
EXPECTED: dict[str, dict[str, Iterable[JobState]]] = {
    "Enrol/Join": {"invitation": ALL},
    "Enrol/Renew": dict.fromkeys(("agency", "agency elsewhere", "analyst", "analyst elsewhere", "approver", "worker"), ALL),
    "Relay/Attend": {"agency": ALL, "agency elsewhere": ALL},
    "Relay/Sync": {"agency": ALL},
    "Relay/Deposit": {"agency": DECIDING},
    "Relay/Put": {"agency": MOVING},
    "Relay/Stat": {"agency": MOVING},
    "Relay/Get": {"agency": MOVING},
    "Relay/Report": {"agency": MOVING},
    "Jobs/Submit": {"analyst": ALL},
    "Jobs/List": {"analyst": ALL, "analyst elsewhere": ALL, "approver": ALL},
    "Jobs/Show": {"analyst": ALL, "approver": ALL},
    "Jobs/Watch": {"analyst": ALL, "approver": ALL},
    "Jobs/Cancel": {"analyst": OPEN | {JobState.CANCELLED}},
    "Jobs/Result": {"analyst": {JobState.RELEASED}},
    "Jobs/Approve": {"approver": DECIDING},
    "Letters/Announce": {"agency": ALL},  # the door is the agency's; another one cannot announce it
    "Letters/Door": {"agency": ALL, "agency elsewhere": ALL, "worker": ALL},
    "Letters/Post": {"agency": ALL, "agency elsewhere": ALL, "worker": ALL},
    "Letters/Collect": {"agency": ALL, "agency elsewhere": ALL, "worker": ALL},
}
DENIED = {"not-allowed", "not-enrolled", "job-unknown", "job-state"}
SEED_OUT, SEED_IN = Ref("seed", OTHER, DESK), Ref("seed", DESK, OTHER)
NUMBERS = itertools.count(1)


def services() -> Iterator[tuple[str, descriptor.MethodDescriptor]]:
    """Give every method of the coordinator's services; the steward's service is the node's own, on a socket."""
    for module in (enrol_pb2, jobs_pb2, letters_pb2, relay_pb2):
        for name, service in module.DESCRIPTOR.services_by_name.items():
            for method in service.methods:
                yield f"{name}/{method.name}", method


def test_s28_every_method_has_a_row() -> None:
    methods = {name for name, _ in services()}
    assert methods == set(EXPECTED)
    assert {f"/tallystick.v1.{name}" for name in methods} == set(RULES)


def test_s28_the_rows_name_the_roles_that_are_expected() -> None:
    for name, callers in EXPECTED.items():
        roles = {{"invitation": "invite"}.get(caller.split()[0], caller.split()[0]) for caller in callers}
        assert RULES[f"/tallystick.v1.{name}"].roles == roles, name


class Board:
    """A served town, a channel of every kind of caller, and one job that is put into any state."""

    def __init__(self, town: Town, channels: dict[str, grpc.aio.Channel]) -> None:
        self.town = town
        self.channels = channels

    def put_into(self, state: JobState) -> None:
        """Force the job into a state; with a message to fetch where messages go, a result where it is released."""
        town = self.town
        storage, spool = town.at.storage, town.at.spool
        held = storage.job(town.digest)
        assert held is not None
        name = town.name(SEED_IN)
        [envelope] = town.envelopes(SEED_IN, [b"seed"])
        messages = [spool.write(name, iter([envelope]))] if state in MOVING else []
        now = town.clock.now()
        length = spool.store_result(town.digest, [b"sealed result"]) if state == JobState.RELEASED else None
        wanted = replace(held, state=state, attempt=1, ended=now if state in ENDED else None, result_bytes=length)
        storage.change(held, wanted, messages=messages)

    async def code(self, method: str, caller: str) -> str:
        """Call a method as somebody; give the refusal's code, or nothing."""
        try:
            await asyncio.wait_for(CALLS[method](self.town, self.channels[caller]), 10)
        except grpc.RpcError as error:
            return read_error(error).code
        return ""


def _unary(path: str, request: Any, answer: Any) -> Callable[[grpc.aio.Channel], Awaitable[Any]]:
    def call(opened: grpc.aio.Channel) -> Awaitable[Any]:
        serialise = type(request).SerializeToString
        return opened.unary_unary(f"/tallystick.v1.{path}", serialise, answer.FromString)(request, timeout=8)

    return call


async def _first(path: str, request: Any, answer: Any, opened: grpc.aio.Channel) -> None:
    """Open a stream and take its first item; where none comes within a fifth of a second, that the server began it is as good."""
    serialise = type(request).SerializeToString
    call = opened.unary_stream(f"/tallystick.v1.{path}", serialise, answer.FromString)(request, timeout=8)
    item = asyncio.ensure_future(call.read())
    try:
        if not (await asyncio.wait({item}, timeout=0.2))[0]:
            await call.initial_metadata()  # a slow machine: what is not answered at all is neither begun nor refused
        if item.done() or call.done():
            await item
    finally:
        call.cancel()
        item.cancel()


def _approval(town: Town, signer: str) -> bytes:
    """Give an approval that was not handed in before."""
    expires = stamp(town.clock.now() + timedelta(days=1, seconds=next(NUMBERS)))
    return town.approval(signer, expires=expires).encode()


def _put(town: Town, opened: grpc.aio.Channel) -> Awaitable[Any]:
    serialise, parse = types_pb2.Envelope.SerializeToString, types_pb2.MessageState.FromString
    envelopes = ENVELOPES.setdefault(str(town.folder), town.envelopes(SEED_OUT, [b"seed"]))
    return opened.stream_unary("/tallystick.v1.Relay/Put", serialise, parse)(iter(envelopes), timeout=8)


ENVELOPES: dict[str, list[types_pb2.Envelope]] = {}
VIEW, STATE = types_pb2.JobView, types_pb2.MessageState
CALLS: dict[str, Callable[[Town, grpc.aio.Channel], Awaitable[Any]]] = {
    "Enrol/Join": lambda t, c: _unary(
        "Enrol/Join", enrol_pb2.JoinRequest(csr=tls.signing_request(_key(t))), enrol_pb2.JoinResponse
    )(c),
    "Enrol/Renew": lambda t, c: _unary(
        "Enrol/Renew", enrol_pb2.RenewRequest(csr=tls.signing_request(_key(t))), enrol_pb2.RenewResponse
    )(c),
    "Relay/Attend": lambda t, c: _first("Relay/Attend", relay_pb2.AttendRequest(protocol="TS1"), relay_pb2.Notice, c),
    "Relay/Sync": lambda t, c: _unary("Relay/Sync", relay_pb2.SyncRequest(job=t.digest), VIEW)(c),
    "Relay/Deposit": lambda t, c: _unary(
        "Relay/Deposit", relay_pb2.DepositRequest(job=t.digest, document=_approval(t, OTHER)), VIEW
    )(c),
    "Relay/Put": _put,
    "Relay/Stat": lambda t, c: _unary("Relay/Stat", t.name(SEED_OUT).wire(), STATE)(c),
    "Relay/Get": lambda t, c: _first("Relay/Get", relay_pb2.GetRequest(ref=t.name(SEED_IN).wire()), types_pb2.Envelope, c),
    "Relay/Report": lambda t, c: _unary(
        "Relay/Report",
        relay_pb2.ReportRequest(job=t.digest, attempt=1, progress=types_pb2.Progress(phase="derive", done=1, total=2)),
        VIEW,
    )(c),
    "Jobs/Submit": lambda t, c: _unary("Jobs/Submit", jobs_pb2.SubmitRequest(document=t.document()), VIEW)(c),
    "Jobs/List": lambda t, c: _unary("Jobs/List", jobs_pb2.ListRequest(all=True), jobs_pb2.ListResponse)(c),
    "Jobs/Show": lambda t, c: _unary("Jobs/Show", jobs_pb2.ShowRequest(job=t.digest), VIEW)(c),
    "Jobs/Watch": lambda t, c: _first("Jobs/Watch", jobs_pb2.ShowRequest(job=t.digest), VIEW, c),
    "Jobs/Cancel": lambda t, c: _unary("Jobs/Cancel", jobs_pb2.ShowRequest(job=t.digest), VIEW)(c),
    "Jobs/Result": lambda t, c: _first("Jobs/Result", jobs_pb2.ShowRequest(job=t.digest), jobs_pb2.ResultPiece, c),
    "Jobs/Approve": lambda t, c: _unary(
        "Jobs/Approve", jobs_pb2.ApproveRequest(job=t.digest, document=_approval(t, "board")), VIEW
    )(c),
    "Letters/Announce": lambda t, c: _unary(
        "Letters/Announce", letters_pb2.AnnounceRequest(document=_door()), letters_pb2.AnnounceResponse
    )(c),
    "Letters/Door": lambda t, c: _unary("Letters/Door", letters_pb2.DoorRequest(agency=OTHER), letters_pb2.DoorResponse)(c),
    "Letters/Post": lambda t, c: _unary(
        "Letters/Post",
        letters_pb2.PostRequest(letters=[letters_pb2.Letter(box=f"agency/{OTHER}", sealed=bytes(LETTER_BYTES))]),
        letters_pb2.PostResponse,
    )(c),
    "Letters/Collect": lambda t, c: _unary("Letters/Collect", letters_pb2.CollectRequest(), letters_pb2.CollectResponse)(c),
}
KEYS: dict[str, bytes] = {}


def _door() -> bytes:
    door = LetterDoor(agency=OTHER, key=sealing_key("door").public.hex(), until="2030-01-01T00:00:00Z")
    return sign_document("door", door, OTHER, identity(OTHER)).encode()


def _key(town: Town) -> bytes:
    return KEYS.setdefault(str(town.folder), tls.new_key())


def test_s28_matrix(tmp_path: Path) -> None:
    """1,440 calls: each is let through exactly where `EXPECTED` says so."""

    async def run() -> list[str]:
        town = Town(tmp_path, storage=MemoryCoordinatorStorage(), config={"limits": {"calls_per_second": 100_000}})
        town.at.driver.advance = lambda job, lease=0: None  # type: ignore[method-assign]  # states change only as the test says
        town.at.jobs.submit(member("ana"), town.document())
        wrong: list[str] = []
        async with contextlib.AsyncExitStack() as stack:
            address = await stack.enter_async_context(serving(town))
            opened: dict[str, Any] = {
                "agency": connected(town, address, OTHER),
                "agency elsewhere": connected(town, address, "housing"),
                "analyst": connected(town, address, "ana", "analyst"),
                "analyst elsewhere": connected(town, address, "otto", "analyst"),
                "approver": connected(town, address, "board", "approver"),
                "worker": connected(town, address, "ann", "worker"),
                "invitation": channel(address, _invitation(town)),
                "unknown certificate": channel(address, _never_issued(town)),
            }
            board = Board(town, {name: await stack.enter_async_context(one) for name, one in opened.items()})
            for method, caller, state in itertools.product(EXPECTED, CALLERS, JobState):
                board.put_into(state)
                code = await board.code(method, caller)
                allowed = state in EXPECTED[method].get(caller, ())
                if (code == "") != allowed or (code and code not in DENIED):
                    wrong.append(f"{method} by {caller} when {state}: {code or 'let through'}")
        return wrong

    assert asyncio.run(run()) == []


def test_s28_what_is_unknown_and_what_is_not_yours_look_the_same(tmp_path: Path) -> None:
    async def run() -> None:
        town = Town(tmp_path)
        town.submit()
        async with serving(town) as address, connected(town, address, "housing") as opened:
            said = []
            for job in (town.digest, bytes(32)):
                try:
                    await _unary("Relay/Sync", relay_pb2.SyncRequest(job=job), VIEW)(opened)
                except grpc.RpcError as error:
                    said.append((read_error(error).code, read_error(error).message, read_error(error).hint))
            assert len(said) == 2
            assert said[0] == said[1]

    asyncio.run(run())


def test_s28_a_members_other_role_opens_nothing(tmp_path: Path) -> None:
    """An agency's name in an analyst's certificate, and the other way round, sees no job."""
    town = Town(tmp_path)
    town.submit()
    record = town.at.storage.job(town.digest)
    assert isinstance(record, JobRecord)
    for who in (member(OTHER, "analyst"), member("ana", "agency"), member("board", "agency"), member("ana", "approver")):
        seen = town.at.jobs.of(who, ended=True)
        assert (seen == [record]) == (who.name == "board"), who


def _invitation(town: Town) -> Credentials:
    held = town.at.authority.invite("agency", "schools", "127.0.0.1:0")
    return Credentials(held["authority"].encode(), held["certificate"].encode(), held["key"].encode())


def _never_issued(town: Town) -> Credentials:
    state = town.settings.state
    issuer = tls.Issuer(NETWORK, (state / "ca.pem").read_bytes(), (state / "ca.key").read_bytes())
    return tls.credentials_for(
        issuer, CertifiedParty(NETWORK, "agency", OTHER), now=town.clock.now(), lifetime=timedelta(days=1)
    )
