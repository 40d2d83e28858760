"""What a node says to a job, and when it moves: S-21 to S-24, S-27."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tallystick.core.agreement.model import Agreement
from tallystick.core.clock import FixedClock
from tallystick.core.documents import SignedDocument, decode_document, sign_document, write_document
from tallystick.core.errors import Refused, TallyError
from tallystick.core.job.approval import Approval, verify_approval
from tallystick.core.job.model import Job
from tallystick.core.keyfile import IdentityKey
from tallystick.node.agreements import NodeAgreements
from tallystick.node.app import judge_of
from tallystick.node.approvals import Approvals
from tallystick.node.config import NodeConfig, read_config
from tallystick.node.ports import NodeStorage
from tallystick.node.storage.memory import MemoryNodeStorage
from tests import governance
from tests.governance import NOW, agreement, approval, complete, identity, signed_agreement
from tests.stores import all_jobs

AUTO: dict[str, Any] = {"rules": [{"decision": "auto"}]}
ASK: dict[str, Any] = {"rules": [{"decision": "ask"}]}


def config_of(folder: Path, agency: str, terms: Mapping[str, SignedDocument], policy: Mapping[str, Any] | None) -> NodeConfig:
    """Write a node's files: every agreement given, and its own datasets as the county declares them."""
    for name, document in terms.items():
        write_document(folder / name, document)
    declared = governance.agreement_value()["datasets"]
    datasets = {
        name: {
            "source": {"csv": "x.csv"},
            "person": "id",
            "identifiers": {one: one for one in entry["identifiers"]},
            **{key: value for key, value in entry.items() if key not in {"agency", "identifiers"}},
        }
        for name, entry in declared.items()
        if entry["agency"] == agency
    }
    value: dict[str, Any] = {
        "agency": agency,
        "coordinator": {"address": "127.0.0.1:1"},
        "agreements": list(terms),
        "datasets": datasets,
    }
    if policy is not None:
        (folder / "policy.yaml").write_text(json.dumps(policy))
        value["policy"] = "policy.yaml"
    (folder / "node.yaml").write_text(json.dumps(value))
    return read_config(folder / "node.yaml")


class Desk:
    """One node's approvals, and what surrounds them."""

    def __init__(
        self,
        folder: Path,
        policy: Mapping[str, Any] | None = None,
        *,
        agency: str = "human-services",
        terms: Agreement | None = None,
        documents: Mapping[str, SignedDocument] | None = None,
        storage: NodeStorage | None = None,
    ) -> None:
        self.terms = terms or agreement(stewards={}, approvers={})
        self.config = config_of(folder, agency, documents or {"county.json": signed_agreement(self.terms)}, policy)
        self.storage: NodeStorage = storage or MemoryNodeStorage()
        self.clock = FixedClock(NOW)
        self.agreements = NodeAgreements(self.config, identity(agency), self.storage, self.clock)
        self.agreements.load()
        self.approvals = Approvals(
            self.config, identity(agency), self.agreements, self.storage, self.clock, judge_of(self.config)
        )

    def document(self, job: Job, signer: IdentityKey | None = None, name: str | None = None) -> bytes:
        return sign_document("job", job, name or job.analyst, signer or identity(job.analyst)).encode()

    def job(self, **changes: Any) -> Job:
        return governance.job(self.terms, **changes)

    def decided(self, job: Job) -> Approval:
        record = self.approvals.consider(self.document(job), job.digest())
        assert record is not None
        return decode_document(record.deposits[0], kind="approval").read(Approval)


def test_auto_signs_an_approval_that_the_others_accept(tmp_path: Path) -> None:
    desk = Desk(tmp_path, AUTO)
    job = desk.job()
    record = desk.approvals.consider(desk.document(job), job.digest())
    assert record is not None
    assert (record.decision, record.awaits, record.verdict) == ("approve", "", "auto")
    approved = verify_approval(decode_document(record.deposits[0], kind="approval"), job, desk.terms, NOW)
    assert (approved.signer, approved.decision, approved.expires) == ("human-services", "approve", job.deadline)
    assert [json.loads(event.entry)["event"] for event in desk.storage.events()] == ["approved"]


def test_a_decision_is_made_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path, AUTO)
    job = desk.job()
    first = desk.approvals.consider(desk.document(job), job.digest())
    desk.clock.advance(timedelta(hours=1))
    assert desk.approvals.consider(desk.document(job), job.digest()) == first
    assert len(desk.storage.events()) == 1


