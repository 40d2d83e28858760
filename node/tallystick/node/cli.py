"""`tally node …`: what an agency's IT and its stewards type."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, get_args

import click

from tallystick.core.clock import SystemClock
from tallystick.core.documents import SignedDocument, read_document, signed, write_document
from tallystick.core.errors import Invalid
from tallystick.core.ids import short
from tallystick.core.job.approval import Approval, ReasonClass
from tallystick.core.keyfile import read_identity
from tallystick.core.logs import configure_logs
from tallystick.core.net.joining import read_invitation
from tallystick.core.terminal import FAILED, SETTINGS, Format, format_option, print_json, print_table, run_cli
from tallystick.node import preflight
from tallystick.node.agreements import Agreements
from tallystick.node.app import run
from tallystick.node.config import NodeConfig, read_config
from tallystick.node.joining import join as join_network
from tallystick.node.local.client import DATASETS_SECONDS, SECONDS, steward
from tallystick.node.starting import begun
from tallystick.node.storage.memory import MemoryStorage
from tallystick.node.storage.sqlite import SqliteStorage
from tallystick.v1.steward_pb2 import (
    DatasetsRequest,
    DecideRequest,
    PendingRequest,
    StatusRequest,
    StewardJob,
    StewardJobRequest,
)

_MIN_NAME: Final = 8
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"

config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default=Path("node.yaml"),
    envvar="TALLY_NODE_CONFIG",
    show_default=True,
    help="The node's configuration.",
)


@click.group(context_settings=SETTINGS)
def node() -> None:
    """Run an agency's node: its records stay here, its stewards decide."""


