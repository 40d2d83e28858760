"""How results read: the table, the linkage counts, what was hidden; and how they are written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tallystick.client.cli._linkage import print_linkage
from tallystick.client.words import level
from tallystick.core.files import write_public
from tallystick.core.terminal import print_table


def print_result(value: dict[str, Any], *, title: str | None = None) -> None:
    """Print a released result: a hidden row shows why in place of its numbers."""
    columns = [column for column in value["columns"] if column != "suppressed"]
    by = [column for column in columns if "(" not in column and column != "count"]
    rows = [[_shown(row, column, by) for column in columns] for row in value["rows"]]
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


def _shown(row: dict[str, Any], column: str, by: Sequence[str]) -> str:
    if column in by:
        return level(row[column])
    if row["count"] is None and row.get("suppressed"):
        return "hidden" if column == "count" else ""
    if column in row.get("hidden", ()):
        return "hidden"
    return _number(row.get(column))


def _number(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).lower()
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def write_result(path: Path, value: dict[str, Any] | list[dict[str, Any]]) -> None:
    """Write a result file, whole or not at all.

    Raises:
        Broken: `disk`.
    """
    write_public(path, (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode())
