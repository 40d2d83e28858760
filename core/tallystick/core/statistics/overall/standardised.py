"""Standardised: means of groups as they would be if all had the same people in each stratum, and what each was expected to have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final, TypeAlias

from tallystick.core.linkage.quality.intervals import Z
from tallystick.core.measure import Asked, Detail, Undefined
from tallystick.core.overall import (
    OUTCOME_HIDDEN,
    Found,
    Level,
    OverallAsked,
    OverallStatistic,
    Row,
    WholeTable,
    is_number_shown,
    write_level,
)
from tallystick.core.statistics.distributions import compute_normal_tails

Stratum: TypeAlias = tuple[Level, ...]
EVERYBODY: Final = "everybody"


@dataclass(frozen=True)
class StratumCell:
    """People of one group in one stratum.

    Attributes:
        n: how many have a value.
        mean: of their values.
        spread: the variance of one value; None where the rows do not tell it.
    """

    n: int
    mean: float
    spread: float | None


class StandardisedStatistic(OverallStatistic):
    """Compare the groups of one column of `by` within strata, which are the levels of all its other columns together: exact matching.

        direct:    M_g = Σ_s w_s·m_gs        s(M_g)² = Σ_s w_s²·v_gs / n_gs        w_s = N_s / Σ N
        indirect:  O_g / E_g with O_g = Σ_s n_gs·m_gs and E_g = Σ_s n_gs·m_0s        s(O_g / E_g)² = Σ_s n_gs·v_gs / E_g²

    n, m and v are people, mean and variance of a group in a stratum, of a share m·(1 - m). The standard N_s is everybody in the stratum, or
    the people of one level (`weights`): that of the treated gives their average effect, if within strata who is treated does not depend on what
    would have come. 0 is the first level, of a boolean `false`. Differences are M_g - M_0, with the two standard errors added as
    squares; weights, and the rates of the first level in E_g, are taken as given, so intervals are too narrow where that level has few
    people. Intervals are normal, of 95 %. The value is the difference, where there are two groups.

    A stratum counts if it shows people of every group. The others are left out, and how many they are is told; people of a missing level are
    left out, too. Where a row shows its people and hides their outcome (because few of them have it), the strata that remain would not be
    chosen by people alone, and nothing is worked out.

    Reference: Breslow, Day, "Statistical Methods in Cancer Research", volume II, IARC 1987, chapter 2; Rosenbaum, Rubin, "The central role of
    the propensity score in observational studies for causal effects", Biometrika 70 (1983) (matching on strata).
    """

    name = "standardised"
    form = "between"
    needs = ("share", "mean")
    meaning = "a mean or share between groups, matched on the rest of `by`: `{of: GROUP.COLUMN, between: GROUP.COLUMN, weights: LEVEL}`"
    note = (
        "direct (standardised means with differences) and indirect (observed over expected), each with a 95 % interval, over strata that show "
        "every group; needs `share` or `mean` of the column in `measures`, and of a mean `variance` for standard errors"
    )

    def label(self, asked: OverallAsked) -> str:
        """Write what it is called."""
        return f"{self.name}({asked.of[0]} between {asked.by[0]})"

    def work_out(self, asked: OverallAsked, table: WholeTable) -> Found | Undefined:
        """Work it out."""
        groups = _order_groups(table.list_levels(asked.by[0]))
        if len(groups) < 2:
            return Undefined("there are not two groups to compare")
        read = _read_cells(asked, table)
        if isinstance(read, Undefined):
            return read
        used = {key: cells for key, cells in read.items() if all(group in cells for group in groups)}
        if not used:
            return Undefined("no stratum shows people of every group")
        weights = _weigh(used, asked.weights)
        if weights is None:
            return Undefined("the strata have nobody of the level whose people are the standard")
        first, *others = groups
        made = {group: _describe_group([cells[group] for cells in used.values()], weights) for group in groups}
        differences: dict[str, Detail] = {}
        indirect: dict[str, Detail] = {}
        for group in others:
            difference = made[group].standardised - made[first].standardised
            error = (
                None
                if made[group].error is None or made[first].error is None
                else _add_errors(made[group].error, made[first].error)
            )
            differences[write_level(group)] = {"difference": difference, **_compare(difference, error)}
            indirect[write_level(group)] = _divide([(cells[group], cells[first].mean) for cells in used.values()])
        value = made[others[0]].standardised - made[first].standardised if len(others) == 1 else None
        return Found(
            value,
            {
                "weights": asked.weights or EVERYBODY,
                "reference": write_level(first),
                "strata": len(used),
                "strata_left_out": len(read) - len(used),
                "groups": {write_level(group): one.tell() for group, one in made.items()},
                "differences": differences,
                "indirect": indirect,
            },
        )

    def format_found(self, value: float | None, details: Mapping[str, Any]) -> str:  # noqa: ARG002 - each group is told
        """Write each group's mean, and the difference where there is one."""
        means = ", ".join(f"{name} {one['standardised']:,.3f}" for name, one in details["groups"].items())
        told = []
        for name, one in details["differences"].items():
            reach = "" if one.get("se") is None else f" ({one['low']:,.3f} to {one['high']:,.3f}; p = {one['p']:.3g})"
            told.append(f"{name} less {details['reference']} {one['difference']:,.3f}{reach}")
        left = f", {details['strata_left_out']} left out" if details["strata_left_out"] else ""
        return f"{means}; {'; '.join(told)}; {details['strata']} strata{left}, weights of {details['weights']}"


