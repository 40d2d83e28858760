"""`tally node disclosures`, `requests` and `answer`: requests for clients' fields, as the agency's own people see them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tallystick.core.files import write_new_private
from tallystick.core.terminal import Format, format_option, print_json, print_table, run_cli
from tallystick.node.auditing import write_audit
from tallystick.node.config import read_config
from tallystick.node.local.requests_client import node_requests
from tallystick.node.options import config_option


@click.command()
@click.option("--person", default="", metavar="KEY", help="Only those about this person, by the agency's own key.")
@click.option("--given", is_flag=True, help="Only those that gave something, or may have.")
@click.option(
    "--fhir",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write FHIR AuditEvents (IHE BALP) to this new file instead.",
)
@click.option(
    "--papers", default="", metavar="REQUEST", help="Print one request with the signed consent and request behind it, as JSON."
)
@config_option
@format_option
@run_cli
def disclosures(  # click's flag
    person: str, given: bool, fhir: Path | None, papers: str, config_path: Path, format_: Format
) -> None:
    """List what was asked of this agency and by it about clients, the newest first: a client's accounting, with --person and --given."""
    with node_requests(read_config(config_path).socket) as service:
        if papers:
            print_json(service.find(papers))
            return
        found = [one for one in service.list(person) if not given or one["outcome"] == "given"]
    if fhir is not None:
        write_new_private(fhir, write_audit(found))
        click.echo(f"{fhir}: {len(found)} AuditEvents")
    elif format_ == "json":
        print_json(found)
    else:
        columns = ("at", "request", "who asked", "whom", "purpose", "fields", "outcome", "state", "reason")
        print_table(columns, map(_list_cells, found))


@click.command()
@config_option
@format_option
@run_cli
def requests(config_path: Path, format_: Format) -> None:
    """List requests that wait for a steward: `tally node answer REQUEST --allow` or `--deny`."""
    with node_requests(read_config(config_path).socket) as service:
        found = service.list(waiting=True)
    if format_ == "json":
        print_json(found)
    else:
        columns = ("request", "who asks", "dataset", "purpose", "fields", "person")
        rows = [
            (one["request"][:12], _name_asker(one), one["dataset"], one["purpose"], ", ".join(one["fields"]), one["person"])
            for one in found
        ]
        print_table(columns, rows)


@click.command()
@click.argument("request")
@click.option("--allow/--deny", "allow", required=True, default=None, help="Whether the fields may be given.")
@config_option
@format_option
@run_cli
def answer(request: str, allow: bool, config_path: Path, format_: Format) -> None:  # click's flag
    """Say yes or no to a REQUEST that waits for a steward. The answer leaves at its time, whatever was said and when."""
    with node_requests(read_config(config_path).socket) as service:
        decided = service.decide(request, allow=allow)
    if format_ == "json":
        print_json(decided)
    else:
        click.echo(f"{decided['request'][:12]}: {'allowed' if allow else 'denied'}")


def _name_asker(one: dict[str, Any]) -> str:
    return f"{one['worker']} ({one['role']}) of {one['agency']}"


def _list_cells(one: dict[str, Any]) -> tuple[str, ...]:
    asked = f"{one['owner']}: {one['dataset']}"
    fields = ", ".join(one["fields"])
    first = (one["at"][:19], one["request"][:12], _name_asker(one), asked, one["purpose"], fields)
    return (*first, one["outcome"], one["state"], one["reason"])
