"""What plans need, worked out by hand for tests."""

from __future__ import annotations

from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.planner import cell_prime_counts


def bounds_prime_counts(plan: Plan, people: int) -> tuple[int, ...]:
    """Count, for each term, the primes that it is computed with: as many as the neediest of its cells.

    Raises:
        Refused: `sum-too-large`, as `cell_prime_counts`.
    """
    counts = [1] * len(plan.terms)
    for cell, needed in zip(plan.cells, cell_prime_counts(plan, people), strict=True):
        for _, index in cell.terms:
            counts[index] = max(counts[index], needed)
    return tuple(counts)
