"""From a question to its plan: which columns each side makes, which products, and how they add up to the cells.

inner: a row's cell is one product, (left: its levels, and the value if the measured column is the left's) · (right: the same).

left: everyone of the left group counts. Where a row has no level of a right column, its cell is the left's own total. Where it
has, the people without a match stand in the row whose right levels are all missing:

    cell(l, all missing) = Σ left(l)·right(all missing)  +  own left(l)  -  Σ left(l)·right(present)

and what is measured at the right is missing for them, so those sums are one product as in an inner join.

The linkage report has people, usable tokens and matches of both groups; where `by` has columns of the left group, its people and
matches for each combination of their levels; and of each pass what the two lists say of themselves.

Security: a plan depends on the question and the agreement alone, never on data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Final

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Invalid, Refused
from tallystick.core.job.model import Join, Question, parsed_join
from tallystick.core.statistics.columns import USABLE
from tallystick.core.statistics.declared import by_levels, declared_column, integer_bounds
from tallystick.core.statistics.plan import Cell, Factor, Own, Plan, Side
from tallystick.crypto.errors import LocalFault
from tallystick.crypto.modulus import primes_needed

MAX_ROWS: Final = 10_000
MAX_PRODUCTS: Final = 50_000
MAX_GROUPS: Final = 100
"""Groups of which the linkage report tells the matches; a table with more of them tells the total alone."""
MOST_ALIKE: Final = 63
"""Pairs of alike people that each person is in, at most, as `core/linkage/estimates.py` counts them."""

Level = str | int | bool | None
Levels = tuple[tuple[str, Level], ...]


def plan(question: Question, agreement: Agreement, passes: Sequence[str] = ()) -> Plan:
    """Give the plan of a question under an agreement.

    Args:
        question: what is asked.
        agreement: declares levels and bounds.
        passes: the linkage passes' names, strict to loose, whose tokens the linkage report counts.

    Raises:
        Invalid: `job-invalid`: a join, column or measure that makes no sense.
        Refused: `sum-too-large`: a summed column without bounds; `table-too-large`: more rows or products than a job may have.
    """
    join = parsed_join(question)
    builder = _Builder(join)
    rows = _rows(question, agreement, join)
    measures = _measured(question, agreement, join)
    for index, row in enumerate(rows):
        levels: dict[Side, Levels] = {
            "left": _side_levels(question.by, row, join.left),
            "right": _side_levels(question.by, row, join.right),
        }
        builder.add(index, "count", levels, None)
        for measure in measures:
            builder.add(index, f"sum({measure.reference})", levels, measure)
            builder.add(index, f"count({measure.reference})", levels, measure, present=True)
        if len(builder.products) > MAX_PRODUCTS:
            raise Refused(
                "table-too-large",
                f"the question needs more than {MAX_PRODUCTS} products",
                hint="ask by fewer columns or measures",
            )
    builder.add_linkage()
    group_by, groups = _groups(question, agreement, join)
    builder.add_groups(group_by, groups)
    builder.add_passes(passes)
    return Plan(
        left=join.left,
        right=join.right,
        left_columns=tuple(builder.columns["left"]),
        right_columns=tuple(builder.columns["right"]),
        products=tuple(builder.products),
        by=question.by,
        rows=rows,
        cells=tuple(builder.cells),
        group_by=group_by,
        groups=groups,
        passes=tuple(passes),
    )


def cell_prime_counts(plan: Plan, people: int) -> tuple[int, ...]:
    """Give, for each cell, how many primes its modulus needs so that no sum can wrap.

    Args:
        plan: the plan.
        people: at least the number of people of both lists together; the padded sizes, which everyone knows, will do.

    Raises:
        Refused: `sum-too-large`: even all primes together are too few.
    """
    counts = []
    for cell in plan.cells:
        try:
            counts.append(primes_needed(cell.bound * people))
        except LocalFault as fault:
            raise Refused(
                "sum-too-large",
                f"{cell.label} of {people} people could exceed what the encrypted computation holds",
                hint="declare narrower bounds or fewer digits after the point for the column",
            ) from fault
    return tuple(counts)


def bounds_prime_counts(plan: Plan, people: int) -> tuple[int, ...]:
    """Give, for each product, how many primes it is computed with: as many as the neediest of its cells.

    Raises:
        Refused: `sum-too-large`, as `cell_prime_counts`.
    """
    counts = [1] * len(plan.products)
    for cell, needed in zip(plan.cells, cell_prime_counts(plan, people), strict=True):
        for _, index in cell.products:
            counts[index] = max(counts[index], needed)
    return tuple(counts)


@dataclass(frozen=True)
class _Measured:
    """A column that is summed."""

    reference: str
    side: Side
    name: str
    bound: int
    scale: int


@dataclass
class _Builder:
    """Collects columns, products and cells; each of them once."""

    join: Join
    columns: dict[Side, dict[Factor, int]] = field(default_factory=lambda: {"left": {}, "right": {}})
    products: dict[tuple[int, int], int] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)

    def add(
        self, row: int, label: str, levels: dict[Side, Levels], measure: _Measured | None, *, present: bool = False
    ) -> None:
        """Add one cell of a row: a count, or the sum or the present number of a measured column."""
        left, right = levels["left"], levels["right"]
        value: dict[Side, str | None] = {"left": None, "right": None}
        if measure is not None:
            value[measure.side] = measure.name
        mine = Factor(left, value["left"], present and value["left"] is not None)
        theirs = Factor(right, value["right"], present and value["right"] is not None)
        products: tuple[tuple[int, int], ...]
        own: tuple[tuple[int, Own], ...] = ()
        unmatched_too = self.join.kind == "left" and value["right"] is None and all(level is None for _, level in right)
        if unmatched_too:
            own = ((1, Own("left", mine)),)
            products = ((1, self._product(mine, theirs)), (-1, self._product(mine, Factor()))) if right else ()
        else:
            products = ((1, self._product(mine, theirs)),)
        summed = measure is not None and not present
        bound = measure.bound if measure is not None and summed else 1
        self.cells.append(Cell(row, label, products, own, bound, measure.scale if measure is not None and summed else 0))

    def add_linkage(self) -> None:
        """Add the numbers of the linkage report."""
        usable = Factor(levels=((USABLE, True),))
        sides: tuple[tuple[Side, str], ...] = (("left", self.join.left), ("right", self.join.right))
        for side, group in sides:
            self.cells.append(Cell(-1, f"people({group})", (), ((1, Own(side, Factor())),), 1))
            self.cells.append(Cell(-1, f"usable({group})", (), ((1, Own(side, usable)),), 1))
        self.cells.append(Cell(-1, "matched", ((1, self._product(Factor(), Factor())),), (), 1))

    def add_groups(self, group_by: Sequence[str], groups: Sequence[tuple[Level, ...]]) -> None:
        """Add the left side's people and matches for each group of the linkage report."""
        for index, group in enumerate(groups):
            mine = Factor(levels=_side_levels(group_by, group, self.join.left))
            self.cells.append(Cell(-2 - index, "people", (), ((1, Own("left", mine)),), 1))
            self.cells.append(Cell(-2 - index, "matched", ((1, self._product(mine, Factor())),), (), 1))

    def add_passes(self, passes: Sequence[str]) -> None:
        """Add what each list says of itself at each pass."""
        sides: tuple[tuple[Side, str], ...] = (("left", self.join.left), ("right", self.join.right))
        for name in passes:
            for side, group in sides:
                for what, bound in (("tokens", 1), ("alike", MOST_ALIKE), ("doubtful", MOST_ALIKE)):
                    counted = f"{what}({name})"
                    self.cells.append(Cell(-1, f"{counted} {group}", (), ((1, Own(side, counted=counted)),), bound))

    def _product(self, left: Factor, right: Factor) -> int:
        i = self.columns["left"].setdefault(left, len(self.columns["left"]))
        j = self.columns["right"].setdefault(right, len(self.columns["right"]))
        return self.products.setdefault((i, j), len(self.products))


