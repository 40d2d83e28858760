"""Shares and ratios: from a job file and records to rows, against pandas and statsmodels; and what rules hide of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from tallystick.core.disclosure.profiles import PROFILES
from tallystick.core.disclosure.rules.small_cells import suppress
from tallystick.core.errors import Invalid
from tallystick.core.job.check import question_problems
from tallystick.core.measure import Asked, Undefined
from tallystick.core.moments import Count, Moment, Present, Sum
from tallystick.core.statistics.keys import InRow
from tallystick.core.statistics.planner import plan
from tallystick.core.statistics.table import row_moments, table
from tests.clear import ask, open_in_clear, terms_of

COLUMNS = {
    "tanf": {
        "age": {"type": "integer", "min": 0, "max": 120},
        "young": {"type": "boolean"},
        "region": {"type": "category", "values": ["north", "south"]},
    },
    "wages": {
        "wage": {"type": "decimal", "scale": 2, "min": 0, "max": 99999},
        "industry": {"type": "category", "values": ["retail", "care"]},
        "full": {"type": "boolean"},
    },
}


def people(seed: int, n: int = 60) -> dict[str, pd.DataFrame]:
    random = np.random.default_rng(seed)
    ids = np.array([f"p{at:03d}" for at in range(n)])

    def some(values: Any, missing: float = 0.15) -> list[Any]:
        return [None if random.random() < missing else value for value in values]

    tanf = pd.DataFrame({"id": ids[: n - 9]})
    tanf["age"] = pd.array(some(random.integers(0, 90, n - 9)), dtype="Int64")
    tanf["young"] = some(random.choice(["true", "false"], n - 9))
    tanf["region"] = some(random.choice(["north", "south"], n - 9), 0.0)
    wages = pd.DataFrame({"id": ids[9:]})
    wages["wage"] = some(np.round(random.uniform(0, 5000, n - 9), 2))
    wages["industry"] = some(random.choice(["retail", "care"], n - 9))
    wages["full"] = some(random.choice(["true", "false"], n - 9))
    return {"tanf": tanf, "wages": wages}


@pytest.mark.parametrize("seed", range(3))
def test_shares_and_ratios_of_records_are_those_of_pandas(seed: int, tmp_path: Path) -> None:
    frames = people(seed)
    measures = [
        {"share": {"of": "wages.wage >= 2500 or wages.industry = 'care'"}},
        {"share": {"of": "tanf.young = true"}},
        {"ratio": ["wages.full", "tanf.age"]},
    ]
    asked, terms = ask(measures=measures, by=["tanf.region"]), terms_of(COLUMNS)
    made, opened = open_in_clear(asked, terms, COLUMNS, frames, tmp_path)
    both = frames["tanf"].merge(frames["wages"], on="id")
    labels = [one.label for one in made.asked]
    assert labels[0] == "share(wages.(wage >= 2500 OR industry = 'care'))"
    rows: list[Any] = list(table(made, opened))
    for row in rows:
        here = both[both.region == row["tanf.region"]]
        rich = (here.wage >= 2500).where(here.wage.notna())
        care = (here.industry == "care").where(here.industry.notna())
        held = [  # three-valued or
            None if (not one and pd.isna(other)) or (pd.isna(one) and (pd.isna(other) or not other)) else bool(one is True or other is True)
            for one, other in zip(rich, care, strict=True)
        ]  # fmt: skip
        known = [one for one in held if one is not None]
        check_share(row, labels[0], sum(known), len(known))
        young = here.young.dropna()
        check_share(row, labels[1], int((young == "true").sum()), len(young))
        there = here.dropna(subset=["full", "age"])
        x, y = (there.full == "true").astype(float).to_numpy(), there.age.astype(float).to_numpy()
        ratio = x.sum() / y.sum()
        details = row["details"][labels[2]]
        assert row[labels[2]] == pytest.approx(ratio, rel=1e-12)
        assert (details["numerator"], details["denominator"]) == (x.sum(), y.sum())
        error = np.sqrt(len(x) * np.var(x - ratio * y, ddof=1)) / y.sum()
        assert details["se"] == pytest.approx(error, rel=1e-9)
        assert details["high"] - details["low"] == pytest.approx(2 * 1.959963984540054 * error, rel=1e-9)


def check_share(row: Any, label: str, held: int, n: int) -> None:
    low, high = proportion_confint(held, n, method="wilson")
    expected: dict[str, Any] = {"held": held, "low": pytest.approx(low, abs=1e-12), "high": pytest.approx(high, abs=1e-12)}
    assert row[label] == pytest.approx(held / n, rel=1e-14)
    assert row["details"][label] == expected


def test_what_cannot_be_worked_out_says_why_and_has_no_details() -> None:
    share, ratio = Asked("share", ("l.x",)), Asked("ratio", ("l.x", "r.y"))
    assert share.value({Sum(("l.x",)): 0, Present(("l.x",)): 0}) == Undefined()
    zero: dict[Moment, int] = dict.fromkeys(ratio.moments, 0)
    assert ratio.value(zero) == Undefined("the second sum is 0")
    one: dict[Moment, int] = dict.fromkeys(ratio.moments, 1)
    assert (ratio.value(one), dict(ratio.detail(one))) == (1, {"numerator": 1, "denominator": 1})


def test_a_share_is_written_with_its_interval_and_a_ratio_with_its_parts() -> None:
    share, ratio = Asked("share", ("l.x",)).measure, Asked("ratio", ("l.x", "r.y")).measure
    assert share.format_detail(0.625, {"held": 1250, "low": 0.6, "high": 0.65}) == "62.5% (60.0% to 65.0%; 1,250)"
    assert ratio.format_detail(0.5, {"numerator": 1, "denominator": 2.5}) == "0.500 (1 / 2.50)"


def released(measures: list[Any], cells: dict[Moment, int]) -> dict[str, Any]:
    """Give the one row of a table under the cms profile, from what is opened of it."""
    made = plan(ask(measures=measures), terms_of(COLUMNS))
    known: dict[Any, int] = {**cells}
    opened = [known.get(cell.key.number, 1000) if isinstance(cell.key.place, InRow) else 1000 for cell in made.cells]
    rows = table(made, opened)
    linkage: Any = {"people": {"tanf": 1000, "wages": 1000}, "usable": {"tanf": 1000, "wages": 1000}, "matched": 100}
    (row,) = suppress(rows, linkage, PROFILES["cms"], made, row_moments(made, opened))[0]
    return dict(row)


@pytest.mark.parametrize(("held", "shown"), [(0, True), (5, False), (11, True), (89, True), (95, False), (100, True)])
def test_s19_a_share_of_few_people_or_of_all_but_few_is_hidden_with_its_interval(held: int, shown: bool) -> None:
    row = released(
        [{"share": {"of": "wages.wage >= 2500"}}],
        {Count(): 100, Present(("wages.wage >= 2500",)): 100, Sum(("wages.wage >= 2500",)): held},
    )
    assert (row["share(wages.wage >= 2500)"] is not None) is shown
    assert ("details" in row) is shown


@pytest.mark.parametrize(
    ("x", "y", "both", "shown"), [(40, 50, 20, True), (40, 43, 40, False), (40, 40, 35, False), (50, 50, 0, True), (60, 45, 10, False)]
)  # fmt: skip
def test_s19_a_ratio_of_two_booleans_is_hidden_where_few_are_in_one_of_four_ways(
    x: int, y: int, both: int, shown: bool
) -> None:
    columns = ("tanf.young", "wages.full")
    cells: dict[Moment, int] = {Count(): 100, Present(columns): 100, Sum(columns, columns): both}
    for times in (1, 2):
        cells |= {Sum(columns[:1] * times, columns): x, Sum(columns[1:] * times, columns): y}
    assert (released([{"ratio": list(columns)}], cells)["ratio(tanf.young, wages.full)"] is not None) is shown


@pytest.mark.parametrize(("one", "both", "shown"), [(100, 60, True), (100, 95, False), (80, 75, False), (80, 60, True)])
def test_s19_people_with_one_value_and_not_the_other_are_not_told_by_two_counts(one: int, both: int, shown: bool) -> None:
    columns = ("tanf.age", "wages.wage")
    cells: dict[Moment, int] = {Count(): 100, Present(columns): both, Present(columns[:1]): one}
    row = released([{"mean": "tanf.age"}, {"ratio": list(columns)}], cells)
    assert (row["ratio(tanf.age, wages.wage)"] is not None) is shown
    assert row["mean(tanf.age)"] is not None


@pytest.mark.parametrize(
    ("bands", "shown"),
    [((30, 40, 30), True), ((0, 60, 40), True), ((5, 55, 40), False), ((95, 5, 0), False), ((100, 0, 0), True)],
)
def test_s19_bands_are_hidden_all_together_where_one_has_few_people(bands: tuple[int, ...], shown: bool) -> None:
    measure = {"histogram": {"of": "wages.wage", "at": [100, 200]}}
    asked = ask(measures=[measure]).measures[0].asked
    cells: dict[Moment, int] = {Count(): 100, Present(("wages.wage",)): 100}
    cells |= dict(zip(asked.moments, bands, strict=False))
    row = released([measure], cells)
    assert (row[asked.label] is not None) is shown
    assert ("details" in row) is shown
    assert asked.label == "histogram(wages.wage at 100, 200)"


@pytest.mark.parametrize(("treated", "worked", "both", "shown"), [(50, 60, 30, True), (50, 60, 47, False), (5, 60, 3, False)])
def test_s19_a_difference_of_shares_is_hidden_where_few_of_an_arm_have_the_outcome_or_lack_it(
    treated: int, worked: int, both: int, shown: bool
) -> None:
    columns = ("tanf.young", "wages.full")
    cells: dict[Moment, int] = {Count(): 100, Present(columns): 100}
    cells |= {Sum(columns[:1], columns): treated, Sum(columns[1:], columns): worked, Sum(columns[1:] * 2, columns): worked}
    cells |= {Sum(columns, columns): both, Sum((*columns, columns[1]), columns): both}
    label = "difference(tanf.young, wages.full)"
    assert (released([{"difference": list(columns)}], cells)[label] is not None) is shown


@pytest.mark.parametrize(
    ("measure", "why"),
    [
        ({"difference": ["tanf.young", "wages.wage"]}, "nobody is in one of the arms"),
        ({"correlation": ["tanf.age", "wages.wage"]}, "one of the columns has one value alone"),
        ({"association": ["tanf.young", "wages.full"]}, "one of the columns has one value alone"),
        ({"regression": {"of": "wages.wage", "on": ["tanf.age"]}}, "one of the columns follows from the others"),
        ({"concentration": {"of": "wages.wage", "at": [10]}}, "the total is 0"),
        ({"median": {"of": "wages.wage", "at": [10]}}, "nobody has a value"),
    ],
)
def test_a_measure_that_cannot_be_worked_out_says_why(measure: Any, why: str) -> None:
    asked = ask(measures=[measure]).measures[0].asked
    zero: dict[Moment, int] = dict.fromkeys(asked.moments, 0)
    zero[asked.rests_on] = 50
    assert asked.value(zero) == Undefined(why)
    if "regression" in measure:
        zero[asked.rests_on] = 11
        assert asked.value(zero) == Undefined("fewer than 10 residual degrees of freedom")


def test_bands_have_one_set_of_edges_and_no_threshold_beside_them() -> None:
    terms = terms_of(COLUMNS)

    def problems(*measures: Any, **more: Any) -> list[str]:
        return [one.message for one in question_problems(ask(measures=list(measures), **more), terms, "ana")]

    one, other = {"median": {"of": "wages.wage", "at": [10, 20]}}, {"histogram": {"of": "wages.wage", "at": [10, 21]}}
    assert problems(one, {"mean": "wages.wage"}) == []
    assert "part wages.wage in two ways" in problems(one, other)[0]
    assert "their difference can count" in problems(one, {"share": {"of": "wages.wage > 15"}})[0]
    assert "do not rise" in problems({"median": {"of": "wages.wage", "at": [20, 10]}})[0]
    assert "is a boolean column" in problems({"median": {"of": "tanf.young", "at": [1]}})[0]
    assert "parts the rows, too" in problems(one, by=[{"bin": "wages.wage", "at": [15]}])[0]
    with pytest.raises(Invalid) as refusal:
        ask(measures=[{"survival": {"of": "tanf.age", "at": [1]}}])
    assert "event" in refusal.value.message
