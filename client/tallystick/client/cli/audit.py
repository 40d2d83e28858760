"""`tally audit`: what a node's exported log, and documents beside it, say to an auditor. Needs no node and no network."""

from __future__ import annotations

import csv
import io
import json
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import click

from tallystick.client.auditing import NOT_TOLD, LogAudit, Matter, Wanted, describe_entry
from tallystick.client.results import read_results
from tallystick.core.agreement.model import Agreement
from tallystick.core.canonical import canonical_bytes
from tallystick.core.documents import decode_document, read_document
from tallystick.core.errors import Broken, Invalid, TallyError
from tallystick.core.files import read_at_most
from tallystick.core.job.approval import Approval
from tallystick.core.job.logfile import LogVerdict, check_log
from tallystick.core.job.logreading import open_lines, read_signed_heads
from tallystick.core.job.model import Job
from tallystick.core.net.status import printable
from tallystick.core.results import verify_result
from tallystick.core.terminal import print_json, run_cli

FILE: Final = click.Path(dir_okay=False, path_type=Path)
_DAY: Final = click.DateTime(["%Y-%m-%d"])
_DISCLOSURES_BYTES: Final = 1 << 28
_WIDEST: Final = 100
_COLUMNS: Final = (
    "number",
    "time",
    "event",
    "kind",
    "name",
    "asker",
    "purpose",
    "agreement",
    "datasets",
    "fields",
    "person",
    "details",
)


@click.command()
@click.argument("log", type=FILE)
@click.option("--heads", "heads_path", type=FILE, multiple=True, help="Signed heads that another agency kept; may be repeated.")
@click.option(
    "--agreement", "agreement_path", type=FILE, help="The agreement that pins the agencies' keys; needed with --heads."
)
@click.option("--document", "document_path", type=click.Path(path_type=Path), multiple=True,
              help="A signed agreement or a result, or a folder of them (*.json); may be repeated.")  # fmt: skip
@click.option("--disclosures", "disclosures_path", type=FILE,
              help="What `tally node disclosures --format json` printed: whom requests are about.")  # fmt: skip
@click.option(
    "--person", default="", metavar="KEY", help="Only requests about this client, by the agency's own key; needs --disclosures."
)
@click.option("--dataset", default="", metavar="NAME", help="Only what asks of this dataset.")
@click.option("--analyst", default="", metavar="NAME", help="Only what this analyst, or this worker, asked.")
@click.option("--since", type=_DAY, help="Only what has an entry on this day or later.")
@click.option("--until", type=_DAY, help="Only what has an entry on this day or before.")
@click.option("--format", "format_", type=click.Choice(["text", "json", "csv"]), default="text", show_default=True,
              help="For people, programs or spreadsheets.")  # fmt: skip
@run_cli
def audit(
    log: Path,
    heads_path: tuple[Path, ...],
    agreement_path: Path | None,
    document_path: tuple[Path, ...],
    disclosures_path: Path | None,
    person: str,
    dataset: str,
    analyst: str,
    since: Any,
    until: Any,
    format_: Literal["text", "json", "csv"],
) -> None:
    """Say what a node's exported LOG tells: who asked what, under which agreement, who decided, and what left.

    The log is checked first. Without --heads it says only that the file is whole: its keeper could have written another log.
    """
    if person and disclosures_path is None:
        raise Invalid(
            "document-invalid",
            "a log names requests, and never the client",
            hint="add --disclosures FILE: what the agency's `tally node disclosures --format json` prints",
        )
    heads, strangers = read_signed_heads(heads_path, agreement_path)
    found = LogAudit()
    with open_lines(log) as lines:
        verdict = check_log(_take(lines, found), heads)
    notes = [text for path in _list_documents(document_path) for text in _take_document(path, found)]
    if strangers:
        notes.append(f"{strangers} heads are by agencies that the agreement does not name; they were not looked at")
    if disclosures_path is not None:
        notes += _take_disclosures(disclosures_path, found)
    wanted = Wanted(person, dataset, analyst, *("" if day is None else f"{day:%Y-%m-%d}" for day in (since, until)))
    matters, others = found.find(wanted), [one for one in found.others if wanted.wants_other(one)]
    if format_ == "json":
        shown = {"matters": [one.json_value() for one in matters], "others": [dict(one) for one in others]}
        print_json({"log": verdict.json_value(), **shown, "notes": notes, "not_told": list(NOT_TOLD)})
    elif format_ == "csv":
        click.echo(_write_csv(matters, others), nl=False)
        for note in [*verdict.problems, *notes]:
            click.echo(f"note: {printable(note)}", err=True)
    else:
        for line in _write_text(verdict, matters, others, notes):
            click.echo(line)
    if verdict.problems:
        raise Broken("log-differs", f"{log}: {verdict.problems[0]}", hint="keep all files as they are, and ask the agency why")


