"""How the parts of a result read: levels, counts, rates, estimates."""

from __future__ import annotations

from typing import Any, Final

HIDDEN: Final = "(hidden)"


def level(value: Any) -> str:
    """Give a level as people write it."""
    return "(none)" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def count(value: Any) -> str:
    """Give a count, or that it is hidden."""
    return f"{value:,}" if isinstance(value, int) else HIDDEN


def rate(one: dict[str, float] | None) -> str:
    """Give a rate and its interval."""
    return HIDDEN if one is None else f"{one['value']:.1%} ({one['low']:.1%} to {one['high']:.1%})"


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
