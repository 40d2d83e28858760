"""S-29: what cannot be logged does not happen, at each kind of entry: a log that takes no more entries is one whose disk is full."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tallystick.core.clock import FixedClock
from tallystick.core.documents import write_document
from tallystick.core.errors import Broken, Refused
from tallystick.core.job.model import AgreementRef
from tallystick.core.witness import Witness
from tallystick.crypto.envelope import SealingKey
from tallystick.crypto.machine import Outbound, Ref
from tallystick.crypto.statistic import messages as kinds
from tallystick.node import app, session
from tallystick.node.desk import Desk as ReleaseDesk
from tallystick.node.disclosures import AnswerPlan, KeptRequest
from tallystick.node.storage.sqlite import SqliteStorage
from tests.governance import NOW, agreement, identity, signed_agreement
from tests.stores import all_jobs
from tests.unit.node.test_approvals import ASK, AUTO, Desk
from tests.unit.node.test_desk import MATCHED, Room, assignment, opened

OTHER_DOOR = "BEGIN SELECT RAISE(ABORT, 'full'); END"


@contextmanager
def full(path: Path) -> Any:
    """Let the log of a file take no entry."""
    with sqlite3.connect(path, isolation_level=None) as door:
        door.execute(f"CREATE TRIGGER full BEFORE INSERT ON event {OTHER_DOOR}")
    yield
    with sqlite3.connect(path, isolation_level=None) as door:
        door.execute("DROP TRIGGER full")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "node.db"


@pytest.fixture
def storage(path: Path) -> Any:
    made = SqliteStorage(path)
    yield made
    made.close()


@pytest.mark.parametrize("policy", [AUTO, ASK, {"rules": []}], ids=["approved", "asked", "refused"])
def test_s29_no_decision_by_the_policy(tmp_path: Path, path: Path, storage: SqliteStorage, policy: dict[str, Any]) -> None:
    desk = Desk(tmp_path, policy, storage=storage)
    job = desk.job()
    with full(path), pytest.raises(Broken):
        desk.approvals.consider(desk.document(job), job.digest())
    assert not all_jobs(storage)
    assert desk.approvals.consider(desk.document(job), job.digest()) is not None


@pytest.mark.parametrize("what", ["approve", "refuse"])
def test_s29_no_decision_by_a_steward(tmp_path: Path, path: Path, storage: SqliteStorage, what: str) -> None:
    desk = Desk(tmp_path, ASK, storage=storage)
    job = desk.job()
    before = desk.approvals.consider(desk.document(job), job.digest())

    def decide() -> None:
        if what == "approve":
            desk.approvals.approve(job.digest())
        else:
            desk.approvals.refuse(job.digest(), "steward", "no")

    with full(path), pytest.raises(Broken):
        decide()
    assert storage.job(job.digest()) == before
    decide()


def test_s29_no_numbers_opened_no_candidate_and_no_release(path: Path, storage: SqliteStorage) -> None:
    room, part = Room(), assignment()
    room.storage = storage  # type: ignore[assignment]
    room.desk = ReleaseDesk("human-services", identity("human-services"), storage, FixedClock(NOW), "ask")
    job = part.contract.digest.hex()
    with full(path), pytest.raises(Broken):
        room.desk.begin_opening(job, 1)
    assert [event.entry for event in storage.events()] == []
    with full(path), pytest.raises(Broken):
        room.candidate(part, MATCHED)
    kept = storage.job(job)
    assert kept is not None
    assert kept.candidate is None
    record = room.desk.make_candidate(part, 1, opened(part, MATCHED), [])
    with full(path), pytest.raises(Broken):
        room.desk.approve(job)
    kept = storage.job(job)
    assert kept is not None
    assert kept.desk == ""
    record = room.desk.approve(job)
    contract = replace(
        part.contract, job=part.contract.job.model_copy(update={"result_key": SealingKey.generate().public.hex()})
    )
    with full(path), pytest.raises(Broken):
        room.desk.seal_result(record, contract)
    assert storage.result(job, 1) is None


def test_s29_no_share_leaves(path: Path, storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "check_pattern", lambda *_, **__: None)
    contract = SimpleNamespace(digest=bytes(32), gated=False)
    sent: list[Any] = []
    around = SimpleNamespace(agency="labor", clock=FixedClock(NOW), state=path.parent, store=SimpleNamespace(blocking=storage))
    part = SimpleNamespace(
        _courier=SimpleNamespace(spool=sent.append),
        _around=around,
        _assignment=SimpleNamespace(contract=contract),
        _uploads=SimpleNamespace(add=sent.append),
        attempt=1,
    )
    shares = Outbound(Ref(kinds.SHARES, "labor", "housing"), (b"sealed",))
    with full(path), pytest.raises(Broken):
        session.AttemptSession._send(part, shares)  # type: ignore[arg-type]
    assert (sent, storage.share(bytes(32).hex(), 1)) == ([], None)


def test_s29_no_disclosure(path: Path, storage: SqliteStorage) -> None:
    request = KeptRequest(
        "01" * 32, "owner", NOW, "ann", "benefits-worker", "labor", "housing", "clients", "benefits", ("phone",), "cc" * 32
    )
    with full(path), pytest.raises(Broken):
        storage.see_request(request)
    assert storage.list_requests() == []
    storage.see_request(request)
    plans = [AnswerPlan(request.digest, person="p1", revocation="dd" * 32, by="policy")]
    with full(path), pytest.raises(Broken):
        storage.begin_answers(plans, NOW)
    assert [one.state for one in storage.list_requests()] == ["seen"]
    with full(path), pytest.raises(Broken):
        storage.keep_revocation("dd" * 32, b"{}", NOW)
    assert not storage.is_revoked("dd" * 32)
    assert storage.begin_answers(plans, NOW) == {request.digest: "given"}


def test_s29_no_agreement_comes_into_force(tmp_path: Path, path: Path, storage: SqliteStorage) -> None:
    desk = Desk(tmp_path, AUTO, storage=storage)
    newer = signed_agreement(agreement(stewards={}, approvers={}, version=9))
    write_document(tmp_path / "county.json", newer)
    reference = AgreementRef(agreement=desk.terms.agreement, version=9, digest=newer.digest)
    with full(path):
        for _ in range(2):
            with pytest.raises(Broken):
                desk.agreements.of(reference)
    assert {one.digest for one in desk.agreements.all().values()} != {newer.digest}
    assert desk.agreements.of(reference)[1].digest == newer.digest
    with pytest.raises(Refused):
        desk.agreements.of(AgreementRef(agreement=desk.terms.agreement, version=1, digest=signed_agreement(desk.terms).digest))


def test_s29_no_node_begins_with_its_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path, AUTO)
    attended: list[app.Node] = []
    desk.config.state.mkdir()
    monkeypatch.setattr(app, "read_identity", lambda _: identity("human-services"))
    SqliteStorage(desk.config.state / app.DATABASE, witness=Witness(desk.config.path(desk.config.file.witness))).close()

    async def attend(node: app.Node) -> None:
        attended.append(node)

    async def nothing(*_: Any, **__: Any) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(app.Node, "attend", attend)
    monkeypatch.setattr(
        app, "membership_of", lambda _: SimpleNamespace(credentials=lambda: None, authority=desk.config.state / "authority.pem")
    )
    monkeypatch.setattr(app, "check_identity", lambda *_: None)
    monkeypatch.setattr(app, "GrpcCoordinatorClient", lambda *_, **__: SimpleNamespace(close=nothing))
    monkeypatch.setattr(app, "Renewing", lambda *_: SimpleNamespace(attend=lambda: asyncio.Event().wait()))
    monkeypatch.setattr(app, "open_desk", lambda *_: nullcontext())

    async def run() -> None:
        stop = asyncio.Event()
        stop.set()
        await app.run(desk.config, stop)

    with full(desk.config.state / app.DATABASE), pytest.raises(Broken):
        asyncio.run(run())
    assert not attended