def _take(lines: Iterator[bytes], found: LogAudit) -> Iterator[bytes]:
    """Give the lines of a log to who checks them, and each entry that was checked to the audit."""
    for number, line in enumerate(lines):
        yield line  # who takes the next line has checked this one
        if number:
            found.take(_read_entry(line, number))


def _read_entry(line: bytes, number: int) -> dict[str, Any]:
    entry: dict[str, Any] = json.loads(line)
    if not all(isinstance(entry[name], str) for name in ("time", "event", "job")) or not isinstance(entry["details"], dict):
        raise Invalid("file-format", f"line {number + 1} of the log is no entry")
    return entry


def _list_documents(paths: Sequence[Path]) -> list[Path]:
    return [file for path in paths for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])]


def _take_document(path: Path, found: LogAudit) -> list[str]:
    """Take in an agreement or results; say which belong to nothing in the log, and which do not hold."""
    try:
        document = read_document(path, kind="agreement")
    except TallyError:
        return _take_results(path, found)
    terms = document.read(Agreement)
    authority = f"; authority: {'; '.join(terms.authority)}" if terms.authority else ""
    text = printable(f"{terms.agreement}, version {terms.version}{authority}")
    taken = found.take_agreement(document.digest, text, terms.purposes)
    return [] if taken else [f"{path.name}: nothing in the log is under this agreement"]


def _take_results(path: Path, found: LogAudit) -> list[str]:
    notes: list[str] = []
    try:
        results = read_results(path)
    except TallyError:
        return [f"{path.name}: neither a signed agreement nor a result; left out"]
    for document, _ in results:
        try:
            released, _ = verify_result(document)
            job = decode_document(canonical_bytes(released.document), kind="job").read(Job)
            logged = found.matters.get(released.job)
            if logged is not None and logged.terms:
                verify_result(document, agreement=logged.terms)
            elif logged is not None:
                notes.append(
                    f"{path.name}: the log does not name its agreement, so whose keys signed it rests on the result alone"
                )
        except TallyError as error:
            notes.append(f"{path.name}: left out, for it does not hold: {error.message}")
            continue
        question = job.question
        asked = {
            "asker": job.analyst,
            "purpose": question.purpose,
            "agreement": question.agreement,
            "terms": job.agreement.digest,
            "datasets": tuple(sorted({f"{one.agency}: {one.dataset}" for one in question.people.values()})),
        }
        signed = [decode_document(canonical_bytes(one), kind="approval").read(Approval) for one in released.approvals]
        approvals = [(one.signer, one.role, one.decision) for one in signed]
        if not found.take_result(released.job, released.digest(), asked, approvals):
            notes.append(f"{path.name}: its job is not in the log")
    return notes


def _take_disclosures(path: Path, found: LogAudit) -> list[str]:
    try:
        told = json.loads(read_at_most(path, _DISCLOSURES_BYTES, hint="check the path"))
        pairs = [(str(one["request"]), str(one["person"])) for one in told]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Invalid(
            "file-format", f"{path} is no list of disclosures", hint="write it with: tally node disclosures --format json"
        ) from None
    missing = [request for request, person in pairs if not found.take_disclosure(request, person)]
    return [f"{len(missing)} disclosures are not in the log: {', '.join(one[:12] for one in missing[:5])}"] if missing else []


