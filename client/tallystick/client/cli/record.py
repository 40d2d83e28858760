"""`tally record`: one person's fields from another agency, under a consent."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tallystick.core.terminal import FAILED, Format, format_option, print_json, print_table, run_cli

if TYPE_CHECKING:
    from tallystick.client.records import AnswerRead

FILE = click.Path(path_type=Path, dir_okay=False)
MORE_TICKS = 3
MORE_SECONDS = 15.0
"""How long `ask` waits beyond the ticks that an answer takes."""


@click.group()
def record() -> None:
    """Ask another agency for one person's fields, under a consent.

    The owner decides alone. Where it gives nothing it never says why: no such person, no consent that counts and a dozen other reasons are one
    answer. An answer is shown once and never written to a file.
    """


@record.command("ask")
@click.option("--consent", "paper", type=FILE, required=True, help="The signed consent.")
@click.option("--of", "dataset", required=True, metavar="DATASET", help="The dataset that is asked; its agency answers.")
@click.option("--fields", required=True, metavar="A,B,…", help="Which fields, as the agreement names them.")
@click.option("--purpose", required=True, metavar="NAME", help="What for, as the agreement names it.")
@click.option("--role", default="", metavar="NAME", help="In which role; needed by who has several.")
@click.option(
    "--person",
    default="",
    metavar="KEY",
    help="Your own agency's key of the person, for its accounting; it is told nobody else.",
)
@click.option("--agreement", "agreed", type=FILE, help="The signed agreement; needed the first time.")
@click.option("--no-wait", is_flag=True, help="Do not wait for the answer: tally record answers.")
@format_option
@run_cli
def ask_(
    paper: Path,
    dataset: str,
    fields: str,
    purpose: str,
    role: str,
    person: str,
    agreed: Path | None,
    no_wait: bool,
    format_: Format,
) -> None:  # click's flags
    """Ask for some fields of the person of a consent, and wait for the answer."""
    from datetime import UTC, datetime

    from tallystick.client.consents import open_agreement
    from tallystick.client.profile import open_profile
    from tallystick.client.records import FieldsAsked, RecordClient
    from tallystick.core.consent.checking import find_terms
    from tallystick.core.consent.model import Consent
    from tallystick.core.documents import read_document

    profile, document = open_profile(), read_document(paper, kind="consent")
    if agreed is not None:
        profile.keep_agreement(read_document(agreed, kind="agreement"))
    agreement, digest = open_agreement(None, document.read(Consent).agreement, datetime.now(UTC))
    names = tuple(name.strip() for name in fields.split(",") if name.strip())
    with RecordClient(profile) as client:
        request = client.ask(document, agreement, digest, FieldsAsked(dataset, names, purpose, role, person))
        found = []
        if not no_wait:
            wait = MORE_TICKS * find_terms(agreement).tick_seconds + MORE_SECONDS
            for one in client.answers(lambda name: open_agreement(None, name, datetime.now(UTC))[0], seconds=wait):
                found.append(one)  # one that came for an earlier request is shown as well: it comes once
                if one.digest == request:
                    break
    if found or format_ == "json":
        _show(found, format_, "" if found and found[-1].digest == request else request)
    if format_ != "json" and not any(one.digest == request for one in found):
        click.echo(f"{request[:12]}: no answer yet; later: tally record answers")


@record.command("answers")
@click.option(
    "--wait", "seconds", type=click.IntRange(0, 3600), default=0, show_default=True, help="How many seconds to wait for one."
)
@format_option
@run_cli
def answers_(seconds: int, format_: Format) -> None:
    """Show answers that came, each once, and say how many are awaited."""
    from datetime import UTC, datetime

    from tallystick.client.consents import open_agreement
    from tallystick.client.profile import open_profile
    from tallystick.client.records import RecordClient

    with RecordClient(open_profile()) as client:
        found = list(client.answers(lambda name: open_agreement(None, name, datetime.now(UTC))[0], seconds=seconds))
        waiting = client.waiting()
    if found or format_ == "json":
        _show(found, format_)
    if format_ != "json" and waiting:
        click.echo(f"{len(waiting)} awaited: {', '.join(digest[:12] for digest in waiting)}")


@record.command("page")
@click.argument("papers", metavar="CONSENT…", type=FILE, nargs=-1, required=True)
@click.option("--agreement", "agreed", type=FILE, help="The signed agreement; needed the first time.")
@click.option("--port", type=click.IntRange(min=0, max=65535), default=0, help="Of this machine; default: the system chooses.")
@click.option("--open", "opens", is_flag=True, help="Also open it in this machine's browser.")
@format_option
@run_cli
def page_(papers: tuple[Path, ...], agreed: Path | None, port: int, opens: bool, format_: Format) -> None:  # click's flags
    """Ask under each CONSENT, wait, read and print on pages that are served to this machine alone, until Ctrl-C.

    The address that is printed has a secret in it: who does not know it gets nothing. An answer is in the command's memory until its time is
    over, and in no file.
    """
    import threading
    import webbrowser
    from datetime import UTC, datetime

    from tallystick.client.consents import open_agreement
    from tallystick.client.loopback import serve_site
    from tallystick.client.profile import open_profile
    from tallystick.client.records import RecordClient
    from tallystick.client.worker.site import WorkerSite
    from tallystick.core.clock import SystemClock
    from tallystick.core.documents import read_document
    from tallystick.crypto.randomness import SystemRandomness

    profile = open_profile()
    if agreed is not None:
        profile.keep_agreement(read_document(agreed, kind="agreement"))
    held = [read_document(paper, kind="consent") for paper in papers]
    with RecordClient(profile) as client:
        site = WorkerSite(
            client, profile.identity.key, held, lambda name: open_agreement(None, name, datetime.now(UTC)), SystemClock()
        )
        collecting = threading.Thread(target=site.collect, daemon=True)
        collecting.start()
        with serve_site(site, port, SystemRandomness(), forms=True) as address:
            if format_ == "json":
                print_json({"address": address})
            else:
                click.echo(address)
            click.echo("it is served to this machine alone, until Ctrl-C", err=True)
            if opens:
                webbrowser.open(address)
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()
        site.end()
        collecting.join()


def _show(found: list[AnswerRead], format_: Format, awaited: str = "") -> None:
    """Show answers, and a request that is awaited; end with 1 where the own agency refused to pass one on."""
    if format_ == "json":
        waiting = [{"request": awaited, "outcome": "waiting"}] if awaited else []
        print_json([*(_json_value(one) for one in found), *waiting])
    else:
        for one in found:
            _print(one)
    if any(one.answer.refused is not None for one in found):
        sys.exit(FAILED)


def _print(one: AnswerRead) -> None:
    answer, owner = one.answer, one.request.owner
    if answer.refused is not None:
        click.echo(f"error: {one.request.agency} did not pass it on: {answer.refused}", err=True)
        return
    click.echo(f"{one.digest[:12]}: {owner} at {answer.answered}, to be shown until {answer.until}")
    if answer.fields is None:
        click.echo("nothing can be told")
        return
    for name, given in answer.fields.items():
        click.echo(f"\n{name}, from {given.source}{f', as of {given.as_of}' if given.as_of else ''}")
        columns = list(given.rows[0]) if given.rows else []
        print_table(columns, [[row[column] for column in columns] for row in given.rows])
    click.echo()
    for notice in dict.fromkeys(text for given in answer.fields.values() for text in given.notices):
        click.echo(f"notice: {notice}")


def _json_value(one: AnswerRead) -> dict[str, Any]:
    answer = one.answer
    outcome = "refused" if answer.refused is not None else "nothing" if answer.fields is None else "given"
    return {"request": one.digest, "outcome": outcome, **answer.json_value()}
