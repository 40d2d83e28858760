"""A plan as the cryptography sees it: bare numbers, with the encryptor's columns first."""

from __future__ import annotations

from collections.abc import Mapping

from tallystick.core.statistics.plan import Plan, Side
from tallystick.crypto.statistic.computation import CellTerms, Computation


def computation_of(plan: Plan, agencies: Mapping[Side, str]) -> Computation:
    """Give the computation of a plan between two agencies; the side with fewer columns encrypts.

    Both agencies and the desk make it alike, so its digest names what shares are of.
    """
    left_encrypts = plan.encryptor == "left"
    sides: tuple[Side, Side] = ("left", "right") if left_encrypts else ("right", "left")
    counts = {"left": len(plan.left_columns), "right": len(plan.right_columns)}
    return Computation(
        encryptor=agencies[sides[0]],
        multiplier=agencies[sides[1]],
        encryptor_columns=counts[sides[0]],
        multiplier_columns=counts[sides[1]],
        pairs=tuple(pair if left_encrypts else pair[::-1] for pair in plan.products),
        cells=tuple(CellTerms(products=cell.products, bound=cell.bound) for cell in plan.cells),
    )
