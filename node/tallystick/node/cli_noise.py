"""`tally node noise`: what jobs with noise cost so far."""

from __future__ import annotations

from pathlib import Path

import click

from tallystick.core.terminal import Format, format_option, print_json, print_table, run_cli
from tallystick.node.config import read_config
from tallystick.node.local.client import steward
from tallystick.node.options import config_option


@click.command()
@config_option
@format_option
@run_cli
def noise(config_path: Path, format_: Format) -> None:
    """Show the privacy loss (epsilon) of jobs with noise at this agency: what one costs, what was spent, what is left.

    It is of each agreement in force that asks for noise, and of its present version. Jobs that failed after they were charged count.
    """
    with steward(read_config(config_path).socket) as service:
        accounts = service.noise()
    if format_ == "json":
        print_json({"noise": [one.json_value() for one in accounts]})
    elif not accounts:
        click.echo("no agreement in force here asks for noise")
    else:
        rows = [
            (one.agreement, one.version, *(f"{float(number):g}" for number in (one.epsilon, one.spent, one.left, one.budget)))
            for one in accounts
        ]
        print_table(("agreement", "version", "a job costs", "spent", "left", "of"), rows)
