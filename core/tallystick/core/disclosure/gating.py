"""The gate of a job: what its agencies test on shares before anything is opened, where the agreement closes small cells for everybody.

A job has a gate if its agreement says `disclosure: {gate: true}`, its profile hides something, and two agencies or more bring data. One
agency alone knows all of its cells, so only its own desk may open them (`core/job/check.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Final

from tallystick.core.agreement.model import Agreement
from tallystick.core.disclosure.profiles import profile_of
from tallystick.core.disclosure.totals.gated import gate_of
from tallystick.core.disclosure.totals.ledger import Restriction
from tallystick.core.disclosure.totals.planned import PlannedTables
from tallystick.core.disclosure.totals.rows import find_own_totals
from tallystick.core.errors import Broken
from tallystick.core.moments import Count
from tallystick.core.statistics.columns import AgencyList, sum_column
from tallystick.core.statistics.computation import computation_of
from tallystick.core.statistics.keys import InRow, Key
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.rows import fix_factors, restrict, row_asks
from tallystick.crypto.statistic.computation import Computation
from tallystick.crypto.statistic.gate import SharedTest

ALONE: Final = 1
Terms = frozenset[tuple[int, int]]
"""A sum of cells: (cell, coefficient) pairs."""


def is_gated(agencies: Collection[str], agreement: Agreement) -> bool:
    """Tell whether a job has a gate.

    Args:
        agencies: those whose data the job uses.
        agreement: the job's.
    """
    disclosure = agreement.disclosure
    return bool(disclosure.gate) and len(agencies) > ALONE and profile_of(disclosure).hides


def computation_under(plan: Plan, agreement: Agreement, earlier: Restriction | None = None) -> Computation:
    """Give the computation of a plan, with its gate if it has one. All agencies and the desk make it alike.

    Args:
        plan: the job's.
        agreement: the job's.
        earlier: what tables before it leave closed; it changes what is tested, and no message's length.
    """
    computation = computation_of(plan)
    if not is_gated(plan.agencies, agreement):
        return computation
    tables = PlannedTables(plan, profile_of(agreement.disclosure))
    restricted = None if earlier is None else replace(tables, earlier=earlier).layers
    return replace(computation, gate=gate_of(tables.layers, tables.cells, restricted))


def answer_own_tests(plan: Plan, agreement: Agreement, agency: str, people: AgencyList) -> Callable[[SharedTest], bool]:
    """Give what answers the tests of the sums that an agency knows by itself: whether the sum is small.

    Args:
        plan: of a job with a gate.
        agreement: the job's.
        agency: this one.
        people: its list.

    Security: holds the agency's own totals; of these the answers alone leave the node, and every agency learns them.

    Raises:
        Invalid: as `sum_column`.
    """
    sums = _count_own_sums(plan, agreement, agency, people)

    def knows(test: SharedTest) -> bool:
        (one,) = test.any_of
        terms = frozenset((cell, factor) for cell, factor in one.terms if factor)
        if test.owner != agency or terms not in sums:
            raise Broken("internal", "an agency is asked for a total that it does not know")
        return sums[terms] in one.small

    return knows


def _count_own_sums(plan: Plan, agreement: Agreement, agency: str, people: AgencyList) -> Mapping[Terms, int]:
    """Give the sums of rows that an agency knows by itself: its people of some levels of its own, whatever others have."""
    rows, population = PlannedTables(plan, profile_of(agreement.disclosure)).rows, plan.population
    count_at = {cell.key: at for at, cell in enumerate(plan.cells)}
    own = {group for group, holder in population.members if holder == agency}
    sums: dict[Terms, int] = {}
    for total in find_own_totals(rows):
        if agency not in total.known_to:
            continue
        asks = row_asks(plan.by, plan.rows[min(total.cells)])
        said = {group: levels for group, levels in asks.items() if group in own}
        fixed = fix_factors(said, plan.level_ranges, plan.follow)
        products = restrict(dict(population.keep.terms), fixed)
        if any(group not in own for column in products for group, _ in column):
            raise Broken("internal", "an agency's own total depends on what others have")
        terms = frozenset((count_at[Key(InRow(row), Count())], 1) for row in total.cells)
        sums[terms] = sum(coefficient * sum_column(column, people) for column, coefficient in products.items())
    return sums
