"""`tally node login`: how a steward comes to the desk's pages."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from tallystick.core.terminal import Format, format_option, run_cli
from tallystick.node.config import read_config
from tallystick.node.options import config_option

FOLDER: Final = "desk"
"""Where accounts, links and signatures are, in the state folder."""


@click.command()
@click.argument("name")
@config_option
@format_option
@run_cli
def login(name: str, config_path: Path, format_: Format) -> None:
    """Print a link by which the steward NAME logs in to the running node's pages, once, and chooses a passphrase."""
    from tallystick.core.pages.linking import print_login_link

    state = read_config(config_path).state
    print_login_link(state, state / FOLDER, name, format_)
