"""What each template's example must give over the region: worked out with pandas from its files and the truth, without the product.

An oracle gives a table (`Table`); those on work are in `template_work.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from itertools import pairwise
from math import sqrt
from typing import Any, Final

import numpy as np
import pandas as pd

from tests import template_work as work
from tests.template_files import (
    ClearFiles,
    Levels,
    Table,
    add_mean,
    find_areas,
    find_quantile,
    tally,
)


def overlap_by_systems(files: ClearFiles) -> Table:
    """People by how many of four programs know them; what two of these spent on them."""
    tanf = files.both("tanf")
    spent = {"tanf": tanf.benefit.replace("", "nan").astype(float).groupby(tanf.person).sum(min_count=1)}
    members = files.read("members")
    spent["health"] = members.cost.astype(float).groupby(members.person).sum()
    systems = [set(tanf.person), set(files.both("care").person), set(files.read("hmis_stays").person), set(members.person)]
    table = tally(set().union(*systems), lambda one: (sum(one in some for some in systems),))
    for name, costs in spent.items():
        for person, cost in costs.dropna().items():
            row = table[sum(person in some for some in systems),]
            row[f"sum({name}.spent)"] = row.get(f"sum({name}.spent)", 0) + cost
    return table


def unduplicated_count(files: ClearFiles) -> Table:
    """People of any of three programs."""
    return {(): {"count": len(set().union(*(files.read(name).person for name in ("early_care", "pupils", "births"))))}}


def service_gap(files: ClearFiles) -> Table:
    """Children in relatives' or foster families, by area, and whether TANF knows them."""
    area = find_areas(files, "care", lambda one: one.placement.isin(["relatives", "foster family"]))
    tanf = set(files.both("tanf").person)
    return tally(area, lambda one: (area[one], one in tanf))


def quality_measure(files: ClearFiles) -> Table:
    """Children who are members, by placement: how many have medicines of a class or more."""
    care, members = files.both("care"), files.read("members").set_index("person")
    placement = {one: place or None for one, place in zip(care.person, care.placement, strict=True) if one in members.index}
    table = tally(placement, lambda one: (placement[one],))
    for key, row in table.items():
        held = sum(int(members.classes[one]) >= 1 for one in placement if placement[one] == key[0])
        row["share(members.classes >= 1)"] = held / row["count"]
    return table


def _since(files: ClearFiles, dates: Mapping[Any, Collection[pd.Timestamp]], periods: list[tuple[int, int]]) -> Table:
    """Count removed children by whether a date lies so many days after."""
    removed = files.removals()
    table: Table = {}
    last = pd.Timestamp("2025-06-30") - pd.Timedelta(days=max(high for _, high in periods))
    for low, high in periods:
        label = f"{low} to {high}"
        table |= tally(
            [one for one, day in removed.items() if day <= last],
            lambda one, low=low, high=high, label=label: (  # type: ignore[misc]
                label,
                any(low <= (day - removed[one]).days <= high for day in dates.get(one, ())),
            ),
        )
    return table


def _dates(files: ClearFiles, dataset: str, column: str) -> dict[Any, list[pd.Timestamp]]:
    rows = files.read(dataset)
    rows = rows[rows[column] != ""]
    return {person: [pd.Timestamp(day) for day in days] for person, days in rows[column].groupby(rows.person)}


def follow_up_30_days(files: ClearFiles) -> Table:
    """Removed children by whether they had a visit within 30 days, and within 90."""
    return _since(files, _dates(files, "visits", "visited"), [(0, 30), (31, 90)])


def removal_to_hearing(files: ClearFiles) -> Table:
    """Removed children by days to the first hearing."""
    return _since(files, _dates(files, "hearings", "first_hearing"), [(0, 3), (4, 30), (31, 60)])