@pytest.mark.parametrize(
    "policy",
    [None, {}, {"rules": []}, {"rules": [{"decision": "never"}]}, {"rules": [{"decision": "auto", "dataset": "wages"}]}],
)
def test_s23_an_empty_or_other_policy_allows_nothing(tmp_path: Path, policy: Mapping[str, Any] | None) -> None:
    desk = Desk(tmp_path, policy)
    said = desk.decided(desk.job())
    assert (said.decision, said.reason_class) == ("refuse", "policy")
    record = all_jobs(desk.storage)[0]
    assert record.reasons
    with pytest.raises(TallyError):
        desk.approvals.approve(record.job)


def test_s23_no_agreement_allows_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path, AUTO, documents={})
    desk.config = config_of(tmp_path, "human-services", {}, AUTO)
    desk.agreements.config = desk.config
    desk.agreements.load()
    job = desk.job()
    assert desk.approvals.consider(desk.document(job), job.digest()) is None
    assert not all_jobs(desk.storage)


@pytest.mark.parametrize(
    "changes",
    [
        {"purpose": "marketing"},
        {"link": "loose"},
        {"release": "direct"},
        {"measures": [{"sum": "tanf.region"}]},
        {"by": ["tanf.exit_quarter"]},
    ],
)
def test_s23_a_policy_cannot_widen_the_agreement(tmp_path: Path, changes: dict[str, Any]) -> None:
    desk = Desk(tmp_path, AUTO)
    said = desk.decided(desk.job(question=governance.question(**changes).json_value()))
    assert (said.decision, said.reason_class) == ("refuse", "agreement")
    assert all_jobs(desk.storage)[0].reasons[0]


def test_ask_waits_for_this_agencys_people(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ASK)
    job = desk.job()
    record = desk.approvals.consider(desk.document(job), job.digest())
    assert record is not None
    assert (record.awaits, record.deposits) == ("approve", ())
    approved = desk.approvals.approve(job.digest())
    assert (approved.decision, approved.awaits) == ("approve", "")
    with pytest.raises(TallyError):
        desk.approvals.approve(job.digest())
    taken_back = desk.approvals.refuse(job.digest(), "steward", "they thought again")
    assert (taken_back.decision, taken_back.awaits) == ("refuse", "")
    with pytest.raises(TallyError):
        desk.approvals.refuse(job.digest(), "steward", "twice")


def test_s27_a_refusal_says_its_class_and_keeps_its_reason(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ASK)
    job = desk.job()
    desk.approvals.consider(desk.document(job), job.digest())
    record = desk.approvals.refuse(job.digest(), "people", "canary-reason")
    assert "canary-reason" in record.reasons
    assert b"canary-reason" not in b"".join(record.deposits)
    assert decode_document(record.deposits[0], kind="approval").read(Approval).reason_class == "people"
    assert b"canary-reason" not in b"".join(event.entry for event in desk.storage.events())


def test_s24_stewards_must_sign_even_where_the_policy_is_auto(tmp_path: Path) -> None:
    terms = agreement(approvers={})
    desk = Desk(tmp_path, AUTO, agency="labor", terms=terms)
    job = desk.job()
    record = desk.approvals.consider(desk.document(job), job.digest())
    assert record is not None
    assert record.awaits == "approve"
    sue, tom = (approval(job, terms, name).encode() for name in ("sue", "tom"))
    bad: list[list[bytes]] = [
        [], [sue], [sue, sue],
        [sue, approval(job, terms, "tom", key=identity("eve")).encode()],
        [sue, approval(job, terms, "tom", decision="refuse").encode()],
        [sue, approval(job, terms, "tom", expires="2026-06-01T11:59:00Z").encode()],
        [sue, approval(desk.job(nonce="11" * 16), terms, "tom").encode()],
        [sue, approval(job, terms, "human-services").encode()],
    ]  # fmt: skip
    for documents in bad:
        with pytest.raises(Refused):
            desk.approvals.approve(job.digest(), documents)
    kept = desk.storage.job(job.digest())
    assert kept is not None
    assert kept.decision == ""
    assert desk.approvals.approve(job.digest(), [sue, tom]).deposits[1:] == (sue, tom)


def other_version(**changes: Any) -> SignedDocument:
    return signed_agreement(agreement(stewards={}, approvers={}, **changes))


