"""The tables of requests and revocations: the part of `SqliteStorage` that implements `RequestKeeper`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from tallystick.core.errors import Broken
from tallystick.node.disclosures import HOUR, AnswerPlan, KeptRequest, RequestOutcome, RequestPace
from tallystick.node.storage.appending import append_event
from tallystick.node.storage.request_rules import (
    BEGUN,
    RECEIVED,
    SEEN,
    SENT,
    begin_answer,
    end_answer,
    receive_answer,
    settle_request,
)

TABLES: Final = """
CREATE TABLE IF NOT EXISTS request (digest TEXT PRIMARY KEY, side TEXT NOT NULL, at TEXT NOT NULL, worker TEXT NOT NULL, agency TEXT NOT NULL,
    person TEXT NOT NULL, state TEXT NOT NULL, record TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS request_pace ON request (side, at, worker, agency);
CREATE INDEX IF NOT EXISTS request_person ON request (person, at) WHERE person <> '';
CREATE INDEX IF NOT EXISTS request_open ON request (state) WHERE state IN ('seen', 'begun');
CREATE TABLE IF NOT EXISTS revocation (name TEXT PRIMARY KEY, heard TEXT NOT NULL, document BLOB NOT NULL) STRICT;
"""
"""Since version 8 of a node's state."""
_PUT: Final = "INSERT OR REPLACE INTO request VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_FIND: Final = "SELECT record FROM request WHERE digest = ?"
_NAMED: Final = "SELECT record FROM request WHERE digest >= ? AND digest < ? ORDER BY digest LIMIT 2"
_PACE: Final = "SELECT count(*), coalesce(sum(worker = ?), 0) FROM request WHERE side = ? AND agency = ? AND at > ?"
_REVOKED: Final = "SELECT 1 FROM revocation WHERE name = ?"


class RequestTables:
    """Implements `RequestKeeper` on a SQLite database; the class that has the database gives transactions."""

    _transaction: Callable[[], AbstractContextManager[Any]]

    def see_request(self, request: KeptRequest) -> RequestPace | None:
        """Keep a request that comes in."""
        with self._transaction() as run:
            if _find(run, request.digest) is not None:
                return None
            _put(run, [(request, SEEN[request.side])], request.at)
            since = (request.at - HOUR).isoformat()
            agency, worker = run(_PACE, (request.worker, request.side, request.agency, since)).fetchone()
            return RequestPace(int(worker), int(agency))

    def begin_answers(self, plans: Sequence[AnswerPlan], now: datetime) -> Mapping[str, RequestOutcome]:
        """Note answers that are about to leave."""
        with self._transaction() as run:
            begun = [
                begin_answer(_find(run, plan.digest), plan, revoked=run(_REVOKED, (plan.revocation,)).fetchone() is not None)
                for plan in plans
            ]
            _put(run, [(one, BEGUN) for one in begun if one is not None], now)
        return {one.digest: one.outcome for one in begun if one is not None}

    def end_answers(self, digests: Sequence[str], now: datetime) -> None:
        """Note that answers were handed over."""
        with self._transaction() as run:
            ended = [end_answer(_find(run, digest)) for digest in digests]
            _put(run, [(one, SENT) for one in ended if one is not None], now)

    def settle_requests(self, now: datetime) -> int:
        """Settle what an ended process left."""
        with self._transaction() as run:
            rows = run("SELECT record FROM request WHERE state IN ('seen', 'begun') ORDER BY at, digest").fetchall()
            settled = [settle_request(_read(record)) for (record,) in rows]
            found = [one for one in settled if one is not None]
            _put(run, found, now)
        return len(found)

    def keep_receipt(self, digest: str, receipt: bytes, outcome: RequestOutcome, now: datetime) -> bool:
        """Keep a receipt."""
        with self._transaction() as run:
            kept = receive_answer(_find(run, digest), receipt, outcome)
            _put(run, [] if kept is None else [(kept, RECEIVED)], now)
        return kept is not None

    def keep_revocation(self, name: str, document: bytes, now: datetime) -> bool:
        """Keep a revocation."""
        with self._transaction() as run:
            if run(_REVOKED, (name,)).fetchone() is not None:
                return False
            run("INSERT INTO revocation VALUES (?, ?, ?)", (name, now.isoformat(), document))
            append_event(run, "consent-revoked", now, "", {"revocation": name[:16]})
            return True

    def is_revoked(self, name: str) -> bool:
        """Tell whether a consent was revoked."""
        with self._transaction() as run:
            return run(_REVOKED, (name,)).fetchone() is not None

    def find_requests(self, prefix: str) -> Sequence[KeptRequest]:
        """Give the requests whose digests begin so, at most two."""
        with self._transaction() as run:
            rows = run(_NAMED, (prefix, prefix + "g")).fetchall()  # after every digit
        return [_read(record) for (record,) in rows]

    def list_requests(self, person: str = "", limit: int = 1000) -> Sequence[KeptRequest]:
        """Give requests, the newest first."""
        where, given = ("WHERE person = ?", (person,)) if person else ("", ())
        with self._transaction() as run:
            rows = run(f"SELECT record FROM request {where} ORDER BY at DESC, digest LIMIT ?", (*given, limit)).fetchall()  # noqa: S608 - no value
        return [_read(record) for (record,) in rows]


def _find(run: Any, digest: str) -> KeptRequest | None:
    row = run(_FIND, (digest,)).fetchone()
    return None if row is None else _read(row[0])


def _put(run: Any, requests: Iterable[tuple[KeptRequest, str]], now: datetime) -> None:
    """Write requests, and a line of the log of each."""
    for one, event in requests:
        value = asdict(one) | {"at": one.at.isoformat(), "receipt": one.receipt.hex(), "evidence": one.evidence.hex()}
        run(_PUT, (one.digest, one.side, value["at"], one.worker, one.agency, one.person, one.state, json.dumps(value)))
        append_event(run, event, now, "", one.details())


def _read(record: str) -> KeptRequest:
    try:
        value = json.loads(record)
        more = {
            "at": datetime.fromisoformat(value["at"]),
            "fields": tuple(value["fields"]),
            "receipt": bytes.fromhex(value["receipt"]),
            "evidence": bytes.fromhex(value["evidence"]),
        }
        return KeptRequest(**(value | more))
    except (ValueError, KeyError, TypeError) as error:
        raise Broken("state-corrupt", "a stored request cannot be read", detail=type(error).__name__) from error
