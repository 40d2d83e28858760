"""A result's annex: one page of HTML that stands alone, for a report's appendix or a printer.

It has no script and asks for nothing from anywhere; a policy in the page itself forbids both. Every value is escaped. What the charts
show stands in tables beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Final

from tallystick.client.annex.charts import Bar, axis, bar_chart
from tallystick.client.measured import Measures, by_columns, format_measured, is_hidden, measures_of
from tallystick.client.words import HIDDEN, blur, count, estimate, group_rate, level, level_columns, rate, row_level
from tallystick.core.results import Check

STYLE: Final = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 2rem auto; max-width: 58rem; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; border-bottom: 1px solid #767676; }
table { border-collapse: collapse; margin: .75rem 0; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .25rem 0; }
th, td { text-align: right; padding: .2rem .5rem; border-bottom: 1px solid #c8c8c8; }
.words td { overflow-wrap: anywhere; }
th:first-child, td:first-child, .words td, .words th { text-align: left; }
svg { width: 100%; height: auto; font: 13px system-ui, sans-serif; fill: #1a1a1a; }
.bar { fill: #2b6198; } .reach { stroke: #1a1a1a; stroke-width: 1.5; } .grid { stroke: #c8c8c8; } .tick, .hidden { fill: #4d4d4d; }
code { font-size: .9em; overflow-wrap: anywhere; } .note { color: #4d4d4d; }
@media print { body { margin: 0; max-width: none; font-size: 11pt; } section { break-inside: avoid; } .bar { print-color-adjust: exact; } }
"""
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def annex(value: dict[str, Any], question: dict[str, Any], checks: Sequence[Check]) -> str:
    """Give the page.

    Args:
        value: the result as people read it (`client/results.py`).
        question: the job's question, as JSON; `link` says by what its people were linked.
        checks: of the result; all of them passed.
    """
    linkage = value["linkage"]
    title = question.get("title") or "A linkage across agencies"
    sections = [
        _head(title, value, question),
        _section("Results", [_rows(value, measures_of(question))]),
        _section("People and matches", [_totals(linkage), *_rates(linkage)]),
        _section("Linkage passes", _passes(linkage)),
        _section("How good the linkage is", _quality(linkage)),
        _section("What is hidden", [_suppression(value)]),
        _section("Who learned what", [_leakage(value["leakage"])]),
        _section("What proves it", [_proof(value, checks)]),
    ]
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}: annex</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n'
        + "\n".join(section for section in sections if section)
        + "\n</main>\n</body>\n</html>\n"
    )


def _head(title: str, value: dict[str, Any], question: dict[str, Any]) -> str:
    groups = "; ".join(
        f"{name}: {one['dataset']} of {one['agency']}" + (f" where {one['where']}" if one.get("where") else "")
        for name, one in question["people"].items()
    )
    facts = [
        ("people", groups),
        ("counted", question.get("keep") or question.get("join") or ""),
        ("linkage", question["link"]),
        ("purpose", question["purpose"]),
        ("released", f"{value['released']} by the desk of {value['desk']}"),
        ("job", value["job"]),
    ]
    return f"<header><h1>{escape(title)}</h1>{table(None, ['', ''], facts, words=True)}</header>"


def _section(title: str, parts: Iterable[str]) -> str:
    inside = "\n".join(part for part in parts if part)
    return f"<section><h2>{escape(title)}</h2>\n{inside}</section>" if inside else ""


def table(caption: str | None, columns: Sequence[str], rows: Iterable[Sequence[object]], *, words: bool = False) -> str:
    """Give a table; every cell is escaped. A head without any text is left out."""
    head = "".join(f'<th scope="col">{_break_name(column)}</th>' for column in columns)
    body = "".join(
        "<tr>"
        + "".join(
            f'<th scope="row">{escape(str(cell))}</th>' if at == 0 else f"<td>{escape(str(cell))}</td>"
            for at, cell in enumerate(row)
        )
        + "</tr>\n"
        for row in rows
    )
    return (
        ('<table class="words">' if words else "<table>")
        + (f"<caption>{escape(caption)}</caption>" if caption else "")
        + (f"<thead><tr>{head}</tr></thead>" if any(columns) else "")
        + f"<tbody>\n{body}</tbody></table>"
    )


def _break_name(name: str) -> str:
    """Write a column's name, which may go on in the next line after its points and brackets."""
    return escape(name).replace(".", ".<wbr>").replace("(", "(<wbr>")


def _rows(value: dict[str, Any], measures: Measures) -> str:
    columns = [column for column in value["columns"] if column != "suppressed"]
    by = by_columns(columns)
    columns = [*level_columns(by), *columns[len(by) :]]
    rows = []
    for row in value["rows"]:
        cells = [row_level(row, column) if column in by else _number(row, column, measures) for column in columns]
        rows.append([*cells, row.get("suppressed") or ""])
    return table(None, [*columns, "hidden because"], rows)


def _number(row: dict[str, Any], column: str, measures: Measures) -> str:
    return HIDDEN if is_hidden(row, column) else format_measured(row, column, measures)


