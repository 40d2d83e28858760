"""What storage refuses, in the same words whatever it stands on."""

from __future__ import annotations

from tallystick.core.errors import Refused


def invite_invalid() -> Refused:
    """The invitation is unknown, used, revoked or expired; which of these is not said."""
    return Refused(
        "invite-invalid", "this invitation is unknown, used or expired", hint="ask the coordinator's operator for a new one"
    )


def not_enrolled() -> Refused:
    """The certificate is unknown, revoked or expired; which of these is not said."""
    return Refused(
        "not-enrolled", "this certificate is unknown here, revoked or expired", hint="join again with a new invitation"
    )


def duplicate(job: bytes) -> Refused:
    """The same question by the same analyst has not ended."""
    return Refused(
        "job-duplicate",
        f"the same question is already being answered as job {job.hex()}",
        hint=f"watch it: tally job watch {job.hex()[:12]}; or cancel it first",
    )
