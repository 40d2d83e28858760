"""What the demo prints: the county, the answers, the linkage counts, who learned what, and what to try next."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from hashlib import file_digest
from pathlib import Path
from typing import Any

import click

from tallystick.client.cli._linkage import linkage_line
from tallystick.client.cli._report import print_leakage
from tallystick.client.cli._tables import disclosure_line, write_result
from tallystick.client.measured import Measures, by_columns, format_measured, measures_of
from tallystick.client.words import ABSENT, MISSING, level_columns, row_level
from tallystick.core.errors import Broken, Invalid
from tallystick.core.files import check_can_write, write_public
from tallystick.core.terminal import own_command, print_table
from tallystick.lab.cli._lab import print_outcomes
from tallystick.lab.county.write import County
from tallystick.lab.network.run import Outcome

OURS = "lab.yaml"
MADE = ".made.json"
"""What the files of a demo were when it made them: SHA-256 by name."""


def prepare_folder(out: Path) -> None:
    """Check that a folder is new, empty, or a former demo's whose files nobody has changed; make it.

    Raises:
        Invalid: `file-exists`: it holds other files, or edited ones, which a demo would write over.
        Broken: `disk`: it cannot be made or written.
    """
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / OURS).exists())):
        raise Invalid("file-exists", f"{out} holds other files", hint="--out another folder")
    if edited := _find_edited(out):
        raise Invalid(
            "file-exists",
            f"{out} holds files that were changed since a demo wrote them: {', '.join(edited)}",
            hint="--out another folder; the changed files are asked with: tally lab run",
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Broken("disk", f"{out} cannot be made", hint="--out a folder that you may write") from error
    check_can_write(out / OURS)


def remember_files(out: Path, county: County) -> None:
    """Note what the county's files are as they were made, so that a later demo sees which were edited."""
    paths = [county.lab, *county.jobs, *(out / f"{name}.csv" for name in county.rows)]
    digests = {str(path.relative_to(out)): _digest(path) for path in paths}
    write_public(out / MADE, (json.dumps(digests, indent=2) + "\n").encode())


def _find_edited(out: Path) -> list[str]:
    """Name the files that are not as a demo made them; of a demo of an earlier version, which noted nothing, none can be named."""
    try:
        made: dict[str, str] = json.loads((out / MADE).read_bytes())
        return [name for name, digest in made.items() if _digest(out / name) not in {"", digest}]
    except (OSError, ValueError, AttributeError):
        return []


def _digest(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def print_county(county: County, out: Path) -> None:
    """Print which files were made up."""
    click.echo(f"A county of three agencies with {county.people:,} people each, made up, in {out}/")
    holders = {"tanf_exits": "human-services", "ui_wages": "labor", "hmis_entries": "housing"}
    knows = {
        "tanf_exits": "who left TANF: SSN, names, birth date, region",
        "ui_wages": "wages by quarter: SSN, last name, first initial",
        "hmis_entries": "stays: names, birth date; SSN often missing",
    }
    print_table(
        ["agency", "file", "rows", "knows"],
        [(holders[n], f"{n}.csv", f"{rows:,}", knows[n]) for n, rows in county.rows.items()],
    )
    click.echo()


def write_results(out: Path, jobs: Sequence[Path], outcomes: Sequence[Outcome]) -> list[Path]:
    """Write one result file for each job; give their paths."""
    files = [out / f"{job.stem}.result.json" for job in jobs]
    for file, outcome in zip(files, outcomes, strict=True):
        write_result(file, outcome.json_value())
    return files


def print_answers(county: County, outcomes: Sequence[Outcome], files: Sequence[Path], seconds: float) -> None:
    """Print everything that a newcomer should see."""
    print_outcomes([outcome for outcome in outcomes if outcome.result is None], tables=True, out=None)
    for number, outcome in enumerate(outcomes, 1):
        if outcome.result is None:
            continue
        value, measures = outcome.result.value, measures_of(outcome.question.json_value())
        click.secho(f"{number}. {outcome.question.title}", bold=True)
        if len(level_columns(by_columns(value["columns"]))) == 2 and value["rows"]:
            for measure in ("count", *(m.label for m in outcome.question.measures if m.columns)):
                click.echo()
                _print_crossed(value, measure, measures)
        else:
            click.echo()
            _print_list(value, measures)
        click.echo()
        click.echo(linkage_line(value["linkage"]))
        told = disclosure_line(value)
        if told:
            click.echo(told)
        click.echo()
    answered = [outcome for outcome in outcomes if outcome.result is not None]
    if answered:
        click.secho("Who learned what, in the first job", bold=True)
        print_leakage({who: lines for who, lines in answered[0].leakage.items() if "+" not in who})
        click.echo()
        passed = sum(len(outcome.result.checks) for outcome in answered if outcome.result is not None)
        click.echo(f"{passed} checks of signatures passed. {seconds:.0f} s in all, {len(answered)} encrypted answers.")
        click.echo(f"Results: {', '.join(str(file) for file in files)}")
        click.echo()
        click.secho("Try next", bold=True)
        for arguments, why in _tries(county, files):
            click.echo(f"  {own_command()} {shlex.join(arguments)}" + (f"  # {why}" if why else ""))


def _tries(county: County, files: Sequence[Path]) -> list[tuple[list[str], str]]:
    """Give commands to type next, with what each is for."""
    first, lab, jobs = str(files[0]), str(county.lab), [str(job) for job in county.jobs]
    return [
        (["result", "verify", first], ""),
        (["result", "show", first, "--leakage"], "also what two parties would learn together"),
        (["lab", "check", lab, jobs[0]], "before a change is asked"),
        (["lab", "run", lab, jobs[1], "--out", "result.json"], "after a change to the job"),
    ]


def _print_list(value: dict[str, Any], measures: Measures) -> None:
    by = by_columns(value["columns"])
    numbers = [column for column in value["columns"][len(by) :] if column != "suppressed"]
    shown = level_columns(by)
    rows = [
        [*(row_level(row, name) for name in shown), *(_cell(row, column, measures) for column in numbers)]
        for row in value["rows"]
    ]
    print_table([*shown, *numbers], rows)


def _print_crossed(value: dict[str, Any], measure: str, measures: Measures) -> None:
    """Print one measure with the first `by` column across and the second down."""
    across, down = level_columns(by_columns(value["columns"]))
    cells = {(row_level(row, across), row_level(row, down)): _cell(row, measure, measures) for row in value["rows"]}
    columns, lines = (sorted(names, key=_words_last) for names in map(set, zip(*cells, strict=True)))
    rows = [[line, *(cells.get((column, line), "") for column in columns)] for line in lines]
    if all(cell == "" for row in rows for cell in row[1:]):
        return
    kept = [row for row in rows if any(cell for cell in row[1:])]
    print_table([f"{measure}: {down}", *columns], kept)


def _cell(row: dict[str, Any], column: str, measures: Measures) -> str:
    value = row.get(column)
    if value is None:
        return "hidden" if row.get("suppressed") and column == "count" else format_measured(row, column, measures)
    if column in measures:
        return format_measured(row, column, measures)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _words_last(name: str) -> tuple[bool, str]:
    """Order levels by name, those that say that there is none behind them."""
    return name in {ABSENT, MISSING}, name
