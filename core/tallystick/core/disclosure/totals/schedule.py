"""When each test of a table is asked, and how many there are at most: alike whatever is found.

Stages go from coarse to fine: numbers of no group, and units; then for each depth of the tree whether groups are struck, their members, and
their residuals. A test waits for its stage although it could be asked before, so that what is sent in a stage, and how much, tells nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tallystick.core.disclosure.totals.arrangement import Arrangement
from tallystick.core.disclosure.totals.design import TableDesign
from tallystick.core.disclosure.totals.knowledge import EVERYONE
from tallystick.core.disclosure.totals.steps import AskAlone, AskMembers, AskResidual, AskStrike, AskUnit, Step
from tallystick.core.disclosure.totals.sums import AnyTest, OwnerTest, SumTest, Terms, add_terms, residual_bound, strike_bound

ALONE, STRIKES, MEMBERS, RESIDUALS = range(4)


@dataclass(frozen=True)
class StagePlan:
    """One stage.

    Attributes:
        place: (depth in the tree, which tests of that depth).
        tests: how many, at most.
        plain: sums of these that are one cell of the plan, asked whether it is small.
        sums: of every other sum that they may be over, how many small values it has, at most; in order.
        several: of each test that is of several sums, how many.
    """

    place: tuple[int, int]
    tests: int
    plain: tuple[SumTest, ...]
    sums: tuple[int, ...]
    several: tuple[int, ...] = ()


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
    asked = [total for total in sorted(arrangement.groups) if _is_tested(arrangement, total)]
    several = [total for total in asked if len(arrangement.members(total)) > 1]
    widest = design.widest_test
    left = [total for total in several if widest is not None and _most_residual(total, design, arrangement) > widest]
    owned = [total for total in several if not arrangement.depth[total] and _owners(arrangement, total) and total not in left]
    wide = [total for total in several if widest is not None and len(strike_test(total, design, arrangement).small) > widest]
    too_wide = frozenset([*wide, *left]) - frozenset(owned)
    steps: list[Step] = [AskAlone(root) for root in arrangement.roots if not _goes_on(arrangement, root)]
    steps += [AskUnit(unit) for unit in arrangement.tested_units] if design.unit_tests else []
    steps += [AskStrike(total) for total in several if total not in {*owned, *too_wide}]
    steps += [
        AskMembers(total) for total in asked if total not in too_wide and (total in several or not arrangement.is_tested(total))
    ]
    tests = [
        (place_of(step, arrangement), is_plain(step), test) for step in steps for test in tests_of(step, design, arrangement)
    ]
    residuals = [
        ((arrangement.depth[total], RESIDUALS), _most_residual(total, design, arrangement))
        for total in asked
        if len(arrangement.members(total)) > 2 and total not in too_wide  # of two members, nothing is left to decide
    ]
    stages = []
    for place in sorted({*(place for place, _, _ in tests), *(place for place, _ in residuals)}):
        here = [(plain, test) for at, plain, test in tests if at == place]
        looked_at = [(plain, one) for plain, test in here for one in sums_of(test)]
        plain_ones = tuple(one for plain, one in looked_at if plain and _is_one_cell(one))
        sizes = [len(one.small) for plain, one in looked_at if not (plain and _is_one_cell(one))]
        sizes += [size for at, size in residuals if at == place]
        count = len(here) + sum(at == place for at, _ in residuals)
        numbers = [len(sums_of(test)) for _, test in here]
        stages.append(StagePlan(place, count, plain_ones, tuple(sorted(sizes)), tuple(many for many in numbers if many > 1)))
    return TotalsSchedule(tuple(stages), tuple(owned), too_wide)


def sums_of(test: SumTest | AnyTest) -> tuple[SumTest, ...]:
    """Give the sums that a test looks at."""
    return test.any_of if isinstance(test, AnyTest) else (test,)


def is_plain(step: Step) -> bool:
    """Tell whether a step asks of numbers whether they are small, which may be cells of the plan."""
    return isinstance(step, AskAlone | AskUnit | AskMembers)


def _is_one_cell(one: SumTest) -> bool:
    return len(one.coefficients) == 1 and one.coefficients[0][0] == 1


def _most_residual(total: int, design: TableDesign, arrangement: Arrangement) -> int:
    """Give how many small values the test of a group's residual has at most."""
    return residual_bound(design.min_cell, max(0, len(arrangement.members(total)) - 2))


def _is_tested(arrangement: Arrangement, total: int) -> bool:
    """Tell whether a group may be tested."""
    members = arrangement.members(total)
    return bool(members) and not any(arrangement.numbers[member].hidden for member in members)


def _goes_on(arrangement: Arrangement, root: int) -> bool:
    """Tell whether a root is not tested itself."""
    number = arrangement.numbers[root]
    known = root in arrangement.groups and not number.asked
    return root in arrangement.public or known or (number.hidden and root not in arrangement.groups)


def _owners(arrangement: Arrangement, total: int) -> frozenset[str]:
    """Give the agencies that know what a total holds beside what is public."""
    return arrangement.numbers[total].knowers - {EVERYONE} if total in arrangement.whole else frozenset()


def _sum(arrangement: Arrangement, numbers: Iterable[int]) -> Terms:
    return add_terms(arrangement.net[number] for number in numbers)
