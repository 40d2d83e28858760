"""docs/first-network.md is typed as it stands, block after block, in an empty folder."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.e2e.typed import type_script

PAGE = Path(__file__).parents[2] / "docs" / "first-network.md"
SECONDS = 240


def test_every_block_of_the_page_works(tmp_path: Path) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) > 8
    status, told = type_script(tmp_path, "set -euo pipefail\n" + "\n".join(blocks), SECONDS)
    assert status == 0, told[-3000:]
    result = json.loads((tmp_path / "result.json").read_text())
    assert [(row["tanf.region"], row["count"], row["mean(wages.wage)"]) for row in result["rows"]] == [
        ("north", 2, 1200.5),
        ("south", 1, 800.0),
    ]
    totals = {key: result["linkage"][key] for key in ("matched", "people", "usable")}
    assert totals == {"matched": 2, "people": {"tanf": 3, "wages": 3}, "usable": {"tanf": 3, "wages": 3}}
