"""A made-up county's agreement, job and approvals, any part of which a test may change before it is signed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from functools import cache
from typing import Any

from tallystick.core.agreement.model import Agreement
from tallystick.core.documents import SignedDocument, build_unsigned, sign_document
from tallystick.core.errors import TallyError
from tallystick.core.job.approval import Approval, find_required
from tallystick.core.job.model import Job, Question
from tallystick.core.job.passes import passes_of
from tallystick.core.keyfile import IdentityKey, new_identity
from tallystick.crypto.envelope import SealingKey
from tallystick.crypto.randomness import SeededRandomness

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PARTIES = ("housing", "human-services", "labor")


@cache
def identity(name: str) -> IdentityKey:
    """Give somebody's identity, the same at every call."""
    return new_identity(SeededRandomness(name.encode()))


@cache
def sealing_key(name: str) -> SealingKey:
    """Give somebody's sealing key, the same at every call."""
    return SealingKey.generate(SeededRandomness(b"sealing " + name.encode()))


def stamp(moment: datetime) -> str:
    """Write a moment as documents do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def agreement_value(**changes: Any) -> dict[str, Any]:
    """Give the agreement as a JSON value, with keys replaced."""
    value: dict[str, Any] = {
        "agreement": "county",
        "version": 2,
        "valid_from": "2026-01-01T00:00:00Z",
        "valid_until": "2027-01-01T00:00:00Z",
        "parties": {name: {"key": identity(name).key} for name in PARTIES},
        "coordinator": {"key": identity("coordinator").key, "sealing_key": sealing_key("coordinator").public.hex()},
        "analysts": {name: {"key": identity(name).key} for name in ("ana", "otto")},
        "approvers": {"board": {"key": identity("board").key}},
        "stewards": {"labor": {"need": 2, "keys": {name: identity(name).key for name in ("sue", "tom", "uma")}}},
        "purposes": ["evaluation", "planning"],
        "datasets": {
            "tanf": {
                "agency": "human-services",
                "columns": {
                    "region": {"type": "category", "values": ["north", "south", "east", "west"]},
                    "exit_quarter": {"type": "category"},
                    "age": {"type": "integer", "min": 0, "max": 120},
                    "benefit": {"type": "decimal", "scale": 2, "min": 0, "max": 5000},
                    "employed": {"type": "boolean"},
                    "exited": {"type": "date"},
                    "notes": {"type": "integer"},
                },
                "identifiers": ["ssn", "birth_date"],
            },
            "wages": {
                "agency": "labor",
                "columns": {
                    "quarter": {"type": "category"},
                    "industry": {"type": "category", "values": ["retail", "care"]},
                    "wage": {"type": "decimal", "scale": 2, "min": "0", "max": "99999.99"},
                },
                "identifiers": ["ssn", "birth_date"],
                "rows_per_person": 20,
            },
            "shelter": {
                "agency": "housing",
                "columns": {"nights": {"type": "integer", "min": 0, "max": 366}},
                "identifiers": ["ssn"],
            },
        },
        "operations": ["count", "mean", "sum"],
        "joins": ["inner", "left"],
        "link": ["ssn+birth_date"],
        "disclosure": {"profile": "cms"},
        "release": {"mode": "desk", "desk": "human-services"},
    }
    return deepcopy(value) | changes


def agreement(**changes: Any) -> Agreement:
    """Give the agreement, with keys replaced."""
    return Agreement.read(agreement_value(**changes), what="agreement")


def signed_agreement(
    document: Agreement, by: Iterable[str] = PARTIES, keys: Mapping[str, IdentityKey] | None = None
) -> SignedDocument:
    """Sign an agreement in the names given, with their own keys unless others are given."""
    result = build_unsigned("agreement", document)
    for name in by:
        result = result.with_signature(name, (keys or {}).get(name) or identity(name))
    return result


def question_value(**changes: Any) -> dict[str, Any]:
    """Give the question as a JSON value, with keys replaced."""
    value: dict[str, Any] = {
        "agreement": "county",
        "purpose": "evaluation",
        "people": {
            "tanf": {"agency": "human-services", "dataset": "tanf", "where": "exit_quarter = '2025Q1' and age >= 18"},
            "wages": {
                "agency": "labor",
                "dataset": "wages",
                "where": "quarter = '2025Q2'",
                "derive": {"earnings": "sum(wage)", "jobs": "count(*)"},
            },
        },
        "keep": "tanf",
        "link": "default",
        "measures": ["count", {"mean": "wages.earnings"}],
        "by": ["tanf.region", "wages.industry"],
    }
    return deepcopy(value) | changes


def question(**changes: Any) -> Question:
    """Give the question, with keys replaced."""
    return Question.read(question_value(**changes), what="job")


def linkage(asked: Question, terms: Agreement) -> str:
    """Give the digest of a question's linkage passes, or zeros where it has none: such a job is refused for another reason."""
    try:
        return passes_of(asked, terms).digest
    except TallyError:
        return "00" * 32


def job(terms: Agreement, asked: Question | None = None, **changes: Any) -> Job:
    """Give a job of analyst ana under an agreement, with keys of the contract replaced."""
    asked = asked or question()
    value: dict[str, Any] = {
        "question": asked.json_value(),
        "agreement": {"agreement": terms.agreement, "version": terms.version, "digest": terms.digest()},
        "analyst": "ana",
        "result_key": sealing_key("result").public.hex(),
        "linkage": linkage(asked, terms),
        "nonce": "00" * 16,
        "submitted": "2026-06-01T11:00:00Z",
        "deadline": "2026-06-08T11:00:00Z",
    }
    return Job.read(value | changes, what="job")


def approval(contract: Job, terms: Agreement, signer: str, *, key: IdentityKey | None = None, **changes: Any) -> SignedDocument:
    """Give somebody's approval in the role that the agreement gives them, with keys of the document replaced."""
    value: dict[str, Any] = {
        "job": contract.digest(),
        "agreement": terms.digest(),
        "signer": signer,
        "decision": "approve",
        "signed_at": "2026-06-01T11:30:00Z",
        "expires": "2026-06-08T11:30:00Z",
    }
    if signer in terms.parties:
        value |= {"role": "agency", "agency": signer}
    elif signer in terms.approvers:
        value |= {"role": "approver"}
    else:
        value |= {"role": "steward", "agency": next((a for a, s in terms.stewards.items() if signer in s.keys), "labor")}
    document = Approval.read({name: item for name, item in (value | changes).items() if item is not None}, what="approval")
    return sign_document("approval", document, signer, key or identity(signer))


def complete(contract: Job, terms: Agreement, **changes: Any) -> list[SignedDocument]:
    """Give every approval that the agreement asks for, and no more, with keys of each replaced."""
    need = find_required(contract, terms)
    signers = [*need.agencies, *(name for _, count, names in need.stewards for name in names[:count]), *need.approvers]
    return [approval(contract, terms, signer, **changes) for signer in signers]
