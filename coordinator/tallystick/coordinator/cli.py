"""`tally coordinator`: make, run and look at a coordinator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import click

from tallystick.coordinator.authority import Member, write_invitation
from tallystick.coordinator.config import Settings, read_settings
from tallystick.coordinator.pages.commands import login
from tallystick.core.errors import Invalid, NotReady
from tallystick.core.files import copy_database, hold_folder
from tallystick.core.terminal import SETTINGS, Format, format_option, print_done, print_json, run_cli

if TYPE_CHECKING:
    import sqlalchemy as sa

    from tallystick.coordinator.app import Coordinator
    from tallystick.coordinator.server.run import Role

ROLES: Final[tuple[Member, ...]] = get_args(Member)

config_option = click.option(
    "--config",
    "config",
    type=click.Path(dir_okay=False, path_type=Path),
    default="coordinator.yaml",
    show_default=True,
    help="The coordinator's configuration file.",
)


@click.group("coordinator", context_settings=SETTINGS)
def coordinator() -> None:
    """Run a coordinator: relay, matching, status. It owns no records, and no key that opens a result."""


coordinator.add_command(login)


@coordinator.command()
@config_option
@format_option
@run_cli
def init(config: Path, format_: Format) -> None:
    """Make the state folder, and say what agreements must pin."""
    from tallystick.coordinator.app import initialise, keys

    settings = read_settings(config)
    initialise(settings)
    identity, sealing = keys(settings)
    entry = {"key": identity.key, "sealing_key": sealing.public.hex()}
    if format_ == "json":
        print_json({"coordinator": entry, "state": str(settings.state)})
        return
    click.echo(f"# state: {settings.state}")
    _print_entry(entry)


@coordinator.command()
@config_option
@format_option
@run_cli
def key(config: Path, format_: Format) -> None:
    """Say again what agreements must pin: the public halves of the coordinator's keys."""
    from tallystick.coordinator.app import keys

    identity, sealing = keys(read_settings(config))
    entry = {"key": identity.key, "sealing_key": sealing.public.hex()}
    if format_ == "json":
        print_json({"coordinator": entry})
    else:
        _print_entry(entry)


@coordinator.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The card to write.")
@config_option
@format_option
@run_cli
def card(out: Path, config: Path, format_: Format) -> None:
    """Write the coordinator's card, for `tally agreement new --from`. It holds no secret."""
    from tallystick.coordinator.app import keys
    from tallystick.core.agreement.card import Card, sign_card
    from tallystick.core.documents import write_document

    identity, sealing = keys(read_settings(config))
    made = Card(role="coordinator", name="coordinator", key=identity.key, sealing_key=sealing.public.hex())
    write_document(out, sign_card(made, identity))
    print_done(
        format_, f"{out}: coordinator, key {identity.key}", {"role": "coordinator", "key": identity.key, "file": str(out)}
    )


def _print_entry(entry: Mapping[str, str]) -> None:
    click.echo("# paste this into the agreement:\ncoordinator:")
    for name, value in entry.items():
        click.echo(f'  {name}: "{value}"')


@coordinator.command()
@config_option
@click.option(
    "--role",
    type=click.Choice(["all", "relay", "driver"]),
    default="all",
    show_default=True,
    help="Of several on one PostgreSQL: relay only answers calls, driver only matches and opens no port.",
)
@run_cli
def serve(config: Path, role: Role) -> None:
    """Serve until stopped. Logs are JSON lines on stderr."""
    from tallystick.core.net import environment

    if not environment.in_time():  # the command that hosts this one imported gRPC first
        environment.begin_again()
    from tallystick.coordinator.app import run

    settings = read_settings(config)
    if role != "all" and settings.config.database is None:
        raise Invalid(
            "document-invalid",
            f"--role {role} is for replicas, which share a PostgreSQL",
            hint="set database, or leave --role out",
        )
    run(settings, role)


def _members(named: Mapping[str, tuple[str, ...]]) -> list[tuple[Member, str]]:
    """Give the members that are named, as their options gave them, by role.

    Raises:
        Invalid: `document-invalid`: none is.
    """
    found = [(role, name) for role in ROLES for name in named[role]]
    if not found:
        raise Invalid(
            "document-invalid", "name one member", hint="--agency NAME, --analyst NAME, --approver NAME or --worker NAME"
        )
    return found


def _member_options(command: Any) -> Any:
    for role in reversed(ROLES):
        text = f"The name of {'a' if role == 'worker' else 'an'} {role} as agreements have it; may be repeated."
        command = click.option(f"--{role}", metavar="NAME", multiple=True, help=text)(command)
    return command


@coordinator.command()
@config_option
@_member_options
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The file to write; for several members, their folder."
)
@format_option
@run_cli
def invite(config: Path, out: Path, format_: Format, **named: tuple[str, ...]) -> None:
    """Write an invitation: a file with which one member joins, once. It is a secret until then.

    For several members, --out names a folder, in which ROLE-NAME.invite is theirs.
    """
    members = _members(named)
    if len(members) > 1 and not out.is_dir():
        raise Invalid("file-missing", f"{out} is no folder, and several members are named", hint=f"mkdir {out}")
    made = _compose(config)
    address = _address(made.settings)
    known = made.agreements.members()
    told: list[dict[str, Any]] = []
    for role, name in members:
        invitation = made.authority.invite(role, name, address)
        path = out / f"{role}-{name}.invite" if out.is_dir() else out
        write_invitation(path, invitation)
        told.append({"file": str(path), "role": role, "name": name, "expires": invitation["expires"]})
        if known and (role, name) not in known:
            click.echo(f"warning: no agreement here names an {role} {name}; whoever joins so may do nothing yet", err=True)
    lines = [f"{one['file']}: {one['role']} {one['name']} may join until {one['expires']}" for one in told]
    print_done(format_, "\n".join(lines), {"invitations": told})


