"""The option that every command of a node has, and how they take a job's name."""

from __future__ import annotations

from pathlib import Path

import click

from tallystick.core.errors import Invalid
from tallystick.core.ids import is_name

config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default=Path("node.yaml"),
    envvar="TALLY_NODE_CONFIG",
    show_default=True,
    help="The node's configuration.",
)


def check_job_name(job: str) -> str:
    """Check that a text can be a job's name: four first digits of its digest, or more.

    Raises:
        Invalid: `job-unknown`.
    """
    if not is_name(job):
        raise Invalid("job-unknown", "that is not the name of a job", hint="give its first twelve digits: tally node pending")
    return job
