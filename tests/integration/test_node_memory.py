"""A node's state while a job runs: written by one thread each, and never by the event loop's."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests import governance
from tests.integration.nodes import in_loop, signed_terms, stored, terms, write_sources
from tests.integration.served import serving
from tests.integration.test_node_jobs import ENDED, attending, both, until
from tests.town import Town, member


@in_loop
async def test_no_commit_and_no_sync_runs_on_the_event_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both nodes and the coordinator in one process: who opens, asks and closes each node's file, and who syncs any file."""
    monkeypatch.setattr(governance, "signed_agreement", signed_terms)
    write_sources(tmp_path)
    town = Town(tmp_path, terms=terms())
    loop = threading.get_ident()
    of_file: defaultdict[str, set[int]] = defaultdict(set)
    calls: defaultdict[str, int] = defaultdict(int)
    syncs: list[int] = []

    class Watched(sqlite3.Connection):
        file = ""

        def note(self) -> None:
            of_file[self.file].add(threading.get_ident())
            calls[self.file] += 1

        def execute(self, *given: Any) -> sqlite3.Cursor:
            self.note()
            return super().execute(*given)

        def executescript(self, script: str, /) -> sqlite3.Cursor:
            self.note()
            return super().executescript(script)

        def close(self) -> None:
            self.note()
            super().close()

    connect, fsync = sqlite3.connect, os.fsync

    def connected(path: Any, **options: Any) -> Any:
        made = connect(path, factory=Watched, **options)
        made.file = str(path)
        made.note()
        return made

    def synced(file: int) -> None:
        syncs.append(threading.get_ident())
        fsync(file)

    monkeypatch.setattr(sqlite3, "connect", connected)
    async with serving(town) as address:
        agencies = both(town, address, desk="ask")
        nodes = [agencies.desk.node(), agencies.other.node()]
        monkeypatch.setattr(os, "fsync", synced)
        async with attending(*nodes):
            town.at.jobs.submit(member("ana"), town.document())
            await until(lambda: bool(stored(nodes[0]).awaiting()))
            await nodes[0].jobs.approve(town.job.digest(), [])
            await until(lambda: town.state in ENDED)
            await until(lambda: all(stored(node).count_jobs() == {"released": 1} for node in nodes))
        monkeypatch.setattr(os, "fsync", fsync)
        for node in nodes:
            node.store.close()
    files = [str(agency.config.state / "node.db") for agency in (agencies.desk, agencies.other)]
    assert min(calls[file] for file in files) > 30
    writers = [of_file[file] for file in files]
    assert [len(threads) for threads in writers] == [1, 1]
    assert loop not in writers[0] | writers[1]
    assert len(syncs) > 5  # shares and results, and the coordinator's messages
    assert loop not in syncs
