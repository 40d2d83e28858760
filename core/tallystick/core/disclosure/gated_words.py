"""What the leakage statement says of a desk in a job with a gate, and of small counts."""

from __future__ import annotations

from tallystick.core.agreement.model import Agreement
from tallystick.core.disclosure.profiles import profile_of
from tallystick.core.job.model import Question
from tallystick.core.job.passes import passes_of


def write_small(agreement: Agreement) -> str:
    """Write the small counts of an agreement that has some."""
    profile = profile_of(agreement.disclosure)
    return f"{0 if profile.zeros_disclosive else 1} to {profile.min_cell - 1}"


def describe_gated_desk(question: Question, agreement: Agreement, asked: str, *, brings_data: bool) -> list[str]:
    """Say what a desk learns of a job with a gate, if every agency follows the protocol."""
    told = [
        (
            f"as the desk, before release: the candidate cells of {asked} that opened; no count of {write_small(agreement)} people, none that "
            "is hidden beside one, and no sum over such people"
        ),
        (
            "as the desk: of people and matches the numbers that opened, none of which is small, or leaves few people of another; no tokens "
            "and no pairs of look-alikes"
        ),
        (
            f"as the desk: the coordinator's links of each pass and its estimate of recall, blurred by {agreement.decoys} decoys a pass; where "
            "the matches in all opened, it knows how many links are decoys in all"
        ),
    ]
    if len(passes_of(question, agreement).told) == 1:
        told[-1] += ", so decoys hide nothing of the one pass"
    if brings_data:
        told.append(
            "as the desk, with data of its own: that a count which one person it knows alone can be in is hidden, and not 0, says that this "
            "person is counted; no value"
        )
    return [
        *told,
        "not protected: an agency that lies of its shares from the start, and the desk with it, can open a small count (SECURITY.md)",
    ]
