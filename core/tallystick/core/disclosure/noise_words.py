"""What the leakage statement says of a job with noise (docs/adr/0018-noise.md)."""

from __future__ import annotations

from tallystick.core.agreement.model import Agreement
from tallystick.core.job.model import Question
from tallystick.core.job.passes import passes_of
from tallystick.core.statistics.noise import count_changed_links


def is_noisy(agreement: Agreement) -> bool:
    """Tell whether numbers have noise when they are opened."""
    return agreement.disclosure.noise is not None


def describe_lists(names: str, agreement: Agreement) -> str:
    """Say what is known of the lengths of agencies' lists.

    Args:
        names: of the agencies.
        agreement: of the job.
    """
    if is_noisy(agreement):
        return f"the number of rows of {names} that the agreement allows each, whatever people there are"
    return f"the padded number of rows of {names}, people and decoys together: at most 12 % above the true number"


def describe_noisy_desk(asked: str) -> list[str]:
    """Say what a desk learns of a job with noise.

    Args:
        asked: the measures and columns.
    """
    return [
        f"as the desk, before release: every candidate cell of {asked} with the noise of all data agencies; of these it knows its own",
        "as the desk: no numbers of people, tokens and matches; the coordinator sends none",
        "as the desk: it hides the small cells, by their noisy counts, before anything is released",
    ]


def describe_guarantee(question: Question, agreement: Agreement) -> str:
    """Say what the noise guards, whom against, and who must keep to the protocol for it. Pre-condition: there is noise."""
    noise = agreement.disclosure.noise
    assert noise is not None
    passes = len(passes_of(question, agreement).told)
    links = (
        f"; one record changes up to {count_changed_links(passes):,} links, for which the noise is wide enough"
        if passes
        else ""
    )
    return (
        f"differential privacy, epsilon {float(noise.of_job):g} a job and at most {float(noise.of_all):g} for all jobs under this version of "
        f"the agreement, for each person's records in the lists{links}. It is against who sees opened or released numbers, as long as one "
        "data agency keeps its noise to itself and every party follows the protocol; not against the coordinator, who sees which anonymous "
        "rows match, nor against who learns from it; not for results under other agreements, nor for whether a job fails"
    )


def describe_coordinator_and_desk(agency: str) -> str:
    """Say what the coordinator and a desk with data know together of cells with noise."""
    return (
        f"{agency} is the desk and opens the cells with noise; beside the coordinator's links the noise hides nobody's match, but values "
        "still"
    )
