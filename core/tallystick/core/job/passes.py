"""Which linkage passes a question really uses: those that its two datasets can both make, and that say enough for their sizes.

Every party works them out for itself, from the agreement and the question, which the job's digest binds, and from its own code.
`Passes.digest` is part of the job, so a party whose code makes other passes refuses the job before anything is sent.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from typing import Final

from tallystick.core.agreement.model import Agreement
from tallystick.core.canonical import digest_of
from tallystick.core.errors import TallyError
from tallystick.core.job.link import link_asked
from tallystick.core.job.model import Question, parse_join
from tallystick.core.linkage.passes.ladders import passes_for, similarity_of
from tallystick.core.linkage.passes.passes import build_ladder
from tallystick.core.linkage.passes.recipes import Recipe
from tallystick.core.linkage.passes.rounds import Rounds
from tallystick.core.linkage.passes.similarity import SimilarityPlan, plan_of
from tallystick.core.linkage.passes.spellings import expand_ladder
from tallystick.crypto.passes import Ladder

VERSION: Final = "linkage v4"
"""Changes with normalisation, recipes, tokens, bands or matching: whenever the same records would give other tokens or links."""

FEWEST: Final = 2
"""People for whom a similarity pass can be planned."""


@dataclass(frozen=True)
class Passes:
    """The linkage passes of a question.

    Attributes:
        exact: recipes, strict to loose; where a dataset has aliases, each with every pair of spellings (`linkage/passes/spellings.py`).
        similarity: the plan of the similarity pass that comes last; None without one.
        unusable: (name, reason) of what is asked for and does not serve these two datasets; reasons call them by their names.
    """

    exact: tuple[Recipe, ...]
    similarity: SimilarityPlan | None
    unusable: tuple[tuple[str, str], ...]

    @property
    def bands(self) -> int:
        """How many of `names` are bands of the similarity pass."""
        return 0 if self.similarity is None else self.similarity.bands

    @property
    def least(self) -> int:
        """The fewest bands by which two rows may be linked, so a decoy of the similarity pass; 0 without one."""
        return 0 if self.similarity is None else self.similarity.least

    def rounds(self, decoys: int) -> Rounds | None:
        """Give when the similarity pass links two rows, with so many decoys a pass; None without one."""
        return None if self.similarity is None else self.similarity.rounds(decoys)

    @cached_property
    def ladder(self) -> Ladder:
        """The passes as the protocol's machines take them."""
        return build_ladder(self.exact, self.similarity)

    @property
    def names(self) -> tuple[str, ...]:
        """What a list has a token column for, in order: exact passes, then bands."""
        return self.ladder.names

    @property
    def told(self) -> tuple[str, ...]:
        """The passes as people count them: the bands are one."""
        return self.ladder.decoys

    @cached_property
    def digest(self) -> str:
        """What decides the tokens, as 64 hexadecimal digits: the code's version, the names, and the plan but for its estimates."""
        plan = {} if self.similarity is None else asdict(self.similarity)
        chosen = {name: value for name, value in plan.items() if not isinstance(value, float)}
        return digest_of({"version": VERSION, "names": list(self.names), "similarity": _plain(chosen)})


def passes_of(question: Question, agreement: Agreement) -> Passes:
    """Give the linkage passes that serve a question.

    A similarity pass that is asked for and cannot be made stands among the unusable, as a recipe does.

    Raises:
        Invalid: `job-invalid`, `link-invalid`, `link-impossible`: no exact recipe is left.
        Refused: `job-not-allowed`, `link-weak`.
    """
    join = parse_join(question)
    names = [question.people[group].dataset for group in (join.left, join.right)]
    left, right = (agreement.dataset_of(name) for name in names)
    return _passes(
        link_asked(question, agreement),
        left.identifiers,
        right.identifiers,
        (names[0], names[1]),
        (left.people, right.people),
        (left.aliases, right.aliases),
    )


@lru_cache(maxsize=64)
def _passes(
    link: tuple[str, ...],
    left: tuple[str, ...],
    right: tuple[str, ...],
    names: tuple[str, str],
    people: tuple[int, int],
    aliases: tuple[int, int],
) -> Passes:
    exact, lacking = passes_for(link, None, left, right, names=names, people=people)
    unusable = [(recipe.name, reason) for recipe, reason in lacking]
    plan, word = None, similarity_of(link)
    if word is not None:
        try:
            plan = plan_of(left, right, max(*people, FEWEST), word)
        except TallyError as error:
            unusable.append((word, error.message))
    return Passes(tuple(expand_ladder(exact, *aliases)), plan, tuple(unusable))


def _plain(value: object) -> object:
    """Give tuples as lists, as JSON has them."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
