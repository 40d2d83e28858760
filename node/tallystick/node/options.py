"""The option that every command of a node has."""

from __future__ import annotations

from pathlib import Path

import click

config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default=Path("node.yaml"),
    envvar="TALLY_NODE_CONFIG",
    show_default=True,
    help="The node's configuration.",
)
