"""What every store of a node's state refuses, so that no caller, however late or however wrong, can undo it (S-18, S-41).

1. A job that ended stays as it ended, and takes no share, no result and no opening any more.
2. Attempts only grow: a record of an earlier attempt is not taken, and nothing is kept for an attempt that is over.
3. The shares of one attempt of a job are opened, and of no other.
4. Two tables of one job rest on the same numbers.
5. After a share was kept, the job is answered from the same people.
6. A job is changed by who has read it as it is kept: of two that read it at once, one reads again.
7. In a job with a gate what opens is the same in every attempt of which the node keeps a share.
"""

from __future__ import annotations

from tallystick.core.errors import Broken, Invalid, Refused
from tallystick.core.job.lifecycle import JobState
from tallystick.crypto.statistic.shares import read_shares
from tallystick.node.ports import KeptJob, NodeStorage, StaleJob


def check_change(kept: KeptJob | None, before: KeptJob, after: KeptJob) -> None:
    """Let a job be changed (rules 1, 2 and 6).

    Args:
        kept: what is kept of it.
        before: what the change was decided from.
        after: what is to be kept.

    Raises:
        Stale: another change came between.
        Invalid: `job-unknown`, `job-state`.
    """
    if kept is None:
        raise job_unknown()
    if kept.version != before.version:
        raise StaleJob
    check_under_way(kept, after.attempt)


def check_under_way(kept: KeptJob | None, attempt: int) -> None:
    """Let something be kept for an attempt that is not over; of a job that is not known here nothing is against it (rules 1 and 2).

    Raises:
        Invalid: `job-state`.
    """
    if kept is None:
        return
    if JobState(kept.state).final:
        raise Invalid("job-state", f"the job ended here ({kept.state}), and nothing of it leaves any more")
    if attempt < kept.attempt:
        raise Invalid("job-state", f"attempt {attempt} is over: the job is in attempt {kept.attempt} here")


def check_opening(opened: int | None, attempt: int) -> None:
    """Let the shares of an attempt be opened (rule 3).

    Args:
        opened: the attempt whose shares were opened or about to be; 0 for one of a version that did not note which.
        attempt: the one to be opened.

    Raises:
        Refused: `attempt-opened`.
    """
    if opened is not None and opened != attempt:
        raise attempt_opened()


def check_numbers(kept: bytes, numbers: bytes) -> None:
    """Let a table be kept beside another of its job (rule 4).

    Args:
        kept: the digest of the other's numbers; empty where that is not known any more.
        numbers: this one's.

    Raises:
        Broken: `attempts-differ`.
    """
    if kept != numbers:
        raise Broken(
            "attempts-differ",
            "another attempt of this job gave other numbers, or numbers that are not known any more",
            hint="the coordinator, or a changed source, gave the attempts different people; ask the coordinator's operator",
        )


def check_pattern(storage: NodeStorage, job: str, attempt: int, share: bytes, *, agency: str) -> None:
    """Let a share leave beside those of earlier attempts that this node keeps (rule 7); without a gate nothing is against it.

    Args:
        storage: the node's.
        job: the digest.
        attempt: the one of the share.
        share: the signed document.
        agency: this one.

    Raises:
        Broken: `attempts-differ`.
    """
    pattern = read_shares(share, sender=agency)[0].pattern
    for earlier in range(1, attempt):
        kept = storage.share(job, earlier)
        if kept is not None and read_shares(kept, sender=agency)[0].pattern != pattern:
            raise Broken(
                "attempts-differ",
                f"other cells are small in attempt {attempt} of this job than in attempt {earlier}",
                hint="the coordinator, or a changed source, gave the attempts different people; ask the coordinator's operator",
            )


def job_unknown() -> Invalid:
    """Give the refusal of a decision about a job of which nothing is kept."""
    return Invalid("job-unknown", "no job of that name is known here", hint="tally node pending")


def attempt_opened() -> Refused:
    """Give the refusal of another attempt after shares were opened.

    Two openings of one approved job, over slots that the coordinator gave, could be subtracted: their difference may be one person.
    """
    return Refused(
        "attempt-opened",
        "the desk began to open the numbers of an attempt of this job, so it takes part in no other attempt of it",
        hint="submit the question again as a new job",
    )


def source_changed() -> Refused:
    """Give the refusal of a new attempt over other records than a share was made from (rule 5).

    Two shares over records that differ by one person would tell what that person adds.
    """
    return Refused(
        "source-changed",
        "the agency's records changed after a share over them had left",
        hint="submit the question again as a new job",
    )
