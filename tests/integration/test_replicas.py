"""Two coordinators on one PostgreSQL and one spool: one is killed, the other goes on, and nothing is there twice (S-34)."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from tallystick.core.errors import TallyError
from tallystick.core.failpoint import KILLED
from tallystick.crypto.machine import Ref
from tallystick.crypto.statistic.messages import read_slots
from tests.integration.served import Process, credentials, process
from tests.integration.test_coordinator_kill import POINTS, ROWS, Node
from tests.postgres import ADMIN, Server, make_database, postgres
from tests.town import AGENCIES, DESK, OTHER, Town, member, tags_chunks, tags_refs

SLOTS = {agency: Ref("slots", "coordinator", agency) for agency in AGENCIES}


@pytest.fixture(name="server", scope="module")
def running_server() -> Iterator[Server]:
    with postgres() as server:
        yield server


class Replicas:
    """A town whose database and spool are shared, and the folders of two coordinators of it."""

    def __init__(self, folder: Path, server: Server) -> None:
        address, password = make_database(server, folder)
        self._server, self._name = server, address.rpartition("/")[2].partition("?")[0]
        shared = {"database": address, "database_password_file": str(password), "spool": str(folder / "spool")}
        self.town = Town(folder, config=shared)
        self.folders = [folder / name for name in ("a", "b")]
        for one in self.folders:
            one.mkdir()
            shutil.copytree(folder / "state", one / "state")
            shutil.copytree(folder / "agreements", one / "agreements")
            keys = {"network": "county", "listen": "127.0.0.1:0", "replica": one.name, **shared}
            (one / "coordinator.yaml").write_text("".join(f"{key}: {value}\n" for key, value in keys.items()))

    @contextmanager
    def both(self, failpoint: str | None = None) -> Iterator[tuple[Process, Process]]:
        """Serve as both; the first may die at a point."""
        with ExitStack() as stack:
            yield (
                stack.enter_context(process(self.folders[0], failpoint)),
                stack.enter_context(process(self.folders[1])),
            )

    def wait_idle(self) -> None:
        """Wait until nobody drives the job."""
        end = time.monotonic() + 30
        with self._server.admin() as admin, psycopg.connect(admin.info.dsn, password=ADMIN, dbname=self._name) as connection:
            while connection.execute("SELECT count(*) FROM leases WHERE until = 0").fetchone() != (1,):
                assert time.monotonic() < end
                connection.rollback()
                time.sleep(0.1)

    def node(self, server: Process, agency: str) -> Node:
        """Connect an agency to one of them."""
        return Node(server, credentials(self.town, "agency", agency), self.town)


@pytest.fixture
def replicas(tmp_path: Path, server: Server) -> Replicas:
    made = Replicas(tmp_path, server)
    made.town.running()
    return made


def check_slots(town: Town) -> None:
    """Both agencies have slots of one and the same assignment."""
    slots = {}
    for agency, ref in SLOTS.items():
        slots[agency], _, _ = read_slots(
            town.opened(ref, town.at.relay.read(member(agency), town.name(ref), 0)), ROWS, sender="coordinator"
        )
    mine, theirs = slots[DESK].tolist(), slots[OTHER].tolist()
    assert mine[:3] == theirs[:3]
    assert not set(mine[3:]) & set(theirs[3:])


@pytest.mark.parametrize(
    "failpoint",
    [
        pytest.param("message-written:1", marks=pytest.mark.slow),
        "slots-written",
        pytest.param("slots-recorded", marks=pytest.mark.slow),
    ],
)
def test_s34_a_replica_dies_while_it_matches_and_the_other_goes_on(replicas: Replicas, failpoint: str) -> None:
    town = replicas.town
    town.reach(*tags_refs().values())
    with replicas.both(failpoint) as (first, second):
        replicas.wait_idle()
        os.kill(second.pid, signal.SIGSTOP)  # so that the first is the one that matches
        for number, ref in enumerate(tags_refs().values()):
            with suppress(TallyError):  # the last acknowledgement may be lost
                replicas.node(first, ref.sender).put(town.envelopes(ref, tags_chunks(number, rows=ROWS)))
        assert first.wait() == KILLED
        os.kill(second.pid, signal.SIGCONT)
        node = replicas.node(second, OTHER)
        node.until("slots", within=40)
        node.close()
    rounds = [message.name.ref for message in town.at.storage.messages(town.digest)]
    assert len(rounds) == len(set(rounds))
    assert set(SLOTS.values()) <= set(rounds)
    check_slots(town)


def test_s34_a_message_that_a_dead_replica_had_begun_is_sent_to_the_other(replicas: Replicas) -> None:
    """What the first had is the first's; the message counts once, as it was sent, and whoever serves gives it."""
    town = replicas.town
    town.reach(POINTS)
    envelopes = town.envelopes(POINTS, [bytes([n]) * 300_000 for n in range(5)])
    with replicas.both("put-appended:3") as (first, second):
        with pytest.raises(TallyError, match="unavailable"):
            replicas.node(first, OTHER).put(envelopes)
        assert first.wait() == KILLED
        sender = replicas.node(second, OTHER)
        assert sender.stat(POINTS).next_sequence == 0
        assert sender.put(envelopes).complete
        assert sender.stat(POINTS).complete
        assert sender.put(envelopes).complete  # the same again: compared with what is held
        assert replicas.node(second, DESK).get(POINTS) == envelopes
    assert [m.name.ref for m in town.at.storage.messages(town.digest)].count(POINTS) == 1
    [file] = [path for path in (town.folder / "spool").rglob("points+labor.*") if path.name.endswith("@2")]
    assert file.stat().st_size > 1_500_000


def test_what_one_replica_takes_the_other_shows(replicas: Replicas) -> None:
    town = replicas.town
    town.reach(POINTS)
    with replicas.both() as (first, second):
        envelopes = town.envelopes(POINTS, [b"x" * 1000])
        assert replicas.node(first, OTHER).put(envelopes).complete
        there = replicas.node(second, DESK)
        assert POINTS.round in {item.ref.round for item in there.sync().inbox}
        assert there.get(POINTS) == envelopes
        assert first.stop() == 0
        assert second.stop() == 0
