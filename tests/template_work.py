"""What templates on leaving a program, work and studies must give over the region, worked out with pandas without the product."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from tests.template_files import (
    ClearFiles,
    Levels,
    Table,
    add_mean,
    find_areas,
    find_leavers,
    find_quantile,
    quarter_number,
    tally,
)


def employment_after_exit(files: ClearFiles) -> Table:
    """Leavers by quarter after their last exit, area and whether they had wages then."""
    exits = files.both("tanf")
    last = {person: max(map(quarter_number, some)) for person, some in exits.left.groupby(exits.person)}
    last = {person: quarter for person, quarter in last.items() if quarter <= quarter_number("2024-Q4")}
    area = find_areas(files, "tanf")
    earned = {quarter_number(one): files.wages(one).to_dict() for one in ("2024-Q3", "2024-Q4", "2025-Q1", "2025-Q2")}
    table: Table = {}
    for period in (1, 2):
        then = {person: earned[quarter + period] for person, quarter in last.items()}

        def levels(person: Any, period: int = period, then: Any = then) -> tuple[Any, ...]:
            return (period, area[person], person in then[person])

        values = {person: then[person][person] for person in last if person in then[person]}
        table |= add_mean("wages.earnings", tally(last, levels), values, levels, list(last))
    return table


def earnings_after_exit(files: ClearFiles) -> Table:
    """Leavers of one quarter with wages in the next, by area: mean and median."""
    rows: Callable[[pd.DataFrame], Any] = lambda one: one.left == "2024-Q4"  # noqa: E731
    area, earned = find_areas(files, "tanf", rows), files.wages("2025-Q1").to_dict()
    people = [person for person in area if person in earned]
    levels: Levels = lambda one: (area[one],)  # noqa: E731
    table = add_mean("wages.earnings", tally(people, levels), earned, levels, people)
    edges = [2500.0, 5000, 7500, 10000]
    for key, row in table.items():
        values = [earned[person] for person in people if levels(person) == key]
        row["median(wages.earnings at 2500, 5000, 7500, 10000)"] = find_quantile(values, edges, 0.5)
    return table


def job_retention(files: ClearFiles) -> Table:
    """Of those employed in the first quarter, who was in the third."""
    first, later = files.wages("2024-Q4").to_dict(), files.wages("2025-Q2")
    people = [person for person in find_leavers(files, "2024-Q3") if person in first]
    levels: Levels = lambda one: (one in later.index,)  # noqa: E731
    return add_mean("entry.earnings", tally(people, levels), first, levels, people)


def earnings_gain(files: ClearFiles) -> Table:
    """Earnings of the third quarter over those of the first."""
    first, later = files.wages("2024-Q4"), files.wages("2025-Q2")
    people = [one for one in find_leavers(files, "2024-Q3") if one in first.index and one in later.index]
    return {(): {"count": len(people), "ratio(later.earnings, entry.earnings)": later[people].sum() / first[people].sum()}}


def time_to_jobless(files: ClearFiles) -> Table:
    """Of those employed in the first quarter, who was in the second and in the third."""
    quarters = [set(files.wages(one).index) for one in ("2024-Q4", "2025-Q1", "2025-Q2")]
    return tally(find_leavers(files, "2024-Q3") & quarters[0], lambda one: (one in quarters[1], one in quarters[2]))


def return_to_program(files: ClearFiles) -> Table:
    """Leavers by whether a spell began so many quarters after their first exit. Each county's spells are its own; the east's come first."""
    left = files.both("tanf")
    first = {person: min(map(quarter_number, some)) for person, some in left.left.groupby(left.person)}
    first = {person: quarter for person, quarter in first.items() if quarter <= quarter_number("2025-Q1") - 2}
    spells = pd.concat([files.read("tanf_east"), files.read("tanf_west")])
    began = {(person, quarter_number(one)) for person, one in zip(spells.person, spells.entered, strict=True)}
    table: Table = {}
    for period in (1, 2):
        table |= tally(first, lambda one, period=period: (period, (one, first[one] + period) in began))  # type: ignore[misc]
    return table


def itt_by_arm(files: ClearFiles) -> Table:
    """Both arms: how many, and what they earned together."""
    study, earned = files.read("study").set_index("person").treated, files.wages("2025-Q2")
    table = tally(study.index, lambda one: (study[one] == "true",))
    for (arm,), row in table.items():
        values = [earned[one] for one in study.index if one in earned.index and (study[one] == "true") is arm]
        row |= {"sum(wages.earnings)": sum(values), "sd(wages.earnings)": float(np.std(values, ddof=1))}
    return table


def matched_comparison(files: ClearFiles) -> Table:
    """TANF's people with wages, by area and whether they were in shelter: mean earnings."""
    area, earned = find_areas(files, "tanf"), files.wages("2025-Q2").to_dict()
    stays = set(files.read("hmis_stays").person)
    people = [one for one in area if one in earned]
    levels: Levels = lambda one: (area[one], one in stays)  # noqa: E731
    return add_mean("outcomes.outcome", tally(people, levels), earned, levels, people)


def job_stability(files: ClearFiles) -> Table:
    """Leavers with wages: share with two employers, and mean earnings."""
    rows = files.read("ui_wages")
    rows = rows[(rows.paid == "2025-Q1") & rows.person.isin(find_leavers(files, "2024-Q4"))]
    employers = rows.employer.groupby(rows.person).nunique()
    earned = rows.wage.astype(float).groupby(rows.person).sum()
    return {
        (): {
            "count": len(employers),
            "share(wages.employers >= 2)": float((employers >= 2).mean()),
            "mean(wages.earnings)": float(earned.mean()),
        }
    }


def order_of_entry(files: ClearFiles) -> Table:
    """People of TANF by quarters from their first entry to the first report."""
    tanf, care = files.both("tanf"), files.both("care")
    entry = {person: min(map(quarter_number, some)) for person, some in tanf.entered.groupby(tanf.person)}
    report = {person: min(map(quarter_number, some)) for person, some in care.reported.groupby(care.person)}
    held = range(quarter_number("2023-Q1") + 2, quarter_number("2024-Q3") - 2 + 1)
    table: Table = {}
    for label, low, high in (("-2 to -1", -2, -1), ("0", 0, 0), ("1 to 2", 1, 2)):
        table |= tally(
            [one for one, quarter in entry.items() if quarter in held],
            lambda one, label=label, low=low, high=high: (label, one in report and low <= report[one] - entry[one] <= high),  # type: ignore[misc]
        )
    return table
