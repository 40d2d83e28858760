"""A plan as the cryptography sees it: bare numbers, the agencies in the order of their names."""

from __future__ import annotations

from tallystick.core.statistics.plan import Plan
from tallystick.crypto.statistic.computation import CellTerms, Computation


def computation_of(plan: Plan) -> Computation:
    """Give the computation of a plan.

    All agencies and the desk make it alike, so its digest names what shares are of.
    """
    return Computation(
        agencies=plan.agencies,
        columns=tuple(len(columns) for _, columns in plan.columns),
        terms=plan.terms,
        cells=tuple(CellTerms(cell.terms, cell.bound, room) for cell, room in zip(plan.cells, plan.rooms, strict=True)),
    )
