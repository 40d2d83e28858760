"""Failpoints do nothing unless asked, and then end the process at the right pass."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tallystick.core.failpoint import KILLED, VARIABLE, failpoint

SCRIPT = """
from tallystick.core.failpoint import failpoint
for number in range(3):
    failpoint("here")
    failpoint("there")
    print(number, flush=True)
"""


@pytest.mark.parametrize(("wanted", "printed"), [("here", 0), ("here:1", 0), ("there:3", 2), ("elsewhere", 3), ("here:9", 3)])
def test_the_process_ends_where_it_is_told(wanted: str, printed: int) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=os.environ | {VARIABLE: wanted}, capture_output=True, check=False, timeout=30
    )
    assert ended.stdout.split() == [str(n).encode() for n in range(printed)]
    assert ended.returncode == (KILLED if printed < 3 else 0)


def test_without_the_variable_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    failpoint("here")
