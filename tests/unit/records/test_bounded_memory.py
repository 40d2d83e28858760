"""What is read of a database does not pile up: a million rows take no more memory than a few blocks of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tallystick.records.textblocks import ROWS
from tests.postgres import Server, postgres
from tests.sources import Case, Postgresql, Sqlite

MANY: Final = 1_000_000
MORE_MIB: Final = 48
"""Memory that a million rows may take beyond what a few blocks take; all of them as text would take some 600 MiB."""
NAMES: Final = ("id", "ssn", "first", "last", "born", "paid")
CHILD: Final = """\
import json, sys; from pathlib import Path
from tallystick.core.agreement import declaration
from tallystick.records.locked import connect; from tallystick.records.registry import open_source
source, folder, names = json.loads(sys.argv[1])
with connect(256) as c, open_source("data", declaration.DeclaredSource(source), Path(folder), c) as found:
    rows = sum(c.execute("SELECT count(*) FROM " + block.clause).fetchall()[0][0] for block in found.blocks(names))
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(json.dumps([rows, int(peak.split()[1]) // 1024]))
"""


@pytest.fixture(name="server", scope="module")
def server_() -> Iterator[Server]:
    with postgres() as server:
        yield server


def taken(case: Case, rows: int) -> int:
    """Read so many rows in a process of its own; give its peak of memory in MiB."""
    people = [
        (f"{at}", f"{at:09d}", f"First{at % 997}", f"Last{at % 9973}", "1990-01-01", f"{at % 5000}.25") for at in range(rows)
    ]
    case.write(dict.fromkeys(NAMES, "text"), people)
    del people
    words = json.dumps([case.declared(), str(case.folder), NAMES])
    done = subprocess.run([sys.executable, "-c", CHILD, words], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    read, peak = json.loads(done.stdout)
    assert read == rows
    return int(peak)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process's own peak")
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_million_rows_take_the_memory_of_a_few_blocks(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    case: Case = Sqlite(tmp_path) if kind == "sqlite" else Postgresql(tmp_path, request.getfixturevalue("server"))
    few, many = taken(case, 3 * ROWS), taken(case, MANY)
    assert many < few + MORE_MIB, (few, many)
