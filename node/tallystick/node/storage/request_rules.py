"""What every store does with requests, as functions of what is kept: see `node/disclosures.py`, rules 1 to 4."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from tallystick.node.disclosures import AnswerPlan, KeptRequest, RequestOutcome

SEEN: Final = {"owner": "request-seen", "asker": "request-passed-on"}
"""By side, the first line of a request in the log."""
BEGUN, SENT, RECEIVED = "request-decided", "request-answered", "request-received"
FORGOTTEN: Final = "requests-forgotten"
_REVOKED: Final = "consent-invalid: the consent was revoked"


def begin_answer(kept: KeptRequest | None, plan: AnswerPlan, *, revoked: bool) -> KeptRequest | None:
    """Give a request as it is when its answer is about to leave; None for one whose answer was begun before, or that is not known."""
    if kept is None or kept.side != "owner" or kept.state != "seen":
        return None
    reason = plan.reason or (_REVOKED if revoked else "")
    outcome: RequestOutcome = "nothing" if reason else "given"
    evidence = plan.evidence if outcome == "given" else b""
    by = plan.by if outcome == "given" else ""
    return replace(kept, state="begun", outcome=outcome, reason=reason, person=plan.person, by=by, evidence=evidence)


def end_answer(kept: KeptRequest | None) -> KeptRequest | None:
    """Give a request whose answer was handed over; None for one that was not begun."""
    return None if kept is None or kept.state != "begun" else replace(kept, state="sent")


def settle_request(kept: KeptRequest) -> tuple[KeptRequest, str] | None:
    """Give what becomes of a request that a start of the node finds, and the line of its log; None where there is nothing to settle."""
    if kept.side == "owner" and kept.state == "begun":
        return replace(kept, state="unsure"), "request-unsure"
    if kept.side == "owner" and kept.state == "seen":
        return replace(kept, state="dropped", outcome="nothing"), "request-dropped"
    return None


def is_due(kept: KeptRequest, given_before: datetime, nothing_before: datetime) -> bool:
    """Tell whether a request is forgotten: see `RequestKeeper.forget_requests`."""
    before = nothing_before if kept.outcome == "nothing" else given_before
    return kept.state not in {"seen", "begun"} and kept.at < before


def receive_answer(kept: KeptRequest | None, receipt: bytes, outcome: RequestOutcome) -> KeptRequest | None:
    """Give a request with its receipt; None where there is one, or the request is not known."""
    if kept is None or kept.receipt:
        return None
    if kept.side == "owner":
        return replace(kept, receipt=receipt)
    return replace(kept, receipt=receipt, state="received", outcome=outcome)
