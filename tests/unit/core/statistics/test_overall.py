"""Statistics of a whole table from a job file and records to what a result says, against scipy, statsmodels and numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats
from statsmodels.duration.survfunc import survdiff

from tallystick.core.job.check import question_problems
from tallystick.core.job.model import Question
from tallystick.core.overall import WholeTable, load_overall, work_out_overall
from tallystick.core.statistics.table import Row, table
from tests.clear import ask, open_in_clear, terms_of

COUNTIES = ["north", "south", "east"]
COLUMNS: dict[str, dict[str, Any]] = {
    "tanf": {
        "county": {"type": "category", "values": [*COUNTIES, "nowhere"]},
        "treated": {"type": "boolean"},
        "out": {"type": "boolean"},
    },
    "wages": {
        "trade": {"type": "category", "values": ["care", "food"]},
        "wage": {"type": "integer", "min": 0, "max": 9000},
        "days": {"type": "integer", "min": 0, "max": 400},
    },
}
TIMES = [30, 60, 90, 180]
RICH = {"of": "wages.wage >= 2000"}
LOG_RANK = {"of": "wages.days", "event": "tanf.out", "between": "tanf.treated"}
LOGISTIC = {"of": RICH, "on": ["tanf.county", "wages.trade", "tanf.treated"]}
QUESTION: dict[str, Any] = {
    "by": ["tanf.county", "wages.trade", "tanf.treated"],
    "measures": [
        "count",
        {"share": RICH},
        {"mean": "wages.wage"},
        {"variance": "wages.wage"},
        {"survival": {"of": "wages.days", "event": "tanf.out", "at": TIMES}},
    ],
    "overall": [
        {"association": ["tanf.county", "wages.trade"]},
        {"association": ["tanf.treated", "tanf.county"]},
        {"standardised": {"of": "wages.wage", "between": "tanf.treated", "weights": True}},
        {"standardised": {"of": RICH, "between": "tanf.treated"}},
        {"standardised": {"of": "wages.wage", "between": "tanf.county", "weights": "south"}},
        {"logistic": LOGISTIC},
        {"logrank": LOG_RANK},
        {"logrank": {**LOG_RANK, "between": "tanf.county"}},
    ],
}


def people(seed: int, n: int = 400) -> dict[str, pd.DataFrame]:
    random = np.random.default_rng(seed)
    ids = np.array([f"p{at:03d}" for at in range(n)])

    def some(values: Any, missing: float = 0.04) -> list[Any]:
        return [None if random.random() < missing else value for value in values]

    county, treated = random.choice(COUNTIES, n, p=[0.5, 0.3, 0.2]), random.random(n) < 0.45
    wage = np.clip(np.round(1500 + 300 * treated + 250 * (county == "east") + random.normal(0, 900, n)), 0, 8900).astype(int)
    tanf = pd.DataFrame({"id": ids, "county": some(county), "treated": some(np.where(treated, "true", "false"))})
    tanf["out"] = some(np.where(random.random(n) < 0.4 + 0.2 * treated, "true", "false"))
    wages = pd.DataFrame({"id": ids, "trade": some(random.choice(["care", "food"], n))})
    wages["wage"], wages["days"] = (
        pd.array(some(wage), dtype="Int64"),
        pd.array(some(random.integers(0, 300, n)), dtype="Int64"),
    )
    return {"tanf": tanf.iloc[: n - 9], "wages": wages.iloc[6:]}


@pytest.fixture(scope="module", params=[1, 2, 3])
def answered(request: Any, tmp_path_factory: Any) -> tuple[dict[str, dict[str, Any]], pd.DataFrame]:
    """Give what a result says by label, and the people whom both agencies have."""
    frames = people(request.param)
    folder: Path = tmp_path_factory.mktemp("records")
    asked = ask(**QUESTION)
    plan, opened = open_in_clear(asked, terms_of(COLUMNS), COLUMNS, frames, folder)
    both = frames["tanf"].merge(frames["wages"], on="id")
    both["rich"] = (both.wage >= 2000).where(both.wage.notna()).astype(float)
    for name in ("wage", "days"):
        both[name] = both[name].astype(float)
    told = work_out_overall([one.asked for one in asked.overall or ()], WholeTable(asked.by, plan.asked, table(plan, opened)))
    return {one["label"]: one for one in told}, both


def near(value: Any) -> Any:
    return pytest.approx(value, rel=1e-9, abs=1e-11)


@pytest.mark.parametrize("pair", [("county", "trade"), ("treated", "county")])
def test_an_association_is_pearson_s_of_the_cross_tab(answered: Any, pair: tuple[str, str]) -> None:
    told, both = answered
    names = {"county": "tanf.county", "trade": "wages.trade", "treated": "tanf.treated"}
    found = told[f"association({names[pair[0]]}, {names[pair[1]]})"]
    cells = pd.crosstab(both[pair[0]], both[pair[1]]).to_numpy()
    expected = stats.chi2_contingency(cells, correction=False)
    assert found["value"] == near(stats.contingency.association(cells, method="cramer"))
    details = found["details"]
    assert (details["chi_square"], details["p"]) == (near(expected.statistic), near(expected.pvalue))
    assert (details["df"], details["n"]) == (expected.dof, cells.sum())
    assert details["least_expected"] == near(expected.expected_freq.min())


@pytest.mark.parametrize(
    ("label", "outcome", "between", "standard"),
    [
        ("standardised(wages.wage between tanf.treated, weights of true)", "wage", "treated", "true"),
        ("standardised(wages.wage >= 2000 between tanf.treated)", "rich", "treated", None),
        ("standardised(wages.wage between tanf.county, weights of south)", "wage", "county", "south"),
    ],
)
def test_standardised_means_are_those_of_the_strata_that_have_every_group(
    answered: Any, label: str, outcome: str, between: str, standard: str | None
) -> None:
    told, both = answered
    strata = [name for name in ("county", "trade", "treated") if name != between]
    there = both.dropna(subset=[*strata, between, outcome])
    cells = there.groupby([*strata, between])[outcome].agg(["count", "mean", "var"]).unstack(between).dropna()
    n, mean, spread = cells["count"], cells["mean"], cells["var"]
    if outcome == "rich":
        spread = mean * (1 - mean)
    weights = n.sum(axis=1) if standard is None else n[standard]
    weights = weights / weights.sum()
    details = told[label]["details"]
    first = details["reference"]
    assert details["strata"] == len(cells)
    for group, one in details["groups"].items():
        assert one["n"] == n[group].sum()
        assert one["mean"] == near((n[group] * mean[group]).sum() / n[group].sum())
        assert one["standardised"] == near(np.average(mean[group], weights=weights))
        assert one["se"] == near(np.sqrt((weights**2 * spread[group] / n[group]).sum()))
    for group, one in details["differences"].items():
        assert one["difference"] == near(details["groups"][group]["standardised"] - details["groups"][first]["standardised"])
        assert one["se"] == near(np.hypot(details["groups"][group]["se"], details["groups"][first]["se"]))
        assert one["p"] == near(2 * stats.norm.sf(abs(one["difference"] / one["se"])))
        assert (one["low"], one["high"]) == near(stats.norm.interval(0.95, one["difference"], one["se"]))
    for group, one in details["indirect"].items():
        expected = (n[group] * mean[first]).sum()
        assert (one["expected"], one["ratio"]) == (near(expected), near((n[group] * mean[group]).sum() / expected))
        assert one["se"] == near(np.sqrt((n[group] * spread[group]).sum()) / expected)
    two = len(details["groups"]) == 2
    assert (told[label]["value"] is not None) == two


def test_a_logistic_regression_is_that_of_statsmodels_over_the_people(answered: Any) -> None:
    told, both = answered
    (found,) = [one for label, one in told.items() if label.startswith("logistic(")]
    there = both.dropna(subset=["county", "trade", "treated", "rich"])
    fit = smf.logit(f"rich ~ C(county, Treatment('{COUNTIES[0]}')) + C(trade) + C(treated)", there).fit(
        disp=0, tol=1e-14, maxiter=100
    )
    details = found["details"]
    assert (details["n"], details["events"], details["df"]) == (len(there), there.rich.sum(), fit.df_resid)
    null = stats.bernoulli.logpmf(there.rich, there.rich.mean()).sum()  # statsmodels' own is found by steps that end early
    assert (details["log_likelihood"], details["null_log_likelihood"]) == (near(fit.llf), near(null))
    assert (found["value"], details["p"]) == (near(1 - fit.llf / null), near(stats.chi2.sf(2 * (fit.llf - null), fit.df_model)))
    order = {"(constant)": "Intercept", "wages.trade = food": "C(trade)[T.food]", "tanf.treated = true": "C(treated)[T.true]"}
    order |= {f"tanf.county = {name}": f"C(county, Treatment('north'))[T.{name}]" for name in COUNTIES[1:]}
    assert set(details["coefficients"]) == set(order)
    assert set(order.values()) == set(fit.params.index)
    for name, one in details["coefficients"].items():
        at = order[name]
        assert (one["estimate"], one["se"]) == (near(fit.params[at]), near(fit.bse[at]))
        assert (one["z"], one["p"]) == (near(fit.tvalues[at]), near(fit.pvalues[at]))
        assert (one["low"], one["high"]) == near(tuple(fit.conf_int().loc[at]))
        assert (one["odds_low"], one["odds_high"]) == near(tuple(np.exp(fit.conf_int().loc[at])))


@pytest.mark.parametrize("between", ["treated", "county"])
def test_a_log_rank_test_is_the_stratified_one_of_statsmodels(answered: Any, between: str) -> None:
    told, both = answered
    found = told[f"logrank(wages.days, tanf.out between tanf.{between})"]
    others = [name for name in ("county", "trade", "treated") if name != between]
    there = both.dropna(subset=["county", "trade", "treated", "days", "out"])
    band = np.searchsorted(TIMES, there.days, side="right")
    event = ((there.out == "true") & (band < len(TIMES))).astype(int).to_numpy()
    square, p = survdiff(band, event, there[between].to_numpy(), strata=there[others].agg("-".join, axis=1).to_numpy())
    assert (found["value"], found["details"]["p"]) == (near(square), near(p))
    groups = found["details"]["groups"]
    assert {name: one["events"] for name, one in groups.items()} == pd.Series(event).groupby(
        there[between].to_numpy()
    ).sum().to_dict()
    assert sum(one["expected"] for one in groups.values()) == near(event.sum())


def test_every_statistic_of_a_whole_table_is_compared_here() -> None:
    assert {name for one in QUESTION["overall"] for name in one} == set(load_overall())


# --- what is not shown ---

LEVELS = [(county, trade, treated) for county in ("north", "south") for trade in ("care", "food") for treated in (False, True)]


def make_rows(asked: Question, **numbers: Any) -> list[Row]:
    """Give rows of a hundred people each, of whom so many have the outcome."""
    rows: list[Row] = []
    for at, levels in enumerate(LEVELS):
        row: Row = dict(zip(asked.by, levels, strict=True)) | {"count": 100, "count(wages.wage >= 2000)": 100}
        row |= {"share(wages.wage >= 2000)": (30 + 5 * at) / 100, "suppressed": None}
        rows.append(row)
    return rows


def shown(rows: list[Row], *overall: Any) -> list[dict[str, Any]]:
    asked = ask(by=QUESTION["by"], measures=["count", {"share": RICH}], overall=list(overall))
    return work_out_overall(
        [one.asked for one in asked.overall or ()], WholeTable(asked.by, tuple(one.asked for one in asked.measures), rows)
    )


HIDDEN = dict.fromkeys(("count", "count(wages.wage >= 2000)", "share(wages.wage >= 2000)"))
STANDARDISED = {"standardised": {"of": RICH, "between": "tanf.treated"}}


def test_what_needs_every_cell_is_not_told_where_one_is_hidden() -> None:
    rows = make_rows(ask(by=QUESTION["by"]))
    rows[3] |= HIDDEN
    (found,) = shown(rows, {"association": ["tanf.county", "wages.trade"]})
    assert (found["value"], found["undefined"]) == (None, "a cell of the two columns is hidden")


def test_rows_that_are_hidden_whole_are_left_out_and_told() -> None:
    rows = make_rows(ask(by=QUESTION["by"]))
    rows[3] |= HIDDEN
    direct, logistic = shown(rows, STANDARDISED, {"logistic": LOGISTIC})
    assert (direct["details"]["strata"], direct["details"]["strata_left_out"]) == (3, 1)
    assert [one["n"] for one in direct["details"]["groups"].values()] == [300, 300]
    assert (logistic["details"]["rows_left_out"], logistic["details"]["n"]) == (1, 700)


@pytest.mark.parametrize(
    "beside", [{"hidden": ["share(wages.wage >= 2000)"]}, {"coded": {"share(wages.wage >= 2000)": "at most"}}]
)
def test_rows_whose_outcome_alone_is_hidden_or_coded_are_not_left_out_silently(beside: dict[str, Any]) -> None:
    """Rows in which few have the outcome would be chosen by it."""
    rows = make_rows(ask(by=QUESTION["by"]))
    rows[3] |= beside
    for found in shown(rows, STANDARDISED, {"logistic": LOGISTIC}):
        assert found["value"] is None
        assert found["undefined"].startswith("a row shows its people and hides their outcome")


@pytest.mark.parametrize("certain", [0.0, 1.0])
def test_a_level_that_decides_the_outcome_has_no_finite_coefficient(certain: float) -> None:
    rows = make_rows(ask(by=QUESTION["by"]))
    for row in rows:
        if row["tanf.treated"]:
            row["share(wages.wage >= 2000)"] = certain
    (found,) = shown(rows, {"logistic": LOGISTIC})
    assert found["undefined"].startswith("a level of a column decides the outcome")


def test_a_standard_that_nobody_is_in_and_a_group_alone_are_said() -> None:
    rows = make_rows(ask(by=QUESTION["by"]))
    alone = [row for row in rows if row["tanf.treated"]]
    (found,) = shown(alone, STANDARDISED)
    assert found["undefined"] == "there are not two groups to compare"
    for row in rows:
        row["count"], row["count(wages.wage >= 2000)"] = 4, 0
    (found,) = shown(rows, STANDARDISED)
    assert found["undefined"] == "no stratum shows people of every group"


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        (
            {"by": ["tanf.county", "tanf.treated"], "overall": [{"association": ["tanf.county", "wages.trade"]}]},
            "add wages.trade to by",
        ),
        ({"overall": [{"association": ["tanf.county", "tanf.county"]}]}, "give different columns"),
        (
            {"overall": [{"logistic": {**LOGISTIC, "on": ["tanf.county", "tanf.treated"]}}]},
            "add wages.trade to on, or take it out of by",
        ),
        ({"measures": ["count"], "overall": [{"logistic": LOGISTIC}]}, "add share of the same to measures"),
        ({"measures": ["count"], "overall": [{"logrank": LOG_RANK}]}, "add survival of the same to measures"),
        ({"overall": [{"standardised": {"of": RICH, "between": "tanf.county", "weights": "west"}}]}, "weights: one of north"),
        ({"overall": [{"association": ["tanf.county", "wages.trade"]}] * 2}, "keep one of them"),
        ({"by": ["tanf.treated"], "overall": [STANDARDISED]}, "add columns to by: people of the same levels are compared"),
    ],
)
def test_what_the_rows_do_not_have_is_refused_with_what_would_pass(changes: dict[str, Any], hint: str) -> None:
    asked = ask(**{**QUESTION, **changes})
    assert any(problem.hint.startswith(hint) for problem in question_problems(asked, terms_of(COLUMNS), "ana"))


def test_an_agreement_must_allow_it() -> None:
    terms = terms_of(COLUMNS)
    less = terms.model_copy(
        update={"operations": tuple(one for one in terms.operations if one not in {"standardised", "survival"})}
    )
    messages = [problem.message for problem in question_problems(ask(**QUESTION), less, "ana")]
    for operation in ("standardised", "survival"):
        assert any(message.endswith(f"it does not allow {operation}") for message in messages)
