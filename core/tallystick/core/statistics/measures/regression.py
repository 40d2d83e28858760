"""Regression: ordinary least squares of a column on others of any agencies, with classical and robust standard errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import Any, Final

from tallystick.core.measure import Detail, Exact, Measure, Undefined
from tallystick.core.moments import Moment, Sum
from tallystick.core.statistics.distributions import compare_means, take_root

LEAST_FREEDOM: Final = 10
"""Residual degrees of freedom below which nothing is shown: the fewer there are, the more the fit says of single people."""
CONSTANT: Final = "(constant)"
Matrix = list[list[Fraction]]


@dataclass(frozen=True)
class Fit:
    """What least squares find.

    Attributes:
        n: people.
        freedom: n less the number of columns.
        coefficients: of the constant and each column.
        inverse: of X'X.
        residual: e'e.
        spread: Σ(y - ȳ)².
    """

    n: int
    freedom: int
    coefficients: Sequence[Fraction]
    inverse: Matrix
    residual: Fraction
    spread: Fraction


class RegressionMeasure(Measure):
    """b = (X'X)⁻¹·X'y, where X has a column of ones and the columns of `on`, over the n people who have all values; k columns in all.

        R² = 1 - e'e / Σ(y - ȳ)²        e'e = y'y - b'X'y        s² = e'e / (n - k)
        classical: V = s²·(X'X)⁻¹
        robust (HC1), on request: V = n / (n - k)·(X'X)⁻¹·(Σ e²·x·x')·(X'X)⁻¹

    with Σe²·x·x' from the sums of y²·x·x', y·x·x·x' and x·x·x·x'. All sums are exact, and so is the inverse, by elimination over fractions;
    roots are taken at the end. The value is R². Beside it stand n, the residual degrees of freedom, the root of s², and of each column the
    coefficient with its standard error, t, p and interval at 95 % by Student's t. Of a boolean outcome it is the linear probability model, for
    which the robust errors are the ones to read.

    It cannot be worked out where X'X is singular (one column follows from others), or with fewer than 10 residual degrees of freedom.

    Reference: Greene, "Econometric Analysis", 8th edition, Pearson 2018, §3.2, §4.5; MacKinnon, White, "Some heteroskedasticity-consistent
    covariance matrix estimators with improved finite sample properties", Journal of Econometrics 29 (1985), (HC1).
    """

    name = "regression"
    arity = 2
    form = "regression"
    decimals = 3
    robust: bool = False
    meaning = "least squares: `{of: GROUP.COLUMN, on: [GROUP.COLUMN, …], robust: true}`"
    note = (
        "R², with coefficients, standard errors, 95 % intervals and p; `robust` adds HC1 errors. Over people who have all values; needs 10 "
        "residual degrees of freedom. Hidden where few people have a boolean of it, or lack it, or are in one of the ways to have two"
    )

    def takes(self, columns: int) -> bool:
        """Tell whether it is over so many columns: an outcome and one or more others."""
        return columns > 1

    def label(self, columns: tuple[str, ...]) -> str:
        """Write what its numbers are called."""
        return f"regression({columns[0]} on {', '.join(columns[1:])}{', robust' if self.robust else ''})"

    def moments(self, columns: tuple[str, ...]) -> tuple[Moment, ...]:
        """Give n and the sums of products of two columns, and for robust errors those of four in which the outcome stands twice at most."""
        y, *x = columns
        ways: list[tuple[str, ...]] = [way for size in (1, 2) for way in combinations_with_replacement(columns, size)]
        if self.robust:
            for outcomes in (0, 1, 2):
                for size in range(3 - outcomes, 5 - outcomes):
                    ways += [(y,) * outcomes + way for way in combinations_with_replacement(x, size)]
        return (*(Sum(way, columns) for way in dict.fromkeys(ways) if way), self.rests_on(columns))

    def value(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Fraction | Undefined:
        """Give R²."""
        fit = self._fit(columns, opened)
        return fit if isinstance(fit, Undefined) else 1 - fit.residual / fit.spread

    def detail(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Mapping[str, Detail]:
        """Give n, degrees of freedom, the residual's standard deviation, and the coefficients."""
        fit = self._fit(columns, opened)
        if isinstance(fit, Undefined):
            return {}
        noise = fit.residual / fit.freedom
        robust = self._sandwich(columns, opened, fit) if self.robust else None
        coefficients: dict[str, Detail] = {}
        for at, name in enumerate((CONSTANT, *columns[1:])):
            estimate = float(fit.coefficients[at])
            told = compare_means(estimate, take_root(float(noise * fit.inverse[at][at])), fit.freedom)
            found: dict[str, Detail] = {"estimate": estimate, **{key: told[key] for key in ("se", "t", "p", "low", "high")}}
            if robust is not None:
                hc1 = compare_means(estimate, take_root(float(robust[at])), fit.freedom)
                found |= {f"robust_{key}": hc1[key] for key in ("se", "t", "p", "low", "high")}
            coefficients[name] = found
        return {"n": fit.n, "df": fit.freedom, "residual_sd": take_root(float(noise)), "coefficients": coefficients}

    def format_detail(self, value: float, detail: Mapping[str, Any]) -> str:
        """Write R² and each coefficient with its standard error, the robust one where there is one."""
        if not detail:
            return self.format_value(value)
        told = (
            f"{name} {one['estimate']:,.4g} (se {one.get('robust_se', one['se']):,.4g})"
            for name, one in detail["coefficients"].items()
        )
        return f"R² {value:.3f}; {', '.join(told)}"

    def _fit(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Fit | Undefined:
        n = int(opened[self.rests_on(columns)])
        width = len(columns)
        if n - width < LEAST_FREEDOM:
            return Undefined(f"fewer than {LEAST_FREEDOM} residual degrees of freedom")
        y, *x = columns

        def total(*way: str | None) -> Fraction:
            return _read(opened, n, columns, [one for one in way if one is not None])

        names = (None, *x)
        inverse = invert([[total(one, other) for other in names] for one in names])
        spread = total(y, y) - total(y) * total(y) / n
        if inverse is None:
            return Undefined("one of the columns follows from the others")
        if not spread:
            return Undefined("the outcome has one value alone")
        products = [total(y, one) for one in names]
        coefficients = [sum((a * b for a, b in zip(row, products, strict=True)), Fraction(0)) for row in inverse]
        residual = total(y, y) - sum(a * b for a, b in zip(coefficients, products, strict=True))
        return Fit(n, n - width, coefficients, inverse, residual, spread)

    def _sandwich(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact], fit: Fit) -> list[Fraction]:
        """Give the diagonal of the robust variance."""
        y, *x = columns
        names: list[str | None] = [None, *x]
        width = range(len(names))

        def total(*way: str | None) -> Fraction:
            return _read(opened, fit.n, columns, [one for one in way if one is not None])

        def meat(i: int, j: int) -> Fraction:
            one, other, b = names[i], names[j], fit.coefficients
            found = total(y, y, one, other) - 2 * sum(b[k] * total(y, names[k], one, other) for k in width)
            return found + sum(b[k] * b[m] * total(names[k], names[m], one, other) for k in width for m in width)

        middle = [[Fraction(0)] * len(names) for _ in width]
        for i in width:
            for j in range(i + 1):
                middle[i][j] = middle[j][i] = meat(i, j)
        scale = Fraction(fit.n, fit.freedom)
        return [
            scale * sum((fit.inverse[at][i] * middle[i][j] * fit.inverse[j][at] for i in width for j in width), Fraction(0))
            for at in width
        ]


def invert(matrix: Matrix) -> Matrix | None:
    """Give the inverse of a square matrix, exact; None if it has none."""
    size = len(matrix)
    rows = [[*row, *(Fraction(int(at == place)) for place in range(size))] for at, row in enumerate(matrix)]
    for at in range(size):
        pivot = next((place for place in range(at, size) if rows[place][at]), None)
        if pivot is None:
            return None
        rows[at], rows[pivot] = rows[pivot], rows[at]
        rows[at] = [value / rows[at][at] for value in rows[at]]
        for place in range(size):
            if place != at and (factor := rows[place][at]):
                rows[place] = [value - factor * other for value, other in zip(rows[place], rows[at], strict=True)]
    return [row[size:] for row in rows]


def _read(opened: Mapping[Moment, Exact], n: int, columns: tuple[str, ...], way: Sequence[str]) -> Fraction:
    """Give the sum of a product of columns, in whatever order they are named; of none, how many people there are."""
    if not way:
        return Fraction(n)
    return Fraction(opened[Sum(tuple(sorted(way, key=columns.index)), columns)])
