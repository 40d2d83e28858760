"""What the demo prints: the county, the answers, the linkage counts, who learned what, and what to try next."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from hashlib import file_digest
from importlib.util import find_spec
from pathlib import Path

import click

from tallystick.client.answer import build_answer
from tallystick.client.cli._report import print_leakage
from tallystick.client.cli._tables import print_answer, write_result
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
    for outcome in outcomes:
        if outcome.result is None:
            continue
        print_answer(build_answer(outcome.result.document, outcome.result.value))
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
    first, out = str(files[0]), county.lab.parent
    tables = [str(out / f"{name}.csv") for name in ("tanf_exits", "ui_wages")]
    draws = find_spec("matplotlib") is not None
    chart = (
        ["result", "plot", str(files[-1]), "--measure", "share", "--out", "work.png"],
        "a chart: what share worked, by region",
    )
    plot = ["--plot", "mine.png"] if draws else []
    return [
        *([chart] if draws else []),
        (["result", "verify", first], ""),
        (["result", "show", first, "--leakage"], "also what two parties would learn together"),
        (["lab", "new", *tables, "--out", "mine.yaml", "--job", "mine-job.yaml"], "with two files of your own in their place"),
        (["lab", "run", "mine.yaml", "mine-job.yaml", "--out", "mine.json", *plot], "after you have read and corrected both"),
    ]
