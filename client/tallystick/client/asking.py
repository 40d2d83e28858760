"""From a question to the contract that its analyst signs, with every check that can be made before anybody else is asked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from tallystick.core.agreement.model import Agreement
from tallystick.core.documents import SignedDocument, sign_document
from tallystick.core.errors import Refused
from tallystick.core.job.check import review_time
from tallystick.core.job.model import AgreementRef, Job, Question
from tallystick.core.job.passes import passes_of
from tallystick.core.keyfile import IdentityKey
from tallystick.core.statistics.rulebook import plan_allowed_job, problems
from tallystick.crypto.envelope import SealingKey
from tallystick.crypto.paillier import PublicKey
from tallystick.crypto.randomness import Randomness, SystemRandomness

DEADLINE: Final = timedelta(days=7)
"""How long a job may take, approvals included, unless its analyst says otherwise."""
_NONCE: Final = 16


def analyst_name(agreement: Agreement, identity: IdentityKey) -> str:
    """Give the name under which an agreement knows an analyst's key.

    Raises:
        Refused: `job-not-allowed`: under none.
    """
    for name, party in agreement.analysts.items():
        if party.key == identity.key:
            return name
    raise Refused(
        "job-not-allowed",
        f"agreement {agreement.agreement} names no analyst with your key",
        hint=f"ask its parties to sign a version with your key: {identity.key}",
    )


def new_job(
    question: Question,
    agreement: Agreement,
    digest: str,
    identity: IdentityKey,
    *,
    now: datetime,
    deadline: timedelta = DEADLINE,
    randomness: Randomness | None = None,
    recipient: PublicKey | None = None,
) -> tuple[SignedDocument, SealingKey]:
    """Give a signed job and the fresh key that its result will be sealed to.

    Args:
        question: what is asked.
        agreement: what allows it.
        digest: the agreement's.
        identity: the analyst's; the agreement says under which name.
        now: the present moment, UTC.
        deadline: from now, beside the days that reviewers have; no later than the agreement's end.
        randomness: of nonce and key.
        recipient: where the result is released direct, what agencies seal its numbers under.

    Raises:
        Invalid, Refused: the first of what stands against it.
    """
    analyst = analyst_name(agreement, identity)
    for problem in problems(question, agreement, analyst):
        raise problem
    source = randomness or SystemRandomness()
    key = SealingKey.generate(source)
    end = min(now + deadline + review_time(agreement), datetime.fromisoformat(agreement.valid_until.replace("Z", "+00:00")))
    job = Job(
        question=question,
        agreement=AgreementRef(agreement=agreement.agreement, version=agreement.version, digest=digest),
        analyst=analyst,
        result_key=key.public.hex(),
        recipient=None if recipient is None else recipient.modulus_bytes.hex(),
        linkage=passes_of(question, agreement).digest,
        nonce=source.take(_NONCE).hex(),
        submitted=_stamp(now),
        deadline=_stamp(end),
    )
    plan_allowed_job(job, agreement, digest=digest, now=now)
    return sign_document("job", job, analyst, identity), key


def _stamp(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
