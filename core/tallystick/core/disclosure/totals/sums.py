"""What the rule of totals asks of numbers that nobody has opened: whether a sum of cells is small. And the two bounds that are its own.

A test is answered by yes or no. On shares, the parties open (a blinded form of) the product of (sum - v) over the small values v: it is
zero where the answer is yes. A total that an agency knows by itself needs no shares: that agency answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Terms: TypeAlias = tuple[tuple[int, int], ...]
"""A sum of cells: (index of a cell of the plan, coefficient) pairs."""


@dataclass(frozen=True)
class SmallSum:
    """A range of values that a sum may not be seen to have.

    Attributes:
        terms: the sum.
        below: the first value that is not small any more.
        from_zero: small values begin at 0; otherwise at 1.
    """

    terms: Terms
    below: int
    from_zero: bool = False

    @property
    def least(self) -> int:
        """The least small value."""
        return 0 if self.from_zero else 1

    def holds(self, values: Sequence[int]) -> bool:
        """Tell whether the sum is small, in the clear.

        Args:
            values: of the plan's cells.
        """
        return self.least <= sum(coefficient * values[cell] for cell, coefficient in self.terms) < self.below


@dataclass(frozen=True)
class SumTest:
    """One question of yes or no: is any of these sums small? The answer is public; which sum it is is not.

    Attributes:
        any_of: the sums; one, but where a table is one unit.
        owner: the agency that knows the sum by itself and answers; None if the test is on shares.
    """

    any_of: tuple[SmallSum, ...]
    owner: str | None = None

    @property
    def degree(self) -> int:
        """How many factors the product has whose being zero means yes."""
        return sum(one.below - one.least for one in self.any_of)

    def holds(self, values: Sequence[int]) -> bool:
        """Give the answer, in the clear.

        Args:
            values: of the plan's cells.
        """
        return any(one.holds(values) for one in self.any_of)


def add_terms(parts: Iterable[Terms]) -> Terms:
    """Give the sum of sums, in the order of cells."""
    added: Counter[int] = Counter()
    for terms in parts:
        for cell, coefficient in terms:
            added[cell] += coefficient
    return tuple((cell, coefficient) for cell, coefficient in sorted(added.items()) if coefficient)


def strike_bound(min_cell: int, members: int) -> int:
    """Give the least known total with which a group of so many members is not struck."""
    return min_cell * members


def residual_bound(min_cell: int, small: int) -> int:
    """Give the least sum of a group's small members and their complement with which the others may open."""
    return 2 * min_cell + small - 1
