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
    FORGOTTEN,
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
DUE: Final = """
CREATE INDEX IF NOT EXISTS request_due ON request (json_extract(record, '$.outcome'), at) WHERE at <> '';
"""
"""Since version 9. A request that was forgotten has its digest, and nothing in its other columns."""
_PUT: Final = "INSERT OR REPLACE INTO request VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_FIND: Final = "SELECT record FROM request WHERE digest = ?"
_NAMED: Final = "SELECT record FROM request WHERE digest >= ? AND digest < ? AND at <> '' ORDER BY digest LIMIT 2"
_PACE: Final = "SELECT count(*), coalesce(sum(worker = ?), 0) FROM request WHERE side = ? AND agency = ? AND at > ?"
_DUE: Final = """state NOT IN ('seen', 'begun') AND at <> '' AND (json_extract(record, '$.outcome') = 'nothing' AND at < ?
    OR json_extract(record, '$.outcome') IN ('given', '') AND at < ?)"""
_FORGET: Final = f"""UPDATE request SET side = '', at = '', worker = '', agency = '', person = '', state = '', record = '{{}}'
    WHERE digest IN (SELECT digest FROM request WHERE {_DUE})"""  # noqa: S608 - no value
_NOTHING: Final = "{}"
_REVOKED: Final = "SELECT 1 FROM revocation WHERE name = ?"


class RequestTables:
    """Implements `RequestKeeper` on a SQLite database; the class that has the database gives transactions."""

    _transaction: Callable[[], AbstractContextManager[Any]]
    _overwrite: Callable[[], None]

    def see_request(self, request: KeptRequest) -> RequestPace | None:
        """Keep a request that comes in."""
        with self._transaction() as run:
            if run(_FIND, (request.digest,)).fetchone() is not None:
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

    def forget_requests(self, given_before: datetime, nothing_before: datetime, now: datetime) -> int:
        """Forget old requests, and what the write-ahead log has of them."""
        with self._transaction() as run:
            count = int(run(_FORGET, (nothing_before.isoformat(), given_before.isoformat())).rowcount)
            append_event(run, FORGOTTEN, now, "", {"requests": count})
        self._overwrite()
        return count

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
        where, given = ("WHERE person = ? AND person <> ''", (person,)) if person else ("WHERE at <> ''", ())
        with self._transaction() as run:
            rows = run(f"SELECT record FROM request {where} ORDER BY at DESC, digest LIMIT ?", (*given, limit)).fetchall()  # noqa: S608 - no value
        return [_read(record) for (record,) in rows]


def _find(run: Any, digest: str) -> KeptRequest | None:
    row = run(_FIND, (digest,)).fetchone()
    return None if row is None or row[0] == _NOTHING else _read(row[0])


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
