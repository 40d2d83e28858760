"""A coordinator in a folder, the county's agreement in it, and hands for every party: what coordinator tests work with.

Two agencies compute (human-services, which is the desk, and labor); labor has stewards; the board approves; ana asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from tallystick.coordinator.app import IDENTITY, SEALING, Coordinator, compose
from tallystick.coordinator.authority import create_issuer
from tallystick.coordinator.config import Config, Settings
from tallystick.coordinator.ports import CoordinatorStorage
from tallystick.coordinator.records import MessageRecord
from tallystick.core.agreement.check import COORDINATOR
from tallystick.core.agreement.model import Agreement
from tallystick.core.clock import Clock, SystemClock
from tallystick.core.documents import SignedDocument, sign_document, write_document
from tallystick.core.job.hello import earlier_attempts, new_hello
from tallystick.core.job.model import Job
from tallystick.core.keyfile import write_identity, write_sealing_key
from tallystick.core.net.chunks import MessageName, open_chunks, seal_envelopes
from tallystick.core.net.tls import CertifiedParty, Role
from tallystick.crypto.envelope import SealingKey
from tallystick.crypto.machine import Ref
from tallystick.crypto.statistic import messages as kinds
from tallystick.crypto.statistic.messages import list_payload
from tallystick.v1.types_pb2 import Envelope, MessageState
from tests import governance
from tests.governance import identity, sealing_key, stamp

NETWORK = "county"
DESK, OTHER = "human-services", "labor"
AGENCIES = (DESK, OTHER)
SIGNERS = ("human-services", "labor", "sue", "tom", "board")
BRINGS = {"sue": "labor", "tom": "labor"}


def member(name: str, role: Role | None = None) -> CertifiedParty:
    """Give a member as its certificate would name it."""
    known: dict[str, Role] = {"ana": "analyst", "otto": "analyst", "board": "approver"}
    return CertifiedParty(NETWORK, role or known.get(name, "agency"), name)


def make_state(folder: Path, now: datetime, terms: Agreement | None = None, **config: Any) -> Settings:
    """Make a coordinator's folder whose keys the agreement pins."""
    state = folder / "state"
    state.mkdir(mode=0o700)
    create_issuer(state, NETWORK, now)
    write_identity(state / IDENTITY, identity(COORDINATOR))
    write_sealing_key(state / SEALING, sealing_key(COORDINATOR))
    (folder / "agreements").mkdir()
    terms = terms or lasting_agreement()
    write_document(folder / "agreements" / "county.json", governance.signed_agreement(terms))
    return Settings(Config.read({"network": NETWORK, "listen": "127.0.0.1:0", **config}, what="config"), folder)


def lasting_agreement(**changes: Any) -> Agreement:
    """Give the county's agreement, in force whenever the tests run."""
    return governance.agreement(**{"valid_from": "2020-01-01T00:00:00Z", "valid_until": "2099-01-01T00:00:00Z", **changes})


