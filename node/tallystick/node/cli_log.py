"""`tally node log …`: what this node did, and proofs of it that others can check without this node."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, Final, Protocol

import click

from tallystick.core.errors import Broken, Invalid, NotReady
from tallystick.core.files import read_at_most, write_public
from tallystick.core.job.logfile import (
    LogVerdict,
    SaidHead,
    check_log,
    check_proof,
    prove_entry,
    write_log,
)
from tallystick.core.job.logreading import open_lines, read_signed_heads
from tallystick.core.terminal import Format, format_option, print_done, print_json, run_cli
from tallystick.node.app import DATABASE, hold_state
from tallystick.node.config import NodeConfig, read_config
from tallystick.node.local.client import steward
from tallystick.node.local.server import head_pages, log_pages
from tallystick.node.options import config_option
from tallystick.node.printing import print_log
from tallystick.node.storage.sqlite import SqliteStorage
from tallystick.node.views import LogEntry, ToldHead

_PAGE: Final = 5000
"""Entries that a running node is asked for at once."""
_PROOF_BYTES: Final = 1 << 20

offline_option = click.option(
    "--offline", is_flag=True, help="Read the file of a node that does not run, in place of asking the node."
)


class _Reader(Protocol):
    """What gives a node's log: the running node, or its file."""

    def log(self, after: int, limit: int) -> Sequence[LogEntry]: ...

    def heads(self) -> Sequence[ToldHead]: ...


@click.group(invoke_without_command=True)
@click.option("--after", type=click.IntRange(min=0), default=0, show_default=True, help="Show entries after this number.")
@click.option("--limit", type=click.IntRange(min=1), default=1000, show_default=True, help="At most so many.")
@offline_option
@config_option
@format_option
@click.pass_context
def log(
    context: click.Context, after: int, limit: int, offline: bool, config_path: Path, format_: Format
) -> None:  # click's flag
    """Show the node's log, and check its chain; or export, prove and verify it."""
    if context.invoked_subcommand is None:
        context.invoke(_show, after=after, limit=limit, offline=offline, config_path=config_path, format_=format_)


@run_cli
def _show(after: int, limit: int, offline: bool, config_path: Path, format_: Format) -> None:  # click's flag
    with _reader(read_config(config_path), offline=offline) as reader:
        entries = [entry for page in _pages(reader, after, limit) for entry in page]
    if format_ == "json":
        print_json({"entries": [entry.json_value() for entry in entries]})
    else:
        print_log(entries)


@log.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The new file.")
@offline_option
@config_option
@format_option
@run_cli
def export(out: Path, offline: bool, config_path: Path, format_: Format) -> None:  # click's flag
    """Write the whole log to a file that anybody can check: one entry a line, under a header with the log's head.

    It says which jobs were asked and what was decided; it holds no records and no results.
    """
    config = read_config(config_path)
    with _reader(config, offline=offline) as reader:
        own, *_ = reader.heads()
        entries = (_entry(one) for page in _pages(reader, 0, own.size) for one in page)
        size = _write_lines(out, write_log(own.agency or config.file.agency, entries, own.size, own.head))
    print_done(
        format_,
        f"{out}: {own.size} entries, {size} bytes; head {own.head.hex()[:16]}…",
        {"file": str(out), "entries": own.size, "bytes": size, "head": own.head.hex()},
    )


@log.command("heads")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The new file.")
@offline_option
@config_option
@format_option
@run_cli
def heads_(out: Path, offline: bool, config_path: Path, format_: Format) -> None:  # click's flag
    """Write what other agencies signed about logs to a file: theirs, and ours as they heard of it.

    Give it to whoever checks an exported log: `tally node log verify LOG --heads FILE --agreement FILE`.
    """
    with _reader(read_config(config_path), offline=offline) as reader:
        _, *told = reader.heads()
    _write_lines(out, (one.document + b"\n" for one in told))
    agencies = sorted({one.agency for one in told})
    print_done(
        format_,
        f"{out}: {len(told)} signed heads{' of ' + ', '.join(agencies) if agencies else ''}",
        {"file": str(out), "heads": len(told), "agencies": agencies},
    )


@log.command()
@click.argument("number", type=click.IntRange(min=1))
@click.option(
    "--size",
    type=click.IntRange(min=1),
    help="Prove it for the log of so many entries, whose head somebody holds; default: now.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The new file.")
@offline_option
@config_option
@format_option
@run_cli
def prove(number: int, size: int | None, out: Path, offline: bool, config_path: Path, format_: Format) -> None:  # click's flag
    """Prove to somebody that entry NUMBER is in the log, without showing the other entries."""
    config = read_config(config_path)
    with _reader(config, offline=offline) as reader:
        own, *_ = reader.heads()
        entries = (_entry(one) for page in _pages(reader, 0, own.size) for one in page)
        proof = prove_entry(own.agency or config.file.agency, entries, number, size or own.size)
    write_public(out, (json.dumps(proof, ensure_ascii=False, indent=1) + "\n").encode())
    print_done(format_, f"{out}: entry {number} of {proof['size']}", {"file": str(out), "entry": number, "size": proof["size"]})


