"""The house keeps its shape: docs/adr/0001-one-namespace.md, docs/architecture.md."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("client", "coordinator", "core", "crypto", "lab", "node", "proto", "records")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LONGEST = 350


def tracked(*patterns: str) -> list[Path]:
    """Give the files of the project, as git or (in a source distribution) the disk has them."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).exists()]
    except (OSError, subprocess.CalledProcessError):
        return [path for pattern in patterns for path in ROOT.rglob(pattern)]


def test_no_init_file_closes_the_namespace() -> None:
    assert [path for room in ROOMS for path in (ROOT / room / "tallystick").glob("__init__.py")] == []


def test_every_table_of_the_project_file_lists_the_same_roots() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert sorted(wheel["packages"]) == [f"{room}/tallystick" for room in ROOMS]
    assert sorted(wheel["dev-mode-dirs"]) == list(ROOMS)
    assert {room for room in PROJECT["tool"]["mypy"]["mypy_path"] if room != "."} == set(ROOMS)
    linted = {name.removeprefix("tallystick.") for name in PROJECT["tool"]["importlinter"]["root_packages"]}
    assert linted == {room if room != "proto" else "v1" for room in ROOMS}


@pytest.mark.parametrize("room", ROOMS)
def test_every_package_says_that_it_is_typed(room: str) -> None:
    assert list((ROOT / room / "tallystick").glob("*/py.typed"))


def test_lock_files_pin_hashes_and_name_no_host() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text()
        assert not re.search(r"https?:|^--|file:", text, re.MULTILINE), name
        pins = re.findall(r"^[a-z0-9._-]+(?:\[[a-z,]+\])?==", text, re.MULTILINE)
        assert len(pins) > 20
        assert text.count("--hash=sha256:") >= len(pins)


def test_files_have_one_role_and_stay_short() -> None:
    rooms = {*ROOMS, "tests", "benchmarks", "examples"}
    every = tracked("*.py", "*.c", "*.h")
    sources = [path for path in every if path.parts[len(ROOT.parts)] in rooms and "_pb2" not in path.name]
    assert len(sources) > 200
    assert {
        str(path.relative_to(ROOT)): count for path in sources if (count := len(path.read_text().splitlines())) > LONGEST
    } == {}


def test_randomness_has_one_door() -> None:
    doors = re.compile(r"os\.urandom|secrets\.|random\.SystemRandom|np\.random|getrandom")
    allowed = {"crypto/tallystick/crypto/randomness.py"}
    seen = {
        str(path.relative_to(ROOT))
        for path in tracked("*.py")
        if path.parts[len(ROOT.parts)] in {"core", "crypto", "node", "coordinator", "records"}
        and doors.search(path.read_text())
    }
    assert seen - allowed == set()