@dataclass
class Town:
    """One coordinator and one job, with keys of everybody.

    Attributes:
        sealing: each agency's sealing key of an attempt.
    """

    folder: Path
    clock: Clock = field(default_factory=SystemClock)
    storage: CoordinatorStorage | None = None
    config: dict[str, Any] = field(default_factory=dict)
    terms: Agreement = field(default_factory=lasting_agreement)

    def __post_init__(self) -> None:
        self.settings = make_state(self.folder, self.clock.now(), self.terms, **self.config)
        self.at = compose(self.settings, clock=self.clock, storage=self.storage)
        self.job = self.new_job()

    def restarted(self) -> Coordinator:
        """Put the coordinator together again from what it wrote down."""
        self.at = compose(self.settings, clock=self.clock, storage=self.storage)
        return self.at

    def new_job(self, nonce: int = 0, **changes: Any) -> Job:
        """Give a job of ana's that is submitted now."""
        now = self.clock.now()
        times = {"submitted": stamp(now), "deadline": stamp(now + timedelta(days=1)), "nonce": f"{nonce:032x}"}
        return governance.job(self.terms, **(times | changes))

    def document(self, job: Job | None = None, signer: str = "ana") -> bytes:
        """Give the signed job."""
        return sign_document("job", job or self.job, signer, identity(signer)).encode()

    @property
    def digest(self) -> bytes:
        """The job's digest."""
        return bytes.fromhex(self.job.digest())

    def approval(self, signer: str, **changes: Any) -> SignedDocument:
        """Give somebody's approval of the job, from now on for a day."""
        now = self.clock.now()
        times = {"signed_at": stamp(now - timedelta(minutes=1)), "expires": stamp(now + timedelta(days=1))}
        return governance.approval(self.job, self.terms, signer, **(times | changes))

    def hello(self, agency: str, attempt: int = 1) -> SignedDocument:
        """Give an agency's hello."""
        word = earlier_attempts(attempt) if agency == DESK else None
        key = self.key(agency, attempt).public
        return new_hello(self.job.digest(), attempt, agency, key, identity(agency), nothing_opened=word)

    def key(self, agency: str, attempt: int = 1) -> SealingKey:
        """Give an agency's sealing key of an attempt."""
        return sealing_key(f"{agency} {attempt}")

    def name(self, ref: Ref, attempt: int = 1) -> MessageName:
        """Give a message's full name."""
        return MessageName(self.digest, attempt, ref)

    def envelopes(self, ref: Ref, chunks: Iterable[bytes], attempt: int = 1) -> list[Envelope]:
        """Seal a message of an agency."""
        receiver = sealing_key(COORDINATOR) if ref.receiver == COORDINATOR else self.key(ref.receiver, attempt)
        private = identity(ref.sender).private
        name = self.name(ref, attempt)
        return list(seal_envelopes(name, chunks, receiver_public=receiver.public, sender_private=private))

    # what parties do, without a network

    def submit(self) -> None:
        """Ana submits; the driver announces."""
        self.at.jobs.submit(member("ana"), self.document())
        self.advance()

    def approve(self, *signers: str) -> None:
        """The signers approve, all who must unless some are named."""
        for signer in signers or SIGNERS:
            caller = member(BRINGS.get(signer, signer))
            self.at.intake.deposit(caller, self.digest, self.approval(signer).encode())
        self.advance()

    def greet(self, attempt: int = 1) -> None:
        """Every agency says hello."""
        for agency in AGENCIES:
            self.at.intake.deposit(member(agency), self.digest, self.hello(agency, attempt).encode())

    def running(self, attempt: int = 1) -> None:
        """Bring the job to where messages go."""
        self.submit()
        self.approve()
        self.greet(attempt)

    def reach(self, *refs: Ref, attempt: int = 1) -> None:
        """Let the messages count without which the relay takes none of these; nothing of them is in the spool."""
        record = self.at.storage.job(self.digest)
        assert record is not None
        expected = self.at.jobs.contract(record).schedule.sent_by_agencies
        held = {message.name for message in self.at.storage.messages(self.digest)}
        names = {self.name(needed, attempt) for ref in refs if ref in expected for needed in expected[ref].needed}
        rows = [MessageRecord(name, 1, 0) for name in sorted(names - held, key=str)]
        self.at.storage.change(record, record, messages=rows)

    def put(self, ref: Ref, chunks: Iterable[bytes], attempt: int = 1) -> MessageState:
        """Upload a message of an agency, when it may come."""
        self.reach(ref, attempt=attempt)
        return self.upload(ref.sender, self.name(ref, attempt), self.envelopes(ref, chunks, attempt))

    def upload(self, caller: str, name: MessageName, envelopes: Iterable[Envelope]) -> MessageState:
        """Upload envelopes as they are."""
        receiving = self.at.relay.receive(member(caller), name)
        try:
            for envelope in envelopes:
                receiving.take(envelope)
            return receiving.finish()
        finally:
            receiving.close()

    def advance(self) -> None:
        """Let the driver do what is due."""
        self.at.driver.advance(self.digest)

    def fetched(self, ref: Ref, attempt: int = 1) -> bytes:
        """Download a message of the coordinator and open it."""
        return b"".join(self.opened(ref, self.at.relay.read(member(ref.receiver), self.name(ref, attempt), 0), attempt))

    def opened(self, ref: Ref, envelopes: Iterable[Envelope], attempt: int = 1) -> Iterator[bytes]:
        """Open a message as its receiver."""
        key, public = self.key(ref.receiver, attempt), identity(ref.sender).public
        return open_chunks(self.name(ref, attempt), envelopes, receiver=key, sender_public=public)

    @property
    def state(self) -> str:
        """The job's state."""
        record = self.at.storage.job(self.digest)
        assert record is not None
        return record.state


def tags_refs() -> dict[str, Ref]:
    """Give, for each owner, the message that brings its tags: with two agencies the other one sends it."""
    return {
        DESK: Ref(kinds.TAGS, OTHER, COORDINATOR, DESK),
        OTHER: Ref(kinds.TAGS, DESK, COORDINATOR, OTHER),
    }


def tags_chunks(seed: int, shared: int = 3, rows: int = 8) -> Iterator[bytes]:
    """Give a list of one pass whose first `shared` tags every list has."""
    tags = np.random.default_rng(seed).integers(0, 256, (1, rows, 16), dtype=np.uint8)
    tags[0, :shared] = np.random.default_rng(99).integers(0, 256, (shared, 16), dtype=np.uint8)
    return list_payload(tags)
