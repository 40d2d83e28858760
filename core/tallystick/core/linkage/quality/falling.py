"""A result in which nobody matched, or far fewer than in an earlier one of the same question: what the desk's people are told.

A rate is far lower where it is less than half of the earlier one, and the intervals of the two do not meet. Only numbers of linkage reports as
they went out, or would go out, are compared: what is hidden in one of them is compared with nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

FAR_BELOW: Final = 0.5


def warn_of_matches(report: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]) -> list[str]:
    """Give what is to be said, in sentences; nothing where matches are as they were.

    Args:
        report: the linkage report of the candidate.
        earlier: those of earlier results of the question.
    """
    if report.get("matched") == 0:
        return ["nobody matched: ask the agencies whether an identifier is read otherwise now (tally node datasets)"]
    found = []
    for group, rate in _read_rates(report).items():
        before = [rates[group] for one in earlier if group in (rates := _read_rates(one))]
        highest = max(before, key=lambda one: float(one["value"]), default=None)
        if highest is None or rate["value"] >= FAR_BELOW * highest["value"] or rate["high"] >= highest["low"]:
            continue
        found.append(
            f"{rate['value']:.1%} of {group} matched, and {highest['value']:.1%} did in an earlier result of this question: "
            "ask the agencies what has changed in their records"
        )
    return found


def _read_rates(report: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Give the shown match rates of all people, by group."""
    overall = (report.get("rates") or {}).get("overall") or {}
    return {group: rate for group, rate in overall.items() if rate is not None}
