"""`tally coordinator login`: how an operator comes to the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from tallystick.coordinator.config import read_settings
from tallystick.core.terminal import Format, format_option, print_json, run_cli

FOLDER: Final = "operators"
"""Where accounts and links are, in the state folder."""


@click.command()
@click.argument("name")
@click.option(
    "--config",
    "config",
    type=click.Path(dir_okay=False, path_type=Path),
    default="coordinator.yaml",
    show_default=True,
    help="The coordinator's configuration file.",
)
@format_option
@run_cli
def login(name: str, config: Path, format_: Format) -> None:
    """Print a link by which NAME logs in to the running coordinator's pages, once, and chooses a passphrase."""
    from tallystick.core.pages.linking import make_login_link

    state = read_settings(config).state
    link, minutes = make_login_link(state, state / FOLDER, name)
    if format_ == "json":
        print_json({"link": link, "minutes": minutes})
    else:
        click.echo(link)
        click.echo(f"it works once, for {minutes} minutes", err=True)
