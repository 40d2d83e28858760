"""How every command talks: results on stdout, `error:` and `hint:` on stderr.

Exit codes: 1 for what was refused or failed, 130 for what was interrupted, as shells have it. A terminal that knows no letters beyond
ASCII is written to in ASCII; a pipe that is read by a program is never cut.
"""

from __future__ import annotations

import codecs
import functools
import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, ParamSpec, TypeVar

import click

from tallystick.core.errors import Refused, TallyError

P = ParamSpec("P")
R = TypeVar("R")

Format = Literal["table", "json"]
FAILED: Final = 1
INTERRUPTED: Final = 130
"""128 and the number of SIGINT."""
_IN_ASCII: Final = {
    "\N{HORIZONTAL ELLIPSIS}": "...",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{MINUS SIGN}": "-",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{PLUS-MINUS SIGN}": "+/-",
    "\N{GREATER-THAN OR EQUAL TO}": ">=",
    "\N{LESS-THAN OR EQUAL TO}": "<=",
    "\N{MIDDLE DOT}": "*",
    "\N{GREEK SMALL LETTER EPSILON}": "epsilon",
    "\N{GREEK SMALL LETTER DELTA}": "delta",
    "\N{LEFT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    "\N{NO-BREAK SPACE}": " ",
}
_ERRORS: Final = "tally-ascii"
_ASCII: Final = "tally_ascii"
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
    """Turn what a command raises on purpose into `error: …` and `hint: …` on stderr and exit code 1; an interruption into 130."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except TallyError as error:
            print_error(error)
            sys.exit(FAILED)
        except KeyboardInterrupt:
            click.echo("error: interrupted", err=True)
            sys.exit(INTERRUPTED)

    return run


def knows_letters() -> bool:
    """Tell whether stdout takes every letter, or only those of an older encoding."""
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "") in {"utf8", "utf16", "utf32"}


def accept_any_terminal() -> None:
    """Let stdout and stderr write in their own encoding what they can, and the rest in ASCII: no command ends over a letter."""
    codecs.register_error(_ERRORS, _write_in_ascii)
    codecs.register(_find_ascii)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # what tests put in place of a stream has none
        if reconfigure is None:
            continue
        if codecs.lookup(stream.encoding or "utf-8").name == "ascii":
            reconfigure(encoding=_ASCII, errors=_ERRORS)
        else:
            reconfigure(errors=_ERRORS)


def _find_ascii(name: str) -> codecs.CodecInfo | None:
    """Give ASCII under a name of our own: click takes a stream of ASCII by its own name for one of UTF-8 that was set up wrongly."""
    if name != _ASCII:
        return None
    ascii_ = codecs.lookup("ascii")
    return codecs.CodecInfo(
        ascii_.encode,
        ascii_.decode,
        ascii_.streamreader,
        ascii_.streamwriter,
        ascii_.incrementalencoder,
        ascii_.incrementaldecoder,
        name=_ASCII,
    )


def _write_in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    spelled = (_IN_ASCII.get(letter) or letter.encode("ascii", "backslashreplace").decode() for letter in text)
    return "".join(spelled), error.end


def own_command() -> str:
    """Give what to type for `tally` here: its name where the shell finds this very installation, or a path, or a module of Python."""
    folder = Path(sys.executable).parent
    found = shutil.which("tally")
    if found is not None and Path(found).parent.absolute() == folder.absolute():
        return "tally"
    script = folder / "tally"
    if not os.access(script, os.X_OK):
        return f"{shlex.quote(sys.executable)} -m tallystick.client.cli"
    return shlex.quote(str(script.relative_to(Path.cwd()) if script.is_relative_to(Path.cwd()) else script))


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
    click.echo(json.dumps(value, ensure_ascii=not knows_letters(), indent=2, sort_keys=True))


def print_done(format_: Format, text: str, value: Mapping[str, Any]) -> None:
    """Print what a command did, in a line for people or as a JSON object for programs.

    Args:
        format_: which.
        text: for people.
        value: for programs.
    """
    if format_ == "json":
        print_json(value)
    else:
        click.echo(text)


def leave_rich_out() -> None:
    """Say that there is no `rich` until `let_rich_in`.

    structlog would import it with all that it needs, because it is installed, for colours that no log here shows: a sixth of the time in which
    a node starts.
    """
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # Python's own way to say that there is no such module


def let_rich_in() -> None:
    """Undo `leave_rich_out`, for what prints a table or a live line."""
    if sys.modules.get("rich", sys) is None:
        del sys.modules["rich"]


def table_width() -> int:
    """Give how wide tables may be: as the terminal, or on a pipe `PIPE_WIDTH`."""
    return shutil.get_terminal_size((80, 24)).columns if sys.stdout.isatty() else PIPE_WIDTH


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None, right: Container[int] = ()
) -> None:
    """Print a table for people; on a pipe it is plain text, `PIPE_WIDTH` wide. `right` names the columns of numbers."""
    let_rich_in()
    from rich.console import Console  # here, because `tally --help` needs no table
    from rich.table import Table

    console = Console(width=table_width(), height=25)  # without a height a dumb terminal is taken to be 80 wide
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    texts = [tuple("" if cell is None else str(cell) for cell in row) for row in rows]
    wide = sum(max(map(len, cells), default=0) + 1 for cells in zip(columns, *texts, strict=True)) > console.width
    for place, name in enumerate(columns):
        column = _break_name(name) if wide else name
        table.add_column(column, overflow="fold", justify="right" if place in right else "left")
    for row in texts:
        table.add_row(*row)
    console.print(table)


def _break_name(name: str) -> str:
    """Write a column's name in lines that end at its points and brackets, for a table that is wider than the terminal."""
    return name.replace(".", ".\n").replace("(", "(\n").replace(", ", ",\n")
