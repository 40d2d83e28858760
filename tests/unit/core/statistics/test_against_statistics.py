"""Measures from a job file and records to rows, against scipy, statsmodels and numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.duration.survfunc import SurvfuncRight

from tallystick.core.statistics.distributions import compute_chi_square_tail, compute_t_tails, find_t_quantile
from tallystick.core.statistics.table import table
from tests.clear import ask, open_in_clear, terms_of

COLUMNS = {
    "tanf": {
        "age": {"type": "integer", "min": 0, "max": 120},
        "young": {"type": "boolean"},
        "out": {"type": "boolean"},
    },
    "wages": {
        "wage": {"type": "decimal", "scale": 2, "min": 0, "max": 99999},
        "full": {"type": "boolean"},
        "days": {"type": "integer", "min": 0, "max": 400},
    },
}
EDGES: list[Any] = [500, "1250.5", 2000, 4000, 9000]
TIMES = [30, 60, 90, 180]
MEASURES: list[Any] = [
    {"difference": ["tanf.young", "wages.wage"]},
    {"correlation": ["tanf.age", "wages.wage"]},
    {"association": ["tanf.young", "wages.full"]},
    {"regression": {"of": "wages.wage", "on": ["tanf.age", "tanf.young", "wages.full"], "robust": True}},
    {"histogram": {"of": "wages.wage", "at": EDGES}},
    {"median": {"of": "wages.wage", "at": EDGES}},
    {"quantiles": {"of": "wages.wage", "at": EDGES}},
    {"concentration": {"of": "wages.wage", "at": EDGES}},
    {"survival": {"of": "wages.days", "event": "tanf.out", "at": TIMES}},
]


def people(seed: int, n: int = 150) -> dict[str, pd.DataFrame]:
    random = np.random.default_rng(seed)
    ids = np.array([f"p{at:03d}" for at in range(n)])

    def some(values: Any) -> list[Any]:
        return [None if random.random() < 0.1 else value for value in values]

    age, young = random.integers(16, 66, n), random.random(n) < 0.4
    wage = np.clip(np.round(800 + 35 * age + 600 * young + random.normal(0, 300 + 10 * age), 2), 0, 8900)
    tanf = pd.DataFrame({"id": ids, "age": pd.array(some(age), dtype="Int64")})
    tanf["young"], tanf["out"] = some(np.where(young, "true", "false")), some(random.choice(["true", "false"], n))
    wages = pd.DataFrame({"id": ids, "wage": some(wage), "full": some(random.choice(["true", "false"], n))})
    wages["days"] = pd.array(some(random.integers(0, 300, n)), dtype="Int64")
    return {"tanf": tanf.iloc[: n - 7], "wages": wages.iloc[5:]}


@pytest.fixture(scope="module", params=[1, 2])
def answered(request: Any, tmp_path_factory: Any) -> tuple[dict[str, Any], pd.DataFrame]:
    """Give the one row of a job that asks for everything, and the people it is of."""
    frames = people(request.param)
    folder: Path = tmp_path_factory.mktemp("records")
    made, opened = open_in_clear(ask(measures=MEASURES), terms_of(COLUMNS), COLUMNS, frames, folder)
    both = frames["tanf"].merge(frames["wages"], on="id")
    for name in ("young", "out", "full"):
        both[name] = both[name].map({"true": 1.0, "false": 0.0})
    for name in ("age", "days"):
        both[name] = both[name].astype(float)
    (row,) = table(made, opened)
    assert len({*row, "suppressed"}) >= len(MEASURES)
    return dict(row), both


def find(row: dict[str, Any], name: str) -> tuple[Any, Any]:
    """Give a measure's value, and what stands beside it."""
    (label,) = [key for key in row if key.startswith(f"{name}(")]
    return row[label], row["details"].get(label, {})


def near(value: Any) -> Any:
    return pytest.approx(value, rel=1e-9, abs=1e-12)


def test_a_difference_of_means_is_that_of_welch(answered: Any) -> None:
    row, both = answered
    there = both.dropna(subset=["young", "wage"])
    one, other = there[there.young == 1].wage, there[there.young == 0].wage
    expected = stats.ttest_ind(one, other, equal_var=False)
    value, told = find(row, "difference")
    assert value == near(one.mean() - other.mean())
    assert (told["n_true"], told["n_false"], told["mean_true"], told["mean_false"]) == (
        len(one),
        len(other),
        near(one.mean()),
        near(other.mean()),
    )
    assert (told["t"], told["p"], told["df"]) == (near(expected.statistic), near(expected.pvalue), near(expected.df))
    interval = expected.confidence_interval()
    assert (told["low"], told["high"]) == (near(interval.low), near(interval.high))


def test_a_correlation_is_pearson_s(answered: Any) -> None:
    row, both = answered
    there = both.dropna(subset=["age", "wage"])
    expected = stats.pearsonr(there.age, there.wage)
    value, told = find(row, "correlation")
    assert (value, told["p"]) == (near(expected.statistic), near(expected.pvalue))
    interval = expected.confidence_interval()
    assert (told["low"], told["high"]) == (near(interval.low), near(interval.high))


def test_an_association_is_that_of_a_table_of_two_by_two(answered: Any) -> None:
    row, both = answered
    there = both.dropna(subset=["young", "full"])
    cells = pd.crosstab(there.young, there.full).loc[[1, 0], [1, 0]].to_numpy()
    expected = stats.chi2_contingency(cells, correction=False)
    odds = sm.stats.Table2x2(cells)
    value, told = find(row, "association")
    assert value == near(stats.contingency.association(cells, method="cramer"))
    assert (told["chi_square"], told["p"]) == (near(expected.statistic), near(expected.pvalue))
    assert [told["both"], told["first_alone"], told["second_alone"], told["neither"]] == cells.ravel().tolist()
    assert told["odds_ratio"] == near(odds.oddsratio)
    assert (told["odds_low"], told["odds_high"]) == near(odds.oddsratio_confint())


