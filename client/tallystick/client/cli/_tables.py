"""How results read: the table, the linkage counts, what was hidden; and how they are written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from tallystick.core.errors import Broken
from tallystick.core.terminal import print_table


def print_result(value: dict[str, Any], *, title: str | None = None) -> None:
    """Print a released result: a hidden row shows why in place of its numbers."""
    columns = [column for column in value["columns"] if column != "suppressed"]
    by = [column for column in columns if "(" not in column and column != "count"]
    rows = []
    for row in value["rows"]:
        hidden = row.get("suppressed")
        rows.append(
            [
                _level(row[c])
                if c in by
                else f"({hidden})"
                if hidden and c == "count"
                else ""
                if hidden
                else _number(row.get(c))
                for c in columns
            ]
        )
    print_table(columns, rows, title=title)
    click.echo()
    click.echo(linkage_line(value["linkage"]))
    told = disclosure_line(value)
    if told:
        click.echo(told)


def linkage_line(linkage: dict[str, Any]) -> str:
    """Give the linkage report in one line."""
    people, usable = linkage.get("people") or {}, linkage.get("usable") or {}
    parts = [
        f"{group}: {_count(people.get(group))} people, {_count(usable.get(group))} with usable identifiers" for group in people
    ]
    return f"linkage: {'; '.join(parts)}; {_count(linkage.get('matched'))} matched"


def disclosure_line(value: dict[str, Any]) -> str:
    """Give what was hidden in one line; empty if the rules hide nothing."""
    rules = value["disclosure"]
    hidden = sum(1 for row in value["rows"] if row.get("suppressed"))
    profile = rules.get("profile")
    least = rules.get("min_cell")
    if not least or least < 2:
        return ""
    return f"disclosure: profile {profile}, counts of 1 to {least - 1} are hidden; {hidden} of {len(value['rows'])} rows hidden"


def _level(value: Any) -> str:
    return "(none)" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).lower()
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "(hidden)"


def write_result(path: Path, value: dict[str, Any] | list[dict[str, Any]]) -> None:
    """Write a result file, whole or not at all.

    Raises:
        Broken: `disk`.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Broken("disk", f"{path} cannot be written", hint="check the disk and the folder's permissions") from error
