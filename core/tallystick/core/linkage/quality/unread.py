"""What of a list's identifiers links nobody: how many people have one that no rule reads, or that stands for nothing, by identifier.

Security: counts. They leave a node only inside sealed shares (`sharing.py`); a node tells its own people of them as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tallystick.core.linkage.fields.normalise import normalise
from tallystick.core.linkage.fields.reasons import is_denied
from tallystick.core.linkage.passes.tokens import Identifiers

HALF: Final = 0.5
"""Of an identifier's written values, the share below which usable ones are warned of where nothing is declared."""


@dataclass(frozen=True)
class UnreadCounts:
    """People of a list by what became of one identifier.

    Attributes:
        written: people of whom something is written.
        unread: of these, those whose value has a form that no rule knows.
        denied: of these, those whose value stands for nothing, or was never given out.
    """

    written: int
    unread: int
    denied: int

    @property
    def lost(self) -> int:
        """People of whom something is written that makes no token."""
        return self.unread + self.denied


def count_unread(identifiers: Identifiers) -> dict[str, UnreadCounts]:
    """Count, by identifier, people whose value makes no token although something is written.

    Args:
        identifiers: raw values of first spellings, one per person, None where nothing is written.
    """
    return {name: _count(name, np.asarray(raw, dtype=object)) for name, raw in identifiers.items()}


def _count(name: str, raw: np.ndarray[tuple[int, ...], np.dtype[np.object_]]) -> UnreadCounts:
    written = raw != None  # noqa: E711 - of each value
    bad = raw[written & (normalise(name, raw).codes < 0)]
    texts, counts = np.unique(bad.astype(str), return_counts=True)
    denied = sum(int(count) for text, count in zip(texts.tolist(), counts.tolist(), strict=True) if is_denied(name, text))
    return UnreadCounts(int(written.sum()), len(bad) - denied, denied)


def tell_lost(counts: Mapping[str, UnreadCounts]) -> str:
    """Say which identifiers can be used of fewer than half of those who have one; "" where none is."""
    few = [
        f"{name} ({one.unread:,} unread and {one.denied:,} denied of {one.written:,})"
        for name, one in sorted(counts.items())
        if one.lost > HALF * one.written
    ]
    if not few:
        return ""
    return f"fewer than half of the values can be used of {', '.join(few)}: tally node check says why; usable in node.yaml stops such a job"


def tell_lost_of_lists(report: Mapping[str, Any]) -> str:
    """Say to the desk's people which identifiers are not usable of half of a list's people or more; "" where none is.

    Args:
        report: what a result carries under `linkage`, after the disclosure rules.
    """
    people: Mapping[str, int | None] = report.get("people", {})
    found = []
    for one in report.get("identifiers", ()):
        for called, unread in one["unread"].items():
            size = sum(people.get(group) or 0 for group in called.split(" + "))
            lost = (unread or 0) + (one["denied"][called] or 0)
            if lost and lost >= HALF * size:
                found.append(f"{one['identifier']} of {called} (about {lost:,} of {size:,} people)")
    if not found:
        return ""
    told = ", ".join(found)
    return f"half of a list's people or more have a value that was not read or stands for nothing: {told}; ask its agency (tally node check)"
