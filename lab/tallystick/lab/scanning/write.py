"""What was found of files, as YAML with comments: a dataset of node.yaml, or a lab file of several."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from tallystick.core.errors import Broken, Invalid
from tallystick.lab.scanning.columns import ColumnScan
from tallystick.lab.scanning.scan import FileScan
from tallystick.records.usable import sentence

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off"})
_DEFAULT_ROWS: Final = 1000


def dataset_text(found: FileScan) -> str:
    """Write a dataset as node.yaml has it, under `datasets`."""
    return "\n".join(["datasets:", *(f"  {line}".rstrip() for line in _dataset(found)), ""])


def lab_text(files: Sequence[FileScan]) -> str:
    """Write a lab file: an agency for each file, named as its dataset."""
    lines = [
        "# A rehearsal of these files: tally lab check LAB.yaml JOB.yaml, then tally lab run LAB.yaml JOB.yaml",
        "agencies:",
    ]
    for found in files:
        lines += [f"  {found.name}:", "    datasets:", *(f"      {line}".rstrip() for line in _dataset(found))]
    lines += [
        "agreement:",
        "  disclosure: {profile: cms}  # counts of 1 to 10 are hidden, and what they could be worked out from",
    ]
    return "\n".join([*lines, ""])


def write_new(path: Path, text: str) -> None:
    """Write a new file.

    Raises:
        Invalid: `file-exists`, `file-missing`: its folder is not there. Broken: `disk`.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Invalid("file-exists", f"{path} exists", hint="choose another name, or move it away") from None
    except FileNotFoundError:
        raise Invalid("file-missing", f"the folder of {path} does not exist", hint="make the folder first") from None
    except OSError as error:
        raise Broken("disk", f"{path} cannot be written", detail=type(error).__name__) from error


def _dataset(found: FileScan) -> list[str]:
    ((kind, path),) = found.source.items()
    lines = [
        f"# {found.rows:,} rows",
        *(f"# {note}" for note in found.notes),
        f"{found.name}:",
        f"  source: {{{kind}: {{file: {_scalar(path)}, decimal: ','}}}}"
        if found.decimal_comma
        else f"  source: {{{kind}: {_scalar(path)}}}",
    ]
    if found.key is None:
        lines += [
            "  # no column seems to be a key: name the one that has each person's own, rows of one key are one person",
            "  person: KEY",
        ]
    else:
        lines.append(
            f"  person: {_scalar(found.key)}  # {found.people:,} keys"
            + (f", {found.most:,} rows at most" if found.most > 1 else "")
        )
    lines.append(f"  people: {_round_up(found.people)}  # no more than this, ever")
    if found.most > _DEFAULT_ROWS:
        lines.append(f"  rows_per_person: {_round_up(found.most)}")
    if found.problem is not None:
        lines += [f"  # identifiers could not be read: {found.problem.message}"]
        lines += [f"  # {text}" for text in (found.problem.detail, found.problem.hint) if text]
    lines.append("  identifiers:" + ("" if found.identifiers else " {}"))
    for name, column in found.identifiers.items():
        lines.append(f"    {name}: {_scalar(column)}{_usable(found, name)}")
    names = choose_column_names(found)
    lines.append("  columns:" + ("" if names else " {}"))
    for name, one in names.items():
        entry = {**({} if name == one.name else {"from": one.name}), **(one.declared or {})}
        lines += [f"    # {remark}" for remark in one.remarks]
        missing = f"  # {one.missing:,} of {found.rows:,} rows are without" if one.missing else ""
        lines.append(f"    {name}: {_flow(entry)}{missing}")
    lines += [f"  # left out: {one.name}: {'; '.join(one.remarks)}" for one in found.columns if one.declared is None]
    return lines


def choose_column_names(found: FileScan) -> dict[str, ColumnScan]:
    """Give the columns that can be declared by the names that they have in a declaration."""
    names: dict[str, ColumnScan] = {}
    for one in found.columns:
        if one.declared is not None:
            names.setdefault(_column_name(one.name, names), one)
    return names


def _usable(found: FileScan, name: str) -> str:
    counts = found.fields.get(name)
    if counts is None:
        return ""
    told = sentence(name, counts).removeprefix(f"{name}: ")
    return f"  # {counts.usable:,} of {found.rows:,} rows usable" + (f"; {told}" if told else "")


def _column_name(column: str, taken: Iterable[str]) -> str:
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", column).strip("_")[:60] or "column"
    name = plain if plain[0].isalpha() or plain[0] == "_" else f"c_{plain}"
    lower, number, whole = {one.lower() for one in taken}, 2, name
    while whole.lower() in lower:
        whole, number = f"{name}_{number}", number + 1
    return whole


def _round_up(count: int) -> int:
    """Compute a round number with room above a count."""
    wanted = max(100, count + count // 5)
    unit: int = 10 ** (len(str(wanted)) - 1)
    return min(100_000_000, -(-wanted // unit) * unit)


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)


def _flow(entry: dict[str, Any]) -> str:
    parts = [
        f"{key}: [{', '.join(map(_scalar, value))}]" if isinstance(value, list) else f"{key}: {_scalar(value)}"
        for key, value in entry.items()
    ]
    return f"{{{', '.join(parts)}}}"
