"""The `tally` command. Other rooms add their commands by entry point (`tallystick.commands`).

Nothing is imported before it is asked for: `tally --help` loads no group, and `tally job` loads no server.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Final, NoReturn

import click

from tallystick.core.terminal import FAILED, INTERRUPTED, accept_any_terminal, leave_rich_out

USAGE: Final = 2

HELP: Final[dict[str, str]] = {
    "demo": "Invent a county of three agencies and ask it three questions, on this machine.",
    "lab": "Run a whole network from a folder, for rehearsal and teaching.",
    "job": "Ask a question, watch it, fetch the answer.",
    "review": "See a result before it goes out, and sign what you say of it.",
    "result": "Show a result, and check what proves it.",
    "data": "Look at a file of records, and write a first declaration of it.",
    "link": "See what linkage recipes do, and rehearse them on files of your own.",
    "consent": "Write, sign, show and revoke a person's consent.",
    "record": "Ask another agency for one person's fields, under a consent.",
    "agreement": "Write, sign and check an agreement: the document that says what jobs may do.",
    "profile": "Your key, your certificate, and where the coordinator is.",
    "doctor": "Say what works on this machine.",
    "coordinator": "Run a network's coordinator.",
    "node": "Run an agency's node, and decide what it takes part in.",
}
"""What each command is for, in the order of use; help need not load one."""

OWN: Final = frozenset({"job", "review", "result", "agreement", "consent", "record", "profile", "doctor"})
"""This room's commands: `tallystick.client.cli.NAME` holds a command `NAME`. The others come by entry point."""


class Groups(click.Group):
    """Commands that are loaded when they are used, and errors in this program's voice."""

    def _points(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group="tallystick.commands")}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands that are installed: those of `HELP` in its order, then any other."""
        del ctx  # click's signature
        found = OWN | self._points().keys()
        return [*(name for name in HELP if name in found), *sorted(found - HELP.keys())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the one command that is asked for."""
        del ctx  # click's signature
        if cmd_name in OWN:
            loaded = getattr(import_module(f"tallystick.client.cli.{cmd_name}"), cmd_name)
        elif cmd_name in (points := self._points()):
            loaded = points[cmd_name].load()
        else:
            return None
        if not isinstance(loaded, click.Command):
            raise TypeError(f"{cmd_name} is not a command")
        return loaded

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading one."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, HELP.get(name, "")) for name in self.list_commands(ctx)])


def _fail(message: str, hint: str, code: int) -> NoReturn:
    click.echo(f"error: {message[:1].lower()}{message[1:].rstrip('.')}", err=True)
    if hint:
        click.echo(f"hint: {hint}", err=True)
    sys.exit(code)


@click.group(cls=Groups, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tallystick", prog_name="tally")
def tally() -> None:
    """Ask agencies a question together; only an approved answer comes back.

    Start with: tally demo
    """


def _reword(args: Sequence[str]) -> list[str]:
    """Give the arguments that `help` and `version` stand for."""
    match list(args):
        case ["help", *path]:
            return [*path, "--help"]
        case ["version"]:
            return ["--version"]
        case other:
            return other


def _explain(code: str) -> bool:
    """Print what an error's code means, what usually causes it and what to do; tell whether there is such a code."""
    from tallystick.core.errors import CATALOGUE
    from tallystick.core.remedies import REMEDIES

    if code not in CATALOGUE:
        return False
    cause, fix = REMEDIES[code]
    for name, text in (("meaning", CATALOGUE[code]), ("often because", cause), ("what to do", fix)):
        click.echo(f"{name}: {text}")
    return True


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run `tally`; what went wrong is said as `error: …` and `hint: …`.

    Exits with 2 for wrong usage, 1 for what was refused or failed, 130 for what was interrupted. `tally help …` and `tally version` are
    other words for `tally … --help` and `tally --version`; `tally help CODE` explains the code of an error. Nothing but letters is
    written where `NO_COLOR` is set or the terminal is dumb.
    """
    accept_any_terminal()
    leave_rich_out()
    given = sys.argv[1:] if args is None else list(args)
    if len(given) == len(("help", "CODE")) and given[0] == "help" and _explain(given[1]):
        sys.exit(0)
    args = _reword(given)
    try:
        plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        code = tally.main(args, prog_name="tally", standalone_mode=False, color=False if plain else None)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(USAGE)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx is not None else "tally"
        _fail(error.format_message(), f"{path} --help", USAGE)
    except click.ClickException as error:
        _fail(error.format_message(), "", FAILED)
    except click.Abort:
        _fail("interrupted", "", INTERRUPTED)
    except BrokenPipeError:  # the reader of our output went away
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    sys.exit(code if isinstance(code, int) else 0)