@log.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--heads", "heads_path", type=click.Path(dir_okay=False, path_type=Path), multiple=True,
              help="Signed heads that another agency wrote with `tally node log heads`; may be repeated.")  # fmt: skip
@click.option("--agreement", "agreement_path", type=click.Path(dir_okay=False, path_type=Path),
              help="The agreement that pins the agencies' keys; needed with --heads.")  # fmt: skip
@format_option
@run_cli
def verify(file: Path, heads_path: tuple[Path, ...], agreement_path: Path | None, format_: Format) -> None:
    """Check the log in FILE, or the proof of an entry, and hold it against signed heads. Needs no node.

    Without heads it says only that the file is whole: its keeper could have written another log.
    """
    heads, strangers = read_signed_heads(heads_path, agreement_path)
    verdict = _check(file, heads)
    if format_ == "json":
        print_json(verdict.json_value() | {"heads_of_unknown_agencies": strangers})
    else:
        _print_verdict(verdict, strangers)
    if verdict.problems:
        raise Broken("log-differs", f"{file}: {verdict.problems[0]}", hint="keep all files as they are, and ask the agency why")


def _print_verdict(verdict: LogVerdict, strangers: int) -> None:
    click.echo(f"{verdict.agency}: {verdict.entries} entries, head {verdict.head.hex()[:16]}…")
    signers = sorted({one.signer for one in verdict.held})
    if verdict.held:
        last = max(one.size for one in verdict.held)
        click.echo(f"{len(verdict.held)} signed heads hold, signed by {', '.join(signers)}; the last is of {last} entries")
        if last < verdict.entries:
            click.echo(f"entries {last + 1} to {verdict.entries} are in no head that was given: these could still be changed")
    elif not verdict.broken:
        click.echo("no signed head was given for this log: nothing shows that it is the one that others were told of")
    if strangers:
        click.echo(f"{strangers} heads were signed by agencies that the agreement does not name; they were not looked at")
    for problem in verdict.problems:
        click.echo(f"problem: {problem}")


def _check(file: Path, heads: Sequence[SaidHead]) -> LogVerdict:
    with open_lines(file) as lines:
        first = next(lines, b"")
        if first.strip() != b"{":
            return check_log(chain([first], lines), heads)
    try:
        proof = json.loads(read_at_most(file, _PROOF_BYTES, hint="check the path"))
    except ValueError:
        raise Invalid(
            "file-format", f"{file} is neither a log nor a proof", hint="write it with: tally node log export"
        ) from None
    return check_proof(proof, heads)


def _write_lines(path: Path, lines: Iterator[bytes]) -> int:
    """Write a file line by line, whole or not at all; give its size."""
    draft = path.with_name(f".{path.name}.new")
    try:
        with draft.open("wb") as file:
            for line in lines:
                file.write(line)
            size = file.tell()
        draft.replace(path)
    except OSError as error:
        raise Broken(
            "disk", f"{path} cannot be written", hint="check its folder and the disk", detail=str(error.errno)
        ) from None
    finally:
        draft.unlink(missing_ok=True)
    return size


def _entry(entry: LogEntry) -> dict[str, Any]:
    value = entry.json_value()
    del value["chain"]
    return value


def _pages(reader: _Reader, after: int, limit: int) -> Iterator[Sequence[LogEntry]]:
    while limit > 0 and (page := reader.log(after, min(limit, _PAGE))):
        yield page
        after, limit = page[-1].number, limit - len(page)


@contextmanager
def _reader(config: NodeConfig, *, offline: bool) -> Iterator[_Reader]:
    """Give what reads the log: the running node, or its file while no node runs."""
    if not offline:
        try:
            with steward(config.socket) as service:
                yield service
        except NotReady as error:
            hint = f"{error.hint}; or read the file of a node that does not run: tally node log --offline"
            raise NotReady(error.code, error.message, hint=hint) from error
        return
    path = config.state / DATABASE
    if not path.exists():
        raise Invalid("file-missing", f"{path} does not exist", hint="run the node first: tally node serve")
    try:
        with hold_state(config.state), closing(SqliteStorage(path)) as storage:
            yield _Stored(storage)
    except NotReady as error:
        raise NotReady("unavailable", "the node runs, so its file is not read", hint="leave out --offline") from error


class _Stored:
    """The log of a node that does not run."""

    def __init__(self, storage: SqliteStorage) -> None:
        self._storage = storage

    def log(self, after: int, limit: int) -> Sequence[LogEntry]:
        """Read entries."""
        return [entry for page in log_pages(self._storage, after, limit) for entry in page]

    def heads(self) -> Sequence[ToldHead]:
        """Read heads."""
        own = self._storage.log_head()
        return [ToldHead("", own.size, own.head), *(head for page in head_pages(self._storage) for head in page)]
