"""How results read: the table, the linkage counts, what was hidden; and how they are written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from tallystick.client.cli._linkage import print_linkage
from tallystick.client.measured import Measures, by_columns, format_measured, is_hidden, measures_of
from tallystick.client.words import level_columns, row_level
from tallystick.core.files import write_public
from tallystick.core.terminal import print_table


def print_result(value: dict[str, Any], question: Mapping[str, Any], *, title: str | None = None) -> None:
    """Print a released result, with the question that it answers, as JSON: a hidden row says so in place of its count."""
    columns = [column for column in value["columns"] if column != "suppressed"]
    by, measures = by_columns(columns), measures_of(question)
    columns = [*level_columns(by), *columns[len(by) :]]
    rows = [
        [row_level(row, column) if column in by else format_number(row, column, measures) for column in columns]
        for row in value["rows"]
    ]
    if title is not None:
        click.secho(title, bold=True)
    print_table(columns, rows)
    click.echo()
    print_linkage(value["linkage"])
    told = disclosure_line(value)
    if told:
        click.echo(told)


def disclosure_line(value: dict[str, Any]) -> str:
    """Give what was hidden in one line; empty if the rules hide nothing."""
    rules = value["disclosure"]
    least = rules.get("min_cell")
    if not isinstance(least, int) or least < 2:
        return ""
    hidden = rules.get("rows_hidden") or {}
    parts = ", ".join(f"{count} {why}" for why, count in hidden.items() if count) or "none"
    return f"disclosure: {rules.get('profile')}, counts of 1 to {least - 1} are hidden; hidden of {len(value['rows'])} rows: {parts}"


def format_number(row: Mapping[str, Any], column: str, measures: Measures) -> str:
    """Write a number of a row, or that it is hidden; of a hidden row, its count says so alone."""
    if not is_hidden(row, column):
        return format_measured(row, column, measures)
    return "hidden" if row["count"] is not None or column == "count" else ""


def write_result(path: Path, value: dict[str, Any] | list[dict[str, Any]]) -> None:
    """Write a result file, whole or not at all.

    Raises:
        Broken: `disk`.
    """
    write_public(path, (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode())
