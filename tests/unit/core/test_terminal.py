"""How commands talk."""

from __future__ import annotations

import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from tallystick.core.errors import Refused
from tallystick.core.terminal import Format, format_option, print_json, print_table, run_cli


@click.command()
@click.option("--how", default="fine")
@format_option
@run_cli
def command(how: str, format_: Format) -> None:
    """Do something."""
    if how == "refused":
        raise Refused("job-unknown", "there is no such job", hint="tally job list", detail="only for the log")
    if how == "interrupted":
        raise KeyboardInterrupt
    if how == "broken":
        raise ZeroDivisionError
    if format_ == "json":
        print_json({"b": "ü", "a": 1})
    else:
        print_table(["name", "count"], [["labor", 3], ["a" * 90, None]], title="Jobs")


def test_a_refusal_is_an_error_and_a_hint_on_stderr_and_exit_code_1() -> None:
    result = CliRunner().invoke(command, ["--how", "refused"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "error: there is no such job [job-unknown]\nhint: tally job list\n"


def test_an_interruption_is_said_in_one_line() -> None:
    result = CliRunner().invoke(command, ["--how", "interrupted"])
    assert (result.exit_code, result.stderr) == (130, "error: interrupted\n")


def test_a_fault_of_ours_is_not_hidden() -> None:
    assert isinstance(CliRunner().invoke(command, ["--how", "broken"]).exception, ZeroDivisionError)


def test_json_is_for_programs() -> None:
    result = CliRunner().invoke(command, ["--format", "json"])
    assert json.loads(result.stdout) == {"a": 1, "b": "ü"}


def test_a_table_on_a_pipe_cuts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    result = CliRunner().invoke(command)
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    assert lines[0] == "Jobs"
    assert lines[1].split() == ["name", "count"]
    assert lines[2].split() == ["labor", "3"]
    assert lines[3] == "a" * 90


def test_a_table_is_printed_by_a_program_that_left_rich_out() -> None:
    program = (
        "from tallystick.core.terminal import leave_rich_out, print_table\n"
        "leave_rich_out()\n"
        "import structlog, sys\n"
        "assert sys.modules['rich'] is None\n"
        "print_table(['name'], [['tanf']])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["name", "tanf"]
