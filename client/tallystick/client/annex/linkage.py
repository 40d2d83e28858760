"""What a result's page says of its linkage: people and matches, rates, passes, estimated quality."""

from __future__ import annotations

from typing import Any, Final

from tallystick.client.annex.charts import Bar, build_axis, draw_bars
from tallystick.client.annex.tables import build_notes, build_table
from tallystick.client.words import HIDDEN, blur, count, estimate, group_rate, level, list_lost, list_pair_rates, rate

_LEAST_MATCHES: Final = 4.0


def describe_people(linkage: dict[str, Any]) -> list[str]:
    """Give the tables of people, matches and rates."""
    return [*_totals(linkage), *_rates(linkage)]


def describe_passes(linkage: dict[str, Any]) -> list[str]:
    """Give the chart and the table of matches by pass."""
    passes = linkage.get("passes") or []
    if not passes:
        return []
    sides = list(dict.fromkeys(side for one in passes for side in one["tokens"]))
    reach = 2 * linkage["blur"]["standard_deviation"]
    bars = [_pass_bar(one["pass"], one["matches"], reach) for one in passes]
    rows = [(one["pass"], *(count(one["tokens"].get(side)) for side in sides), count(one["matches"])) for one in passes]
    parts = [build_table("Tokens and matches by pass", ["pass", *(f"tokens, {side}" for side in sides), "matches"], rows)]
    if any(bar.value is not None for bar in bars):
        axis = build_axis(bars, least=_LEAST_MATCHES)
        parts.insert(0, draw_bars("passes", "Matches by linkage pass, strict to loose", bars, axis))
    note = blur(linkage)
    return [*parts, build_notes([f"{note[:1].upper()}{note[1:]} (two standard deviations)."]), *_describe_lost(linkage)]


def _describe_lost(linkage: dict[str, Any]) -> list[str]:
    """Give the table of people whose identifiers make no token; none where nobody is said to have such."""
    rows = list_lost(linkage)
    if not rows:
        return []
    told = (linkage.get("methods") or {}).get("identifiers", "")
    return [
        build_table("People whose identifiers link nobody", ["identifier", "list", "not read", "stands for nothing"], rows),
        build_notes([f"{told[:1].upper()}{told[1:]}."]),
    ]


def describe_quality(linkage: dict[str, Any]) -> list[str]:
    """Give the table of estimated precision and recall."""
    quality = linkage.get("quality")
    if quality is None:
        return []
    methods = linkage.get("methods") or {}
    rows = [(name, estimate(quality.get(name)), methods.get(name, "")) for name in ("precision", "recall")]
    return [build_table("Quality, estimated without the truth", ["of the links", "estimate (95%)", "method"], rows, words=True)]


def _totals(linkage: dict[str, Any]) -> list[str]:
    overall, usable = (linkage.get("rates") or {}).get("overall") or {}, linkage.get("usable") or {}
    people = linkage.get("people") or {}
    if not people:  # with noise
        return []
    if "pairs" not in linkage:
        rows = [
            (side, count(some), count(usable.get(side)), count(linkage.get("matched")), rate(overall.get(side)))
            for side, some in people.items()
        ]
        return [build_table("All people", ["group", "people", "with usable identifiers", "matched", "match rate (95%)"], rows)]
    groups = [(side, count(some), count(usable.get(side))) for side, some in people.items()]
    pairs = [(pair, count(some)) for pair, some in linkage["pairs"].items()]
    parts = [
        build_table("All people", ["group", "people", "with usable identifiers"], groups),
        build_table("People of two groups", ["groups", "people"], pairs),
    ]
    shares = (linkage.get("rates") or {}).get("pairs") or {}
    if shares:
        columns = ["groups", "people of", "found in the other (95%)"]
        parts.append(build_table("Match rates of two groups", columns, list_pair_rates(shares)))
    if "in_groups" in linkage:
        clusters = [(number, count(some)) for number, some in linkage["in_groups"].items()]
        parts.append(build_table("People by how many groups have them", ["groups", "people"], clusters))
    return parts


def _rates(linkage: dict[str, Any]) -> list[str]:
    rates = linkage.get("rates") or {}
    groups = rates.get("groups") or []
    if not groups:
        return []
    by = list(rates["by"])
    rows = [
        (*(level(one[name]) for name in by), count(one["people"]), count(one["matched"]), group_rate(one)) for one in groups
    ]
    return [build_table(f"Match rate by {', '.join(by)}", [*by, "people", "matched", "match rate (95%)"], rows, levels=len(by))]


def _pass_bar(name: str, matches: int | None, reach: float) -> Bar:
    if matches is None:
        return Bar(name, None, 0.0, 0.0, HIDDEN, hidden=True)
    return Bar(name, matches, max(0.0, matches - reach), matches + reach, f"{matches:,}")
