"""`tally lab county`: the folders that compose/county.yaml starts, started here as processes; a question is answered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.party import free_port

TALLY = [sys.executable, "-m", "tallystick.client.cli"]
AGENCIES = ("human-services", "labor", "housing")


def tally(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TALLY_HOME": str(folder)}
    return subprocess.run(
        [*TALLY, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[None]:
    """Run a party in its folder."""
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen([*TALLY, *arguments], cwd=folder, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def read_folder(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "db" not in path.name
    }


@pytest.fixture(name="county", scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders, as containers would see them."""
    folder = tmp_path_factory.mktemp("county")
    port = free_port()
    made = tally(folder, "lab", "county", str(folder), "--people", "300", "--address", f"localhost:{port}", "--home", "/data")
    assert made.returncode == 0, made.stderr
    return folder


def test_each_party_has_its_own_and_nothing_of_anothers(county: Path) -> None:
    keys = {path.relative_to(county).parts[0]: path.read_bytes() for path in county.rglob("identity.key")}
    assert set(keys) == {*AGENCIES, "coordinator", "analyst"}
    assert len(set(keys.values())) == len(keys)
    records = {str(path.relative_to(county)) for path in county.rglob("*.csv")}
    assert {name.split("/")[0] for name in records} == set(AGENCIES)
    assert len(records) == len(AGENCIES)
    for key in county.rglob("*.key"):
        assert key.stat().st_mode & 0o077 == 0


def test_a_second_start_leaves_everything_as_it_is(county: Path) -> None:
    before = read_folder(county)
    again = tally(county, "lab", "county", str(county), "--address", "elsewhere:1")
    assert "there already" in again.stdout
    assert read_folder(county) == before


def test_the_folders_answer_a_question(county: Path) -> None:
    for agency in AGENCIES:  # here a node does not see its folder as /data
        config = county / agency / "node.yaml"
        config.write_text(config.read_text().replace("/data/", f"{county / agency}/"))
    analyst = county / "analyst"
    with running(county / "coordinator", "coordinator", "serve"):
        _until((county / "coordinator" / "state" / "address").exists)
        with (
            running(county / "human-services", "node", "serve"),
            running(county / "labor", "node", "serve"),
            running(county / "housing", "node", "serve"),
        ):
            asked = tally(analyst, "job", "submit", "employment.yaml", "--format", "json")
            assert asked.returncode == 0, asked.stderr
            job = json.loads(asked.stdout)["job"]
            watched = tally(analyst, "job", "watch", job)
            assert watched.returncode == 0, (watched.stderr, (county / "labor" / "log").read_text()[-2000:])
            result = tally(analyst, "job", "result", job)
    assert result.returncode == 0, result.stderr
    assert "count" in result.stdout


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)
