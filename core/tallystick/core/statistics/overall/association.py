"""Association: of two columns of `by`, with any number of levels, by the table of their counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from math import sqrt
from typing import Any, Final

from tallystick.core.measure import Undefined
from tallystick.core.overall import Found, Level, OverallAsked, OverallStatistic, WholeTable
from tallystick.core.statistics.distributions import compute_chi_square_tail

FEW: Final = 5
"""Below so many expected people in a cell, chi-square is doubtful."""


class AssociationStatistic(OverallStatistic):
    """V = √(χ² / (n·(min(r, c) - 1))), Cramér's, with Pearson's χ² = Σ (n_ij - e_ij)² / e_ij and e_ij = n_i·n_j / n, of r by c levels.

    With p on (r - 1)·(c - 1) degrees of freedom, without a correction for continuity. People whose value of either column is missing are left
    out, and so are levels that nobody has; people of all levels of the table's other columns are added up. χ² is doubtful where cells are
    expected to have fewer than five people; how many there are is told, with the least.

    It needs every cell: where a row of the two columns is hidden, it cannot be worked out.

    Reference: Cramér, "Mathematical Methods of Statistics", Princeton 1946, §21.9, §30.5.
    """

    name = "association"
    form = "pair"
    meaning = "Cramér's V of two columns of `by`: `[GROUP.COLUMN, GROUP.COLUMN]`"
    note = "with chi-square, degrees of freedom, p, and the least count expected; not told where a row of the two columns is hidden"

    def work_out(self, asked: OverallAsked, table: WholeTable) -> Found | Undefined:
        """Work it out from the counts."""
        first, second = asked.by
        cells: Counter[tuple[Level, Level]] = Counter()
        for row in table.select_rows(asked.by):
            if row["count"] is None:
                return Undefined("a cell of the two columns is hidden")
            cells[row[first], row[second]] += row["count"]
        n = sum(cells.values())
        across, down = (_add_up(cells, side) for side in (0, 1))
        if min(len(across), len(down)) < 2:
            return Undefined("one of the columns has one level alone")
        expected = {(i, j): Fraction(across[i] * down[j], n) for i in across for j in down}
        square = float(sum((cells[key] - one) ** 2 / one for key, one in expected.items()))
        freedom = (len(across) - 1) * (len(down) - 1)
        return Found(
            sqrt(square / (n * (min(len(across), len(down)) - 1))),
            {
                "n": n,
                "chi_square": square,
                "df": freedom,
                "p": compute_chi_square_tail(square, freedom),
                "least_expected": min(expected.values()),
                "cells": len(expected),
                "expected_below_5": sum(one < FEW for one in expected.values()),
            },
        )

    def format_found(self, value: float | None, details: Mapping[str, Any]) -> str:
        """Write V with chi-square and p."""
        few = (
            f"; {details['expected_below_5']} of {details['cells']} cells expected below {FEW}"
            if details["expected_below_5"]
            else ""
        )
        square, p = f"{details['chi_square']:,.2f}", f"{details['p']:.3g}"
        return f"Cramér's V {value:.3f} (chi-square {square} on {details['df']} df, p = {p}, n = {details['n']:,}{few})"


def _add_up(cells: Mapping[tuple[Level, Level], int], side: int) -> dict[Level, int]:
    """Give how many people each level of a column has, without those of nobody."""
    sums: Counter[Level] = Counter()
    for key, count in cells.items():
        sums[key[side]] += count
    return {level: count for level, count in sums.items() if count}
