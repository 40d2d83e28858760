"""docs/first-network.md is typed as it stands, block after block, in an empty folder."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "first-network.md"
SECONDS = 240


def test_every_block_of_the_page_works(tmp_path: Path) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) > 8
    script = tmp_path / "page.sh"
    script.write_text("set -euo pipefail\n" + "\n".join(blocks))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TALLY")} | {"PATH": path}
    log = tmp_path / "log"
    with log.open("wb") as sink:
        shell = subprocess.Popen(
            ["bash", str(script)], cwd=tmp_path, env=environment, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        try:
            status = shell.wait(SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGTERM)
    assert status == 0, log.read_text()[-3000:]
    result = json.loads((tmp_path / "result.json").read_text())
    assert [(row["tanf.region"], row["count"], row["mean(wages.wage)"]) for row in result["rows"]] == [
        ("north", 2, 1200.5),
        ("south", 1, 800.0),
    ]
    totals = {key: result["linkage"][key] for key in ("matched", "people", "usable")}
    assert totals == {"matched": 2, "people": {"tanf": 3, "wages": 3}, "usable": {"tanf": 3, "wages": 3}}
