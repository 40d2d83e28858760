"""`tally node backup`, `accept-restored`, `suspend`, `resume`: what an agency's IT types about the node's state."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from tallystick.core.clock import SystemClock
from tallystick.core.errors import Invalid
from tallystick.core.files import copy_database
from tallystick.core.terminal import Format, format_option, print_done, run_cli
from tallystick.core.witness import Witness
from tallystick.node import suspending
from tallystick.node.app import DATABASE, hold_state
from tallystick.node.config import read_config
from tallystick.node.options import config_option
from tallystick.node.storage.sqlite import SqliteStorage


@click.command()
@click.argument("copy", type=click.Path(path_type=Path))
@config_option
@format_option
@run_cli
def backup(copy: Path, config_path: Path, format_: Format) -> None:
    """Copy the node's database to the new file COPY, also while the node runs. It is a secret, and holds the log."""
    copy_database(read_config(config_path).state / DATABASE, copy)
    print_done(format_, f"{copy}: {copy.stat().st_size} bytes", {"file": str(copy), "bytes": copy.stat().st_size})


@click.command("accept-restored")
@config_option
@format_option
@run_cli
def accept_restored(config_path: Path, format_: Format) -> None:
    """Go on from a state that was restored from a backup, when the newest one is lost.

    The node must not run. Jobs that were under way end. What was answered after the backup is forgotten, so jobs under agreements that
    are in force now are refused: all parties sign new versions, in force from a later day.
    """
    config = read_config(config_path)
    database = config.state / DATABASE
    if not database.exists():
        raise Invalid("file-missing", f"{database} does not exist", hint="put the backup there first")
    now = SystemClock().now()
    with hold_state(config.state), closing(SqliteStorage(database)) as storage:
        storage.accept_restored(now, Witness(config.path(config.file.witness)))
    print_done(
        format_,
        f"jobs under agreements in force on {now:%Y-%m-%d} are refused from now on; sign new versions of them",
        {"refused_under_agreements_in_force_on": f"{now:%Y-%m-%d}"},
    )


@click.command()
@click.option("--agreement", "agreements", multiple=True, help="An agreement, or a license, by name: no job under it any more.")
@click.option("--dataset", "datasets", multiple=True, help="A dataset of this agency, by name: no job over it any more.")
@click.option("--reason", default="", help="Why; stays here.")
@config_option
@format_option
@run_cli
def suspend(agreements: tuple[str, ...], datasets: tuple[str, ...], reason: str, config_path: Path, format_: Format) -> None:
    """Suspend an agreement, or withdraw a dataset, at this agency alone and at once; without options, list what is suspended.

    Jobs that have not ended are refused by this agency, which ends them for all. Results that were released stay with those who have them.
    """
    config = read_config(config_path)
    for name in datasets:
        config.dataset(name)
    if agreements or datasets:
        now = SystemClock().now()
        held = suspending.suspend(config.state, now, agreements=agreements, datasets=datasets, reason=reason)
    else:
        held = suspending.read_suspensions(config.state)
    _tell(held, format_)


@click.command()
@click.option("--agreement", "agreements", multiple=True, help="An agreement, by name.")
@click.option("--dataset", "datasets", multiple=True, help="A dataset of this agency, by name.")
@config_option
@format_option
@run_cli
def resume(agreements: tuple[str, ...], datasets: tuple[str, ...], config_path: Path, format_: Format) -> None:
    """Go on under an agreement, or with a dataset, that was suspended. Jobs that ended stay ended."""
    _tell(suspending.resume(read_config(config_path).state, agreements=agreements, datasets=datasets), format_)


def _tell(held: suspending.Suspensions, format_: Format) -> None:
    lines = [f"suspended since {one.since}: {name}" for name, one in held.agreements.items()]
    lines += [f"withdrawn since {one.since}: dataset {name}" for name, one in held.datasets.items()]
    print_done(format_, "\n".join(lines) or "nothing is suspended", held.json_value())
