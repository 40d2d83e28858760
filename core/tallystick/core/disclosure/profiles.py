"""Disclosure profiles: named sets of rules, and how an agreement's own numbers combine with them. The stricter wins.

Source of `cms`: the cell-size suppression policy of the Centers for Medicare & Medicaid Services: 1 to 10 are not released,
0 may be, and nothing may be released from which 1 to 10 could be derived.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tallystick.core.agreement.model import Disclosure


@dataclass(frozen=True)
class Profile:
    """The rules of released tables.

    Attributes:
        name: the named profile that it began as, or `custom`.
        min_cell: counts of 1…min_cell-1 are hidden; 0 and 1 hide nothing. `profile_of` reads 2 as 3, because a hidden cell
            that can only be 1 is not hidden.
        zeros_disclosive: counts of 0 are hidden as well.
    """

    name: str
    min_cell: int
    zeros_disclosive: bool = False

    @property
    def hides(self) -> bool:
        """Whether any count is hidden at all."""
        return self.min_cell > 1

    def is_small(self, count: int) -> bool:
        """Tell whether a count may not be shown."""
        return self.hides and (0 if self.zeros_disclosive else 1) <= count < self.min_cell


PROFILES: Final = {
    "cms": Profile("cms", min_cell=11),
    "open": Profile("open", min_cell=0),
}


def combined(*profiles: Profile) -> Profile:
    """Give the profile that is as strict as each of them, in every rule."""
    strictest = max(profiles, key=lambda profile: profile.min_cell)
    return Profile(strictest.name, strictest.min_cell, any(profile.zeros_disclosive for profile in profiles))


def profile_of(disclosure: Disclosure) -> Profile:
    """Give an agreement's profile: the named one, made stricter by what stands beside it; `cms` where it says nothing."""
    parts = []
    if disclosure.profile is not None:
        parts.append(PROFILES[disclosure.profile])
    if disclosure.min_cell is not None:
        parts.append(Profile("custom", 3 if disclosure.min_cell == 2 else disclosure.min_cell))
    return combined(*parts) if parts else PROFILES["cms"]
