"""Requests where two coordinators share a database (S-30): what is posted at one is collected at the other, and one that dies loses nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from tallystick.client.profile import AnalystProfile
from tallystick.core.files import write_private
from tallystick.lab.network.processes import COMMAND
from tests.e2e.lines import Lines, search_memory
from tests.e2e.party import Party, free_port
from tests.postgres import ADMIN, Server, make_database, postgres

WORDS = [b"219451237", b"Delgado", b"22 New St", b"h-rosa"]
ASK = ("record", "ask", "--of", "clients", "--fields", "address", "--purpose", "benefits", "--format", "json", "--consent")


@dataclass
class SharedLines(Lines):
    """Labor and the worker dial the first coordinator, housing the second."""

    server: Server | None = None
    addresses: list[str] = field(default_factory=list)
    database: str = ""
    _shared: dict[str, Any] = field(default_factory=dict)

    def _share(self, address: str) -> dict[str, Any]:
        assert self.server is not None
        url, password = make_database(self.server, self.folder)
        self.database = url.rpartition("/")[2].partition("?")[0]
        self._shared = {
            "database": url,
            "database_password_file": str(password),
            "spool": str(self.folder / "spool"),
            "address": address,
        }
        self.addresses = [address, f"127.0.0.1:{free_port()}"]
        self._dials["housing"] = self.addresses[1]
        return {"replica": "a", **self._shared}

    def _add_coordinators(self) -> None:
        first, home = self.folder / "coordinator", self.folder / "coordinator-b"
        running = shutil.ignore_patterns("address", "lock", "*.sock")
        shutil.copytree(first / "state", home / "state", ignore=running)
        shutil.copytree(first / "agreements", home / "agreements")
        settings = {"network": "test", "listen": self.addresses[1], "replica": "b", **self._shared}
        write_private(home / "coordinator.yaml", json.dumps(settings).encode())
        command = [*COMMAND, "coordinator", "serve", "--config", str(home / "coordinator.yaml")]
        self.parties["coordinator-b"] = Party("coordinator-b", command, home)
        self.begin("coordinator-b")

    def dial(self, number: int) -> None:
        """Have the worker use one of them."""
        AnalystProfile(self.workers["ann"]).dial(self.addresses[number], unchecked=True)

    def letters(self) -> list[bytes]:
        """Give the letters to the worker in the database."""
        assert self.server is not None
        with psycopg.connect(
            host="127.0.0.1", port=self.server.port, user=ADMIN, password=ADMIN, dbname=self.database
        ) as connection:
            return [bytes(one) for (one,) in connection.execute("SELECT sealed FROM letters WHERE box = 'worker/ann'")]


@pytest.fixture(name="lines", scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedLines]:
    with postgres() as server, SharedLines(tmp_path_factory.mktemp("lines"), server=server) as network:
        network.until(lambda: network.ask(network.paper())["outcome"] == "given", "the first request is not answered", 120)
        yield network


def test_s30_a_request_asked_at_one_coordinator_is_answered_at_the_other(lines: SharedLines) -> None:
    lines.dial(0)
    assert lines.ask(lines.paper())["outcome"] == "given", "labor is at the first, housing at the second"
    asked = lines.tally(*ASK, str(lines.paper()), "--no-wait")
    assert asked.returncode == 0, asked.stderr
    lines.until(lambda: lines.disclosures()[0]["state"] == "sent", "it is not answered")
    held = lines.letters()
    assert [len(one) for one in held] == [33_904], "the answer waits"
    assert not any(word in one for one in held for word in WORDS)
    lines.dial(1)
    [answer] = json.loads(lines.tally("record", "answers", "--wait", "20", "--format", "json").stdout)
    assert answer["outcome"] == "given"
    lines.until(lambda: lines.letters() == [], "what was collected is not dropped")
    sent = lines.tally("record", "answers", "--wait", "1", "--format", "json")
    assert json.loads(sent.stdout) == [], "it comes once"


def test_s30_coordinators_on_a_database_hold_no_person(lines: SharedLines) -> None:
    assert lines.ask(lines.paper())["outcome"] == "given"
    for name in ("coordinator", "coordinator-b"):
        assert search_memory(lines.parties[name].pid, WORDS) == []
    assert lines.server is not None
    written = b"".join(path.read_bytes() for path in lines.server.folder.rglob("*") if path.is_file())
    written += b"".join(path.read_bytes() for path in (lines.folder / "spool").rglob("*") if path.is_file())
    assert b"agency/labor" in written, "the search reads the database's files and its log"
    assert [word for word in WORDS if word in written] == []


def test_s30_letters_of_a_coordinator_that_dies_are_collected_at_another(lines: SharedLines) -> None:
    lines.dial(1)
    asked = lines.tally(*ASK, str(lines.paper()), "--no-wait")
    assert asked.returncode == 0, asked.stderr
    lines.until(lambda: lines.disclosures()[0]["state"] == "sent" and len(lines.letters()) == 1, "it is not answered")
    lines.parties["coordinator-b"].kill()
    lines.dial(0)
    [answer] = json.loads(lines.tally("record", "answers", "--wait", "20", "--format", "json").stdout)
    assert answer["outcome"] == "given"
    lines.begin("coordinator-b")
    lines.until(lambda: lines.ask(lines.paper())["outcome"] == "given", "and it goes on")
