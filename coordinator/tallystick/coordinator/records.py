"""What the coordinator keeps in its database: small rows. Messages and results are files (`relay.py`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from tallystick.core.net.chunks import MessageName
from tallystick.core.net.tls import Role

FOREVER: Final = 0
"""The attempt of what belongs to no attempt: approvals."""


@dataclass(frozen=True)
class Invitation:
    """Who may join once, as what, until when; `used` is when it was."""

    id: str
    role: Role
    name: str
    expires: datetime
    used: datetime | None = None


@dataclass(frozen=True)
class Certificate:
    """A certificate that was issued: its serial number in hexadecimal, whose, from which invitation, and the chain itself."""

    serial: str
    role: Role
    name: str
    expires: datetime
    invitation: str
    chain: bytes = field(repr=False)
    revoked: datetime | None = None


@dataclass(frozen=True)
class JobRecord:
    """One job.

    Attributes:
        job: the digest, 32 bytes.
        question: the digest of the question alone, hexadecimal: two askings of one question share it.
        document: the signed job.
        state: a name of `core/job/lifecycle.py`. The phase is read off the messages that are there (`waiting.py`).
        attempt: 1 to 3; attempt 1 begins with the job.
        version: grows by one with every change; a writer must know the version that it changes.
        result_bytes: length of the stored result, once released.
    """

    job: bytes
    question: str
    analyst: str
    agreement: str
    agreement_digest: str
    document: bytes = field(repr=False)
    state: str
    attempt: int
    version: int
    submitted: datetime
    deadline: datetime
    ended: datetime | None = None
    result_bytes: int | None = None


@dataclass(frozen=True)
class Deposit:
    """A signed document that a party handed in: `approval` (attempt `FOREVER`) or `hello`."""

    kind: str
    party: str
    attempt: int
    document: bytes = field(repr=False)


@dataclass(frozen=True)
class FailureRecord:
    """Why a party could not go on: public words only."""

    attempt: int
    party: str
    code: str
    message: str
    hint: str
    retry: bool


@dataclass(frozen=True)
class MomentRecord:
    """An entry of a job's timeline.

    Attributes:
        what: `submit`, a kind of deposit, a message's round, an event of the job, or `heard`: the party knows how the job ended.
        party: who did it: a party, the analyst, or the coordinator.
        code: of the catalogue, where it went wrong.
    """

    at: datetime
    what: str
    party: str
    attempt: int
    code: str = ""


@dataclass(frozen=True)
class MessageRecord:
    """A complete, durable message: where it belongs, how many envelopes, how long its file is, and in which store it lies.

    Attributes:
        store: of a coordinator that is alone, nothing; of replicas, which of them received it: two may receive one message at once,
            and what the row names is the message.
    """

    name: MessageName
    envelopes: int
    bytes: int
    store: str = ""
