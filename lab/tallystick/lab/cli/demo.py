"""`tally demo`: a made-up county, three questions, one network of three nodes on this machine."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from tallystick.core.terminal import FAILED, Format, format_option, print_json, run_cli


@click.command()
@click.option("--people", type=click.IntRange(50, 5_000_000), default=10_000, show_default=True, help="People of each agency.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("tallystick-demo"),
    show_default=True,
    help="The folder for the county's files and the results.",
)
@click.option("--seed", type=int, default=2025, show_default=True, help="The same seed and size give the same county.")
@format_option
@run_cli
def demo(people: int, out: Path, seed: int, format_: Format) -> None:
    """Invent a county of three agencies and ask it three questions, on this machine.

    Human services knows who left TANF, labor knows wages, housing knows who is homeless. No record leaves its agency's node.
    """
    from tallystick.client.questions import read_question
    from tallystick.lab.cli import _demo
    from tallystick.lab.cli._lab import run_lab
    from tallystick.lab.county.write import generate
    from tallystick.lab.network.model import read_lab

    start = time.monotonic()
    _demo.prepare_folder(out)
    county = generate(out, people, seed)
    _demo.remember_files(out, county)
    if format_ == "table":
        _demo.print_county(county, out)
    outcomes = run_lab(read_lab(county.lab), [read_question(path) for path in county.jobs])
    files = _demo.write_results(out, county.jobs, outcomes)
    seconds = time.monotonic() - start
    if format_ == "json":
        print_json(
            {
                "folder": str(out),
                "seconds": round(seconds, 1),
                "results": [
                    {"file": str(file), "status": outcome.status, "job": outcome.job}
                    for file, outcome in zip(files, outcomes, strict=True)
                ],
            }
        )
    else:
        _demo.print_answers(county, outcomes, files, seconds)
    if any(outcome.status != "released" for outcome in outcomes):
        sys.exit(FAILED)
