"""Disclosure profiles: named lists of rules with their numbers, and how an agreement's own numbers combine with them.

Where profiles combine, the stricter of each number wins, and every rule of each is applied.

Sources:

- `cms`: the cell-size suppression policy of the Centers for Medicare & Medicaid Services: 1 to 10 are not released, 0 may be, and nothing
  may be released from which 1 to 10 could be derived.
- `adrf`: the export rules of the Administrative Data Research Facility for TANF with wage records, as far as they are about people: 0 to 9
  are not released; counts below 1,000 to 10, others to 100; wages to $100; means to a cent; quantiles are fuzzy (`rules/fuzzy.py`); a
  cell has three employers or more, where a dataset says which column names them (`core/job/units.py`).
- `ferpa`: what most states' reporting rules for education records ask for: below 10 nothing is released; shares below 5 % and above 95 % are
  coded (`rules/coding.py`).
- `opensafely`: OpenSAFELY's rules for released tables: 7 or fewer are redacted, then counts are rounded to 5.
- `acro`: the defaults of ACRO: below 10 nothing is released, zeros included; to 5; the n-k rule (2, 0.90) and the p% rule (0.10), by declared
  bounds (`rules/dominance.py`). Its rule of 10 residual degrees of freedom holds under every profile: `regression` and `logistic` are not
  worked out with fewer.
"""

from __future__ import annotations

import pkgutil
from dataclasses import replace
from fractions import Fraction
from functools import reduce
from importlib import import_module
from typing import Final

from tallystick.core.agreement.disclosure import LEAST_EMPLOYERS, Disclosure
from tallystick.core.disclosure.rounding import Rounding, combine_roundings
from tallystick.core.disclosure.rule import DisclosureProfile, DisclosureRule

__all__ = ["PROFILES", "RULES", "DisclosureProfile", "combine_profiles", "profile_of"]

FOLDER: Final = "tallystick.core.disclosure.rules"


def load_rules() -> tuple[DisclosureRule, ...]:
    """Find every rule: `RULE` of each file in the folder that has one, in their order.

    No rule shows again what an earlier one hid, so all are in force.

    Raises:
        TypeError: two rules claim one place. A fault of the code: nothing that is read can cause it.
    """
    modules = [import_module(f"{FOLDER}.{one.name}") for one in pkgutil.iter_modules(import_module(FOLDER).__path__)]
    rules: list[DisclosureRule] = [module.RULE for module in modules if hasattr(module, "RULE")]
    if len({rule.order for rule in rules}) < len(rules):
        raise TypeError("two disclosure rules have the same order")
    return tuple(sorted(rules, key=lambda rule: rule.order))


RULES: Final = load_rules()
PROFILES: Final = {
    "cms": DisclosureProfile("cms", min_cell=11, rules=RULES),
    "adrf": DisclosureProfile(
        "adrf",
        min_cell=10,
        zeros_disclosive=True,
        rules=RULES,
        rounding=Rounding(((0, 10), (1000, 100)), sums=100, decimals=2),
        fuzzy=True,
        employers=LEAST_EMPLOYERS,
    ),
    "ferpa": DisclosureProfile("ferpa", min_cell=10, rules=RULES, coding=(Fraction(1, 20), Fraction(19, 20))),
    "opensafely": DisclosureProfile("opensafely", min_cell=8, rules=RULES, rounding=Rounding(((0, 5),), sums=0, decimals=2)),
    "acro": DisclosureProfile(
        "acro",
        min_cell=10,
        zeros_disclosive=True,
        rules=RULES,
        rounding=Rounding(((0, 5),), sums=0, decimals=2),
        dominance=(Fraction(9, 10), Fraction(1, 10)),
    ),
    "open": DisclosureProfile("open", min_cell=0, rules=RULES),
}


def combine_profiles(*profiles: DisclosureProfile) -> DisclosureProfile:
    """Give the profile that is as strict as each of them, in every rule."""
    strictest = max(profiles, key=lambda profile: profile.min_cell)
    rules = dict.fromkeys(rule for profile in profiles for rule in profile.rules)
    limits = [profile.dominance for profile in profiles if profile.dominance is not None]
    codings = [profile.coding for profile in profiles if profile.coding is not None]
    return DisclosureProfile(
        strictest.name,
        strictest.min_cell,
        any(profile.zeros_disclosive for profile in profiles),
        tuple(rules),
        reduce(combine_roundings, (profile.rounding for profile in profiles), None),
        (min(share for share, _ in limits), max(margin for _, margin in limits)) if limits else None,
        any(profile.fuzzy for profile in profiles),
        max(profile.employers for profile in profiles),
        max(profile.households for profile in profiles),
        (max(low for low, _ in codings), min(high for _, high in codings)) if codings else None,
    )


def profile_of(disclosure: Disclosure) -> DisclosureProfile:
    """Give an agreement's profile: the named one, made stricter by what stands beside it; `cms` where it says nothing."""
    parts = []
    if disclosure.profile is not None:
        parts.append(PROFILES[disclosure.profile])
    if disclosure.min_cell is not None:
        parts.append(DisclosureProfile("custom", 3 if disclosure.min_cell == 2 else disclosure.min_cell, rules=RULES))
    made = combine_profiles(*parts) if parts else PROFILES["cms"]
    return replace(made, households=disclosure.households or 0)


def describe_further(profile: DisclosureProfile) -> str:
    """Say behind a rule on counts which others a profile has; nothing where there are none."""
    told = "; sums that two people may make up are hidden" if profile.dominance is not None else ""
    if profile.coding is not None:
        low, high = (f"{float(limit):.0%}" for limit in profile.coding)
        told += (
            f"; shares of people below {low} or above {high} are shown as {low} or {high}, and what else tells them is hidden"
        )
    if profile.employers:
        told += f"; cells whose people have fewer than {profile.employers} employers are hidden, where a dataset names these"
    if profile.households:
        told += f"; cells whose people have fewer than {profile.households} households are hidden, where a dataset names these"
    return told + ("; quantiles are means of two beside them" if profile.fuzzy else "")
