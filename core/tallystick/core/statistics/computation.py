"""A plan as the cryptography sees it: bare numbers, the agencies in the order of their names."""

from __future__ import annotations

from collections.abc import Mapping

from tallystick.core.statistics.plan import Plan, Side
from tallystick.crypto.statistic.computation import CellTerms, Computation


def computation_of(plan: Plan, agencies: Mapping[Side, str]) -> Computation:
    """Give the computation of a plan between two agencies.

    Both agencies and the desk make it alike, so its digest names what shares are of.
    """
    names = tuple(sorted(agencies.values()))
    columns = {agencies["left"]: len(plan.left_columns), agencies["right"]: len(plan.right_columns)}
    left, right = names.index(agencies["left"]), names.index(agencies["right"])
    return Computation(
        agencies=names,
        columns=tuple(columns[name] for name in names),
        terms=tuple(tuple(sorted(((left, i), (right, j)))) for i, j in plan.products),
        cells=tuple(CellTerms(terms=cell.products, bound=cell.bound) for cell in plan.cells),
    )