def _rows(question: Question, agreement: Agreement, join: Join) -> tuple[tuple[Level, ...], ...]:
    if len(set(question.by)) != len(question.by):
        raise Invalid("job-invalid", "a column is named twice in by", hint="name each column once")
    levels: list[Sequence[Level]] = []
    size = 1
    for reference in question.by:
        _side_of(reference, join)
        levels.append((*by_levels(declared_column(question, agreement, reference), reference), None))
        size *= len(levels[-1])
    if size > MAX_ROWS:
        raise Refused(
            "table-too-large", f"the table would have {size} rows; a job may have {MAX_ROWS}", hint="ask by fewer columns"
        )
    return tuple(product(*levels))


def _groups(question: Question, agreement: Agreement, join: Join) -> tuple[tuple[str, ...], tuple[tuple[Level, ...], ...]]:
    """Give the left side's columns of `by` and all combinations of their levels; nothing where there are too many or none."""
    names = tuple(name for name in question.by if _side_of(name, join) == "left")
    levels = [(*by_levels(declared_column(question, agreement, name), name), None) for name in names]
    if not names or prod(map(len, levels)) > MAX_GROUPS:
        return (), ()
    return names, tuple(product(*levels))


def _measured(question: Question, agreement: Agreement, join: Join) -> tuple[_Measured, ...]:
    """Give the columns that are summed, each once: a sum and a mean of one column share their cells."""
    references = dict.fromkeys(measure.column for measure in question.measures if measure.column is not None)
    measured = []
    for reference in references:
        side = _side_of(reference, join)
        column = declared_column(question, agreement, reference)
        low, high = integer_bounds(column, reference)
        measured.append(_Measured(reference, side, reference.split(".", 1)[1], max(abs(low), abs(high), 1), column.scale or 0))
    return tuple(measured)


def _side_of(reference: str, join: Join) -> Side:
    group = reference.split(".", 1)[0]
    if group not in {join.left, join.right}:
        raise Invalid(
            "job-invalid", f"{reference} names no group of the join", hint=f"the join has {join.left} and {join.right}"
        )
    return "left" if group == join.left else "right"


def _side_levels(by: Sequence[str], row: Sequence[Level], group: str) -> Levels:
    return tuple((ref.split(".", 1)[1], level) for ref, level in zip(by, row, strict=True) if ref.split(".", 1)[0] == group)
