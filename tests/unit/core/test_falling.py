"""Matches that fall: who is told, and that nothing hidden is compared."""

from __future__ import annotations

from typing import Any

from tallystick.core.linkage.quality.falling import warn_of_matches


def report(value: float | None, *, spread: float = 0.02, matched: int | None = 100) -> dict[str, Any]:
    rate = None if value is None else {"value": value, "low": value - spread, "high": value + spread}
    return {"matched": matched, "rates": {"overall": {"tanf": rate, "wages": None}}}


def test_nobody_matched_is_told_without_any_earlier_result() -> None:
    (told,) = warn_of_matches(report(None, matched=0), [])
    assert told.startswith("nobody matched")


def test_a_rate_of_less_than_half_is_told_with_both() -> None:
    (told,) = warn_of_matches(report(0.12), [report(0.30), report(0.448)])
    assert told.startswith("12.0% of tanf matched, and 44.8% did in an earlier result")


def test_what_is_hidden_near_or_uncertain_is_not_told() -> None:
    for now, earlier in (
        (report(0.30), [report(0.448)]),
        (report(0.12), [report(None)]),
        (report(None), [report(0.448)]),
        (report(0.12, spread=0.2), [report(0.30, spread=0.2)]),
        (report(0.12), []),
        ({"people": {}}, [{"people": {}}]),
    ):
        assert warn_of_matches(now, earlier) == []