@coordinator.command()
@config_option
@_member_options
@format_option
@run_cli
def revoke(config: Path, format_: Format, **named: tuple[str, ...]) -> None:
    """Revoke all certificates and unused invitations of members. A running coordinator ends their calls within seconds."""
    members = _members(named)
    made = _compose(config)
    authority = made.authority
    revoked: list[dict[str, Any]] = []
    for role, name in members:
        revoked.append({"role": role, "name": name, "revoked": authority.revoke(role, name)})
    made.restoring.note()
    print_done(
        format_, "\n".join(f"{one['role']} {one['name']}: {one['revoked']} revoked" for one in revoked), {"members": revoked}
    )


@coordinator.command()
@config_option
@click.option("--all", "all_", is_flag=True, help="Ended jobs too.")
@click.option("--offline", is_flag=True, help="Read the rows of a coordinator that does not run, in place of asking it.")
@format_option
@run_cli
def status(config: Path, all_: bool, offline: bool, format_: Format) -> None:  # click's flags
    """Show who is connected, jobs, and which parties are silent. Ends with 1 where the coordinator does not run or does not answer.

    Then what its rows say is shown all the same.
    """
    from tallystick.coordinator.operating import ask_status, print_status, read_status

    settings = read_settings(config)
    down: NotReady | None = None
    try:
        value = read_status(_compose(config), ended=all_) if offline else ask_status(settings.state, ended=all_)
    except NotReady as error:
        down, value = error, read_status(_compose(config), ended=all_)
    if format_ == "json":
        print_json(value)
    else:
        print_status(value)
    if down is not None:
        raise down


@coordinator.command("accept-restored")
@config_option
@format_option
@run_cli
def accept_restored(config: Path, format_: Format) -> None:
    """Go on from a database that was restored from a backup, when the newest one is lost. No coordinator of it may run.

    Jobs that have not ended end, and unused invitations are deleted. What the witness knows to be revoked is revoked again.
    """
    made = _compose(config)
    with hold_folder(made.settings.state):
        jobs, revoked = made.restoring.accept(made.jobs)
    print_done(
        format_,
        f"{jobs} jobs ended; {revoked} revoked certificates are known: repeat revocations that are not among them",
        {"ended": jobs, "revoked": revoked},
    )


@coordinator.group(context_settings=SETTINGS)
def database() -> None:
    """Bring the database to another version of this software. Stop every coordinator of it, and back it up, first."""


@database.command()
@config_option
@format_option
@run_cli
def upgrade(config: Path, format_: Format) -> None:
    """Bring the database to the version that this software works with."""
    from tallystick.coordinator.storage import versions

    with _engine(config) as engine:
        before, now = versions.upgrade(engine)
    _print_version(now, before, format_)


@database.command()
@click.argument("version")
@config_option
@format_option
@run_cli
def downgrade(version: str, config: Path, format_: Format) -> None:
    """Bring the database back to VERSION, for an earlier software. Type it with the later one, before you install the earlier."""
    from tallystick.coordinator.storage import versions

    with _engine(config) as engine:
        before = versions.downgrade(engine, version)
    _print_version(version, before, format_)


def _print_version(now: str, before: str | None, format_: Format) -> None:
    if format_ == "json":
        print_json({"version": now, "before": before})
    else:
        click.echo(f"version {now}, as before" if before == now else f"version {now}, before: {before or 'none'}")


@database.command()
@click.argument("copy", type=click.Path(path_type=Path))
@config_option
@format_option
@run_cli
def backup(copy: Path, config: Path, format_: Format) -> None:
    """Copy a SQLite database to the new file COPY, also while the coordinator serves. It holds no key."""
    from tallystick.coordinator.storage.opening import sqlite_file

    settings = read_settings(config)
    if settings.config.database is not None:
        raise Invalid("document-invalid", "the database is PostgreSQL", hint="use its own tools: pg_dump, or base backups")
    copy_database(sqlite_file(settings), copy)
    print_done(format_, f"{copy}: {copy.stat().st_size} bytes", {"file": str(copy), "bytes": copy.stat().st_size})


@contextmanager
def _engine(config: Path) -> Iterator[sa.Engine]:
    from tallystick.coordinator.storage.opening import open_engine

    engine = open_engine(read_settings(config))
    try:
        yield engine
    finally:
        engine.dispose()


def _compose(config: Path) -> Coordinator:
    from tallystick.coordinator.app import compose

    made = compose(read_settings(config))
    click.get_current_context().call_on_close(made.close)
    return made


def _address(settings: Settings) -> str:
    """Give the address for an invitation; with a port chosen by the system it is known only while the coordinator serves.

    Raises:
        NotReady: `unavailable`.
    """
    from tallystick.coordinator.server.run import ADDRESS_FILE

    if not settings.address.endswith(":0"):
        return settings.address
    try:
        return (settings.state / ADDRESS_FILE).read_text(encoding="ascii")
    except OSError as error:
        raise NotReady(
            "unavailable", "the coordinator's port is chosen when it serves", hint="start it first, or set address"
        ) from error
