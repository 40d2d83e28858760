"""Blocks of a table's rows, those that say the same of who is in which group; and how many people each has, as totals say it.

Of two groups of two agencies people are in both, or in one of them alone, and people and matches say how many. So they say what the rows of a
block add up to, whatever the formula is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from tallystick.core.job.columns import split
from tallystick.core.job.model import SYSTEMS
from tallystick.core.statistics.plan import Plan

Block = tuple[Any, ...]
"""What rows say of each `GROUP.present` among `by`, and of `systems`, in the order of `Plan.presences`."""


def block_of(row: Mapping[str, Any], plan: Plan) -> Block:
    """Give the block of a row."""
    return tuple(row[name] for name in plan.presences)


def count_block(
    plan: Plan, people: Mapping[str, int], matched: int, block: Block, *, inside: Collection[str] = frozenset()
) -> int:
    """Count the people of a block, or those of them whom some groups have.

    Args:
        plan: of two groups of two agencies.
        people: of each group.
        matched: people whom both have.
        block: which rows.
        inside: these groups.
    """
    population = plan.population
    sizes = {(group,): people[group] - matched for group in population.groups} | {population.groups: matched}
    says = dict(zip(plan.presences, block, strict=True))
    return sum(
        size
        for have, size in sizes.items()
        if population.keep.holds(have)
        and all(set(population.parts_of(group)) & set(have) for group in inside)
        and all(_says(plan, have, name) == level for name, level in says.items())
    )


def _says(plan: Plan, have: Collection[str], presence: str) -> bool | int:
    """Give what a row says of people whom just these groups have: whether a group has them, or how many have."""
    if presence == SYSTEMS:
        return plan.population.count_systems(have)
    return bool(set(plan.population.parts_of(split(presence)[0])) & set(have))
