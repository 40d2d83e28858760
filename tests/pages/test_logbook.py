"""The log's page reads a long log whole once, then what is new; tampering is found (S-29)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tallystick.core.clock import FixedClock
from tallystick.core.errors import Broken
from tallystick.node.entries import Event
from tallystick.node.pages.logbook import MOST_ENTRIES, LogReader
from tallystick.node.storage.chain import SALT_BYTES, next_event
from tallystick.node.storage.sqlite import SqliteStorage

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class LongLog:
    """A log in a file, with a second door to the file that asks nobody.

    Attributes:
        reads: how many entries the storage gave.
    """

    def __init__(self, path: Path, count: int) -> None:
        self._storage = SqliteStorage(path)
        self.reads = 0
        self.file = sqlite3.connect(path, isolation_level=None)
        last: Event | None = None
        self.file.execute("BEGIN")
        for number in range(count):
            last = next_event(last, "tick", NOW, "", {"number": number}, bytes(SALT_BYTES))
            self.file.execute("INSERT INTO event VALUES (?, ?, ?)", (last.number, last.entry, last.chain))
        self.file.execute("COMMIT")

    def events(self, after: int = 0, limit: int = 1000) -> Any:
        found = self._storage.events(after, limit)
        self.reads += len(found)
        return found

    def log(self, event: str) -> None:
        self._storage.log(event, NOW)

    def close(self) -> None:
        self.file.close()
        self._storage.close()


@pytest.fixture(params=[3_000, pytest.param(100_000, marks=pytest.mark.slow)])
def log(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[LongLog]:
    made = LongLog(tmp_path / "node.db", request.param)
    yield made
    made.close()


def build_reader(log: LongLog) -> tuple[LogReader, FixedClock]:
    clock = FixedClock(NOW)
    return LogReader(log, clock), clock  # type: ignore[arg-type]  # the two methods that it calls


def test_a_second_look_reads_what_is_shown_and_what_is_new(log: LongLog) -> None:
    reader, clock = build_reader(log)
    first = reader.read()
    whole = first.count
    assert log.reads == whole + MOST_ENTRIES
    assert [one.number for one in first.entries] == list(range(whole, whole - MOST_ENTRIES, -1))
    log.log("new")
    clock.advance(timedelta(hours=1))
    log.reads = 0
    second = reader.read()
    assert log.reads == 1 + 1 + MOST_ENTRIES
    assert (second.count, second.entries[0].event) == (whole + 1, "new")
    assert second.whole == (whole, NOW), "it says up to where, and when, all of it was read"
    third = reader.read(whole=True)
    assert third.whole == (whole + 1, NOW + timedelta(hours=1))


def test_an_empty_log_has_a_page_too(tmp_path: Path) -> None:
    log = LongLog(tmp_path / "node.db", 0)
    reader, _ = build_reader(log)
    assert reader.read().entries == []
    log.log("first")
    assert [one.event for one in reader.read().entries] == ["first"]
    log.close()


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM event WHERE number > 2900",
        "UPDATE event SET chain = zeroblob(32) WHERE number = 3000",
        "UPDATE event SET entry = replace(entry, 'tick', 'tock') WHERE number = 2990",
        "DELETE FROM event WHERE number = 2800",
    ],
)
def test_s29_what_is_shown_and_how_far_it_was_read_are_checked_at_every_look(tmp_path: Path, damage: str) -> None:
    log = LongLog(tmp_path / "node.db", 3_000)
    reader, _ = build_reader(log)
    reader.read()
    log.file.execute(
        damage.replace("replace(entry, 'tick', 'tock')", "CAST(replace(CAST(entry AS TEXT), 'tick', 'tock') AS BLOB)")
    )
    with pytest.raises(Broken, match="log was changed"):
        reader.read()
    log.close()


def test_s29_a_log_that_was_written_anew_is_found_though_its_own_chain_holds(tmp_path: Path) -> None:
    log = LongLog(tmp_path / "node.db", 1_500)
    reader, _ = build_reader(log)
    reader.read()
    last: Event | None = None
    log.file.execute("DELETE FROM event")
    for _ in range(1_600):
        last = next_event(last, "another", NOW, "", {}, bytes(SALT_BYTES))
        log.file.execute("INSERT INTO event VALUES (?, ?, ?)", (last.number, last.entry, last.chain))
    with pytest.raises(Broken, match="log was changed"):
        reader.read()
    log.close()


def test_s29_an_old_entry_that_was_changed_is_found_when_the_whole_log_is_asked_for(tmp_path: Path) -> None:
    log = LongLog(tmp_path / "node.db", 1_500)
    reader, _ = build_reader(log)
    reader.read()
    log.file.execute("UPDATE event SET entry = zeroblob(8) WHERE number = 7")
    assert reader.read().whole == (1_500, NOW), "the page claims no more than that the log was whole then"
    with pytest.raises(Broken, match="log was changed"):
        reader.read(whole=True)
    log.close()