AGREEMENTS: dict[str, Callable[[], SignedDocument]] = {
    "half-signed": lambda: signed_agreement(agreement(), by=("labor", "housing")),
    "signed by another key": lambda: signed_agreement(agreement(), keys={"labor": identity("eve")}),
    "another key in place of mine": lambda: signed_agreement(
        agreement(
            parties={name: {"key": identity("eve" if name == "human-services" else name).key} for name in governance.PARTIES}
        ),
        keys={"human-services": identity("eve")},
    ),
    "expired": lambda: other_version(valid_until="2026-05-01T00:00:00Z"),
    "not yet": lambda: other_version(valid_from="2026-07-01T00:00:00Z"),
    "older than one seen": lambda: other_version(version=1),
    "another text of the version seen": lambda: other_version(title="another"),
}


@pytest.mark.parametrize("attack", AGREEMENTS)
def test_s22_an_agreement_that_does_not_count_allows_nothing(tmp_path: Path, attack: str) -> None:
    storage = MemoryNodeStorage()
    storage.see_agreement("county", 2, agreement(stewards={}, approvers={}).digest())
    document = AGREEMENTS[attack]()
    desk = Desk(tmp_path, AUTO, documents={"county.json": document}, storage=storage, terms=document.read(Agreement))
    assert desk.agreements.problems
    job = desk.job()
    assert desk.approvals.consider(desk.document(job), job.digest()) is None
    assert not all_jobs(storage)


def test_s22_an_agreement_may_end_while_the_node_runs(tmp_path: Path) -> None:
    desk = Desk(tmp_path, AUTO)
    job = desk.job()
    record = desk.approvals.consider(desk.document(job), job.digest())
    assert record is not None
    desk.clock.advance(timedelta(days=300))
    with pytest.raises(TallyError):
        desk.approvals.contract(record.document, job.digest())


def test_s21_a_job_that_its_analyst_did_not_sign_is_ignored(tmp_path: Path) -> None:
    desk = Desk(tmp_path, AUTO)
    job = desk.job()
    forged = [
        desk.document(job, signer=identity("eve")),
        desk.document(job, signer=identity("otto"), name="otto"),
        desk.document(desk.job(analyst="eve"), signer=identity("eve")),
        b"not json",
    ]
    for document in forged:
        assert desk.approvals.consider(document, job.digest()) is None
    assert desk.approvals.consider(desk.document(job), desk.job(nonce="22" * 16).digest()) is None
    assert not all_jobs(desk.storage)


def test_s21_the_node_moves_only_when_every_approval_is_there(tmp_path: Path) -> None:
    terms = agreement()
    desk = Desk(tmp_path, AUTO, terms=terms)
    job = desk.job()
    record = desk.approvals.consider(desk.document(job), job.digest())
    assert record is not None
    contract = desk.approvals.contract(record.document, job.digest())
    given = [one.encode() for one in complete(job, terms)]
    desk.approvals.ready(contract, given)
    for missing in range(len(given)):
        with pytest.raises(Refused):
            desk.approvals.ready(contract, given[:missing] + given[missing + 1 :])
    forged = approval(job, terms, "labor", key=identity("eve")).encode()
    others = [one for one in given if b'"signer":"labor"' not in one]
    with pytest.raises(Refused):
        desk.approvals.ready(contract, [*others, forged])


def test_s21_others_approvals_are_not_enough_without_our_own(tmp_path: Path) -> None:
    """A coordinator may hold an approval of ours from somebody who took our key file: without our own decision we stay."""
    terms = agreement()
    desk = Desk(tmp_path, ASK, terms=terms)
    job = desk.job()
    record = desk.approvals.consider(desk.document(job), job.digest())
    assert record is not None
    contract = desk.approvals.contract(record.document, job.digest())
    with pytest.raises(Refused):
        desk.approvals.ready(contract, [one.encode() for one in complete(job, terms)])


def test_datasets_that_are_declared_otherwise_than_agreed_refuse(tmp_path: Path) -> None:
    desk = Desk(tmp_path, AUTO)
    value = json.loads((tmp_path / "node.yaml").read_text())
    value["datasets"]["tanf"]["columns"]["age"]["max"] = 130
    (tmp_path / "node.yaml").write_text(json.dumps(value))
    desk.approvals.config = read_config(tmp_path / "node.yaml")
    said = desk.decided(desk.job())
    assert (said.decision, said.reason_class) == ("refuse", "data")
    assert "age: max differs" in " ".join(all_jobs(desk.storage)[0].reasons)


def test_s29_what_cannot_be_logged_is_not_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path, AUTO)
    job = desk.job()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "no space")

    monkeypatch.setattr(desk.storage, "log", full)
    with pytest.raises(OSError, match="no space"):
        desk.approvals.consider(desk.document(job), job.digest())
    assert not all_jobs(desk.storage)
