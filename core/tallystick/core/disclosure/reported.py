"""The totals of a linkage report, each under one name (`matched`, `people(GROUP)`, `pairs(A and B)`), and what is shown of it."""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

from tallystick.core.job.model import Question
from tallystick.core.job.population import PAIR, population_of
from tallystick.core.statistics.table import Linkage


def flatten_totals(linkage: Linkage) -> dict[str, int]:
    """Give the totals that there are, by name."""
    numbers: dict[str, int] = {}
    for name, value in linkage.items():
        if isinstance(value, dict):
            numbers |= {f"{name}({group})": cast("int", number) for group, number in value.items()}
        elif value is not None:
            numbers[name] = value
    return numbers


def withhold_totals(linkage: Linkage, hidden: Collection[str]) -> Linkage:
    """Give the report with null in place of the totals of these names."""
    out: Linkage = {}
    for name, value in linkage.items():
        if isinstance(value, dict):
            out[name] = {group: None if f"{name}({group})" in hidden else number for group, number in value.items()}
        else:
            out[name] = None if name in hidden else value
    return out


def describe_links(question: Question, *, hides: bool, gated: bool = False) -> str:
    """Say what an analyst learns of the linkage report.

    Args:
        question: what is asked.
        hides: whether the agreement's rules hide small counts.
        gated: whether the job has a gate.
    """
    population = population_of(question)
    if hides and question.since is not None:
        return "of linkage nothing: beside rows by the time since an event its totals are hidden whole"
    if gated:
        return "what opened of the linkage report: people, matches and rates; tokens and the estimate of precision are withheld"
    if hides and (len(population.groups), len(population.agencies)) != (PAIR, PAIR):
        return "of linkage nothing: the totals of groups of one agency, or of more than two groups, are hidden whole"
    return "the linkage report under the same rule: tokens and matches by pass, match rates, estimated quality, identifiers not read or denied"


def describe_overall(question: Question) -> list[str]:
    """Say what an analyst learns of statistics of the whole table; nothing where a job asks for none."""
    labels = [one.asked.label for one in question.overall or ()]
    return [f"worked out of these released cells and of nothing else: {'; '.join(labels)}"] if labels else []
