"""`tally data`: a first look at a file, before it is declared."""

from __future__ import annotations

from pathlib import Path

import click

from tallystick.core.terminal import Format, format_option, only_on_a_terminal, print_json, run_cli

FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def data() -> None:
    """Look at a file of records; on this machine alone."""


@data.command()
@click.argument("file", type=FILE)
@click.option("--key", metavar="COLUMN", help="The column with the agency's own key of a person.  [default: found]")
@click.option("--out", type=FILE, help="Write to this new file, in place of the terminal.")
@click.option("--show", is_flag=True, help="Show a value that was not read, of each identifier; on a terminal alone.")
@format_option
@run_cli
def scan(file: Path, key: str | None, out: Path | None, show: bool, format_: Format) -> None:
    """Write a first declaration of FILE, as node.yaml has it, with comments.

    What it says of types, ranges, levels and identifiers is what the file holds today: a person who knows the records corrects it.
    Levels of categories are values of the file; bounds of numbers are rounded.
    """
    from tallystick.lab.scanning.scan import scan_file
    from tallystick.lab.scanning.write import dataset_text, write_new

    if show:
        only_on_a_terminal("--show")
    found = scan_file(file, key)
    text = dataset_text(found)
    if format_ == "json":
        print_json(found.json_value())
    elif out is None:
        click.echo(text, nl=False)
    if out is not None:
        write_new(out, text)
        click.echo(f"written to {out}", err=format_ == "json")
    for name, value in found.shown.items() if show else ():
        click.echo(f"{name}, {found.fields[name].first}: {value}")
