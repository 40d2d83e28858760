"""Three tiers between processes: the examples, from keys to the released table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.chains import CASES, EXAMPLES
from tests.e2e.typed import type_script

SECONDS = 600


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_an_example_runs_from_keys_to_the_released_table(case: str, tmp_path: Path) -> None:
    status, told = type_script(tmp_path, f"exec bash {EXAMPLES / 'rehearse.sh'} {case} {tmp_path / case}", SECONDS)
    assert status == 0, told[-3000:]
    result = json.loads((tmp_path / case / "result.json").read_text())
    assert [row["count"] for row in result["rows"]], told[-3000:]
    assert all(row["count"] is not None for row in result["rows"]), "both rows are large enough to be shown"
    assert {one["kind"] for one in result["signatures"]} >= {"memorandum", "sharing", "license", "job", "approval", "shares"}
