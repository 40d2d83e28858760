"""What the demo prints: the county, the answers, the linkage counts, who learned what, and what to try next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tallystick.client.cli._linkage import linkage_line
from tallystick.client.cli._report import print_leakage
from tallystick.client.cli._tables import disclosure_line, write_result
from tallystick.client.measured import Measures, by_columns, format_measured, measures_of
from tallystick.client.words import ABSENT, MISSING, level_columns, row_level
from tallystick.core.errors import Invalid
from tallystick.core.terminal import print_table
from tallystick.lab.cli._lab import print_outcomes
from tallystick.lab.county.write import County
from tallystick.lab.network.run import Outcome

OURS = "lab.yaml"


def check_folder(out: Path) -> None:
    """Check that a folder is new, empty, or a former demo's.

    Raises:
        Invalid: `file-exists`.
    """
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / OURS).exists())):
        raise Invalid("file-exists", f"{out} holds other files", hint="--out another folder")


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
        click.echo(f"  tally result verify {files[0]}")
        click.echo(f"  tally result show {files[0]} --leakage  # also what two parties would learn together")
        click.echo(f"  tally lab check {county.lab} {county.jobs[0]}  # before a change is asked")
        click.echo(f"  tally lab run {county.lab} {county.jobs[1]} --out result.json  # after a change to the job")


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
