"""`tally node …`: what an agency's IT and its stewards type."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast, get_args

import click

from tallystick.core.clock import SystemClock
from tallystick.core.documents import SignedDocument, write_document
from tallystick.core.errors import Invalid
from tallystick.core.ids import short
from tallystick.core.job.approval import ReasonClass
from tallystick.core.keyfile import read_identity
from tallystick.core.logs import configure_logs
from tallystick.core.net.joining import read_invitation
from tallystick.core.terminal import (
    FAILED,
    SETTINGS,
    Format,
    format_option,
    only_on_a_terminal,
    print_done,
    print_json,
    print_table,
    run_cli,
)
from tallystick.node import preflight
from tallystick.node.agreements import NodeAgreements
from tallystick.node.app import run
from tallystick.node.cards import card, key
from tallystick.node.cli_log import log
from tallystick.node.cli_noise import noise
from tallystick.node.cli_requests import answer, disclosures, requests
from tallystick.node.cli_review import review
from tallystick.node.cli_state import accept_restored, backup, resume, suspend
from tallystick.node.config import NodeConfig, read_config
from tallystick.node.counting import linkage
from tallystick.node.dialing import dial
from tallystick.node.joining import join as join_network
from tallystick.node.local.client import steward
from tallystick.node.options import check_job_name, config_option
from tallystick.node.pages.commands import login
from tallystick.node.printing import print_datasets, print_health, print_job, print_pending
from tallystick.node.signing import read_decision, sign_decision
from tallystick.node.starting import make_folder
from tallystick.node.storage.memory import MemoryNodeStorage
from tallystick.node.views import JobSummary
from tallystick.records.survey import DatasetProblem


@click.group(context_settings=SETTINGS)
def node() -> None:
    """Run an agency's node: its records stay here, its stewards decide."""


node.add_command(key)
node.add_command(card)
node.add_command(log)
node.add_command(backup)
node.add_command(accept_restored)
node.add_command(suspend)
node.add_command(resume)
node.add_command(linkage)
node.add_command(login)
node.add_command(dial)
node.add_command(disclosures)
node.add_command(requests)
node.add_command(answer)
node.add_command(noise)
node.add_command(review)