def _write_text(verdict: LogVerdict, matters: Sequence[Matter], others: Sequence[Any], notes: Sequence[str]) -> Iterator[str]:
    yield from _wrap(f"{verdict.agency}: {verdict.entries} entries, head {verdict.head.hex()[:16]}")
    for problem in verdict.problems:
        yield from _wrap(f"PROBLEM: {problem}")
    if verdict.held:
        last = max(one.size for one in verdict.held)
        signers = ", ".join(sorted({one.signer for one in verdict.held}))
        yield from _wrap(f"entries 1 to {last} are what others were told of; heads signed by {signers}")
        if last < verdict.entries:
            yield from _wrap(
                f"entries {last + 1} to {verdict.entries} are in no head that was given: these could still be changed"
            )
    elif not verdict.broken:
        yield from _wrap("no signed head was given: nothing shows that it is the log that others were told of")
    for note in notes:
        yield from _wrap(f"note: {note}")
    for one in matters:
        yield ""
        yield from _write_matter(one)
    if others:
        yield ""
        yield "the node itself"
        for entry in others:
            yield from _wrap(f"#{entry['number']}  {entry['time']}  {describe_entry(entry)}", 2)
    if not matters:
        yield ""
        yield "no job and no request of that kind is in the log"
    yield ""
    yield "what this log does not say"
    for text in NOT_TOLD:
        yield from _wrap(f"- {text}", 2)


def _write_matter(one: Matter) -> Iterator[str]:
    """Write a job or a request: what was asked, who decided, what left, and each entry."""
    unknown = "not in the log"
    yield from _wrap(f"{one.kind} {one.name[:16]}")
    yield from _wrap(f"asked by {one.asker or unknown}, for {one.purpose or unknown}", 2)
    if one.kind == "job":
        yield from _wrap(f"under {one.agreement or unknown}{f', digest {one.terms[:16]}' if one.terms else ''}", 2)
    yield from _wrap(f"of {'; '.join(one.datasets) or unknown}{': ' + ', '.join(one.fields) if one.fields else ''}", 2)
    if one.person:
        yield from _wrap(f"about {one.person}", 2)
    for text in one.papers:
        yield from _wrap(text, 2)
    if one.approvals:
        yield from _wrap("all parties: " + "; ".join(f"{name} ({role}): {said}" for name, role, said in one.approvals), 2)
    left = [f"#{number} {what}" for number, _, what in one.left]
    yield from _wrap(f"left: {'; '.join(left) or 'nothing that anybody learns from'}", 2)
    for entry in one.entries:
        yield from _wrap(f"#{entry['number']}  {entry['time']}  {describe_entry(entry)}", 2)


def _wrap(text: str, indent: int = 0) -> list[str]:
    """Give a paragraph in lines of the terminal's width; what was written by others moves no cursor."""
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    return textwrap.wrap(
        printable(text), width, initial_indent=" " * indent, subsequent_indent=" " * (indent + 4), break_on_hyphens=False
    )


def _write_csv(matters: Sequence[Matter], others: Sequence[Any]) -> str:
    """Write one row an entry; a text that a spreadsheet would run as a formula has an apostrophe before it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for one in matters:
        head = (
            one.kind,
            one.name,
            one.asker,
            one.purpose,
            one.agreement,
            "; ".join(one.datasets),
            ", ".join(one.fields),
            one.person,
        )
        writer.writerows(_row(entry, head) for entry in one.entries)
    writer.writerows(_row(entry, ("node", *[""] * 7)) for entry in others)
    return text.getvalue()


def _row(entry: Any, head: Sequence[str]) -> list[str]:
    cells = [str(entry["number"]), entry["time"], entry["event"], *head, describe_entry(entry).partition(": ")[2]]
    return [f"'{cell}" if cell[:1] in set("=+-@\t\r") and not cell.isdigit() else printable(cell) for cell in cells]
