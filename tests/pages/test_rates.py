"""Match rates that a desk let out: read from a linkage report, kept, and shown beside the next ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tallystick.node.pages.rates import KeptRates, find_rates
from tests.governance import question

RATE = {"value": 0.625, "low": 0.6, "high": 0.65}


@pytest.mark.parametrize(
    ("linkage", "found"),
    [
        ({"rates": {"overall": {"tanf": RATE, "wages": None}}}, {"human-services, tanf": 0.625}),
        ({"rates": {"overall": {"tanf": {**RATE, "value": None}}}}, {}),
        ({"rates": {"overall": {"somebody": RATE}}}, {}),
        ({"rates": {}}, {}),
        ({"rates": None}, {}),
        ({}, {}),
    ],
)
def test_rates_that_are_hidden_are_not_among_them(linkage: dict[str, Any], found: dict[str, float]) -> None:
    assert find_rates(linkage, question()) == found


def test_rates_are_kept_by_job_and_closed_to_others(tmp_path: Path) -> None:
    kept = KeptRates(tmp_path / "rates")
    assert kept.read(["a" * 64]) == {}
    kept.keep("a" * 64, {"human-services, tanf": 0.1 + 0.2})
    assert kept.read(["a" * 64, "b" * 64]) == {"a" * 64: {"human-services, tanf": 0.1 + 0.2}}
    file = tmp_path / "rates" / f"{'a' * 64}.json"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    file.write_text("[]")
    assert kept.read(["a" * 64]) == {}
