"""OpenToken's five rules, by their names: `opentoken-t1` to `opentoken-t5`. Their tokens are those of the recipes that they stand for.

The fifth says less than a recipe may: it is used only where an agreement names it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tallystick.core.errors import Invalid
from tallystick.core.linkage.passes.kind import PassKind
from tallystick.core.linkage.passes.recipes import Recipe, parse_recipe

NAMED: Final = {
    "opentoken-t1": "last_name+first_name:1+sex+birth_date",
    "opentoken-t2": "last_name+first_name+birth_date+zip:3",
    "opentoken-t3": "last_name+first_name+sex+birth_date",
    "opentoken-t4": "ssn+sex+birth_date",
    "opentoken-t5": "last_name+first_name:3+sex",
}
WEAK: Final = frozenset({"opentoken-t5"})


class OpenToken(PassKind):
    """The rules, each a recipe under a name."""

    entries = tuple(NAMED)

    def parse(self, rest: str) -> Recipe:
        """Give the recipe that a rule stands for.

        Raises:
            Invalid: `link-invalid`: there is no such rule.
        """
        entry = f"opentoken-{rest}"
        if entry not in NAMED:
            raise Invalid("link-invalid", "OpenToken has no such rule", hint=f"known: {', '.join(NAMED)}")
        return replace(parse_recipe(NAMED[entry]), weak=entry in WEAK)


KIND: Final = OpenToken()
