"""How the parts of a result read: levels, counts, rates, estimates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

HIDDEN: Final = "(hidden)"


MISSING: Final = "(value missing)"
ABSENT: Final = "(no such person)"
_PRESENT: Final = ".present"


def level(value: Any) -> str:
    """Give a level as people write it."""
    return MISSING if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def row_level(levels: Mapping[str, Any], column: str) -> str:
    """Give a level of a row as people write it: a value that is missing reads otherwise than a person who is not in the group."""
    group = column.partition(".")[0]
    absent = levels.get(f"{group}{_PRESENT}") is False and not column.endswith(_PRESENT)
    return ABSENT if absent else level(levels[column])


def level_columns(by: Sequence[str]) -> list[str]:
    """Give the columns of levels that a table for people has: a group's presence only where none of its other columns says it."""
    said = {name.partition(".")[0] for name in by if not name.endswith(_PRESENT)}
    return [name for name in by if not name.endswith(_PRESENT) or name.partition(".")[0] not in said]


def count(value: Any) -> str:
    """Give a count, or that it is hidden."""
    return f"{value:,}" if isinstance(value, int) else HIDDEN


def rate(one: dict[str, float] | None) -> str:
    """Give a rate and its interval."""
    return HIDDEN if one is None else f"{one['value']:.1%} ({one['low']:.1%} to {one['high']:.1%})"


def list_pair_rates(pairs: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Give, for each two groups and each of them, what share of its people the other has."""
    return [(pair, group, rate(one)) for pair, both in pairs.items() for group, one in both.items()]


def group_rate(group: dict[str, Any]) -> str:
    """Give a group's match rate; nothing where nobody is in it."""
    return "" if group["people"] == 0 else rate(group["rate"])


def estimate(one: dict[str, float | None] | None) -> str:
    """Give an estimate and its interval; of one that rests on few pairs, the lower end."""
    if one is None:
        return "cannot be told"
    return (
        f"{one['low']:.3f} or more" if one["value"] is None else f"{one['value']:.3f} ({one['low']:.3f} to {one['high']:.3f})"
    )


def blur(linkage: dict[str, Any]) -> str:
    """Give how sure the matches by pass are."""
    reach = 2 * linkage["blur"]["standard_deviation"]
    return (
        f"decoys blur the matches of a pass: each is give or take {reach:,.0f}"
        if reach
        else "no decoys blur the matches of a pass"
    )


def list_lost(linkage: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Give identifiers by list with how many people's values were not read, and stand for nothing; where neither is said to be any, none."""
    return [
        (one["identifier"], called, count(unread), count(one["denied"].get(called)))
        for one in linkage.get("identifiers") or ()
        for called, unread in one["unread"].items()
        if unread or one["denied"].get(called)
    ]
