"""From a question to its plan: which columns each agency makes, which terms, and how they add up to the cells.

Presence p of a group is 1 for its people and 0 for others, so `keep` is a polynomial of presences (`core/job/keep.py`). In a row of the
table a group is one of three things: its people have given levels, where p is 1 and their indicator is a factor; the row says that the
person is not in it, where p is 0 and 1 - p is a factor; or nothing is said of it, and p stands as it is. What is measured is a factor of
its group. What is left is a sum of products with whole coefficients. Of each product the factors of one agency's groups are one column
of its list, multiplied at home; a product of one agency alone is that agency's own total, and one of more is a term.

    keep: a          by a's and b's levels     a(l)·b(m), one term, as for `a and b`
                     not in b                  a(l) - a(l)·p_b, an own total and a term

Rows by `systems`, the number of groups that have a person, take in place of that polynomial the one of the people counted whom so many
groups have (`Population.systems`).

A stacked group's row is a sum of rows over its parts: people of the first, people of the second who are not in the first, and so on.

A row of a period since an event is a sum over the calendar (`core/job/since.py`): of a product that has the group of `since`'s `of`, each unit
of the event is a term of its own, and the terms of all units add up to the row's cells.

The linkage report has people and usable tokens of each group and the matches of each two; of two groups of two agencies, where one or
both are kept (`Population.shape`), people and matches by the levels of the first one's columns among `by`; people by how many groups
have them, where the table needs all the products for that, or where an agreement's gate tests them (of five groups at most); of each pass
what the lists say of themselves; and how many people of each list have an identifier that was not read, or denied. Under an agreement with
noise there is none of it, and every cell has a scale of noise (`noise.py`).

Security: a plan depends on the question and the agreement alone, never on data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import prod
from typing import Final

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Refused
from tallystick.core.job.columns import PRESENT, split
from tallystick.core.job.model import Question
from tallystick.core.job.population import Population, population_of
from tallystick.core.job.since import PERIOD, find_follow_up
from tallystick.core.job.units import list_employer_moments, list_household_moments
from tallystick.core.moments import Count, Moment
from tallystick.core.statistics.builder import PlanBuilder
from tallystick.core.statistics.declared import levels_by, ranges_by
from tallystick.core.statistics.keys import (
    InRow,
)
from tallystick.core.statistics.list_cells import build_list_cells
from tallystick.core.statistics.margins import list_margins
from tallystick.core.statistics.noise import scale_noise
from tallystick.core.statistics.plan import Level, Plan
from tallystick.core.statistics.rows import (
    MAX_CELLS,
    by_columns,
    list_leveled,
    list_quantities,
    row_asks,
    row_terms,
    table_rows,
)
from tallystick.crypto.errors import LocalFault
from tallystick.crypto.modulus import count_primes

MAX_GROUPS: Final = 100
"""Groups of which the linkage report tells the matches; a table with more of them tells the total alone."""
MAX_PRODUCTS: Final = 2 * MAX_CELLS + MAX_GROUPS + 1
"""The most terms that a plan may have: two for a cell of a table of two agencies, one for a group, one for the matches in all."""


def plan(
    question: Question, agreement: Agreement, passes: Sequence[str] = (), identifiers: Mapping[str, Sequence[str]] | None = None
) -> Plan:
    """Give the plan of a question under an agreement.

    Args:
        question: what is asked.
        agreement: declares levels and bounds.
        passes: the linkage passes' names, strict to loose, whose tokens the linkage report counts.
        identifiers: by agency, those of its list whose unread and denied values the linkage report counts.

    Raises:
        Invalid: `job-invalid`: a formula, column or measure that makes no sense.
        Refused: `sum-too-large`: a summed column without bounds, or a product of values that does not fit 64 bits; `table-too-large`:
            more rows, cells or products than a job may have.
    """
    population = population_of(question)
    asked = tuple(measure.asked for measure in question.measures)
    employers, households = list_employer_moments(question, agreement), list_household_moments(question, agreement)
    follow, by = find_follow_up(question, agreement), by_columns(question, population)
    ranges = {reference: ranges_by(question, agreement, reference) for reference in list_leveled(by)}
    builder = PlanBuilder(population, list_quantities(question, agreement, asked), ranges, follow)
    moments: tuple[Moment, ...] = tuple(
        dict.fromkeys([Count(), *(moment for one in asked for moment in one.moments), *employers, *households])
    )
    rows = table_rows(by, question, agreement, population, len(moments), follow)
    for index, row in enumerate(rows):
        period = None if follow is None else follow.period(row[by.index(PERIOD)])
        for moment in moments:
            builder.add(InRow(index), moment, row_terms(population, by, row), row_asks(by, row), period)
    totals = None if question.totals == "none" else question.totals
    margins = () if totals is None else list_margins(by, rows)
    builder.add_margins(margins)
    group_by, groups = _groups(question, agreement, population)
    told: tuple[tuple[str, tuple[str, ...]], ...] = ()
    noise: tuple[Fraction, ...] = ()
    if agreement.disclosure.noise is None:
        builder.add_linkage(gated=bool(agreement.disclosure.gate))
        builder.add_groups(group_by, groups)
        told = tuple((called, tuple((identifiers or {}).get(agency, ()))) for called, agency in builder.lists)
        builder.cells += build_list_cells(builder.lists, passes, dict(told))
    else:  # each number of the linkage report would cost privacy of its own
        group_by, groups = (), ()
        noise = scale_noise(builder.cells, population, len(passes), agreement.disclosure.noise.of_job)
    if len(builder.terms) > MAX_PRODUCTS:
        raise Refused(
            "table-too-large",
            f"the table needs {len(builder.terms)} products of columns of different agencies; {MAX_PRODUCTS} are allowed",
            hint="ask by fewer columns or levels, or a keep of fewer groups",
        )
    return Plan(
        population=population,
        columns=tuple((agency, tuple(columns)) for agency, columns in builder.columns.items()),
        terms=tuple(builder.terms),
        by=by,
        rows=rows,
        cells=tuple(builder.cells),
        asked=asked,
        quantities=tuple(builder.quantities.items()),
        lists=() if noise else builder.lists,
        group_by=group_by,
        groups=groups,
        pairs=() if noise else builder.pairs,
        clusters=builder.clusters,
        passes=() if noise else tuple(passes),
        ranges=tuple((reference, tuple(some.items())) for reference, some in ranges.items() if some),
        follow=follow,
        identifiers=told,
        margins=margins,
        tested=totals,
        employers=employers,
        households=households,
        noise=noise,
    )


def cell_prime_counts(plan: Plan, people: int) -> tuple[int, ...]:
    """Give, for each cell, how many primes its modulus needs so that no sum can wrap.

    Args:
        plan: the plan.
        people: at least the number of people of all lists together; the padded sizes, which everyone knows, will do.

    Raises:
        Refused: `sum-too-large`: even all primes together are too few.
    """
    counts = []
    for cell, room in zip(plan.cells, plan.rooms, strict=True):
        try:
            counts.append(count_primes(cell.bound * people + room))
        except LocalFault as fault:
            raise Refused(
                "sum-too-large",
                f"{cell.label} of {people} people could exceed what the encrypted computation holds",
                hint="declare narrower bounds or fewer digits after the point for the column",
            ) from fault
    return tuple(counts)


def _groups(
    question: Question, agreement: Agreement, population: Population
) -> tuple[tuple[str, ...], tuple[tuple[Level, ...], ...]]:
    """Give the first group's columns of `by` and all combinations of their levels; nothing where there are too many or none."""
    if population.shape == "other":
        return (), ()
    names = tuple(name for name in question.by if split(name)[0] == population.first and split(name)[1] != PRESENT)
    levels = [(*levels_by(question, agreement, name), None) for name in names]
    if not names or prod(map(len, levels)) > MAX_GROUPS:
        return (), ()
    return names, tuple(product(*levels))
