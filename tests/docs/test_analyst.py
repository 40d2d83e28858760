"""docs/guides/analyst.md: its network is served, and its Python runs as a notebook, cell after cell, in a kernel of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.generate import DOCS

PAGE = (DOCS / "guides" / "analyst.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
QUESTIONS = 5

pytestmark = pytest.mark.slow


@pytest.fixture(name="folder", scope="module")
def served_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Type the guide's shell block, whose last command serves until it is stopped; give its folder."""
    folder = tmp_path_factory.mktemp("analyst")
    (folder / "examples").symlink_to(DOCS.parent / "examples")
    ((_, typed),) = [block for block in BLOCKS if block[0] == "sh"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TALLY")} | {"PATH": path}
    first, _, last = typed.strip().rpartition("\n")
    process = subprocess.Popen(
        ["bash", "-euc", f"{first}\nexec {last}"], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if "TALLY_HOME=" in line:
                assert Path(line.partition("TALLY_HOME=")[2].strip()) == folder / "lab" / "analyst"
                yield folder
                break
        else:
            raise AssertionError("the network did not start")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def shown(cell: Any) -> str:
    """Give what a cell shows, as text."""
    texts = [one.get("text", "") + one.get("data", {}).get("text/plain", "") for one in cell.outputs]
    return "".join(texts)


def test_the_guide_runs_as_a_notebook(folder: Path) -> None:
    import nbformat.v4
    from nbclient import NotebookClient

    write: Any = nbformat.v4
    book = write.new_notebook(cells=[write.new_code_cell(text) for language, text in BLOCKS if language == "python"])
    NotebookClient(book, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    told = [shown(cell) for cell in book.cells]
    assert any("nothing stands against it ('housing', 'human-services')" in one for one in told)
    pages = [data["text/html"] for cell in book.cells for one in cell.outputs if "text/html" in (data := one.get("data", {}))]
    assert any("<svg" in page and "homelessness" in page for page in pages)
    pictures = [1 for cell in book.cells for one in cell.outputs if "image/png" in one.get("data", {})]
    assert len(pictures) == 3
    assert any(re.search(r"\d+ of 36 cells are hidden, for \['small-cell'", one) for one in told)
    assert any("'systems': [1, 2, 3]" in one for one in told)
    assert any("2024Q4" in one and "2025Q1" in one for one in told)
    assert any(one.startswith("Data: tanf (tanf_exits of human-services") for one in told)
    assert (folder / "homeless.png").stat().st_size > 10_000


def test_the_guide_asks_five_questions() -> None:
    assert len(re.findall(r"^## \d\. .*\?$", PAGE, re.MULTILINE)) == QUESTIONS
