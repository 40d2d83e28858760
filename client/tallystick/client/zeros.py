"""Means over everybody who is counted, with 0 for those without a value: what an arm earned, whoever of it had a job.

A measure leaves out people without a value. Of a column whose sum and standard deviation a table shows, with how many have a value, the mean
and the standard error over all people of a row follow: with N people, n of them with a value, sum S and standard deviation s,

    m = S / N        Σx² = (n - 1)·s² + S² / n        se = √((Σx² - S² / N) / (N - 1) / N)

and of two rows that one boolean or category parts, the difference with its interval and p by Welch (`measures/difference.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from tallystick.client.answer import COUNT, Answer, AnswerRow
from tallystick.core.statistics.distributions import compare_means


@dataclass(frozen=True)
class WholeMean:
    """A mean over all people of a row.

    Attributes:
        people: N.
        mean: m.
        error: its standard error.
    """

    people: float
    mean: float
    error: float


def find_whole_mean(row: AnswerRow, column: str) -> WholeMean | None:
    """Give a row's mean over everybody; None where one of its numbers is hidden, missing, or of fewer than two people."""
    numbers = [
        row.cells[key].value if key in row.cells else None
        for key in (COUNT, f"count({column})", f"sum({column})", f"sd({column})")
    ]
    people, holders, total, spread = numbers
    if people is None or holders is None or total is None or spread is None or people < 2 or holders < 2:
        return None
    squares = (holders - 1) * spread * spread + total * total / holders
    return WholeMean(people, total / people, sqrt(max(0.0, squares - total * total / people) / (people - 1) / people))


def list_whole_means(answer: Answer) -> list[str]:
    """Give a sentence for each column of which both sum and standard deviation are asked: each row's mean over everybody, and the difference.

    The difference is told of two rows. Numbers that were rounded are taken as they are shown.
    """
    asked = {one.asked.columns[0]: one.unit for one in answer.asked if one.asked is not None and one.asked.name == "sd"}
    told = []
    for column, unit in asked.items():
        means = [(row.levels, find_whole_mean(row, column)) for row in answer.rows]
        shown = [(levels, mean) for levels, mean in means if mean is not None]
        if f"sum({column})" not in answer.keys or not shown:
            continue
        parts = [f"{', '.join(levels) or 'all'} {mean.mean:,.2f} (standard error {mean.error:,.2f})" for levels, mean in shown]
        line = f"{column}{f' in {unit}' if unit else ''}, with 0 for people without a value: {'; '.join(parts)}"
        if len(shown) == len(means) == 2:
            line += f"; {_compare(shown[1][1], shown[0][1])}"
        told.append(line)
    return told


def _compare(one: WholeMean, other: WholeMean) -> str:
    """Say by how much the first mean is above the second."""
    both = one.error**2 + other.error**2
    difference = one.mean - other.mean
    if not both:
        return f"difference {difference:,.2f}"
    freedom = both**2 / (one.error**4 / (one.people - 1) + other.error**4 / (other.people - 1))
    found = compare_means(difference, sqrt(both), freedom)
    return f"difference (second less first) {difference:,.2f} (95% interval {found['low']:,.2f} to {found['high']:,.2f}; p = {found['p']:.3g})"
