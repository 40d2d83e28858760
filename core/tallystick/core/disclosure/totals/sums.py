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
"""A sum of cells: (coefficient, index of a cell of the plan) pairs."""


@dataclass(frozen=True)
class SumTest:
    """One question of yes or no: is this sum small?

    Attributes:
        coefficients: the sum.
        below: the first value that is not small any more.
        from_zero: small values begin at 0; otherwise at 1.
    """

    coefficients: Terms
    below: int
    from_zero: bool = False

    @property
    def small(self) -> range:
        """The small values; a test on shares has a factor for each."""
        return range(0 if self.from_zero else 1, self.below)

    def holds(self, values: Sequence[int]) -> bool:
        """Give the answer, in the clear.

        Args:
            values: of the plan's cells.
        """
        return sum(coefficient * values[cell] for coefficient, cell in self.coefficients) in self.small


@dataclass(frozen=True)
class AnyTest:
    """One question of yes or no: is any of these sums small? The answer is public; which sum it is is not."""

    any_of: tuple[SumTest, ...]

    def holds(self, values: Sequence[int]) -> bool:
        """Give the answer, in the clear.

        Args:
            values: of the plan's cells.
        """
        return any(one.holds(values) for one in self.any_of)


@dataclass(frozen=True)
class OwnerTest:
    """A question that an agency answers by itself, because it knows the sum.

    Attributes:
        known_to: these agencies know it; it is small if any of them says so.
        test: the question.
    """

    known_to: frozenset[str]
    test: SumTest


def add_terms(parts: Iterable[Terms]) -> Terms:
    """Give the sum of sums, in the order of cells."""
    added: Counter[int] = Counter()
    for terms in parts:
        for coefficient, cell in terms:
            added[cell] += coefficient
    return tuple((coefficient, cell) for cell, coefficient in sorted(added.items()) if coefficient)


def strike_bound(min_cell: int, members: int) -> int:
    """Give the least known total with which a group of so many members is not struck."""
    return min_cell * members


def residual_bound(min_cell: int, small: int) -> int:
    """Give the least sum of a group's small members and their complement with which the others may open."""
    return 2 * min_cell + small - 1
