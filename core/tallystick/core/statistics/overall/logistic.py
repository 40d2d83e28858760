"""Logistic regression of a boolean on the columns of `by`, fitted to the counts of their cross-tab."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tallystick.core.linkage.quality.intervals import Z
from tallystick.core.measure import Detail, Undefined
from tallystick.core.overall import (
    OUTCOME_HIDDEN,
    Found,
    Level,
    OverallAsked,
    OverallStatistic,
    WholeTable,
    is_number_shown,
    write_level,
)
from tallystick.core.statistics.distributions import compute_chi_square_tail, compute_normal_tails
from tallystick.core.statistics.measures.regression import CONSTANT, LEAST_FREEDOM

Floats = npt.NDArray[np.float64]
_ROUNDS: Final = 60
_STEP: Final = 1e-13
_CERTAIN: Final = 1e-7
"""A fitted share so near to 0 or 1 is of an outcome that a level decides."""
DECIDED: Final = "a level of a column decides the outcome, so that no finite coefficient fits best"


class LogisticStatistic(OverallStatistic):
    """log(π / (1 - π)) = b'x, where x has a one and, for each column of `by`, an indicator of each level but the first, the reference.

    Everybody in a row has the same x, so of the rows n_i people and s_i of them with the outcome are enough: b is where the likelihood
    L = Σ s_i·log π_i + (n_i - s_i)·log(1 - π_i) is largest, found by Newton's method (iteratively reweighted least squares), with
    V = (Σ n_i·π_i·(1 - π_i)·x_i·x_i')⁻¹. It is what the records of the same people would give. Sums under encryption are of polynomials, and
    the logistic function is none: so covariates are levels or bins, and the fit is made of the table after it was opened.

    The value is McFadden's 1 - L / L₀. Of each coefficient stand estimate, standard error, z, p, interval and odds ratio exp(b) with its own.
    All columns of `by` are in x. People of whom a column is missing are left out, and so are rows that are hidden whole, because they have
    few people: of the others the fit is that of the model, whichever they are; how many rows they were is told. Where a row shows
    its people and hides their outcome, nothing is worked out, since rows chosen by their outcome bias the fit.

    It cannot be worked out where one level decides the outcome, where a column follows from the others, or with fewer than 10 residual degrees
    of freedom.

    Reference: McCullagh, Nelder, "Generalized Linear Models", 2nd edition, Chapman and Hall 1989, §4.4; McFadden, "Conditional logit analysis
    of qualitative choice behavior", 1974.
    """

    name = "logistic"
    form = "model"
    needs = ("share",)
    meaning = (
        "logistic regression of a boolean or a condition on all columns of `by`: `{of: GROUP.COLUMN, on: [GROUP.COLUMN, …]}`"
    )
    note = (
        "coefficients against each column's first level, standard errors, 95 % intervals, p, odds ratios; fitted to the rows. Needs `share` "
        "of the column in `measures`; not told where a row hides its outcome alone"
    )

    def label(self, asked: OverallAsked) -> str:
        """Write what it is called."""
        return f"{self.name}({asked.of[0]} on {', '.join(asked.by)})"

    def work_out(self, asked: OverallAsked, table: WholeTable) -> Found | Undefined:
        """Work it out."""
        share = table.find_measure(("share",), asked.of)
        assert share is not None  # the job was checked
        rows, left_out = [], 0
        for row in table.select_rows(asked.by):
            if row["count"] is None:
                left_out += 1
            elif not is_number_shown(row, share.label):
                return Undefined(OUTCOME_HIDDEN)
            elif row[share.rests_on.label]:
                rows.append(row)
        levels = {name: list(dict.fromkeys(row[name] for row in rows)) for name in asked.by}
        names = [CONSTANT, *(f"{name} = {write_level(one)}" for name in asked.by for one in levels[name][1:])]
        x = np.array([_place([row[name] for name in asked.by], list(levels.values())) for row in rows], dtype=np.float64)
        n = np.array([row[share.rests_on.label] for row in rows], dtype=np.float64)
        ones = np.array([round(row[share.label] * row[share.rests_on.label]) for row in rows], dtype=np.float64)
        people, events = int(n.sum()), int(ones.sum())
        if people - len(names) < LEAST_FREEDOM:
            return Undefined(f"fewer than {LEAST_FREEDOM} residual degrees of freedom")
        if events in {0, people}:
            return Undefined("the outcome has one value alone")
        if np.linalg.matrix_rank(x) < len(names):
            return Undefined("one of the columns follows from the others")
        fit = _fit(x, n, ones)
        if fit is None:
            return Undefined(DECIDED)
        estimates, variance, likelihood = fit
        null = events * log(events / people) + (people - events) * log((people - events) / people)
        coefficients: dict[str, Detail] = {
            name: _describe(float(estimate), float(error))
            for name, estimate, error in zip(names, estimates, np.sqrt(np.diag(variance)), strict=True)
        }
        gain, freedom = max(0.0, 2 * (likelihood - null)), len(names) - 1
        return Found(
            1 - likelihood / null,
            {
                "n": people,
                "events": events,
                "df": people - len(names),
                "rows_left_out": left_out,
                "log_likelihood": likelihood,
                "null_log_likelihood": null,
                "chi_square": gain,
                "p": compute_chi_square_tail(gain, freedom) if freedom else None,
                "reference": {name: write_level(some[0]) for name, some in levels.items()},
                "coefficients": coefficients,
            },
        )

    def format_found(self, value: float | None, details: Mapping[str, Any]) -> str:
        """Write McFadden's R² and each odds ratio with its interval."""
        told = (
            f"{name} {one['odds_ratio']:,.3g} ({one['odds_low']:,.3g} to {one['odds_high']:,.3g})"
            for name, one in details["coefficients"].items()
            if name != CONSTANT
        )
        left = f"; {details['rows_left_out']} rows are hidden and left out" if details["rows_left_out"] else ""
        return f"odds ratios {', '.join(told)}; McFadden's R² {value:.3f}, n = {details['n']:,}{left}"


def _place(levels: list[Level], known: list[list[Level]]) -> list[float]:
    """Give a row's x: one, and an indicator of each level but a column's first."""
    return [1.0, *(float(level == one) for level, some in zip(levels, known, strict=True) for one in some[1:])]


def _fit(x: Floats, n: Floats, ones: Floats) -> tuple[Floats, Floats, float] | None:
    """Give the coefficients of the largest likelihood, their variance, and the log-likelihood; None where there are no finite ones."""
    estimates = np.zeros(x.shape[1])
    for _ in range(_ROUNDS):
        shares = 1 / (1 + np.exp(-np.clip(x @ estimates, -500, 500)))
        if min(float(shares.min()), float((1 - shares).min())) < _CERTAIN:
            return None
        information = x.T @ (x * (n * shares * (1 - shares))[:, None])
        step = np.linalg.solve(information, x.T @ (ones - n * shares))
        estimates = estimates + step
        if float(np.abs(step).max()) <= _STEP * (1 + float(np.abs(estimates).max())):
            break
    else:
        return None
    shares = 1 / (1 + np.exp(-(x @ estimates)))
    likelihood = float((ones * np.log(shares) + (n - ones) * np.log1p(-shares)).sum())
    information = x.T @ (x * (n * shares * (1 - shares))[:, None])
    return estimates, np.asarray(np.linalg.inv(information), dtype=np.float64), likelihood


def _describe(estimate: float, error: float) -> dict[str, Detail]:
    low, high = estimate - Z * error, estimate + Z * error
    told: dict[str, Detail] = {
        "estimate": estimate,
        "se": error,
        "z": estimate / error,
        "p": compute_normal_tails(estimate / error),
    }
    return told | {"low": low, "high": high, "odds_ratio": exp(estimate), "odds_low": exp(low), "odds_high": exp(high)}
