"""Every command, found by walking them: help on a narrow terminal, without color, in ASCII; wrong usage ends with 2 and says where help is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import click
from click.testing import CliRunner

from tallystick.client.cli import tally

NARROW = 60
ESCAPE = "\x1b"


def walk(command: click.Command = tally, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Give every command and group with the words that lead to it."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None, (*path, name)
            yield from walk(below, (*path, name))


COMMANDS = list(walk())


def test_there_are_as_many_commands_as_there_should_be() -> None:
    assert len(COMMANDS) > 60


def test_help_fits_a_narrow_terminal_and_has_no_colors() -> None:
    runner = CliRunner(env={"NO_COLOR": "1"})
    for path, _ in COMMANDS:
        done = runner.invoke(tally, [*path, "--help"], color=True, terminal_width=NARROW)
        assert done.exit_code == 0, path
        assert ESCAPE not in done.output, path
        assert max(map(len, done.output.splitlines())) <= NARROW, path
        assert done.output.startswith("Usage: "), path


def test_wrong_usage_ends_with_2_everywhere() -> None:
    for path, _ in COMMANDS:
        done = CliRunner().invoke(tally, [*path, "--no-such-option"])
        assert done.exit_code == 2, path
        assert "--no-such-option" in done.output, path


OTHERS: dict[tuple[str, ...], tuple[str, ...]] = {("audit",): ("text", "json", "csv")}
"""An audit is paragraphs, and goes into spreadsheets."""


def test_formats_are_the_same_everywhere_and_others_are_wrong_usage() -> None:
    found = 0
    for path, command in COMMANDS:
        for option in command.params:
            if "--format" not in option.opts:
                continue
            found += 1
            assert isinstance(option.type, click.Choice), path
            assert tuple(map(str, option.type.choices)) == OTHERS.get(path, ("table", "json")), path
            assert CliRunner().invoke(tally, [*path, "--format", "xml"]).exit_code == 2, path
    assert found > 30


def test_every_command_prints_json_but_those_that_serve() -> None:
    """A command that ends prints what it did, for programs too; one that serves until it is stopped prints a log."""
    without = {
        path
        for path, command in COMMANDS
        if not isinstance(command, click.Group) and not any("--format" in option.opts for option in command.params)
    }
    assert without == {("lab", "serve"), ("coordinator", "serve"), ("node", "serve")}


def test_a_terminal_that_knows_ascii_alone_is_written_to_in_ascii() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C", "COLUMNS": str(NARROW), "PYTHONUTF8": "0"}
    for arguments in (["--help"], ["result", "plot", "--help"], ["help", "job-expired"], ["node", "show", "--no-such"]):
        done = subprocess.run(
            [sys.executable, "-m", "tallystick.client.cli", *arguments],
            env=environment,
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert done.returncode in {0, 2}, done.stderr
        assert (done.stdout + done.stderr).isascii()
        assert b"Traceback" not in done.stderr
