"""Linkage passes as the protocol's machines take them: made of recipes and of the plan of a similarity pass, once, and never read back.

recipe                  exact pass of its name, `ssn+birth_date`
recipe of spellings     exact pass of its name, `ssn+birth_date@0.1`, and of these spellings
similarity plan         its bands, `similar-00` and so on; to decoys and people they are one pass, `similarity`
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from tallystick.core.linkage.passes.kind import parse_entry
from tallystick.core.linkage.passes.recipes import Recipe
from tallystick.core.linkage.passes.similarity import SimilarityPlan
from tallystick.crypto.passes import FIRST, Kind, Ladder, Pass, exact_pass

SIMILARITY: Final = "similarity"
"""What the bands of a similarity pass are called together, in reports and to draw their decoys."""

_WRITTEN: Final = re.compile(r"(?P<recipe>[^@]+)@(?P<left>[0-3])\.(?P<right>[0-3])", re.ASCII)


def build_ladder(exact: Iterable[Recipe], similarity: SimilarityPlan | None) -> Ladder:
    """Make the passes of a job's lists.

    Args:
        exact: recipes, strict to loose.
        similarity: the plan of the similarity pass that comes last; None without one.
    """
    passes = [exact_pass(recipe.name, recipe.spelling) for recipe in exact]
    if similarity is None:
        return Ladder(tuple(passes))
    passes += [Pass(name, Kind.BAND, FIRST, SIMILARITY) for name in similarity.passes]
    return Ladder(tuple(passes), similarity.least)


def parse_pass(text: str) -> Recipe:
    """Read a recipe, or the pass RECIPE@I.J of one, as people write it on a command line.

    Raises:
        Invalid: `link-invalid`: as `parse_entry`.
    """
    match = _WRITTEN.fullmatch(text)
    if match is None:
        return parse_entry(text)
    return replace(parse_entry(match["recipe"]), spelling=(int(match["left"]), int(match["right"])))
