"""The totals of a linkage report, each under one name: `matched`, `people(GROUP)`, `pairs(A and B)`."""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

from tallystick.core.statistics.table import Linkage


def flatten_totals(linkage: Linkage) -> dict[str, int]:
    """Give the totals that there are, by name."""
    numbers: dict[str, int] = {}
    for name, value in linkage.items():
        if isinstance(value, dict):
            numbers |= {f"{name}({group})": cast("int", number) for group, number in value.items()}
        elif value is not None:
            numbers[name] = value
    return numbers


def withhold_totals(linkage: Linkage, hidden: Collection[str]) -> Linkage:
    """Give the report with null in place of the totals of these names."""
    out: Linkage = {}
    for name, value in linkage.items():
        if isinstance(value, dict):
            out[name] = {group: None if f"{name}({group})" in hidden else number for group, number in value.items()}
        else:
            out[name] = None if name in hidden else value
    return out
