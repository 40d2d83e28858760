"""How a result leaves, and when an agreement does not allow it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Invalid, Refused, TallyError
from tallystick.core.job.columns import split
from tallystick.core.job.model import Job, Question, Since
from tallystick.core.job.refusal import not_allowed
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.paillier import public_key


def release_of(question: Question, agreement: Agreement) -> Literal["desk", "direct"]:
    """Give how the result leaves: as the question says, or else the agreement."""
    return question.release or agreement.release.mode


def release_problems(question: Question, agreement: Agreement) -> Iterator[TallyError]:
    """Give every reason why a question's result may not leave as it asks."""
    if release_of(question, agreement) == "direct" and agreement.review is not None:
        yield not_allowed(
            agreement,
            "review",
            "reviewers see results at a desk before they go out",
            ("release: desk",),
        )
    if agreement.release.desk is None:
        yield not_allowed(agreement, "release", "it names no desk", ())
    elif release_of(question, agreement) == "direct":
        yield from _direct_problems(question, agreement)
    if agreement.disclosure.gate and agreement.release.desk is not None:
        agencies = {people.agency for people in question.people.values()}
        if len(agencies) == 1 and agreement.release.desk not in agencies:
            yield not_allowed(
                agreement,
                "disclosure",
                f"{agreement.release.desk} would open every cell of {min(agencies)}, small ones too",
                (),
            )
        if question.since is not None:
            yield from _since_under_gate(question, question.since, agreement)


def _direct_problems(question: Question, agreement: Agreement) -> Iterator[TallyError]:
    """Give every reason why a result may not be opened by its analyst alone: whatever a desk would hide after opening must be closed before."""
    if agreement.release.mode != "direct":
        yield _refuse(
            "release: direct needs the encrypted small-cell test, and an agreement with release: {mode: direct}; under this one "
            f"{agreement.release.desk} opens results"
        )
        return
    disclosure = agreement.disclosure
    exact = disclosure.noise is None and disclosure.hides
    if len({people.agency for people in question.people.values()}) == 1:
        yield _refuse("release: of one agency's data alone there is no encrypted small-cell test")
    elif exact and not (disclosure.gate and disclosure.cohorts):
        yield _refuse(
            "release: direct needs the encrypted small-cell test and the ledger of cohorts (disclosure: gate, cohorts)"
        )
    if not disclosure.counts_alone:
        name = disclosure.profile if disclosure.households is None else "households"
        yield _refuse(f"release: the rules of {name} round or hide numbers after they are opened, which a desk does")
    if question.since is not None:
        yield _refuse("release: a table by the time since an event is held against earlier ones by a desk")


def _refuse(why: str) -> Refused:
    return Refused("release-direct", why, hint="release: desk")


def _since_under_gate(question: Question, since: Since, agreement: Agreement) -> Iterator[TallyError]:
    """Refuse what would have sums that are the same in every period and that no single agency knows: of these the gate has no test."""
    event, of = (split(reference)[0] for reference in (since.event, since.of))
    if not {event, of} <= set(question.groups):
        return  # unknown: refused by another rule
    if question.stacked:
        yield not_allowed(agreement, "disclosure", "with gate, no job with since has stacked groups", ())
        return
    home = question.people[event].agency
    beside = sorted(name for name, people in question.people.items() if name not in {event, of} and people.agency != home)
    if beside or question.people[of].agency == home:
        yield not_allowed(
            agreement,
            "disclosure",
            f"with gate, a job with since has one group beside those of {home}, and that is the group of {since.of}",
            (),
        )


def check_recipient(job: Job, agreement: Agreement) -> None:
    """Check that a job has a key of its analyst's where the result is released direct, and nowhere else.

    Raises:
        Invalid: `job-invalid`.
    """
    direct = release_of(job.question, agreement) == "direct"
    if direct != (job.recipient is not None):
        why = "is released direct, and has none" if direct else "is released by the desk, and has one"
        raise Invalid(
            "job-invalid",
            f"recipient: a direct result is sealed under the analyst's key; this one {why}",
            hint="submit it again",
        )
    if job.recipient is not None:
        try:
            public_key(bytes.fromhex(job.recipient), sender=job.analyst)
        except PeerFault as error:
            raise Invalid("job-invalid", "nothing can be sealed under the job's recipient") from error