@node.command()
@click.argument("agency")
@click.option("--coordinator", required=True, metavar="HOST:PORT", help="Where the coordinator is.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path(), show_default=True, help="Where to make the files.")
@format_option
@run_cli
def init(agency: str, coordinator: str, folder: Path, format_: Format) -> None:
    """Make a new node's files: identity key, sample configuration, empty policy."""
    identity = make_folder(folder, agency, coordinator)
    if format_ == "json":
        print_json({"agency": agency, "folder": str(folder), "key": identity.key})
        return
    click.echo(f"identity key (public, for the agreement): {identity.key}")
    click.echo(f"next: edit {folder / 'node.yaml'}, then: tally node join INVITE")


@node.command()
@click.argument("invitation", type=click.Path(path_type=Path))
@config_option
@format_option
@run_cli
def join(invitation: Path, config_path: Path, format_: Format) -> None:
    """Join the network with an invitation of the coordinator's operator; it is used up."""
    config = read_config(config_path)
    join_network(config, read_invitation(invitation))
    print_done(format_, f"{config.agency} has joined; next: tally node check", {"agency": config.agency, "joined": True})


@node.command()
@config_option
@format_option
@click.option("--show", is_flag=True, help="Show a value that was not read, of each identifier; on a terminal alone.")
@run_cli
def check(config_path: Path, format_: Format, show: bool) -> None:
    """Look at everything that would stop a job: key, agreements, policy, sources, certificate, coordinator.

    Warnings say what is odd in the sources but stops no job: how many values of an identifier cannot be used, and why.
    """
    if show:
        only_on_a_terminal("--show")
    config = read_config(config_path)
    identity = read_identity(config.path(config.file.identity))
    clock = SystemClock()
    agreements = NodeAgreements(config, identity, MemoryNodeStorage(), clock)
    found = list(preflight.findings(config, agreements, clock.now(), show=show))
    if format_ == "json":
        print_json(
            {
                "checks": [
                    {"check": one.check, "problem": one.problem, "fix": one.fix, "warnings": list(one.warnings)}
                    for one in found
                ]
            }
        )
    else:
        print_table(("check", "problem", "fix"), [(one.check, one.problem or "none", one.fix) for one in found])
    for one in found:
        for warning in one.warnings:
            click.echo(f"warning: {one.check}: {warning}", err=True)
        for value in one.shown if show else ():
            click.echo(f"{one.check}: {value}")
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
    """Show the state of the running node. Ends with 1 where it does not run, or is not connected to the coordinator."""
    with steward(read_config(config_path).socket) as service:
        health = service.health()
    if format_ == "json":
        print_json(health.json_value())
    else:
        print_health(health)
    if not health.connected:
        why = health.problem or "it has not tried yet"
        click.echo(f"error: the node is not connected to the coordinator at {health.coordinator}: {why}", err=True)
        sys.exit(FAILED)


@node.command()
@click.option("--offline", is_flag=True, help="Read the sources as the file of --config says, also where a node runs.")
@config_option
@format_option
@run_cli
def datasets(offline: bool, config_path: Path, format_: Format) -> None:
    """Check the datasets' sources against their declarations: rows, people, identifiers, keys of one person, aliases.

    A running node answers by the configuration that it was started with; the file may have been edited since.
    """
    config = read_config(config_path)
    if not offline and config.socket.exists():
        click.echo(
            "the running node answers, by the configuration that it was started with; --offline reads the file", err=True
        )
        with steward(config.socket) as service:
            checks = service.datasets()
    else:
        checks = preflight.check_datasets(config)
    if format_ == "json":
        print_json({check.dataset: check.json_value() for check in checks})
    else:
        print_datasets(checks)
    problems = [(check.dataset, check.outcome) for check in checks if isinstance(check.outcome, DatasetProblem)]
    _end([(f"dataset {dataset}", problem.message, problem.hint) for dataset, problem in problems])


@node.command()
@config_option
@format_option
@run_cli
def pending(config_path: Path, format_: Format) -> None:
    """List the jobs that wait for a decision of this agency."""
    with steward(read_config(config_path).socket) as service:
        jobs = service.pending()
    if format_ == "json":
        print_json({"jobs": [job.json_value() for job in jobs]})
    else:
        print_pending(jobs)


@node.command()
@click.argument("job")
@click.option("--count", is_flag=True, help="Also count the rows and people of our datasets now; reads them whole.")
@config_option
@format_option
@run_cli
def show(job: str, count: bool, config_path: Path, format_: Format) -> None:
    """Show one job as a steward reads it: question, what it reads of us, rules, cost, earlier jobs over the same data, who learns what.

    At the desk also the candidate table that would go out.
    """
    name = check_job_name(job)
    with steward(read_config(config_path).socket) as service:
        detail = service.show(service.find(name))
        ours = {one.dataset for one in detail.asked.own} if detail.asked is not None else set[str]()
        counted = [check for check in service.datasets() if check.dataset in ours] if count else []
    if format_ == "json":
        told = {"counted": {check.dataset: check.json_value() for check in counted}} if count else {}
        print_json(detail.json_value() | told)
    else:
        print_job(detail, counted)


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
    config, name = read_config(config_path), check_job_name(job)
    signed_by = [read_decision(path) for path in documents]
    if steward_name is not None:
        signed_by.append(_steward_document(config, job, steward_name, key))
    with steward(config.socket) as service:
        decided = service.approve(service.find(name), signed_by)
    _print_decided(decided, "approved", format_)


@node.command()
@click.argument("job")
@click.option("--steward", "steward_name", required=True, help="Which steward of the agreement signs.")
@click.option("--key", type=click.Path(path_type=Path), required=True, help="That steward's key file.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where to write the signed approval.")
@config_option
@format_option
@run_cli
def sign(job: str, steward_name: str, key: Path, out: Path, config_path: Path, format_: Format) -> None:
    """Sign an approval as a steward, for another to hand in with `approve --document`."""
    document = _steward_document(read_config(config_path), job, steward_name, key)
    write_document(out, document)
    print_done(
        format_, f"{out}: signed by {steward_name}", {"file": str(out), "signer": steward_name, "digest": document.digest}
    )


@node.command()
@click.argument("job")
@click.option("--class", "reason_class", type=click.Choice(get_args(ReasonClass)), default="steward", show_default=True,
              help="What the others learn of it.")  # fmt: skip
@click.option("--reason", default="", help="Why; stays here.")
@config_option
@format_option
@run_cli
def refuse(job: str, reason_class: str, reason: str, config_path: Path, format_: Format) -> None:
    """Refuse a job, also one that was approved and runs; at the desk withhold its result."""
    name = check_job_name(job)
    with steward(read_config(config_path).socket) as service:
        decided = service.refuse(service.find(name), cast("ReasonClass", reason_class), reason)
    _print_decided(decided, "refused", format_)


def _end(found: Sequence[tuple[str, str, str]]) -> None:
    """Say every problem, with what would fix it, on stderr; end with 1 if there is one."""
    problems = [(what, problem, fix) for what, problem, fix in found if problem]
    for what, problem, fix in problems:
        click.echo(f"error: {problem if problem.startswith(what) else f'{what}: {problem}'}", err=True)
        if fix:
            click.echo(f"hint: {fix}", err=True)
    if problems:
        sys.exit(FAILED)


def _print_decided(job: JobSummary, decision: str, format_: Format) -> None:
    if format_ == "json":
        print_json(job.json_value())
    else:
        click.echo(f"{short(job.job)}: {decision}")


def _steward_document(config: NodeConfig, job: str, steward_name: str, key: Path | None) -> SignedDocument:
    """Sign a yes with a steward's key, over what the running node shows of the job."""
    if key is None:
        raise Invalid("approval-invalid", "a steward signs with a key", hint="--key FILE")
    name = check_job_name(job)
    with steward(config.socket) as service:
        shown = service.show(service.find(name))
    return sign_decision(shown, config.agency, steward_name, read_identity(key), SystemClock().now())
