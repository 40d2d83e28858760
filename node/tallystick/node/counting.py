"""`tally node linkage`: what a dataset says of itself, for its declaration."""

from __future__ import annotations

from pathlib import Path

import click

from tallystick.core.terminal import Format, format_option, run_cli
from tallystick.node.config import read_config
from tallystick.node.options import config_option
from tallystick.node.printing import print_linkage
from tallystick.records.facts import count_linkage


@click.command()
@click.argument("dataset")
@config_option
@format_option
@run_cli
def linkage(dataset: str, config_path: Path, format_: Format) -> None:
    """Count what DATASET says of itself for linkage, rounded: to be put under `linkage` in its declaration, and so into the agreement."""
    config = read_config(config_path)
    found = count_linkage(dataset, config.dataset(dataset), config.folder, max_memory_mib=config.file.max_memory_mib)
    print_linkage(found, format_)
