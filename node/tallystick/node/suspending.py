"""Suspension of an agreement, and withdrawal of a dataset, by one agency alone: effective at once, without the others' signatures.

Rules that this file enforces:

1. What is suspended stands in a file of the state folder, which `tally node suspend` and `resume` write, also while the node is down.
2. A job under a suspended agreement, or over a withdrawn dataset of this agency, is refused, as are requests for one person's fields.
   A file that cannot be read suspends everything.
3. A running node sees a change within `LOOK_SECONDS`, writes it to its log, and takes its word back for every such job that has not
   ended, as `tally node refuse` does: sessions are dropped, and no result is released.
4. What left before stays with those who have it: results that were released, and shares that were sealed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from tallystick.core.agreement.model import Timestamp
from tallystick.core.clock import Clock
from tallystick.core.documents import decode_document
from tallystick.core.errors import Invalid, Refused, TallyError
from tallystick.core.files import read_at_most, write_private
from tallystick.core.job.approval import ReasonClass
from tallystick.core.job.model import Job, Question
from tallystick.core.model import Document, Name, Text
from tallystick.node.config import NodeConfig
from tallystick.node.ports import NodeStorage
from tallystick.node.store import Store

FILE: Final = "suspended.json"
MAX_BYTES: Final = 1_000_000
LOOK_SECONDS: Final = 1.0
_LOG: Final = structlog.get_logger("node")


class Suspension(Document):
    """Since when something is suspended, and why."""

    since: Timestamp
    reason: Text | None = None


class Suspensions(Document):
    """What is suspended: agreements and this agency's datasets, by name."""

    agreements: dict[Name, Suspension] = {}
    datasets: dict[Name, Suspension] = {}


def read_suspensions(state: Path) -> Suspensions:
    """Read what is suspended; nothing where there is no file.

    Raises:
        Invalid: `document-invalid`, `file-missing`: the file cannot be read, so nothing is known (rule 2).
    """
    path = state / FILE
    if not path.exists():
        return Suspensions()
    try:
        value = json.loads(read_at_most(path, MAX_BYTES, hint="check its permissions"))
    except ValueError as error:
        raise Invalid("document-invalid", f"{path} is not JSON", hint="write it with: tally node suspend") from error
    return Suspensions.read(value, what=FILE)


def suspend(state: Path, now: datetime, *, agreements: tuple[str, ...], datasets: tuple[str, ...], reason: str) -> Suspensions:
    """Suspend agreements and withdraw datasets; what is suspended already stays so. Give all that is suspended then.

    Raises:
        Invalid: as `read_suspensions`. Broken: `disk`.
    """
    held = read_suspensions(state)
    one = Suspension(since=now.strftime("%Y-%m-%dT%H:%M:%SZ"), reason=reason or None)
    return _write(
        state,
        Suspensions(
            agreements=dict.fromkeys(agreements, one) | held.agreements, datasets=dict.fromkeys(datasets, one) | held.datasets
        ),
    )


def resume(state: Path, *, agreements: tuple[str, ...], datasets: tuple[str, ...]) -> Suspensions:
    """Take suspensions back; jobs that ended by them stay ended. Give all that is suspended still.

    Raises:
        Invalid: as `read_suspensions`. Broken: `disk`.
    """
    held = read_suspensions(state)
    return _write(
        state,
        Suspensions(
            agreements={name: one for name, one in held.agreements.items() if name not in agreements},
            datasets={name: one for name, one in held.datasets.items() if name not in datasets},
        ),
    )


def check_suspended(config: NodeConfig, agreement: str, question: Question | None = None) -> None:
    """Check that an agreement is not suspended here, and that a question names no dataset that was withdrawn here (rule 2).

    Raises:
        Refused: `suspended`.
        Invalid: as `read_suspensions`.
    """
    held = read_suspensions(config.state)
    found = [f"suspended {agreement}" for _ in range(agreement in held.agreements)]
    if question is not None:
        ours = {people.dataset for people in question.people.values() if people.agency == config.agency}
        found += [f"withdrawn its dataset {name}" for name in sorted(ours & held.datasets.keys())]
    if found:
        raise Refused("suspended", f"{config.agency} has {found[0]}", hint=f"ask {config.agency} whether and when it goes on")


Refuse = Callable[[str, ReasonClass, str], Awaitable[object]]
"""Takes this agency's word back for a job: its digest, what others learn of it, and why."""


async def watch_suspensions(config: NodeConfig, store: Store, clock: Clock, refuse: Refuse) -> None:
    """See to it that what is suspended ends, for ever (rule 3).

    Args:
        config: whose.
        store: the node's.
        clock: for the log.
        refuse: ends a job.
    """
    seen: Suspensions | None = Suspensions()
    while True:
        try:
            held: Suspensions | None = await asyncio.to_thread(read_suspensions, config.state)
        except TallyError as error:
            held = None
            _LOG.warning("suspensions", code=error.code, detail=error.message)
        try:
            if held != seen:
                await store.run(partial(_log_suspensions, now=clock.now(), held=held))
                seen = held
            if held is None or held.agreements or held.datasets:
                for job, reason in await store.run(lambda storage: _find_suspended(config, storage)):
                    with contextlib.suppress(Invalid):  # it ended meanwhile
                        await refuse(job, "agreement", reason)
        except TallyError as error:  # the next look again
            _LOG.warning("suspensions", code=error.code, detail=error.message)
        await asyncio.sleep(LOOK_SECONDS)


def _log_suspensions(storage: NodeStorage, *, now: datetime, held: Suspensions | None) -> None:
    """Write into the log what is suspended now; where it cannot be read, that it is not known and so everything is."""
    if held is None:
        storage.log("suspended", now, known=False)
    else:
        storage.log("suspended", now, agreements=[*held.agreements], datasets=[*held.datasets])


def _find_suspended(config: NodeConfig, storage: NodeStorage) -> list[tuple[str, str]]:
    """Give the jobs that this agency has not refused yet and must, and why."""
    found = []
    for kept in map(storage.job, storage.list_unended()):
        if kept is None or kept.decision == "refuse":
            continue
        job = decode_document(kept.document, kind="job").read(Job)
        try:
            check_suspended(config, job.agreement.agreement, job.question)
        except TallyError as error:
            found.append((kept.job, error.message))
    return found


def _write(state: Path, held: Suspensions) -> Suspensions:
    state.mkdir(parents=True, mode=0o700, exist_ok=True)
    write_private(state / FILE, (json.dumps(held.json_value(), indent=2) + "\n").encode())
    return held