def removal_to_permanency(files: ClearFiles) -> Table:
    """Removed children by months to permanency."""
    removed, settled = files.removals(), _dates(files, "hearings", "permanency")
    table: Table = {}
    month: Callable[[pd.Timestamp], int] = lambda day: day.year * 12 + day.month  # noqa: E731
    for low, high in ((0, 3), (4, 6)):
        table |= tally(
            removed,
            lambda one, low=low, high=high: (  # type: ignore[misc]
                f"{low} to {high}",
                any(low <= month(day) - month(removed[one]) <= high for day in settled.get(one, ())),
            ),
        )
    return table


def list_families(files: ClearFiles) -> pd.DataFrame:
    """Give the children's rows with the person of a caregiver who is known; of a caregiver of both counties, the east's."""
    rows = []
    for side in ("east", "west"):
        care, known = files.read(f"care_{side}"), files.read(f"caregivers_{side}").set_index("caregiver_id")
        care = care[care.caregiver_id.isin(known.index)]
        rows.append(care.assign(carer=[known.person[key] for key in care.caregiver_id]))
    rows[1] = rows[1][~rows[1].carer.isin(set(rows[0].carer))]
    return pd.concat(rows)


def find_families(files: ClearFiles) -> tuple[pd.Series[int], pd.Series[bool], set[Any]]:
    """Give the longest time away and whether all came home, by caregiver with a removed child; and who was treated."""
    every = list_families(files)
    away = every[every.months_away != ""]
    months = away.months_away.astype(int).groupby(away.carer).max()
    home = (away.reunified == "true").groupby(away.carer).min()
    return months, home, set(files.read("treatment").person)


def caregivers_reunification(files: ClearFiles) -> Table:
    """Caregivers by whether they were treated: which share has children away at 8 months."""
    months, home, treated = find_families(files)
    table = tally(set(list_families(files).carer), lambda one: (one in treated,))
    for (is_treated,), row in table.items():
        mine = [one for one in months.index if (one in treated) is is_treated]
        survival, cuts = 1.0, [0, 5, 9]
        for low, high in pairwise(cuts):
            at_risk = sum(months[one] >= low for one in mine)
            events = sum(low <= months[one] < high and home[one] for one in mine)
            survival *= 1 - events / at_risk if at_risk else 1
        row["survival(families.away, families.home at 5, 9)"] = survival if mine else None
    return table


def readiness_by_early_care(files: ClearFiles) -> Table:
    """Pupils with a score by the program that they had: mean score, and share ready."""
    pupils = files.read("pupils").set_index("person")
    pupils = pupils[pupils.score != ""]
    early = files.read("early_care").set_index("person").program
    levels: Levels = lambda one: (one in early.index, early.get(one))  # noqa: E731
    score = pupils.score.astype(float).to_dict()
    table = add_mean("pupils.score", tally(score, levels), score, levels, list(score))
    for key, row in table.items():
        row["share(pupils.ready)"] = float(np.mean([pupils.ready[one] == "true" for one in score if levels(one) == key]))
    return table


def risk_factors(files: ClearFiles) -> Table:
    """Children in both files: Cramér's V of risk and outcome, over those of whom both are known."""
    births, care = files.read("births").set_index("person").young_mother, files.both("care").set_index("person").again
    people = set(births.index[births != ""]) & set(care.index)
    pairs = [(births[one] == "true", care[one] == "true") for one in people]
    a, b, c, d = (pairs.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False)))
    v = abs(a * d - b * c) / sqrt((a + b) * (c + d) * (a + c) * (b + d))
    return {(): {"count": len(people), "association(births.young_mother, children.again)": v}}


def top_cost_share(files: ClearFiles) -> Table:
    """Members whom child welfare knows: the share of cost of the highest band."""
    members = files.read("members")
    cost = members.cost.astype(float).groupby(members.person).sum()
    mine = [cost[one] for one in set(files.both("care").person) & set(cost.index)]
    top = sum(one for one in mine if one >= 15_000)
    return {(): {"count": len(mine), "concentration(costs.spent at 1000, 5000, 15000)": top / sum(mine)}}


