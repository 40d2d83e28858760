"""What `tally lab region` checks before it writes, and prints when it has."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from tallystick.core.errors import Broken, Invalid
from tallystick.core.files import check_can_write
from tallystick.core.terminal import own_command, print_table
from tallystick.lab.region.write import Region


def prepare_folder(out: Path) -> None:
    """Check that a folder is new or empty, and make it.

    Raises:
        Invalid: `file-exists`: there is something in it.
        Broken: `disk`: it cannot be made or written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        taken = any(out.iterdir())
    except OSError as error:
        raise Broken("disk", f"{out} cannot be made", hint="name a folder that you may write") from error
    if taken:
        raise Invalid("file-exists", f"{out} holds other files", hint="name a new or empty folder")
    check_can_write(out / "lab.yaml")


def print_region(region: Region) -> None:
    """Print what was written, and what can be asked of it."""
    print_table(["file", "rows"], [(f"{name}.csv", f"{rows:,}") for name, rows in region.rows.items()])
    for number, job in enumerate(region.jobs):
        command = f"{own_command()} lab run {shlex.quote(str(region.lab))} {shlex.quote(str(job))}"
        click.echo(f"{'next: ' if number == 0 else '  or: '}{command}")
