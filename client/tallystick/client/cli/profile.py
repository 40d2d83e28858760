"""`tally profile`: who we are, and where the coordinator is."""

from __future__ import annotations

from pathlib import Path

import click

from tallystick.client.cli._output import print_facts
from tallystick.core.terminal import Format, format_option, print_done, print_json, run_cli


@click.group()
def profile() -> None:
    """Your key, your certificate, and where the coordinator is.

    A profile is a private folder: $TALLY_HOME, or ~/.config/tallystick.
    """


@profile.command()
@format_option
@run_cli
def init(format_: Format) -> None:
    """Make a profile with a new key; its public half goes into agreements."""
    from tallystick.client.profile import open_profile

    made = open_profile()
    identity = made.create()
    if format_ == "json":
        print_json({"folder": str(made.folder), "key": identity.key})
        return
    click.echo(f"profile {made.folder}")
    click.echo(f"key     {identity.key}")
    click.echo("now: have the agreement's parties name you as analyst with this key, then: tally profile join INVITATION")


@profile.command()
@click.argument("invitation", type=click.Path(path_type=Path))
@format_option
@run_cli
def join(invitation: Path, format_: Format) -> None:
    """Exchange INVITATION, a file from the coordinator's operator, for a certificate."""
    from tallystick.client.profile import open_profile
    from tallystick.client.sdk import join as joined

    network = joined(invitation, open_profile())
    if format_ == "json":
        print_json(network.json_value())
    else:
        click.echo(f"joined network {network.network} at {network.address} as {network.role} {network.name}")


@profile.command()
@click.argument("address", metavar="HOST:PORT")
@click.option("--unchecked", is_flag=True, help="Take the address though the coordinator does not answer there yet.")
@format_option
@run_cli
def dial(address: str, unchecked: bool, format_: Format) -> None:
    """Dial the coordinator at another address from now on, once it answers there.

    The coordinator is the same one: it shows a certificate of the network that this profile joined.
    """
    from tallystick.client.profile import open_profile

    before = open_profile().dial(address, unchecked=unchecked)
    print_done(
        format_,
        f"{before.role} {before.name} dials {address} from now on; was {before.address}",
        {"role": before.role, "name": before.name, "address": address, "before": before.address},
    )


@profile.command()
@format_option
@run_cli
def show(format_: Format) -> None:
    """Show the profile: key, network, agreements, jobs."""
    from tallystick.client.profile import open_profile
    from tallystick.core.errors import Invalid

    held = open_profile()
    value: dict[str, object] = {"folder": str(held.folder), "key": held.identity.key}
    try:
        value["network"] = held.network.json_value()
    except Invalid as error:
        if error.code != "not-enrolled":
            raise
        value["network"] = None
    value["agreements"] = held.agreements()
    value["jobs"] = held.jobs()
    if format_ == "json":
        print_json(value)
        return
    network = value["network"]
    joined = "none; tally profile join INVITATION"
    if isinstance(network, dict):
        joined = f"{network['network']} at {network['address']} as {network['role']} {network['name']}"
    rows = [("folder", value["folder"]), ("key", value["key"]), ("network", joined)]
    rows += [("agreements", ", ".join(held.agreements()) or "none"), ("jobs", len(held.jobs()))]
    print_facts(rows)
