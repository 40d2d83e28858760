"""How often an interval of 95 % holds the truth, on made-up people whose truth is known.

For each measure and number of people, records are drawn many times, its moments are added up as a job opens them, and it is counted how often
the interval that a result would show holds the true value. An interval that covers as it says holds it in 95 % of draws, give or take
what so many draws vary by. Draws in which the measure cannot be worked out, or has no interval, are counted beside.

usage: coverage.py [DRAWS]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.report import table, write_section
from tallystick.core.measure import Asked, Options, Undefined, read_off
from tallystick.core.moments import Banded, Moment, Sum
from tallystick.core.overall import OverallAsked, WholeTable, work_out_overall

DRAWS: Final = 1000
SIZES: Final = (30, 100, 1000)
EDGES: Final = ("30", "60", "90", "120")
Columns = Mapping[str, npt.NDArray[np.int64]]
Interval = tuple[float, float] | None


@dataclass(frozen=True)
class Case:
    """What is drawn, what is asked of it, and what is true.

    Attributes:
        name: of the row.
        draw: gives the interval of so many people.
        truth: what it should hold.
    """

    name: str
    draw: Callable[[np.random.Generator, int], Interval]
    truth: float


def main() -> None:
    """Count, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("draws", type=int, nargs="?", default=DRAWS)
    draws = parser.parse_args().draws
    rows = []
    for place, case in enumerate(CASES):
        cells = [_count(case, people, draws, seed=1000 * place + people) for people in SIZES]
        rows.append((case.name, *cells))
        print(rows[-1], flush=True)
    varies = 100 * 1.96 * (0.95 * 0.05 / draws) ** 0.5
    text = (
        f"Of {draws:,} draws, in how many the interval of 95 % holds the truth, of those in which there is one. A share of 95 % of so many "
        f"draws varies by {varies:.1f} points on either side. Made by `python -m benchmarks.coverage`.\n\n"
        "Where an interval holds less: a share of few people, because counts are whole (Wilson's holds it in 95 % on average over shares); "
        "HC1 errors and standardised differences of few people; and a survival curve whose people are lost within bands, which is too high by "
        "what is lost there, since they count as at risk to the band's end: choose bands in which few are lost.\n\n"
    )
    text += table(("measure", *(f"{people:,} people" for people in SIZES)), rows)
    write_section("coverage", "How often intervals hold the truth", text)


def _count(case: Case, people: int, draws: int, *, seed: int) -> str:
    random = np.random.default_rng(seed)
    found = [case.draw(random, people) for _ in range(draws)]
    there = [one for one in found if one is not None]
    held = sum(low <= case.truth <= high for low, high in there)
    return f"{held:,} of {len(there):,} ({held / len(there):.1%})" if there else "none"


def open_moments(asked: Asked, columns: Columns) -> dict[Moment, int]:
    """Give a measure's moments of people who have all values."""
    n = len(next(iter(columns.values())))
    return {moment: _add_up(moment, columns, n) for moment in (*asked.moments, asked.rests_on)}


def _add_up(moment: Moment, columns: Columns, n: int) -> int:
    match moment:
        case Sum():
            product = np.ones(n, dtype=np.int64)
            for name in moment.columns:
                product = product * columns[name]
            return int(product.sum())
        case Banded():
            inside = np.ones(n, dtype=np.bool_)
            if moment.low is not None:
                inside &= columns[moment.column] >= int(moment.low)
            if moment.high is not None:
                inside &= columns[moment.column] < int(moment.high)
            return int(inside.sum() if moment.of is None else columns[moment.of][inside].sum())
        case _:
            return n


def tell(asked: Asked, columns: Columns) -> Mapping[str, Any]:
    """Give what stands beside a measure's value; nothing where there is none."""
    opened = open_moments(asked, columns)
    return {} if isinstance(asked.value(opened), Undefined) else dict(read_off(asked.detail(opened)))


def _interval(told: Mapping[str, Any], low: str = "low", high: str = "high") -> Interval:
    return None if told.get(low) is None or told.get(high) is None else (told[low], told[high])


def _share(p: float) -> Case:
    def draw(random: np.random.Generator, n: int) -> Interval:
        return _interval(tell(Asked("share", ("a.x",)), {"a.x": (random.random(n) < p).astype(np.int64)}))

    return Case(f"share of {p:.0%} (Wilson)", draw, p)


def _ratio() -> Case:
    def draw(random: np.random.Generator, n: int) -> Interval:
        x = 1 + random.poisson(4, n)
        return _interval(
            tell(Asked("ratio", ("a.y", "a.x")), {"a.x": x, "a.y": 20 * x + np.round(random.normal(0, 30, n)).astype(np.int64)})
        )

    return Case("ratio (linearised)", draw, 20.0)


def _difference(spread: float) -> Case:
    def draw(random: np.random.Generator, n: int) -> Interval:
        arm = (random.random(n) < 0.3).astype(np.int64)
        y = np.round(2000 + 150 * arm + random.normal(0, 400, n) * (1 + spread * arm)).astype(np.int64)
        return _interval(tell(Asked("difference", ("a.arm", "a.y")), {"a.arm": arm, "a.y": y}))

    return Case(f"difference of means, {'equal' if not spread else 'unequal'} variances (Welch)", draw, 150.0)


