"""S-37 at a node and a desk: a state that goes back is refused with the way back; what it may have forgotten is not answered again."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tallystick.core.errors import Invalid, Refused
from tallystick.core.job.model import AgreementRef
from tallystick.core.keyfile import IdentityKey
from tallystick.core.witness import Witness
from tallystick.node.agreements import NodeAgreements
from tallystick.node.config import NodeConfig
from tallystick.node.ports import KeptJob
from tallystick.node.storage.memory import MemoryNodeStorage
from tallystick.node.storage.sqlite import SqliteStorage
from tests.governance import agreement, identity, signed_agreement
from tests.town import OTHER

NOW = datetime.now(UTC)
JOB = KeptJob("ab" * 32, b"signed", NOW, state="running", attempt=1)


class State:
    """A state folder, its witness beside it, and backups."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "state" / "node.db"
        self.path.parent.mkdir()
        self.witness = Witness(folder / "witness")
        self._copy = folder / "backup"

    def open(self) -> SqliteStorage:
        return SqliteStorage(self.path, witness=self.witness)

    def back_up(self) -> None:
        shutil.copytree(self.path.parent, self._copy)

    def restore(self) -> None:
        shutil.rmtree(self.path.parent)
        shutil.copytree(self._copy, self.path.parent)


@pytest.fixture
def state(tmp_path: Path) -> State:
    made = State(tmp_path)
    with closing(made.open()) as storage:
        storage.add_job(JOB)
    return made


def test_s37_a_node_starts_again_and_again(state: State) -> None:
    for number in range(3):
        with closing(state.open()) as storage:
            storage.log("started", NOW, number=number)
            assert storage.job(JOB.job) == JOB


@pytest.mark.parametrize("change", ["share", "opening", "log", "job"])
def test_s37_a_state_that_lacks_one_change_is_refused(state: State, change: str) -> None:
    state.back_up()
    with closing(state.open()) as storage:
        match change:
            case "share":
                storage.keep_share(JOB.job, 1, b"share")
            case "opening":
                storage.begin_opening(JOB.job, 1)
            case "log":
                storage.log("released", NOW)
            case _:
                storage.change_job(JOB, replace(JOB, state="releasing"))
    state.open().close()
    state.restore()
    with pytest.raises(Refused, match=r"restored from a backup.*state-restored.*accept-restored"):
        state.open()


def test_s37_reading_alone_is_no_change(state: State) -> None:
    state.back_up()
    with closing(state.open()) as storage:
        assert storage.count_jobs() == {"running": 1}
        assert storage.share(JOB.job, 1) is None
    state.restore()
    state.open().close()


def test_s37_a_state_on_another_machine_or_a_new_one_in_its_place_is_refused(state: State) -> None:
    kept = state.witness.read()
    state.witness.path.unlink()
    with pytest.raises(Refused, match="without its witness"):
        state.open()
    assert kept is not None
    state.witness.write(kept)
    shutil.rmtree(state.path.parent)
    state.path.parent.mkdir()
    with pytest.raises(Refused, match="state-restored"):
        state.open()


def test_s37_after_a_restoration_is_accepted_what_was_under_way_is_over(state: State) -> None:
    state.back_up()
    with closing(state.open()) as storage:
        storage.begin_opening(JOB.job, 1)
    state.restore()
    with closing(SqliteStorage(state.path)) as storage:
        storage.accept_restored(NOW, state.witness)
    with closing(state.open()) as storage:
        record = storage.job(JOB.job)
        assert record is not None
        assert record.state == "failed"
        assert list(storage.list_unended()) == []
        assert storage.find_restored() == NOW
        assert [json.loads(event.entry)["event"] for event in storage.events()][-2:] == ["failed", "restored"]
    state.restore()
    with pytest.raises(Refused, match="state-restored"):  # its epoch is over, however far it goes
        state.open()


def test_s37_nothing_is_accepted_where_nothing_was_restored(state: State) -> None:
    with closing(SqliteStorage(state.path)) as storage, pytest.raises(Invalid, match="newest one"):
        storage.accept_restored(NOW, state.witness)


def test_s37_agreements_in_force_before_a_restoration_are_refused_and_a_new_version_is_taken(tmp_path: Path) -> None:
    def stamp(days: int) -> str:
        return (NOW + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")

    class Restored(MemoryNodeStorage):
        def find_restored(self) -> datetime | None:
            return NOW - timedelta(days=2)

    for valid_from, taken in ((-10, False), (-1, True)):
        document = signed_agreement(agreement(valid_from=stamp(valid_from), valid_until=stamp(100)))
        (tmp_path / "county.json").write_bytes(document.encode())
        file = SimpleNamespace(agreements=["county.json"])
        config = cast("NodeConfig", SimpleNamespace(agency=OTHER, file=file, path=lambda name: tmp_path / name))
        key: IdentityKey = identity(OTHER)
        clock: Any = SimpleNamespace(now=lambda: NOW)
        held = NodeAgreements(config, key, Restored(), clock)
        assert bool(held.all()) is taken
        if not taken:
            assert held.problems["county.json"].code == "state-restored"
            with pytest.raises(Refused, match="agreement-unknown"):
                held.of(AgreementRef(agreement="county", version=1, digest=document.digest))