def _totals(linkage: dict[str, Any]) -> str:
    overall, usable = (linkage.get("rates") or {}).get("overall") or {}, linkage.get("usable") or {}
    if "pairs" not in linkage:
        rows = [
            (side, count(people), count(usable.get(side)), count(linkage["matched"]), rate(overall.get(side)))
            for side, people in (linkage.get("people") or {}).items()
        ]
        return table("All people", ["group", "people", "with usable identifiers", "matched", "match rate (95 %)"], rows)
    groups = [(side, count(people), count(usable.get(side))) for side, people in linkage["people"].items()]
    parts = [table("All people", ["group", "people", "with usable identifiers"], groups)]
    parts.append(
        table("People of two groups", ["groups", "people"], [(pair, count(some)) for pair, some in linkage["pairs"].items()])
    )
    if "in_groups" in linkage:
        clusters = [(number, count(some)) for number, some in linkage["in_groups"].items()]
        parts.append(table("People by how many groups have them", ["groups", "people"], clusters))
    return "\n".join(parts)


def _rates(linkage: dict[str, Any]) -> list[str]:
    rates = linkage.get("rates") or {}
    groups = rates.get("groups") or []
    if not groups:
        return []
    names = [", ".join(level(one[name]) for name in rates["by"]) for one in groups]
    bars = [_rate_bar(name, one["rate"], one["people"]) for name, one in zip(names, groups, strict=True)]
    by = ", ".join(rates["by"])
    most, marks = axis(max([0.01, *(bar.high for bar in bars)]), end=1.0)
    ticks = [(mark, f"{mark * 100:g} %") for mark in marks]
    rows = [
        (name, count(one["people"]), count(one["matched"]), group_rate(one)) for name, one in zip(names, groups, strict=True)
    ]
    return [
        _chart("rates", f"Match rate by {by}, with intervals of 95 percent", bars, most=most, ticks=ticks),
        table(f"Match rate by {by}", [by, "people", "matched", "match rate (95 %)"], rows),
    ]


def _chart(name: str, title: str, bars: Sequence[Bar], *, most: float, ticks: Sequence[tuple[float, str]]) -> str:
    """Give a chart, unless every bar of it is hidden."""
    return bar_chart(name, title, bars, most=most, ticks=ticks) if any(bar.value is not None for bar in bars) else ""


def _rate_bar(name: str, one: dict[str, float] | None, people: int | None) -> Bar:
    if one is None:
        return Bar(name, None, 0.0, 0.0, "nobody" if people == 0 else HIDDEN)
    return Bar(name, one["value"], one["low"], one["high"], f"{one['value']:.1%}")


def _lists(passes: Sequence[dict[str, Any]]) -> list[str]:
    """Give the lists of which tokens are told."""
    return list(dict.fromkeys(side for one in passes for side in one["tokens"]))


def _passes(linkage: dict[str, Any]) -> list[str]:
    passes = linkage.get("passes") or []
    if not passes:
        return []
    sides = _lists(passes)
    reach = 2 * linkage["blur"]["standard_deviation"]
    shown = [one["matches"] for one in passes if one["matches"] is not None]
    most, marks = axis(max([4.0, *(made + reach for made in shown)]))
    bars = [
        Bar(one["pass"], None, 0.0, 0.0, HIDDEN)
        if (made := one["matches"]) is None
        else Bar(one["pass"], made, max(0.0, made - reach), made + reach, f"{made:,}")
        for one in passes
    ]
    rows = [(one["pass"], *(count(one["tokens"].get(side)) for side in sides), count(one["matches"])) for one in passes]
    ticks = [(mark, f"{mark:,.0f}") for mark in marks]
    return [
        _chart("passes", "Matches by linkage pass, strict to loose", bars, most=most, ticks=ticks),
        table("Tokens and matches by pass", ["pass", *(f"tokens, {side}" for side in sides), "matches"], rows),
        f'<p class="note">{escape(blur(linkage).capitalize())} (two standard deviations).</p>',
    ]


def _quality(linkage: dict[str, Any]) -> list[str]:
    quality = linkage.get("quality")
    if quality is None:
        return []
    methods = linkage.get("methods") or {}
    rows = [(name, estimate(quality.get(name)), methods.get(name, "")) for name in ("precision", "recall")]
    return [table("Estimated without the truth", ["", "estimate (95 %)", "method"], rows, words=True)]


def _suppression(value: dict[str, Any]) -> str:
    rules = value["disclosure"]
    least = rules.get("min_cell") or 0
    said = (
        f"Counts of 1 to {least - 1} are hidden, and what they could be worked out from." if least > 1 else "Nothing is hidden."
    )
    rows = [(f"rows: {why}", count) for why, count in (rules.get("rows_hidden") or {}).items()]
    rows.append(("measures", rules.get("measures_hidden", 0)))
    rows.append(("earlier results of the same people that this one was held against", rules.get("compared_with", 0)))
    return f"<p>{escape(said)}</p>" + (table(None, ["", "number"], rows) if least > 1 else "")


def _leakage(leakage: dict[str, list[str]]) -> str:
    rows = [(who if at == 0 else "", line) for who, lines in leakage.items() for at, line in enumerate(lines)]
    return table(None, ["who", "learned"], rows, words=True)


def _proof(value: dict[str, Any], checks: Sequence[Check]) -> str:
    held = table(
        "Checked when this page was made", ["check", "rests on"], [(one.name, one.detail) for one in checks], words=True
    )
    signed = [(one["kind"], one["signer"], one["signature"]) for one in value["signatures"]]
    return held + table("Signatures", ["document", "signer", "signature"], signed, words=True)
