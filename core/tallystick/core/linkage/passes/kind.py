"""What a kind of exact pass is, and which there are: every file of `kinds/` is one, found by looking into the folder.

An entry of an agreement's `link` that begins with a kind's name and a hyphen, as `opentoken-t1` does, is read by that kind: NAME is the
file's name. Every other entry is a plain recipe (`recipes.py`). The folder is named here (`FOLDER`), not imported: its files import this one.

An exact pass gives each row one token or none, and two rows are linked where their tokens are equal and each is alone with it
(`matching.py`). A kind says what its entries mean, as fields and their strength, and what the token is made of. Decoys, spellings, checks of
strength and the linkage report are those of a recipe. A similarity pass is not such a kind: it has many tokens a row, links by how many
coincide, and has its own plan (`similarity.py`). docs/adding.md says how to add a kind.
"""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import ClassVar, Final, Protocol

import numpy as np

from tallystick.core.linkage.fields.normalise import Normalised
from tallystick.core.linkage.passes.recipes import Guard, Part, Recipe, parse_recipe

FOLDER: Final = "tallystick.core.linkage.passes.kinds"
"""The package whose files are kinds of passes, one each."""
MARKS: Final = ("1", "2")
"""What rows hold at a guard that one of two has: those that have it in the left list or lack it in the right one, and the others."""
MISSING: Final = "-"
"""What a row holds that lacks a guard's field; no value is written so."""


class CanonicalFields(Protocol):
    """The canonical fields of some people, as `tokens.Fields` gives them."""

    def part(self, part: Part) -> tuple[Normalised, ...]:
        """Give what a part of a recipe is for every person: one field, or two for names in either order."""
        ...

    def sure_part(self, part: Part, *, always: bool) -> tuple[Normalised, ...]:
        """Give the same without birth dates on a day that stands for an unknown one in the list; with `always`, on 1 January in any list."""
        ...

    def can_make(self, part: Part) -> bool:
        """Tell whether the list has the identifiers that the part is made from."""
        ...


class PassKind(ABC):
    """A kind of exact pass. It has no state; `KIND` in `kinds/NAME.py` is the kind NAME.

    Attributes:
        entries: entries that have fixed names, for `tally link explain`; none where entries are a recipe after the kind's name.
    """

    entries: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def parse(self, rest: str) -> Recipe:
        """Read an entry of `link`.

        The recipe's parts are fields in which two rows agree whenever their tokens are equal: strength and estimates are those of the
        parts. Its `kind` is the kind's name if `values` is the kind's own, or else stays empty: then it shares its tokens with
        the plain recipe of the same parts. Its name becomes the entry.

        Args:
            rest: what follows the kind's name and the hyphen.

        Raises:
            Invalid: `link-invalid`.
        """

    def values(self, recipe: Recipe, fields: CanonicalFields) -> tuple[Normalised, ...]:
        """Give what the token is made of: columns of values, framed one after another. A person who lacks one has no token.

        Args:
            recipe: as `parse` gave it, perhaps under another name.
            fields: of the people.

        Raises:
            Invalid: `link-impossible`: a field cannot be made.
        """
        return part_values(recipe, fields)


@cache
def pass_kinds() -> Mapping[str, PassKind]:
    """Give the kinds of exact passes by name, sorted."""
    names = sorted(module.name for module in pkgutil.iter_modules(import_module(FOLDER).__path__))
    return MappingProxyType({name: import_module(f"{FOLDER}.{name}").KIND for name in names})


def parse_entry(entry: str) -> Recipe:
    """Give the pass that an entry of `link` asks for: of the kind whose name it begins with, or a plain recipe.

    Raises:
        Invalid: `link-invalid`.
    """
    name, hyphen, rest = entry.partition("-")
    if hyphen and name in pass_kinds():
        return replace(pass_kinds()[name].parse(rest), called=entry)
    return parse_recipe(entry)


def token_values(recipe: Recipe, fields: CanonicalFields) -> tuple[Normalised, ...]:
    """Give what a pass's tokens are made of, by its kind, and its guards'.

    Args:
        recipe: of one side (`Recipe.of_side`), where the two lists have different fields or marks.
        fields: of the people.

    Raises:
        Invalid: as `PassKind.values`.
    """
    return (*core_values(recipe, fields), *(_guard_values(guard, fields) for guard in recipe.guards))


def core_values(recipe: Recipe, fields: CanonicalFields) -> tuple[Normalised, ...]:
    """Give what a pass's tokens are made of but for its guards.

    Raises:
        Invalid: as `PassKind.values`.
    """
    return pass_kinds()[recipe.kind].values(recipe, fields) if recipe.kind else part_values(recipe, fields)


def _guard_values(guard: Guard, fields: CanonicalFields) -> Normalised:
    """Give everybody's value or mark at a guard: nobody is without one."""
    (found,) = fields.part(guard.part)
    if guard.one:
        assert guard.turned is not None, "tokens are of one side"
        return Normalised(np.asarray((found.codes >= 0) == guard.turned, dtype=np.int64), MARKS)
    return Normalised(np.where(found.codes >= 0, found.codes, len(found.values)), (*found.values, MISSING))


def part_values(recipe: Recipe, fields: CanonicalFields) -> tuple[Normalised, ...]:
    """Give a recipe's parts as columns of values, in order; default days are missing where the recipe says too little without them.

    Raises:
        Invalid: `link-impossible`.
    """
    if recipe.stands_without_day:
        return tuple(field for part in recipe.parts for field in fields.part(part))
    return tuple(field for part in recipe.parts for field in fields.sure_part(part, always=recipe.rests_on_day))
