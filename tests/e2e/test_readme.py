"""README's first screen, typed as it stands in a folder that looks like a fresh clone after `make demo`: it ends with two charts."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.docs.generate import DOCS
from tests.e2e.typed import type_script

ROOT = DOCS.parent
SECONDS = 300
PNG = b"\x89PNG\r\n\x1a\n"


def find_first_blocks() -> list[str]:
    """Give the commands of the section `Try it`."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## Try it\n")[1].split("\n## ")[0]
    return re.findall(r"^```\n(.*?)^```", section, re.DOTALL | re.MULTILINE)


def test_the_first_screen_ends_with_a_chart_and_two_commands_more_draw_ones_own_files() -> None:
    first, chart, own = find_first_blocks()
    assert first == "make demo\n"
    assert "$(BIN)/tally demo\n" in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert chart.count("\n") == 1
    assert own.count("\n") == 2


@pytest.mark.slow
def test_the_first_screen_can_be_typed(tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parent.parent)
    _, chart, own = find_first_blocks()
    status, told = type_script(tmp_path, f"set -euo pipefail\n.venv/bin/tally demo --people 1000\n{chart}{own}", SECONDS)
    assert status == 0, told[-3000:]
    for name in ("work.png", "mine.png"):
        assert (tmp_path / name).read_bytes().startswith(PNG), name
    assert "found in wages" in told
    assert "found in ui_wages" in told
