"""docs/cli.md: the help of every command, as `tally` prints it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click

from tallystick.client.cli import tally

WIDTH = 100


def commands(
    command: click.Command = tally, name: str = "tally", parent: click.Context | None = None
) -> Iterator[tuple[str, str]]:
    """Give (path, help) of a command and all below it; two names of one command are shown once."""
    settings = {**command.context_settings, "max_content_width": WIDTH, "terminal_width": WIDTH}
    context = click.Context(command, info_name=name, parent=parent, **settings)
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        seen: set[int] = set()
        for below_name in command.list_commands(context):
            below = command.get_command(context, below_name)
            if below is not None and id(below) not in seen and not below.hidden:
                seen.add(id(below))
                yield from commands(below, below_name, context)


def cli() -> str:
    """Write docs/cli.md, in a process of its own: a command keeps the help option of its first call, which another test may have made."""
    return subprocess.run([sys.executable, "-m", __name__], capture_output=True, text=True, check=True, timeout=300).stdout


def _write_page() -> str:
    intro = (
        "# The command line\n\n"
        "Made by `python -m tests.docs.generate` from the commands themselves.\n\n"
        "Results go to stdout; `error: …` and `hint: …`, with a code of [errors.md](errors.md), and progress go to stderr. "
        "The exit code is 0 for what was done, 1 for what was refused or failed, 2 for wrong usage, 130 for what was "
        "interrupted. `tally help COMMAND` is `tally COMMAND --help`, `tally version` is `tally --version`, and "
        "`tally help CODE` says what an error means, what usually causes it and what to do. "
        "Commands that show something have `--format json`.\n\n"
        "## Completion\n\n"
        "A shell completes commands and options once it has read what `tally` writes for it: "
        '`eval "$(_TALLY_COMPLETE=bash_source tally)"` in ~/.bashrc, `eval "$(_TALLY_COMPLETE=zsh_source tally)"` in ~/.zshrc, or '
        "`_TALLY_COMPLETE=fish_source tally | source` in ~/.config/fish/completions/tally.fish.\n"
    )
    parts = [intro]
    for path, text in commands():
        depth = min(len(path.split()) + 1, 4)
        parts.append(f"\n{'#' * depth} {path}\n\n```\n{text.rstrip()}\n```\n")
    return "".join(parts)


if __name__ == "__main__":
    print(_write_page(), end="")