@node.command()
@click.argument("agency")
@click.option("--coordinator", required=True, metavar="HOST:PORT", help="Where the coordinator is.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path(), show_default=True, help="Where to make the files.")
@format_option
@run_cli
def init(agency: str, coordinator: str, folder: Path, format_: Format) -> None:
    """Make a new node's files: identity key, sample configuration, empty policy."""
    identity = begun(folder, agency, coordinator)
    if format_ == "json":
        print_json({"agency": agency, "folder": str(folder), "key": identity.key})
        return
    click.echo(f"identity key (public, for the agreement): {identity.key}")
    click.echo(f"next: edit {folder / 'node.yaml'}, then: tally node join INVITE")


@node.command()
@click.argument("invitation", type=click.Path(path_type=Path))
@config_option
@run_cli
def join(invitation: Path, config_path: Path) -> None:
    """Join the network with an invitation of the coordinator's operator; it is used up."""
    config = read_config(config_path)
    join_network(config, read_invitation(invitation))
    click.echo(f"{config.agency} has joined; next: tally node check")


@node.command()
@config_option
@format_option
@run_cli
def check(config_path: Path, format_: Format) -> None:
    """Look at everything that would stop a job: key, agreements, policy, sources, certificate, coordinator."""
    config = read_config(config_path)
    identity = read_identity(config.path(config.file.identity))
    clock = SystemClock()
    agreements = Agreements(config, identity, MemoryStorage(), clock)
    found = list(preflight.findings(config, agreements, clock.now()))
    if format_ == "json":
        print_json([{"check": one.check, "problem": one.problem, "fix": one.fix} for one in found])
    else:
        print_table(("check", "problem", "fix"), [(one.check, one.problem or "none", one.fix) for one in found])
    _end([(one.check, one.problem, one.fix) for one in found])


@node.command()
@config_option
@run_cli
def serve(config_path: Path) -> None:
    """Run the node until it is stopped. It dials out to the coordinator; nothing listens but a Unix socket."""
    config = read_config(config_path)
    configure_logs()
    if not config.path(config.file.coordinator.certificate).exists() and config.file.invite is not None:
        join_network(config, read_invitation(config.path(config.file.invite)))
    asyncio.run(run(config))


@node.command()
@config_option
@format_option
@run_cli
def status(config_path: Path, format_: Format) -> None:
    """Show how the running node is."""
    with steward(read_config(config_path).socket) as service:
        report = json.loads(service.Status(StatusRequest(), timeout=SECONDS).report)
    if format_ == "json":
        print_json(report)
    else:
        print_table(("what", "value"), [(key, _line(value)) for key, value in report.items()])


@node.command()
@config_option
@format_option
@run_cli
def datasets(config_path: Path, format_: Format) -> None:
    """Check the datasets' sources against their declarations: rows, people, identifiers, keys of one person, aliases."""
    config = read_config(config_path)
    if config.socket.exists():
        with steward(config.socket) as service:
            report = json.loads(service.Datasets(DatasetsRequest(), timeout=DATASETS_SECONDS).report)
    else:
        report = preflight.datasets(config)
    if format_ == "json":
        print_json(report)
    else:
        rows = [
            (
                name,
                one.get("rows"),
                f"{one['people']} of {one['at_most']}" if "people" in one else "",
                _line(one.get("identifiers")),
                one.get("error", ""),
                one.get("detail", ""),
            )
            for name, one in report.items()
        ]
        print_table(("dataset", "rows", "people", "identifiers", "problem", "detail"), rows)
        if keys := preflight.keys_told(report):
            print_table(("dataset", "what", "by", "number"), keys)
    _end([(f"dataset {name}", one.get("error", ""), one.get("hint", "")) for name, one in report.items()])


@node.command()
@config_option
@format_option
@run_cli
def pending(config_path: Path, format_: Format) -> None:
    """List the jobs that wait for a decision of this agency."""
    with steward(read_config(config_path).socket) as service:
        jobs = [json.loads(job.report) for job in service.Pending(PendingRequest(), timeout=SECONDS).jobs]
    if format_ == "json":
        print_json(jobs)
    else:
        columns = ("job", "awaits", "analyst", "purpose", "title", "policy")
        print_table(columns, [(short(job["job"]), *(job[key] for key in columns[1:])) for job in jobs])


@node.command()
@click.argument("job")
@config_option
@format_option
@run_cli
def show(job: str, config_path: Path, format_: Format) -> None:
    """Show one job in full: question, who learns what, the policy's reasons, and at the desk the candidate table."""
    report = _report(read_config(config_path), job)
    if format_ == "json":
        print_json(report)
        return
    candidate = report.pop("candidate", None)
    leakage = report.pop("leakage", {})
    print_table(("what", "value"), [(key, _line(value)) for key, value in report.items()])
    print_table(("who", "learns"), [(who, line) for who, lines in leakage.items() for line in lines])
    if candidate is not None:
        columns = candidate["columns"]
        print_table(columns, [[row.get(column) for column in columns] for row in candidate["rows"]], title="candidate")
        print_table(("what", "value"), [(key, _line(candidate[key])) for key in ("linkage", "disclosure")])


@node.command()
@click.argument("job")
@click.option("--document", "documents", type=click.Path(path_type=Path), multiple=True, help="A steward's signed approval.")
@click.option("--steward", "steward_name", help="Approve as this steward of the agreement, with --key.")
@click.option("--key", type=click.Path(path_type=Path), help="That steward's key file.")
@config_option
@format_option
@run_cli
def approve(
    job: str, documents: Sequence[Path], steward_name: str | None, key: Path | None, config_path: Path, format_: Format
) -> None:
    """Approve a job before it runs, or release its candidate at the desk."""
    config = read_config(config_path)
    signed_by = [read_document(path, kind="approval") for path in documents]
    if steward_name is not None:
        signed_by.append(_steward_document(config, job, steward_name, key))
    _decide(config, DecideRequest(job=_name(job), approve=True, documents=[one.encoded() for one in signed_by]), format_)


@node.command()
@click.argument("job")
@click.option("--steward", "steward_name", required=True, help="Which steward of the agreement signs.")
@click.option("--key", type=click.Path(path_type=Path), required=True, help="That steward's key file.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where to write the signed approval.")
@config_option
@run_cli
def sign(job: str, steward_name: str, key: Path, out: Path, config_path: Path) -> None:
    """Sign an approval as a steward, for another to hand in with `approve --document`."""
    write_document(out, _steward_document(read_config(config_path), job, steward_name, key))
    click.echo(f"{out}: signed by {steward_name}")


@node.command()
@click.argument("job")
@click.option("--class", "reason_class", type=click.Choice(get_args(ReasonClass)), default="steward", show_default=True,
              help="What the others learn of it.")  # fmt: skip
@click.option("--reason", default="", help="Why; stays here.")
@config_option
@format_option
@run_cli
def refuse(job: str, reason_class: str, reason: str, config_path: Path, format_: Format) -> None:
    """Refuse a job; at the desk that closes its result."""
    request = DecideRequest(job=_name(job), approve=False, reason_class=reason_class, reason=reason)
    _decide(read_config(config_path), request, format_)


@node.command()
@click.option("--after", type=click.IntRange(min=0), default=0, show_default=True, help="Show entries after this number.")
@click.option("--limit", type=click.IntRange(min=1), default=1000, show_default=True, help="At most so many.")
@config_option
@format_option
@run_cli
def log(after: int, limit: int, config_path: Path, format_: Format) -> None:
    """Show the node's log; its chain is checked."""
    path = read_config(config_path).state / "node.db"
    if not path.exists():
        raise Invalid("file-missing", f"{path} does not exist", hint="run the node first: tally node serve")
    storage = SqliteStorage(path)
    try:
        entries = [{**json.loads(event.entry), "chain": event.chain.hex()} for event in storage.events(after, limit)]
    finally:
        storage.close()
    if format_ == "json":
        print_json(entries)
    else:
        rows = [(one["number"], one["time"], one["event"], short(one["job"]), _line(one["details"])) for one in entries]
        print_table(("number", "time", "event", "job", "details"), rows)


def _end(found: Sequence[tuple[str, str, str]]) -> None:
    """Say every problem, with what would fix it, on stderr; end with 1 if there is one."""
    problems = [(what, problem, fix) for what, problem, fix in found if problem]
    for what, problem, fix in problems:
        click.echo(f"error: {problem if problem.startswith(what) else f'{what}: {problem}'}", err=True)
        if fix:
            click.echo(f"hint: {fix}", err=True)
    if problems:
        sys.exit(FAILED)


def _decide(config: NodeConfig, request: DecideRequest, format_: Format) -> None:
    with steward(config.socket) as service:
        decided: StewardJob = service.Decide(request, timeout=SECONDS)
    report = json.loads(decided.report)
    if format_ == "json":
        print_json(report)
    else:
        click.echo(f"{short(report['job'])}: {'approved' if request.approve else 'refused'}")


def _report(config: NodeConfig, job: str) -> dict[str, Any]:
    request = StewardJobRequest(job=_name(job))
    with steward(config.socket) as service:
        shown = service.Show(request, timeout=SECONDS)
    report: dict[str, Any] = json.loads(shown.report)
    return report


def _name(job: str) -> bytes:
    """Give a job's name as the service takes it: whole bytes of the digest, four or more."""
    try:
        name = bytes.fromhex(job)
    except ValueError:
        name = b""
    if 2 * len(name) < _MIN_NAME:
        raise Invalid("job-unknown", "that is not the name of a job", hint="give its first twelve digits: tally node pending")
    return name


def _steward_document(config: NodeConfig, job: str, steward_name: str, key: Path | None) -> SignedDocument:
    """Sign an approval with a steward's key, over what the running node shows of the job."""
    if key is None:
        raise Invalid("approval-invalid", "a steward signs with a key", hint="--key FILE")
    report = _report(config, job)
    now = SystemClock().now()
    approval = Approval(
        job=report["job"],
        agreement=report["agreement"]["digest"],
        signer=steward_name,
        role="steward",
        agency=config.agency,
        decision="approve",
        signed_at=now.strftime(_TIME),
        expires=datetime.fromisoformat(report["deadline"]).strftime(_TIME),
    )
    return signed("approval", approval, steward_name, read_identity(key))


def _line(value: Any) -> str:
    match value:
        case None:
            return ""
        case dict():
            return ", ".join(f"{key}: {_line(item)}" for key, item in value.items())
        case list():
            return "; ".join(_line(item) for item in value)
        case _:
            return str(value)
