"""How results read: the question, the table, what was linked, what is hidden; and how they are written."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from tallystick.client.answer import ALL, Answer, Number, ShownCell
from tallystick.client.detailed import list_detail_tables
from tallystick.client.sentences import (
    caveat_sentences,
    disclosure_sentences,
    leakage_sentence,
    linkage_sentence,
    notes,
    overall_sentences,
    question_sentence,
)
from tallystick.client.shares import NOBODY, Shares, ShownShare, find_shares
from tallystick.client.words import HIDDEN
from tallystick.client.zeros import list_whole_means
from tallystick.core.files import write_public
from tallystick.core.terminal import print_table, table_width

TEXT_WIDTH: Final = 120
"""No line of a sentence is longer, however wide the terminal is."""
_GAP: Final = 2


def print_answer(answer: Answer) -> None:
    """Print a result: the question as a sentence, the table, what its columns are, linkage, what is hidden, who learned what."""
    say(answer.title, bold=True)
    say(question_sentence(answer))
    click.echo()
    print_numbers(answer)
    click.echo()
    for told in list_detail_tables(answer):
        say(told.title)
        print_table(told.columns, told.rows, right=range(told.levels, len(told.columns)))
        click.echo()
    for line in (*overall_sentences(answer), *list_whole_means(answer), *notes(answer)):
        say(line)
    say(linkage_sentence(answer))
    _print_shares(answer)
    for line in (*disclosure_sentences(answer), leakage_sentence(answer), *caveat_sentences(answer)):
        say(line)


def print_numbers(answer: Answer) -> None:
    """Print the numbers: one table for each measure where two columns part the people and the terminal is wide enough; or a list."""
    crossed = [_cross(answer, one) for one in answer.asked] if len(answer.by) == 2 and answer.rows else []
    if not crossed or any(table is None for table in crossed):
        columns = [*answer.by, *(one.heading for one in answer.numbers)]
        rows = [[*row.levels, *(row.cells[one.key].text for one in answer.numbers)] for row in answer.rows]
        rows += _total_rows(answer)
        print_table(columns, rows, right=range(len(answer.by), len(columns)))
        return
    for place, table in enumerate(crossed):
        assert table is not None  # looked at above
        columns, rows = table
        if place:
            click.echo()
        click.echo(answer.asked[place].heading)
        print_table(columns, rows, right=range(1, len(columns)))


def _cross(answer: Answer, one: Number) -> tuple[list[str], list[list[str]]] | None:
    """Give a table of one measure, with the levels of one column across and of the other down; None where neither way fits."""
    for across, down in ((0, 1), (1, 0)):
        heads = list(dict.fromkeys(row.levels[across] for row in answer.rows))
        sides = list(dict.fromkeys(row.levels[down] for row in answer.rows))
        cells = {(row.levels[across], row.levels[down]): row.cells[one.key] for row in answer.rows}
        columns = [answer.by[down], *heads]
        rows = [[side, *(_text(cells.get((head, side))) for head in heads)] for side in sides]
        if one.key == "count":
            # each period counts the same people again, so nothing is added up over periods, which come first
            over_heads, over_sides = (answer.follow is None or place != 0 for place in (across, down))
            if over_heads:
                columns.append(ALL)
                for row, side in zip(rows, sides, strict=True):
                    row.append(_sum([cells.get((head, side)) for head in heads], _find_total(answer, across, ALL, side)))
            sums = [_sum([cells.get((head, side)) for side in sides], _find_total(answer, across, head, ALL)) for head in heads]
            sums += [_sum(list(cells.values()), _find_total(answer, across, ALL, ALL))] if over_heads else []
            rows += [[ALL, *sums]] if over_sides and any(sums) else []
        if _width(columns, rows) <= table_width():
            return columns, rows
    return None


def _find_total(answer: Answer, across: int, head: str, side: str) -> ShownCell | None:
    """Give a total that the result has, by its level of the column across and of the other."""
    return answer.totals.get((side, head) if across else (head, side))


def _text(cell: Any) -> str:
    return "" if cell is None else cell.text


def _sum(cells: Sequence[Any], known: ShownCell | None = None) -> str:
    """Add up counts that are all shown; what holds a hidden one has the total that the result gives, if any."""
    if known is not None and known.value is not None:
        return known.text
    values = [0 if cell is None else cell.value for cell in cells]
    if any(cell is not None and cell.interval is not None for cell in cells):
        return ""  # with noise: a sum would stand without its error
    return "" if any(value is None for value in values) else f"{sum(values):,}"


def _total_rows(answer: Answer) -> list[list[str]]:
    """Give the totals of the counts under a list: those that the job asked for, and of several rows the sum of all, unless one is hidden."""
    blank = [""] * (len(answer.numbers) - 1)
    asked = [[*levels, cell.text, *blank] for levels, cell in answer.totals.items() if "count" in answer.keys]
    if asked:
        return asked
    if answer.follow is not None:
        return []
    total = _sum([row.cells["count"] for row in answer.rows]) if answer.by and "count" in answer.keys else ""
    if not total or len(answer.rows) < 2:
        return []
    return [[ALL, *([""] * (len(answer.by) - 1)), total, *blank]]


def _width(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    return sum(max(len(cell) for cell in column) + _GAP for column in zip(columns, *rows, strict=True)) - _GAP


def say(text: str, *, bold: bool = False) -> None:
    """Print a sentence, in lines that fit."""
    lines = textwrap.wrap(text, min(table_width(), TEXT_WIDTH), subsequent_indent="  ", break_on_hyphens=False) or [""]
    for line in lines:
        click.secho(line, bold=bold)


def _print_shares(answer: Answer) -> None:
    """Print what share of people another group has, each with its parts; nothing where all are hidden."""
    shares = find_shares(answer)
    if shares is None or not any(one.cell.value is not None for one in shares.rows):
        return
    told = (*shares.rows, *(() if shares.reported else shares.overall))
    rows = [(*one.levels, one.part, one.whole, _share_text(one)) for one in told]
    columns = [*shares.by, f"found in {shares.found}", f"of {shares.of}", "share (95% interval)"]
    click.echo()
    if len(shares.by) == 2 and not shares.reported and _width(columns, rows) > table_width():
        _print_crossed_shares(shares)
    else:
        print_table(columns, rows, right=range(len(shares.by), len(columns)))
    click.echo()


def _print_crossed_shares(shares: Shares) -> None:
    """Print shares with the levels of the first column across, for a narrow terminal; intervals are left out."""
    told = {one.levels: one.cell.text for one in (*shares.rows, *shares.overall)}
    heads = list(dict.fromkeys(levels[0] for levels in told))
    sides = list(dict.fromkeys(levels[1] for levels in told))
    say(f"share of {shares.of} found in {shares.found}, by {shares.by[0]}")
    rows = [[side, *(told.get((head, side), "") for head in heads)] for side in sides]
    print_table([shares.by[1], *heads], rows, right=range(1, len(heads) + 1))


def _share_text(one: ShownShare) -> str:
    if one.cell.value is None or one.cell.interval is None:
        return "" if one.cell.text == NOBODY else HIDDEN
    low, high = one.cell.interval
    return f"{one.cell.value:.1%} ({low:.1%} to {high:.1%})"


def write_result(path: Path, value: dict[str, Any] | list[dict[str, Any]]) -> None:
    """Write a result file, whole or not at all.

    Raises:
        Broken: `disk`.
    """
    write_public(path, (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode())
