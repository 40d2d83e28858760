"""`tally coordinator login`: how an operator comes to the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from tallystick.coordinator.config import read_settings
from tallystick.core.errors import Invalid
from tallystick.core.terminal import Format, format_option, run_cli

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
@click.option("--analyst", is_flag=True, help="NAME is an analyst of this network, who sees the state of their own jobs alone.")
@format_option
@run_cli
def login(name: str, config: Path, analyst: bool, format_: Format) -> None:
    """Print a link by which NAME logs in to the running coordinator's pages, once, and chooses a passphrase."""
    from tallystick.core.pages.linking import print_login_link

    settings = read_settings(config)
    if analyst and not settings.config.pages_analysts:
        raise Invalid("document-invalid", "analysts have no pages here", hint="pages_analysts: true in the configuration")
    print_login_link(settings.state, settings.state / FOLDER, name, format_, analyst=analyst)
