"""How every command talks: results on stdout, `error:` and `hint:` on stderr, exit code 1 for what was refused or failed."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Literal, ParamSpec, TypeVar

import click
from rich.console import Console
from rich.table import Table

from tallystick.core.errors import Refused, TallyError

P = ParamSpec("P")
R = TypeVar("R")

Format = Literal["table", "json"]
FAILED: Final = 1
_OF_RECORDS: Final = ("source-", "file-format")
"""Errors over records: what their `detail` says, the owner of the records may see."""
PIPE_WIDTH: Final = 200
SETTINGS: Final = {"help_option_names": ["-h", "--help"]}
"""Of every group that can be the first one run: click keeps the help option a command was first asked with."""

format_option = click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="What to print: for people, or for programs.",
)
"""The `--format` option of every command that shows something; arrives as `format_`."""


def run_cli(command: Callable[P, R]) -> Callable[P, R]:
    """Turn what a command raises on purpose into `error: …` and `hint: …` on stderr and exit code 1."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except TallyError as error:
            print_error(error)
            sys.exit(FAILED)
        except KeyboardInterrupt:
            click.echo("error: interrupted", err=True)
            sys.exit(FAILED)

    return run


def print_error(error: TallyError) -> None:
    """Print one error, with its code, its hint, and what stays on this machine: counts, places and forms."""
    click.echo(f"error: {error.message} [{error.code}]", err=True)
    if error.detail and error.code.startswith(_OF_RECORDS):
        click.echo(f"detail: {error.detail}", err=True)
    if error.hint:
        click.echo(f"hint: {error.hint}", err=True)


def only_on_a_terminal(option: str) -> None:
    """Refuse an option that shows values of the records where a program, a file or a log would read them.

    Raises:
        Refused: `not-allowed`.
    """
    if not sys.stdout.isatty():
        raise Refused("not-allowed", f"{option} shows values of the records: on a terminal alone", hint=f"leave out {option}")


def print_json(value: Any) -> None:
    """Print one JSON document, sorted, for programs."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """Print a table for people; on a pipe it is plain text, `PIPE_WIDTH` wide."""
    console = Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH)
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console.print(table)
