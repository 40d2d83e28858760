"""What the leakage statement says of a direct job: what its desk hands on, and what its analyst opens."""

from __future__ import annotations

from tallystick.core.agreement.model import Agreement
from tallystick.core.job.model import Question
from tallystick.core.job.release import release_of


def is_direct(question: Question, agreement: Agreement) -> bool:
    """Tell whether the analyst opens, and not the desk."""
    return release_of(question, agreement) == "direct"


def describe_handing_desk() -> list[str]:
    """Say what a desk learns that hands on what it cannot open."""
    return [
        "as the desk: which cells open, how long the sealed shares are, and when they came; they open under the analyst's key alone"
    ]


def describe_direct_analyst(*, gated: bool) -> list[str]:
    """Say what an analyst learns beside the table.

    Args:
        gated: whether small counts are found on shares.
    """
    told = ["the sums and counts that the released measures are worked out from; no links by pass, and no estimate of recall"]
    if gated:
        told.append(
            "not protected: an agency that lies of its shares from the start, and the analyst with it, can open a small count (SECURITY.md)"
        )
    return told
