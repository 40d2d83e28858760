"""The log-rank test: whether an event comes at the same rate in the groups of a column of `by`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

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
from tallystick.core.statistics.distributions import compute_chi_square_tail
from tallystick.core.statistics.measures.regression import invert

Curve: TypeAlias = Sequence[tuple[int, int]]
"""Of each band of the time, people at risk and events."""


class LogRankStatistic(OverallStatistic):
    """χ² = U'·V⁻¹·U with U_g = Σ_j (d_gj - d_j·r_gj / r_j), of all groups but one, by the bands j of `survival`.

    In a band r are at risk and the event comes for d of them; of group g r_g and d_g. V is the sum of the hypergeometric covariances

        V_gh = Σ_j d_j·(r_j - d_j) / (r_j - 1) · (r_gj / r_j)·([g = h] - r_hj / r_j)

    and p is on one degree of freedom fewer than there are groups. Where the table has other columns of `by`, it is the stratified test: U and V
    are added up over their levels, so that groups are compared with people of the same levels. Of each group stand the events and how many were
    expected, Σ d_j·r_gj / r_j.

    Times are told by their band alone, as for `survival`, and events in the last band, which has no end, do not count. A row that is hidden
    whole is left out, and how many there are is told; where a row shows its people and hides their curve, nothing is worked out, nor where
    a profile's rounding leaves curves out.

    Reference: Mantel, "Evaluation of survival data and two new rank order statistics arising in its consideration", Cancer Chemotherapy Reports
    50 (1966); Kalbfleisch, Prentice, "The Statistical Analysis of Failure Time Data", 2nd edition, Wiley 2002, §1.5.
    """

    name = "logrank"
    operation = "survival"
    form = "times"
    needs = ("survival",)
    meaning = (
        "log-rank test between the groups of a column of `by`: `{of: GROUP.TIME, event: GROUP.CAME, between: GROUP.COLUMN}`"
    )
    note = (
        "chi-square and p, with events and how many were expected by group; stratified by the other columns of `by`. Needs `survival` of the "
        "same columns in `measures`, and an agreement that allows it"
    )

    def label(self, asked: OverallAsked) -> str:
        """Write what it is called."""
        return f"{self.name}({', '.join(asked.of)} between {asked.by[0]})"

    def work_out(self, asked: OverallAsked, table: WholeTable) -> Found | Undefined:
        """Work it out from the curves."""
        survival = table.find_measure(("survival",), asked.of)
        assert survival is not None  # the job was checked
        strata: defaultdict[tuple[Level, ...], dict[Level, Curve]] = defaultdict(dict)
        left_out = 0
        for row in table.select_rows(table.by):
            if row["count"] is None:
                left_out += 1
                continue
            if not is_number_shown(row, survival.label):
                return Undefined(OUTCOME_HIDDEN)
            if row[survival.rests_on.label]:
                curve = _read_curve(row, survival)
                if curve is None:
                    return Undefined("the rows show no curve, because the agreement's profile rounds")
                strata[tuple(row[name] for name in table.by if name != asked.by[0])][row[asked.by[0]]] = curve
        groups = [one for one in table.list_levels(asked.by[0]) if any(one in curves for curves in strata.values())]
        if len(groups) < 2:
            return Undefined("there are not two groups to compare")
        excess, variance, events, expected = _compare(groups, list(strata.values()))
        inverse = invert([row[:-1] for row in variance[:-1]])
        if inverse is None:
            return Undefined("a group is never at risk beside another one when the event comes")
        inner = range(len(groups) - 1)
        square = float(sum(excess[i] * inverse[i][j] * excess[j] for i in inner for j in inner))
        freedom = len(groups) - 1
        told: dict[str, Detail] = {
            write_level(group): {"events": events[at], "expected": expected[at]} for at, group in enumerate(groups)
        }
        p = compute_chi_square_tail(square, freedom)
        return Found(square, {"df": freedom, "p": p, "strata": len(strata), "rows_left_out": left_out, "groups": told})

    def format_found(self, value: float | None, details: Mapping[str, Any]) -> str:
        """Write chi-square, p, and events against what was expected."""
        groups = ", ".join(
            f"{name} {one['events']:,} events, {one['expected']:,.1f} expected" for name, one in details["groups"].items()
        )
        strata = f"; {details['strata']} strata" if details["strata"] > 1 else ""
        left = f"; {details['rows_left_out']} rows are hidden and left out" if details["rows_left_out"] else ""
        return f"chi-square {value:,.2f} on {details['df']} df, p = {details['p']:.3g}; {groups}{strata}{left}"


def _read_curve(row: Row, survival: Asked) -> Curve | None:
    told = row.get("details", {}).get(survival.label)
    return None if told is None else [(point["at_risk"], point["events"]) for point in told["curve"]]


def _compare(
    groups: Sequence[Level], strata: Sequence[Mapping[Level, Curve]]
) -> tuple[list[Fraction], list[list[Fraction]], list[int], list[Fraction]]:
    """Give U, V, events and expected events of all groups, summed over bands and strata."""
    size = len(groups)
    variance = [[Fraction(0)] * size for _ in groups]
    events, expected = [0] * size, [Fraction(0)] * size
    for curves in strata:
        there = [(at, curves[group]) for at, group in enumerate(groups) if group in curves]
        for band in range(len(there[0][1])):
            risk, came = (sum(curve[band][what] for _, curve in there) for what in (0, 1))
            if not came:
                continue
            for at, curve in there:
                events[at] += curve[band][1]
                expected[at] += Fraction(came * curve[band][0], risk)
                for other, one in there if risk > 1 else ():
                    part = Fraction(curve[band][0], risk) * ((at == other) - Fraction(one[band][0], risk))
                    variance[at][other] += Fraction(came * (risk - came), risk - 1) * part
    return [came - due for came, due in zip(events, expected, strict=True)], variance, events, expected
