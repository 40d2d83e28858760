"""A result's page: one file of HTML that stands alone, for a screen, a phone, a printer or a report's appendix.

The answer stands first with its chart, then how it was made, then linkage, what is hidden, who learned what, and what proves it. The page
has no script and asks for nothing from anywhere; a policy in the page itself forbids both. Every value is escaped. What the charts show
stands in tables beside them, and what is hidden is drawn and written as hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Final

from tallystick.client.annex.charting import list_charts
from tallystick.client.annex.charts import draw_bars, draw_wide_bars
from tallystick.client.annex.linkage import describe_passes, describe_people, describe_quality
from tallystick.client.annex.style import GROUPS, STYLE
from tallystick.client.annex.tables import build_notes, build_section, build_table
from tallystick.client.answer import Answer
from tallystick.client.detailed import list_detail_tables
from tallystick.client.noisy import find_noise
from tallystick.client.sentences import (
    caveat_sentences,
    disclosure_sentences,
    linkage_sentence,
    methods_paragraph,
    notes,
    question_sentence,
)
from tallystick.client.zeros import list_whole_means
from tallystick.core.results import Check

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def annex(answer: Answer, checks: Sequence[Check], *, links: Sequence[tuple[str, str]] = ()) -> str:
    """Write the page.

    Args:
        answer: the result as people read it.
        checks: of the result; all of them passed.
        links: (address, text) of pages beside it, where it is served; a file has none.
    """
    value, linkage = answer.value, answer.value["linkage"]
    sections = [
        _head(answer),
        build_section("answer", "The answer", _answer(answer)),
        build_section("method", "How it was made", [f'<p class="method">{escape(methods_paragraph(answer))}</p>']),
        build_section("people", "People and matches", describe_people(linkage)),
        build_section("passes", "Linkage passes", describe_passes(linkage)),
        build_section("quality", "How good the linkage is", describe_quality(linkage)),
        build_section("hidden", "What is hidden", [_suppression(value["disclosure"])]),
        build_section("noise", "Noise", _noise(answer)),
        build_section("leakage", "Who learned what", [_leakage(value["leakage"])]),
        build_section("proof", "What proves it", _proof(answer, checks)),
    ]
    beside = "".join(f'<p><a href="{escape(to)}">{escape(text)}</a></p>\n' for to, text in links)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(answer.title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{beside}'
        + "\n".join(section for section in sections if section)
        + "\n</main>\n</body>\n</html>\n"
    )


def summarize(answer: Answer) -> str:
    """Give a result as a piece of HTML for a notebook: title, question, first chart, table, what is hidden and linked."""
    chart = next((draw_wide_bars(f"tally-{one.name}", one.title, one.bars, one.axis) for one in list_charts(answer)), "")
    told = build_notes([linkage_sentence(answer), *disclosure_sentences(answer)])
    head = f"<h3>{escape(answer.title)}</h3>\n<p>{escape(question_sentence(answer))}</p>"
    style = f"<style>.tallystick {GROUPS}</style>"
    return f'{style}<div class="tallystick" style="max-width: 760px">\n{head}\n{chart}\n{_table(answer)}\n{told}</div>\n'


def _head(answer: Answer) -> str:
    released = (
        f"Released on {answer.value['released'][:10]} by the desk of {answer.value['desk']}, for {answer.question.purpose}."
    )
    return (
        f'<header><h1>{escape(answer.title)}</h1>\n<p class="lead">{escape(question_sentence(answer))}</p>\n'
        f'<p class="facts">{escape(released)}</p></header>'
    )


def _answer(answer: Answer) -> list[str]:
    charts = [draw_bars(one.name, one.title, one.bars, one.axis) for one in list_charts(answer)]
    told = [_sentence(line) for line in (linkage_sentence(answer), *disclosure_sentences(answer))]
    details = [build_table(one.title, one.columns, one.rows, levels=one.levels) for one in list_detail_tables(answer)]
    told += [_sentence(line) for line in list_whole_means(answer)]
    limits = [_sentence(line.removesuffix(".")) for line in caveat_sentences(answer)]
    return [_figures(answer), *charts, _table(answer), *details, build_notes([*told, *notes(answer), *limits])]


def _figures(answer: Answer) -> str:
    """Give the numbers of a single row, in large letters."""
    if len(answer.rows) != 1:
        return ""
    (row,) = answer.rows
    items = "".join(
        f"<div><dt>{escape('people' if one.key == 'count' else one.heading)}</dt><dd>{escape(row.cells[one.key].text)}</dd></div>"
        for one in answer.asked
    )
    return f'<dl class="figures">{items}</dl>'


def _table(answer: Answer) -> str:
    columns = [*answer.by, *("people" if one.key == "count" else one.heading for one in answer.numbers)]
    rows = [[*row.levels, *(row.cells[one.key].text for one in answer.numbers)] for row in answer.rows]
    return build_table("The numbers" if answer.rows else "No rows", columns, rows, levels=len(answer.by))


def _sentence(line: str) -> str:
    return f"{line[:1].upper()}{line[1:]}."


def _suppression(rules: dict[str, Any]) -> str:
    least = rules.get("min_cell") or 0
    if not isinstance(least, int) or least <= 1:
        return "<p>Nothing is hidden.</p>"
    rows: list[tuple[object, object]] = [(f"rows: {why}", number) for why, number in (rules.get("rows_hidden") or {}).items()]
    rows.append(("measures", rules.get("measures_hidden", 0)))
    rows.append(("earlier results of the same people that this one was held against", rules.get("compared_with", 0)))
    said = f"Counts of 1 to {least - 1} are hidden, and what they could be worked out from."
    return f"<p>{escape(said)}</p>{build_table('How much is hidden', ['what', 'number'], rows)}"


def _noise(answer: Answer) -> list[str]:
    noise = find_noise(answer.value)
    if noise is None:
        return []
    rows = [
        ("epsilon of this result", f"{noise['epsilon']:g}"),
        ("of all results under this version of the agreement, at most", f"{noise['budget']:g}"),
    ]
    rows += [(f"{label}: within so much, with 95%", f"{width:,}") for label, width in noise["error"].items()]
    return [build_table("Noise for differential privacy", ["what", "number"], rows)]


def _leakage(leakage: dict[str, list[str]]) -> str:
    return "\n".join(f"<h3>{escape(party)}</h3>\n{build_notes(lines)}" for party, lines in leakage.items())


def _proof(answer: Answer, checks: Sequence[Check]) -> list[str]:
    value = answer.value
    asked = [
        ("job", value["job"]),
        ("agreement", f"{answer.agreement.agreement}, version {answer.agreement.version}"),
        *(
            (f"people: {name}", f"{one.dataset} of {one.agency}" + (f" where {one.where}" if one.where else ""))
            for name, one in answer.question.people.items()
        ),
    ]
    held = [(one.name, one.detail) for one in checks]
    signed = [(one["kind"], one["signer"], one["signature"]) for one in value["signatures"]]
    return [
        build_table("What was asked", ["", ""], asked, words=True),
        build_table("Checked when this page was made", ["check", "rests on"], held, words=True),
        build_table("Signatures", ["document", "signer", "signature"], signed, words=True),
    ]
