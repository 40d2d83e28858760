"""`tally doctor`: what works on this machine."""

from __future__ import annotations

import sys

import click

from tallystick.client.cli._output import print_facts
from tallystick.core.terminal import FAILED, Format, format_option, print_json, run_cli


@click.command()
@click.option("--offline", is_flag=True, help="Leave out the way to the coordinator.")
@format_option
@run_cli
def doctor(offline: bool, format_: Format) -> None:  # click's flag
    """Say what works on this machine: versions, the mask kernel, encrypted products, sealing.

    Where a profile has joined a network, also each hop to its coordinator: certificate, name, port, proxy, TLS, and one call. (A node's
    way: tally node check.)
    """
    from tallystick.client.health import connection_findings, findings

    found = [*findings(), *([] if offline else connection_findings())]
    bad = [one for one in found if not one.works]
    if format_ == "json":
        print_json({"works": not bad, "findings": [one.json_value() for one in found]})
    else:
        print_facts([(one.name, f"{'works' if one.works else 'FAILS'}  {one.detail}") for one in found])
    for one in bad:
        click.echo(f"error: {one.name}: {one.detail}", err=True)
        if one.hint:
            click.echo(f"hint: {one.hint}", err=True)
    if bad:
        sys.exit(FAILED)
