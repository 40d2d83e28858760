"""docs/operation.md: what it tells an operator to type is typed, in its order, and does what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tallystick.core.errors import Refused
from tallystick.core.witness import Witness
from tallystick.node.ports import KeptJob
from tallystick.node.storage.sqlite import SqliteStorage
from tests.docs.generate import DOCS
from tests.town import NETWORK, OTHER, Town

PAGE = (DOCS / "operation.md").read_text(encoding="utf-8")


def block(heading: str) -> str:
    """Give what stands to be typed under a heading."""
    found = re.search(rf"^## {re.escape(heading)}\n.*?^```sh\n(.*?)^```", PAGE, re.M | re.S)
    assert found, heading
    return found[1]


def type_block(heading: str, folder: Path) -> str:
    """Type it in a folder; give what is printed."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    tally = programs / "tally"
    tally.write_text(f'#!/bin/sh\nexec {sys.executable} -m tallystick.client.cli "$@"\n')
    tally.chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    ran = subprocess.run(
        ["sh", "-e", "-c", block(heading)], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, (heading, ran.stdout, ran.stderr)
    return ran.stdout


def test_a_coordinator_is_backed_up_restored_upgraded_and_rolled_back(tmp_path: Path) -> None:
    town = Town(tmp_path)
    (tmp_path / "coordinator.yaml").write_text(f"network: {NETWORK}\n")
    town.at.restoring.check()
    type_block("Back up a coordinator", tmp_path)
    town.submit()
    town.at.restoring.note()
    town.at.close()
    told = type_block("Restore a coordinator", tmp_path)
    assert told.startswith("0 jobs ended; 0 revoked certificates are known")
    town.restarted().restoring.check()
    assert town.at.storage.job(town.digest) is None
    town.submit()
    town.at.close()
    assert "as before" in type_block("Upgrade a coordinator", tmp_path)
    assert [line.split(",")[0] for line in type_block("Roll a coordinator back", tmp_path).splitlines()] == [
        "version 0002", "version 0001", "version 0005"
    ]  # fmt: skip
    town.restarted()
    assert town.state == "approving"


def test_a_node_is_backed_up_and_restored(tmp_path: Path) -> None:
    (tmp_path / "node.yaml").write_text(f'agency: {OTHER}\ncoordinator: {{address: "127.0.0.1:7700"}}\n')
    (tmp_path / "identity.key").write_text("kept")
    (tmp_path / "state").mkdir()
    database, witness = tmp_path / "state" / "node.db", Witness(tmp_path / "witness")
    job = KeptJob("ab" * 32, b"signed", datetime.now(UTC), state="running", attempt=1)
    with closing(SqliteStorage(database, witness=witness)) as storage:
        storage.add_job(job)
    type_block("Back up a node", tmp_path)
    with closing(SqliteStorage(database, witness=witness)) as storage:
        storage.begin_opening(job.job, 1)
    backup = (tmp_path / "backup" / "node.db").read_bytes()
    database.write_bytes(backup)
    with pytest.raises(Refused, match="state-restored"):
        SqliteStorage(database, witness=witness)
    assert "sign new versions" in type_block("Restore a node", tmp_path)
    with closing(SqliteStorage(database, witness=witness)) as storage:
        assert storage.find_restored() is not None
        assert list(storage.list_unended()) == []
    told = type_block("Let others check a node's log", tmp_path)
    assert "our.log: 2 entries" in told
    assert "nothing shows that it is the one that others were told of" in told
