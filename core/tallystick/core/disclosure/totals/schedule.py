"""When each test of a table is asked, and how many there are at most: alike whatever is found.

Stages go from coarse to fine: numbers of no group, and units; then for each depth of the tree whether groups are struck, their members, and
their residuals. A test waits for its stage although it could be asked before, so that what is sent in a stage, and how much, tells nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from tallystick.core.disclosure.totals.arrangement import Arrangement
from tallystick.core.disclosure.totals.design import TableDesign
from tallystick.core.disclosure.totals.steps import AskAlone, AskMembers, AskResidual, AskStrike, AskUnit, Step
from tallystick.core.disclosure.totals.sums import AnyTest, OwnerTest, SumTest, Terms, add_terms, residual_bound, strike_bound

ALONE, STRIKES, MEMBERS, RESIDUALS = range(4)


@dataclass(frozen=True)
class StagePlan:
    """One stage.

    Attributes:
        place: (depth in the tree, which tests of that depth).
        tests: how many, at most.
        sums: how many of these are not the plain test of one cell of the plan, at most.
        small: how many small values such a one has, at most.
    """

    place: tuple[int, int]
    tests: int
    sums: int
    small: int


@dataclass(frozen=True)
class TotalsSchedule:
    """The stages of a table, and what its agencies answer before the first.

    Attributes:
        stages: in order; each has at least one test that may be asked.
        owned: the groups whose owners say whether they are struck.
        too_wide: groups that cannot be tested on shares, and so are struck.
    """

    stages: tuple[StagePlan, ...]
    owned: tuple[int, ...]
    too_wide: frozenset[int]


def place_of(step: Step, arrangement: Arrangement) -> tuple[int, int]:
    """Give the stage of a step."""
    match step:
        case AskAlone() | AskUnit():
            return (0, ALONE)
        case AskStrike(total):
            return (arrangement.depth[total], STRIKES)
        case AskMembers(total):
            return (arrangement.depth[total], MEMBERS)
        case AskResidual(total, _, _):
            return (arrangement.depth[total], RESIDUALS)


def tests_of(step: Step, design: TableDesign, arrangement: Arrangement) -> tuple[SumTest | AnyTest, ...]:
    """Give the tests of a step."""

    def small(number: int) -> SumTest:
        return SumTest(arrangement.net[number], design.min_cell, arrangement.numbers[number].from_zero)

    match step:
        case AskAlone(number):
            return (small(number),)
        case AskUnit(cells):
            return (AnyTest(tuple(small(cell) for cell in cells)),)
        case AskStrike(total):
            return (strike_test(total, design, arrangement),)
        case AskMembers(total):
            return tuple(small(member) for member in arrangement.members(total))
        case AskResidual(_, few, complement):
            return (SumTest(_sum(arrangement, (*few, complement)), residual_bound(design.min_cell, len(few)), from_zero=True),)


def strike_test(total: int, design: TableDesign, arrangement: Arrangement) -> SumTest:
    """Give the test whether a group is struck."""
    members = arrangement.members(total)
    return SumTest(_sum(arrangement, members), strike_bound(design.min_cell, len(members)), from_zero=True)


def owner_test(total: int, design: TableDesign, arrangement: Arrangement) -> OwnerTest:
    """Give the same for a group whose total an agency knows."""
    return OwnerTest(_owners(arrangement, total), strike_test(total, design, arrangement))


def schedule_tests(design: TableDesign, arrangement: Arrangement) -> TotalsSchedule:
    """Give the stages of a table.

    The owner of a total on top of the tree says whether its group is struck; further down that could tell something about a group that is
    hidden for another reason, so it is tested in its stage.
    """
    asked = [total for total in sorted(arrangement.groups) if _is_asked(arrangement, total)]
    owned = [total for total in asked if total in arrangement.roots and _owners(arrangement, total)]
    widest = design.widest_test
    wide = [total for total in asked if widest is not None and len(strike_test(total, design, arrangement).small) > widest]
    too_wide = frozenset(wide) - frozenset(owned)
    found = sorted(_foresee(design, arrangement, [*owned, *too_wide]), key=lambda one: one[0])
    stages = []
    for place, group in groupby(found, key=lambda one: one[0]):
        sizes = [size for _, size in group]
        sums = [size for size in sizes if size]
        stages.append(StagePlan(place, len(sizes), len(sums), max(sums, default=0)))
    return TotalsSchedule(tuple(stages), tuple(owned), too_wide)


def _foresee(design: TableDesign, arrangement: Arrangement, decided: Iterable[int]) -> Iterator[tuple[tuple[int, int], int]]:
    """Give for each test that may be asked its stage, and how many small values it has; 0 for the plain test of one cell of the plan."""
    steps: list[Step] = [AskAlone(root) for root in arrangement.roots if not _goes_on(arrangement, root)]
    if design.unit_tests:
        steps += [AskUnit(unit) for unit in arrangement.units]
    for total in arrangement.groups:
        members = arrangement.members(total)
        if len(members) > 1 and total not in decided:
            steps.append(AskStrike(total))
        if members:
            steps.append(AskMembers(total))
        if len(members) > 2:  # of two, nothing is left to decide
            yield (arrangement.depth[total], RESIDUALS), residual_bound(design.min_cell, len(members) - 2)
    for step in steps:
        for test in tests_of(step, design, arrangement):
            sums = test.any_of if isinstance(test, AnyTest) else (test,)
            plain = (
                not isinstance(step, AskUnit | AskStrike) and len(sums[0].coefficients) == 1 and sums[0].coefficients[0][0] == 1
            )
            yield place_of(step, arrangement), 0 if plain else sum(len(one.small) for one in sums)


def _is_asked(arrangement: Arrangement, total: int) -> bool:
    members = arrangement.members(total)
    return len(members) > 1 and not any(arrangement.numbers[member].hidden for member in members)


def _goes_on(arrangement: Arrangement, root: int) -> bool:
    """Tell whether a root is not tested itself."""
    number = arrangement.numbers[root]
    known = root in arrangement.groups and not number.asked
    return root in arrangement.public or known or (number.hidden and root not in arrangement.groups)


def _owners(arrangement: Arrangement, total: int) -> frozenset[str]:
    """Give the agencies that know what a total holds beside what is public."""
    whole = len(arrangement.members(total)) == len(arrangement.parts[total])
    return arrangement.numbers[total].knowers - {""} if whole else frozenset()


def _sum(arrangement: Arrangement, numbers: Iterable[int]) -> Terms:
    return add_terms(arrangement.net[number] for number in numbers)
