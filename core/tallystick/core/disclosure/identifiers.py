"""What the linkage report shows of identifiers that link nobody: people of a list whose value was not read, or stands for nothing.

Numbers are rounded down to a multiple of `min_cell`. So a small number reads 0, and of each number, of both together and of whom neither
counts among the people without a token of the identifier, more is possible than the small ones; where that would not be so, the larger
number is rounded down further.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tallystick.core.disclosure.rule import DisclosureProfile
from tallystick.core.linkage.fields.fields import FIELDS
from tallystick.core.linkage.quality.silence import fields_of_pass
from tallystick.core.statistics.plan import Plan


def round_identifiers(
    plan: Plan,
    lost: Mapping[str, Mapping[str, tuple[int, int]]],
    people: Mapping[str, int | None],
    tokens: Mapping[str, Sequence[int | None]],
    profile: DisclosureProfile,
) -> list[dict[str, Any]]:
    """Give by identifier and list how many people's values were not read, and denied.

    Args:
        plan: names lists and their identifiers.
        lost: (unread, denied) by list and identifier; what is not there is null.
        people: as the report shows them; of a list any of whose groups hides its size, all is null.
        tokens: by list, as the report shows them.
        profile: the rules.
    """
    told = {}
    for called, agency in plan.lists:
        sizes = [people.get(group) for group, owner in plan.population.members if owner == agency]
        for name, (unread, denied) in lost.get(called, {}).items():
            if not profile.hides:
                told[called, name] = (unread, denied)
            elif None not in sizes:
                others = sum(size or 0 for size in sizes) - _find_most(name, plan.passes, tokens[called])
                told[called, name] = _round_down(unread, denied, others, profile.min_cell)
    has = dict(plan.identifiers)
    return [
        {"identifier": name}
        | {
            what: {called: told.get((called, name), (None, None))[at] for called in has if name in has[called]}
            for at, what in enumerate(("unread", "denied"))
        }
        for name in dict.fromkeys(name for names in has.values() for name in names)
    ]


def _find_most(identifier: str, passes: Sequence[str], tokens: Sequence[int | None]) -> int:
    """Give the most people of a list who are shown to have a token that an identifier is part of."""
    return max(
        (
            count
            for name, count in zip(passes, tokens, strict=True)
            if count is not None and any(identifier in FIELDS[field].sources for field in fields_of_pass(name))
        ),
        default=0,
    )


def _round_down(unread: int, denied: int, others: int, base: int) -> tuple[int, int]:
    """Round two numbers of people down, who are among so many others; what is left of these cannot be told to be few."""
    one, other = unread // base * base, denied // base * base
    while one + other and others - one - other < base:
        one, other = (one - base, other) if one >= other else (one, other - base)
    return one, other
