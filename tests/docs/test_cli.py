"""docs/cli.md is what the commands print, and everything that shows something can show it to programs."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from tallystick.coordinator.cli import coordinator
from tallystick.node.cli import node
from tests.docs.cli_reference import cli, commands
from tests.docs.generate import DOCS

SILENT = {
    # they serve, or write one file and say so in a line
    "tally agreement card",
    "tally consent export",
    "tally consent import",
    "tally consent revoke",
    "tally coordinator card",
    "tally coordinator serve",
    "tally coordinator invite",
    "tally coordinator revoke",
    "tally coordinator accept-restored",
    "tally coordinator database backup",
    "tally lab county",
    "tally lab new",
    "tally lab region",
    "tally lab serve",
    "tally node dial",
    "tally node serve",
    "tally profile dial",
    "tally node card",
    "tally node init",
    "tally node join",
    "tally node sign",
    "tally node accept-restored",
    "tally node backup",
    "tally node log export",
    "tally node log heads",
    "tally node log prove",
    "tally result annex",
    "tally result export",
    "tally result plot",
}


def test_the_page_is_made_from_the_commands() -> None:
    assert (DOCS / "cli.md").read_text(encoding="utf-8") == cli(), "run: python -m tests.docs.generate"


def test_every_command_that_shows_something_has_a_format_for_programs() -> None:
    without = {path for path, text in commands() if "COMMAND [ARGS]" not in text and "--format" not in text}
    assert without <= SILENT


def test_every_command_says_what_it_does() -> None:
    for path, text in commands():
        usage, _, rest = text.partition("\n\n")
        assert usage.startswith("Usage: "), path
        assert rest.strip().splitlines()[0].strip() not in {"", "Options:"}, path


@pytest.mark.parametrize("group", [node, coordinator])
def test_a_group_run_by_itself_knows_the_same_help_options(group: click.Group) -> None:
    for arguments in (["-h"], ["status", "-h"]):
        assert CliRunner().invoke(group, arguments).exit_code == 0