def test_a_regression_is_least_squares_with_classical_and_robust_errors(answered: Any) -> None:
    row, both = answered
    there = both.dropna(subset=["wage", "age", "young", "full"])
    expected = sm.OLS(there.wage, sm.add_constant(there[["age", "young", "full"]])).fit()
    robust = expected.get_robustcov_results("HC1", use_t=True)
    value, told = find(row, "regression")
    assert (value, told["n"], told["df"]) == (near(expected.rsquared), len(there), len(there) - 4)
    assert told["residual_sd"] == near(np.sqrt(expected.mse_resid))
    assert list(told["coefficients"]) == ["(constant)", "tanf.age", "tanf.young", "wages.full"]
    for at, one in enumerate(told["coefficients"].values()):
        assert one["estimate"] == near(expected.params.iloc[at])
        assert (one["se"], one["t"], one["p"]) == (
            near(expected.bse.iloc[at]),
            near(expected.tvalues.iloc[at]),
            near(expected.pvalues.iloc[at]),
        )
        assert (one["low"], one["high"]) == near(tuple(expected.conf_int().iloc[at]))
        assert (one["robust_se"], one["robust_p"]) == (near(robust.bse[at]), near(robust.pvalues[at]))
        assert (one["robust_low"], one["robust_high"]) == near(tuple(robust.conf_int()[at]))


def test_bands_are_those_of_numpy_and_quantiles_lie_evenly_in_them(answered: Any) -> None:
    row, both = answered
    wages = both.wage.dropna().to_numpy()
    edges = [float(edge) for edge in EDGES]
    counts = np.histogram(wages, [-np.inf, *edges, np.inf])[0]
    value, told = find(row, "histogram")
    assert value == len(wages)
    assert [band["count"] for band in told["bands"]] == counts.tolist()
    assert [band["from"] for band in told["bands"]] == [None, *map(str, EDGES)]

    def quantile(share: float) -> float | None:
        below = np.cumsum(counts)[:-1]
        wanted = share * len(wages)
        return None if not below[0] < wanted <= below[-1] else float(np.interp(wanted, below, edges))

    assert find(row, "median")[0] == near(quantile(0.5))
    value, told = find(row, "quantiles")
    shares = {"p10": 0.1, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p90": 0.9}
    expected = {name: quantile(share) for name, share in shares.items()}
    assert told == {name: None if one is None else near(one) for name, one in expected.items()}
    assert value == near(told["p75"] - told["p25"])


def test_a_concentration_is_the_share_of_the_highest_band_and_gini_of_bands(answered: Any) -> None:
    row, both = answered
    wages = both.wage.dropna()
    bands = pd.cut(wages, [-np.inf, *map(float, EDGES), np.inf], right=False)
    sums, counts = wages.groupby(bands, observed=False).sum(), wages.groupby(bands, observed=False).count()
    value, told = find(row, "concentration")
    assert value == near(sums.iloc[-1] / sums.sum())
    assert [band["sum"] for band in told["bands"]] == near(sums.tolist())
    lorenz = np.concatenate([[0], np.cumsum(sums) / sums.sum()])
    assert told["gini"] == near(1 - 2 * np.trapezoid(lorenz, np.concatenate([[0], np.cumsum(counts) / counts.sum()])))


def test_survival_is_kaplan_and_meier_s_of_times_told_by_band(answered: Any) -> None:
    row, both = answered
    there = both.dropna(subset=["days", "out"])
    band = np.searchsorted(TIMES, there.days, side="right")
    fit = SurvfuncRight(band, there.out.astype(int))
    value, told = find(row, "survival")
    for at, point in enumerate(told["curve"]):
        past = np.flatnonzero(fit.surv_times <= at)
        survival, error = (fit.surv_prob[past[-1]], fit.surv_prob_se[past[-1]]) if len(past) else (1.0, 0.0)
        assert point["survival"] == near(survival)
        assert (point["at_risk"], point["events"]) == (int((band >= at).sum()), int(there.out[band == at].sum()))
        # Greenwood's variance, on the scale of log(-log S), which keeps the limits between 0 and 1
        reach = stats.norm.ppf(0.975) * error / (survival * abs(np.log(survival)))
        limits = tuple(np.exp(-np.exp(np.log(-np.log(survival)) + sign * reach)) for sign in (1, -1))
        assert (point["low"], point["high"]) == near(limits)
    assert value == near(fit.surv_prob[np.flatnonzero(fit.surv_times <= len(TIMES) - 1)[-1]])
    half = np.flatnonzero(fit.surv_prob <= 0.5)
    median = fit.surv_times[half[0]] if len(half) else len(TIMES)
    assert told["median"] == (None if median >= len(TIMES) else TIMES[int(median)])


@pytest.mark.parametrize("freedom", [1, 2.5, 10, 400])
def test_tails_and_quantiles_are_those_of_scipy(freedom: float) -> None:
    for value in (1e-3, 0.3, 1.0, 2.5, 14.0):
        assert compute_t_tails(-value, freedom) == pytest.approx(2 * stats.t.sf(value, freedom), rel=1e-10)
        assert compute_chi_square_tail(value, round(freedom)) == pytest.approx(stats.chi2.sf(value, round(freedom)), rel=1e-11)
    assert find_t_quantile(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-12)