@dataclass(frozen=True)
class _Group:
    n: int
    mean: float
    standardised: float
    error: float | None

    def tell(self) -> Detail:
        told: dict[str, Detail] = {"n": self.n, "mean": self.mean, "standardised": self.standardised}
        if self.error is not None:
            reach = Z * self.error
            told |= {"se": self.error, "low": self.standardised - reach, "high": self.standardised + reach}
        return told


def _order_groups(groups: list[Level]) -> list[Level]:
    """Give the groups with the one that others are compared with first."""
    return sorted(groups, key=lambda level: level is True)


def _read_cells(asked: OverallAsked, table: WholeTable) -> dict[Stratum, dict[Level, StratumCell]] | Undefined:
    """Give what is shown of each group in each stratum that has somebody; of a hidden row nothing."""
    between, strata = asked.by[0], [name for name in table.by if name != asked.by[0]]
    mean, spread = table.find_measure(("share", "mean"), asked.of), table.find_measure(("variance",), asked.of)
    assert mean is not None  # the job was checked
    found: dict[Stratum, dict[Level, StratumCell]] = {}
    for row in table.select_rows(table.by):
        stratum = tuple(row[name] for name in strata)
        if row["count"] is None:
            found.setdefault(stratum, {})
        elif not is_number_shown(row, mean.label):
            return Undefined(OUTCOME_HIDDEN)
        elif row[mean.rests_on.label]:
            found.setdefault(stratum, {})[row[between]] = _read_cell(row, mean, spread)
    return found


def _read_cell(row: Row, mean: Asked, spread: Asked | None) -> StratumCell:
    n, value = int(row[mean.rests_on.label]), float(row[mean.label])
    if mean.name == "share":
        return StratumCell(n, value, value * (1 - value))
    told = None if spread is None or not is_number_shown(row, spread.label) else row[spread.label]
    return StratumCell(n, value, None if told is None else float(told))


def _weigh(used: Mapping[Stratum, Mapping[Level, StratumCell]], level: str | None) -> list[float] | None:
    """Give the weight of each stratum; None where the standard has nobody."""
    standard = [sum(cell.n for group, cell in cells.items() if level in {None, write_level(group)}) for cells in used.values()]
    whole = sum(standard)
    return [one / whole for one in standard] if whole else None


def _describe_group(cells: list[StratumCell], weights: list[float]) -> _Group:
    n = sum(cell.n for cell in cells)
    spreads = [cell.spread for cell in cells]
    parts = [
        None if spread is None else weight * weight * spread / cell.n
        for weight, cell, spread in zip(weights, cells, spreads, strict=True)
    ]
    known = [part for part in parts if part is not None]
    return _Group(
        n,
        sum(cell.n * cell.mean for cell in cells) / n,
        sum(weight * cell.mean for weight, cell in zip(weights, cells, strict=True)),
        sqrt(sum(known)) if len(known) == len(parts) else None,
    )


def _compare(difference: float, error: float | None) -> dict[str, Detail]:
    if error is None or error <= 0:
        return {"se": error}
    reach = Z * error
    return {
        "se": error,
        "z": difference / error,
        "p": compute_normal_tails(difference / error),
        "low": difference - reach,
        "high": difference + reach,
    }


def _add_errors(one: float | None, other: float | None) -> float:
    return sqrt(float(one or 0) ** 2 + float(other or 0) ** 2)


def _divide(cells: Iterable[tuple[StratumCell, float]]) -> dict[str, Detail]:
    """Give observed over expected, with the interval of it."""
    pairs = list(cells)
    observed, expected = sum(cell.n * cell.mean for cell, _ in pairs), sum(cell.n * rate for cell, rate in pairs)
    if expected <= 0:
        return {"observed": observed, "expected": expected, "ratio": None}
    ratio, spreads = observed / expected, [cell.n * cell.spread for cell, _ in pairs if cell.spread is not None]
    told: dict[str, Detail] = {"observed": observed, "expected": expected, "ratio": ratio}
    if len(spreads) < len(pairs):
        return told
    error = sqrt(sum(spreads)) / expected
    return told | {"se": error, "low": ratio - Z * error, "high": ratio + Z * error}