def sampling_frame(files: ClearFiles) -> Table:
    """Children who are members, by area: how many, and the range between the quarters of their cost."""
    area, members = find_areas(files, "care"), files.read("members")
    cost = members.cost.astype(float).groupby(members.person).sum()
    people = [one for one in area if one in cost.index]
    table = tally(people, lambda one: (area[one],))
    edges = [500.0, 1000, 2000, 5000, 10000]
    for key, row in table.items():
        values = [float(cost[one]) for one in people if area[one] == key[0]]
        low, high = (find_quantile(values, edges, share) for share in (0.25, 0.75))
        row["quantiles(other.baseline at 500, 1000, 2000, 5000, 10000)"] = None if low is None or high is None else high - low
    return table


def coverage(files: ClearFiles) -> Table:
    """Children by placement and whether they are members."""
    care, members = files.both("care"), set(files.read("members").person)
    placement = {one: place or None for one, place in zip(care.person, care.placement, strict=True)}
    return tally(placement, lambda one: (placement[one], one in members))


def court_findings(files: ClearFiles) -> Table:
    """Children with a hearing, by division: share with the finding, of those of whom it is known."""
    hearings = files.read("hearings").set_index("person")
    people = [one for one in set(files.both("care").person) if one in hearings.index]
    table = tally(people, lambda one: (hearings.division[one],))
    for (division,), row in table.items():
        told = [
            hearings.contrary[one] == "true" for one in people if hearings.division[one] == division and hearings.contrary[one]
        ]
        row["share(hearings.contrary)"] = float(np.mean(told)) if told else None
    return table


def frequent_users(files: ClearFiles) -> Table:
    """People by which of three services know them, and what each did for them."""
    services = {"shelter": files.read("hmis_stays"), "health": files.read("members"), "care": files.read("care_east")}
    column = {"shelter": "nights", "health": "classes", "care": "reports"}
    used = {
        name: rows[column[name]].replace("", "nan").astype(float).groupby(rows.person).sum(min_count=1)
        for name, rows in services.items()
    }
    levels: Levels = lambda one: tuple(one in used[name].index for name in services)  # noqa: E731
    table = tally(set().union(*(one.index for one in used.values())), levels)
    for name, some in used.items():
        for person, days in some.dropna().items():
            row = table[levels(person)]
            row[f"sum({name}.used)"] = row.get(f"sum({name}.used)", 0) + days
    return table


def crossover_education(files: ClearFiles) -> Table:
    """Pupils by placement: mean days missed, and share of those who missed 18 or more."""
    pupils, care = files.read("pupils").set_index("person"), files.both("care").set_index("person").placement
    absent = {one: float(days) for one, days in pupils.absent.items() if days}
    levels: Levels = lambda one: (one in care.index, care.get(one) or None)  # noqa: E731
    table = add_mean("pupils.absent", tally(pupils.index, levels), absent, levels, list(pupils.index))
    for key, row in table.items():
        told = [days >= 18 for one, days in absent.items() if levels(one) == key]
        row["share(pupils.absent >= 18)"] = float(np.mean(told)) if told else None
    return table


ORACLES: Final[dict[str, Callable[[ClearFiles], Table]]] = {
    one.__name__.replace("_", "-"): one
    for one in (
        overlap_by_systems,
        unduplicated_count,
        work.employment_after_exit,
        work.earnings_after_exit,
        work.job_retention,
        work.earnings_gain,
        work.time_to_jobless,
        work.return_to_program,
        service_gap,
        quality_measure,
        follow_up_30_days,
        removal_to_hearing,
        removal_to_permanency,
        caregivers_reunification,
        readiness_by_early_care,
        risk_factors,
        work.itt_by_arm,
        top_cost_share,
        work.matched_comparison,
        sampling_frame,
        work.job_stability,
        coverage,
        work.order_of_entry,
        court_findings,
        frequent_users,
        crossover_education,
    )
}
