"""`tally lab`: a whole network from a folder."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tallystick.core.terminal import FAILED, Format, format_option, own_command, print_done, print_json, run_cli

if TYPE_CHECKING:
    from tallystick.lab.network.run import Outcome

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group()
def lab() -> None:
    """Run a whole network from a folder, for rehearsal and teaching.

    A coordinator and a node for each agency, each a process of its own on this machine, with throw-away keys and a real
    agreement: everything in LAB.yaml is allowed to the lab's analyst.
    """


@lab.command()
@click.argument("lab_file", metavar="LAB.yaml", type=FILE)
@click.argument("job", metavar="JOB.yaml", type=FILE)
@click.option(
    "--people",
    multiple=True,
    metavar="GROUP=NUMBER",
    help="Size of a group to estimate the work for; default: what the files hold.",
)
@format_option
@run_cli
def check(lab_file: Path, job: Path, people: tuple[str, ...], format_: Format) -> None:
    """Read the files that JOB.yaml asks about, then say what stands against it, what each party would learn, and what it would cost.

    Rows and people are counted as the agencies' nodes would count them; what cannot be read is said. Nothing is started.
    """
    from tallystick.client.checking import sizes
    from tallystick.client.cli._report import print_report
    from tallystick.client.questions import read_question
    from tallystick.lab.cli._lab import print_files
    from tallystick.lab.network.check import check_in_lab
    from tallystick.lab.network.model import read_lab

    question = read_question(job)
    checked = check_in_lab(read_lab(lab_file), question, sizes(people))
    if format_ == "json":
        print_json(checked.json_value())
    else:
        print_files(checked, question)
        print_report(checked.report)
    if checked.report.problems:
        sys.exit(FAILED)


@lab.command()
@click.argument("lab_file", metavar="LAB.yaml", type=FILE)
@click.argument("jobs", metavar="JOB.yaml...", type=FILE, nargs=-1, required=True)
@click.option("--out", type=FILE, help="Write the result, with what proves it, to this file; a list for several jobs.")
@click.option(
    "--plot", type=FILE, help="Draw the answer of one job to this .png or .svg: shares where it tells them, or counts."
)
@click.option("--keep", type=FOLDER, help="Work in this new folder and keep it: states, logs, keys.")
@format_option
@run_cli
def run(
    lab_file: Path, jobs: tuple[Path, ...], out: Path | None, plot: Path | None, keep: Path | None, format_: Format
) -> None:
    """Ask the question of each JOB.yaml to the agencies of LAB.yaml."""
    from tallystick.client.plots import check_can_draw, draw_first
    from tallystick.client.questions import read_question
    from tallystick.core.files import check_can_write
    from tallystick.lab.cli._lab import print_outcomes, run_lab, write_outcomes
    from tallystick.lab.network.model import read_lab

    if out is not None:
        check_can_write(out)  # said before a network has run for nothing
    if plot is not None:
        if len(jobs) > 1:
            raise click.UsageError("--plot draws the answer of one job; tally result plot --number draws one of several")
        check_can_draw(plot)
    outcomes = run_lab(read_lab(lab_file), [read_question(path) for path in jobs], keep=keep)
    if out is not None:
        write_outcomes(out, outcomes)
    if plot is not None and (answered := outcomes[0].result) is not None:
        draw_first(answered.answer, plot)
    if format_ == "json":
        values = [outcome.json_value() for outcome in outcomes]
        print_json(values[0] if len(values) == 1 else {"results": values})
    print_outcomes(outcomes, tables=format_ == "table", out=out)
    if plot is not None and outcomes[0].result is not None and format_ == "table":
        click.echo(f"drawn to {plot}")
    if _without_answer(outcomes):
        sys.exit(FAILED)


@lab.command()
@click.argument("lab_file", metavar="LAB.yaml", type=FILE)
@click.option("--purpose", "purposes", multiple=True, help="A purpose that jobs may name; default: rehearsal.")
@click.option("--agreement", help="The agreement's name, where the lab file does not give one; default: lab.")
@click.option("--keep", type=FOLDER, help="Work in this new folder and keep it: states, logs, keys.")
@run_cli
def serve(lab_file: Path, purposes: tuple[str, ...], agreement: str | None, keep: Path | None) -> None:
    """Keep the network of LAB.yaml running until Ctrl-C, to be asked with `tally job`."""
    from tallystick.lab.cli._lab import serve_lab
    from tallystick.lab.network.model import read_lab

    serve_lab(read_lab(lab_file), agreement=agreement, purposes=purposes, keep=keep)


@lab.command()
@click.argument("files", metavar="FILE FILE...", type=FILE, nargs=-1, required=True)
@click.option("--out", type=FILE, default=Path("lab.yaml"), show_default=True, help="The new lab file.")
@click.option("--job", "job_file", type=FILE, help="Also write a first question of the first two files to this new job file.")
@format_option
@run_cli
def new(files: tuple[Path, ...], out: Path, job_file: Path | None, format_: Format) -> None:
    """Write a lab file from several files, one agency for each, as `tally data scan` sees them.

    Columns, bounds and identifiers are what the files hold today: read the comments and correct them before the first job.

    --job asks what share of the people of the first file has rows in the second one, some quarters after what the first one dates,
    by one of its columns.
    """
    from tallystick.core.errors import Invalid
    from tallystick.lab.scanning.question import question_text
    from tallystick.lab.scanning.scan import FileScan, scan_file
    from tallystick.lab.scanning.write import lab_text, write_new

    if len(files) < 2:
        raise Invalid("document-invalid", "a lab has two agencies or more", hint="tally lab new FILE FILE")
    found: list[FileScan] = []
    for file in files:
        relative = file.absolute() if file.is_absolute() or out.parent != Path() else file
        found.append(scan_file(relative, taken=[one.name for one in found]))
    asked = None if job_file is None else question_text(found[0], found[1])
    write_new(out, lab_text(found))
    if job_file is not None and asked is not None:
        write_new(job_file, asked)
    named = shlex.quote(str(job_file)) if job_file is not None else "JOB.yaml"
    told = (
        f"written to {out}{f' and {job_file}' if job_file is not None else ''}; next: read the comments, then "
        f"{own_command()} lab check {shlex.quote(str(out))} {named}"
    )
    print_done(format_, told, {"lab": str(out), "job": None if job_file is None else str(job_file)})


def _without_answer(outcomes: list[Outcome]) -> bool:
    return any(outcome.status != "released" for outcome in outcomes)


@lab.command()
@click.argument("out", type=FOLDER)
@click.option("--people", type=click.IntRange(50, 5_000_000), default=1000, show_default=True, help="People of each agency.")
@click.option("--address", required=True, help="HOST:PORT at which members reach the coordinator.")
@click.option("--database", help="PostgreSQL of the coordinator, as in coordinator.yaml; without one a SQLite file.")
@click.option(
    "--home", type=FOLDER, default=Path("/data"), show_default=True, help="Where each party sees its own folder when it runs."
)
@format_option
@run_cli
def county(out: Path, people: int, address: str, database: str | None, home: Path, format_: Format) -> None:
    """Write a made-up county's folders, one for each party: for containers (compose/county.yaml).

    Keys are made at the first start; a county that is there already is left as it is.
    """
    from tallystick.lab.network.folders import write_county

    new = write_county(out, people=people, address=address, database=database, home=home)
    print_done(format_, f"{out}: {'written' if new else 'there already'}", {"folder": str(out), "written": new})


@lab.command()
@click.argument("out", type=FOLDER)
@click.option("--people", type=click.IntRange(200, 5_000_000), default=10_000, show_default=True, help="People of the region.")
@click.option("--seed", type=int, default=2026, show_default=True, help="The same seed and size give the same region.")
@format_option
@run_cli
def region(out: Path, people: int, seed: int, format_: Format) -> None:
    """Write a made-up region of two counties: records of five agencies, a lab file, and jobs over two to five of them.

    Each county has cash assistance and child welfare; state wages, housing and schools are of the whole region. `tally lab check`, `run`
    and `serve` take the folder's lab.yaml.
    """
    from tallystick.lab.cli._region import prepare_folder, print_region
    from tallystick.lab.region.write import generate_region

    prepare_folder(out)
    made = generate_region(out, people, seed)
    if format_ == "json":
        print_json({"lab": str(made.lab), "jobs": [str(job) for job in made.jobs], "rows": dict(made.rows)})
    else:
        print_region(made)