def _correlation() -> Case:
    def draw(random: np.random.Generator, n: int) -> Interval:
        x, e = random.normal(0, 1, n), random.normal(0, 1, n)
        y = 0.4 * x + (1 - 0.16) ** 0.5 * e
        told = {"a.x": np.round(10_000 * x).astype(np.int64), "a.y": np.round(10_000 * y).astype(np.int64)}
        return _interval(tell(Asked("correlation", ("a.x", "a.y")), told))

    return Case("correlation of 0.4 (Fisher)", draw, 0.4)


def _regression(*, robust: bool) -> Case:
    def draw(random: np.random.Generator, n: int) -> Interval:
        x, z = random.integers(0, 50, n), (random.random(n) < 0.5).astype(np.int64)
        noise = random.normal(0, 1, n) * (10 + 4 * x if robust else 100)
        y = np.round(500 + 30 * x + 80 * z + noise).astype(np.int64)
        options: Options = (("robust", True),) if robust else ()
        told = tell(Asked("regression", ("a.y", "a.x", "a.z"), options), {"a.y": y, "a.x": x, "a.z": z})
        found = told.get("coefficients", {}).get("a.x", {})
        return _interval(found, "robust_low", "robust_high") if robust else _interval(found)

    return Case("coefficient, spread that grows (HC1)" if robust else "coefficient, equal spread (classical)", draw, 30.0)


def _odds() -> Case:
    def draw(random: np.random.Generator, n: int) -> Interval:
        first = random.random(n) < 0.5
        second = random.random(n) < np.where(first, 0.5, 0.3)
        told = {"a.x": first.astype(np.int64), "a.y": second.astype(np.int64)}
        return _interval(tell(Asked("association", ("a.x", "a.y")), told), "odds_low", "odds_high")

    return Case("odds ratio of 2.33 (Woolf)", draw, (0.5 * 0.7) / (0.5 * 0.3))


def _survival(*, at_ends: bool) -> Case:
    def draw(random: np.random.Generator, n: int) -> Interval:
        event = np.floor(random.exponential(100, n)).astype(np.int64)
        lost = np.floor(random.exponential(200, n)).astype(np.int64)
        if at_ends:
            lost = 30 * (lost // 30) + 29
        came = (event <= lost).astype(np.int64)
        columns = {"a.days": np.minimum(event, lost), "a.came": came}
        curve = tell(Asked("survival", ("a.days", "a.came"), (("at", EDGES),)), columns).get("curve", [{}])
        return _interval(curve[2]) if len(curve) > 2 else None

    return Case(
        f"survival at 90 days, people lost {'at ends of bands' if at_ends else 'at any time'} (Greenwood)", draw, exp(-0.9)
    )


def _cross_tab(random: np.random.Generator, n: int) -> WholeTable:
    """Give a table of two strata by two arms, in which the logarithm of the odds is -1 + 0.8·arm + 0.5·stratum."""
    stratum, arm = random.random(n) < 0.4, random.random(n) < 0.5
    outcome = random.random(n) < 1 / (1 + np.exp(1 - 0.8 * arm - 0.5 * stratum))
    rows = []
    for one in (False, True):
        for other in (False, True):
            inside = (stratum == one) & (arm == other)
            many = int(inside.sum())
            row = {"a.stratum": one, "a.arm": other, "count": many, "count(a.y)": many}
            rows.append(row | {"share(a.y)": float(outcome[inside].mean()) if many else None})
    return WholeTable(("a.stratum", "a.arm"), (Asked("share", ("a.y",)),), rows)


def _logistic() -> Case:
    def draw(random: np.random.Generator, n: int) -> Interval:
        (found,) = work_out_overall([OverallAsked("logistic", ("a.stratum", "a.arm"), ("a.y",))], _cross_tab(random, n))
        return _interval(found["details"]["coefficients"].get("a.arm = true", {})) if "details" in found else None

    return Case("logistic coefficient of 0.8 (Wald)", draw, 0.8)


def _standardised() -> Case:
    def draw(random: np.random.Generator, n: int) -> Interval:
        (found,) = work_out_overall([OverallAsked("standardised", ("a.arm",), ("a.y",))], _cross_tab(random, n))
        return _interval(found["details"]["differences"]["true"]) if "details" in found else None

    def share(logit: float) -> float:
        return 1 / (1 + exp(-logit))

    truth = 0.6 * (share(-0.2) - share(-1)) + 0.4 * (share(0.3) - share(-0.5))
    return Case(f"standardised difference of {truth:.3f} (normal)", draw, truth)


CASES: Final = (
    _share(0.3),
    _share(0.03),
    _ratio(),
    _difference(0.0),
    _difference(2.0),
    _correlation(),
    _regression(robust=False),
    _regression(robust=True),
    _odds(),
    _survival(at_ends=True),
    _survival(at_ends=False),
    _standardised(),
    _logistic(),
)


if __name__ == "__main__":
    main()
