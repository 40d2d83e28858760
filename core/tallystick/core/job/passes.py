"""Which linkage passes a question really uses: those that two of its lists can both make, and that say enough for their sizes.

A list is an agency's: of all people of its groups in the job. One list alone is linked with nothing and has no pass. Of more than two
a recipe is used if some two of them can make it, and if it says enough for every two that can; other spellings are not used.

Every party works them out for itself, from the agreement and the question, which the job's digest binds, and from its own code.
`Passes.digest` is part of the job, so a party whose code makes other passes refuses the job before anything is sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from typing import Final

from tallystick.core.agreement.model import Agreement, Dataset
from tallystick.core.canonical import digest_of
from tallystick.core.errors import Invalid, TallyError
from tallystick.core.job.link import find_link
from tallystick.core.job.model import Question
from tallystick.core.job.population import population_of
from tallystick.core.linkage.passes.budget import Budget
from tallystick.core.linkage.passes.choice import ListSide, similar_fields
from tallystick.core.linkage.passes.facts import ListFacts
from tallystick.core.linkage.passes.ladders import lacks_of, passes_for, recipes_of, similarity_of
from tallystick.core.linkage.passes.linking import ExactPasses, link_passes
from tallystick.core.linkage.passes.passes import build_ladder
from tallystick.core.linkage.passes.recipes import Recipe
from tallystick.core.linkage.passes.rounds import Rounds
from tallystick.core.linkage.passes.similarity import SimilarityPlan, plan_of
from tallystick.core.linkage.passes.spellings import expand_ladder
from tallystick.crypto.passes import Ladder

VERSION: Final = "linkage v7"
"""Changes with normalisation, recipes, tokens, bands or matching: whenever the same records would give other tokens or links."""

FEWEST: Final = 2
"""Lists that can be linked, and people for whom a similarity pass can be planned."""


@dataclass(frozen=True)
class Passes:
    """The linkage passes of a question.

    Attributes:
        exact: recipes, strict to loose; where a dataset has aliases, each with every pair of spellings (`linkage/passes/spellings.py`).
        similarity: the plan of the similarity pass that comes last; None without one.
        unusable: (name, reason) of what is asked for and does not serve these two datasets; reasons call them by their names.
        found: the exact passes with what they make by accident; None for more than two lists, whose passes are all made.
        people: the most that each of two lists holds.
        facts: what each of two lists says of itself; None: nothing.
        holds: the agreement's word on what the lists do not hold; "" for none.
    """

    exact: tuple[Recipe, ...]
    similarity: SimilarityPlan | None
    unusable: tuple[tuple[str, str], ...]
    found: ExactPasses | None = None
    people: tuple[int, ...] = ()
    facts: tuple[ListFacts | None, ...] = ()
    holds: str = ""

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

    def budget(self, decoys: int) -> Budget | None:
        """Give which exact passes are made, with so many decoys a pass; None where all are."""
        return None if self.found is None else self.found.budget(self.people, decoys, len(self.told))

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
        """What decides tokens and links, as 64 hexadecimal digits: the code's version, the names, the ladder, the plan but for estimates."""
        plan = {} if self.similarity is None else asdict(self.similarity)
        chosen = {name: value for name, value in plan.items() if not isinstance(value, float)}
        allowed = None if self.found is None else self.found.bound
        bound = None if allowed is None or self.found is None else [str(allowed.share), str(allowed.margin), self.found.again]
        return digest_of({"version": VERSION, "names": list(self.names), "similarity": _plain(chosen), "bound": bound})


def passes_of(question: Question, agreement: Agreement) -> Passes:
    """Give the linkage passes that serve a question.

    A similarity pass that is asked for and cannot be made stands among the unusable, as a recipe does.

    Raises:
        Invalid: `job-invalid`, `link-invalid`, `link-impossible`: no exact recipe is left.
        Refused: `job-not-allowed`, `link-weak`.
    """
    lists = tuple(list_declared(question, agreement).values())
    link = find_link(question, agreement)
    if len(lists) < FEWEST:
        return Passes((), None, ())
    return _passes_of_two(link, lists[0], lists[1]) if len(lists) == FEWEST else _passes_of_more(link, lists)


@dataclass(frozen=True)
class DeclaredList:
    """What the agreement declares of one agency's list.

    Attributes:
        name: what reasons call it.
        identifiers: that linkage may use.
        people: no more than so many are in it.
        aliases: other spellings of their identifiers.
        facts: what the dataset says of itself; None: nothing, or the list is of several datasets.
    """

    name: str
    identifiers: tuple[str, ...]
    people: int
    aliases: int
    facts: ListFacts | None = None

    @property
    def side(self) -> ListSide:
        """What recipes are chosen by."""
        return ListSide(self.name, self.identifiers, self.people, self.facts)


def _facts_of(datasets: Sequence[Dataset]) -> ListFacts | None:
    told = datasets[0].linkage if len(datasets) == 1 else None
    return None if told is None else told.facts()


def list_declared(question: Question, agreement: Agreement) -> Mapping[str, DeclaredList]:
    """Give each agency's list, in the order in which the formula first names a group of it, then of the agencies' names.

    Raises:
        Invalid: `job-invalid`.
    """
    population = population_of(question)
    order = dict.fromkeys([*(population.agency_of[group] for group in population.keep.named), *population.agencies])
    lists = {}
    for agency in order:
        groups = [group for group in population.groups if population.agency_of[group] == agency]
        names = list(dict.fromkeys(question.people[group].dataset for group in groups))
        datasets = [agreement.dataset_of(name) for name in names]
        identifiers = dict.fromkeys(one for dataset in datasets for one in dataset.identifiers)
        lists[agency] = DeclaredList(
            " and ".join(names),
            tuple(identifiers),
            sum(dataset.people for dataset in datasets),
            max(dataset.aliases for dataset in datasets),
            _facts_of(datasets),
        )
    return lists


def list_identifiers(question: Question, agreement: Agreement) -> Mapping[str, tuple[str, ...]]:
    """Give the identifiers of each agency's list, for linkage.

    Raises:
        Invalid: `job-invalid`.
    """
    return {agency: one.identifiers for agency, one in list_declared(question, agreement).items()}


@lru_cache(maxsize=64)
def _passes_of_two(link: tuple[str, ...], left: DeclaredList, right: DeclaredList) -> Passes:
    sides = (left.side, right.side)
    found = link_passes(link, sides, (left.aliases, right.aliases))
    unusable = [(recipe.name, reason) for recipe, reason in found.unusable]
    one, other, bits = similar_fields(sides)
    plan = _similarity(link, one, other, (left.people, right.people), unusable, bits)
    return Passes(
        found.recipes, plan, tuple(unusable), found, (left.people, right.people), (left.facts, right.facts), lacks_of(link)
    )


@lru_cache(maxsize=64)
def _passes_of_more(link: tuple[str, ...], lists: tuple[DeclaredList, ...]) -> Passes:
    """Give plain recipes, without guards: a guard is told between two lists, and a pass is of all of them."""
    link = tuple("loose" if entry == "widest" else entry for entry in link)
    usable: dict[Recipe, None] = {}
    reasons: dict[str, list[str]] = {}
    weak: set[Recipe] = set()
    linked: set[str] = set()
    fault: TallyError | None = None
    for one, other in combinations(lists, FEWEST):
        try:
            made, lacking = passes_for(
                link, None, one.identifiers, other.identifiers, names=(one.name, other.name), people=(one.people, other.people)
            )
        except Invalid as error:
            if error.code != "link-impossible":
                raise
            fault = fault or error
            continue
        linked |= {one.name, other.name}
        usable |= dict.fromkeys(made)
        for recipe, reason in lacking:
            reasons.setdefault(recipe.name, []).append(reason)
            if not recipe.lacking(one.identifiers) and not recipe.lacking(other.identifiers):
                weak.add(recipe)
    exact = [recipe for recipe in recipes_of(link, None) if recipe in usable and recipe not in weak]
    if not exact or len(linked) < len(lists):
        raise fault or Invalid("link-impossible", "no linkage pass says enough for all lists", hint="agree on other recipes")
    used = {recipe.name for recipe in exact}
    unusable = [(name, "; ".join(dict.fromkeys(why))) for name, why in reasons.items() if name not in used]
    if any(one.aliases for one in lists):
        unusable.append(("other spellings", "they are not used between more than two lists"))
    shared = tuple(name for name in lists[0].identifiers if all(name in one.identifiers for one in lists))
    plan = _similarity(link, lists[0].identifiers, shared, tuple(one.people for one in lists), unusable)
    return Passes(tuple(expand_ladder(exact, 0, 0)), plan, tuple(unusable))


def _similarity(
    link: tuple[str, ...],
    one: tuple[str, ...],
    other: tuple[str, ...],
    people: tuple[int, ...],
    unusable: list[tuple[str, str]],
    bits: tuple[tuple[str, float], ...] = (),
) -> SimilarityPlan | None:
    """Plan the similarity pass over what all lists have; note where it is asked for and cannot be made."""
    word = similarity_of(link)
    if word is None:
        return None
    try:
        return plan_of(one, other, max(*people, FEWEST), word, bits)
    except TallyError as error:
        unusable.append((word, error.message))
        return None


def _plain(value: object) -> object:
    """Give tuples as lists, as JSON has them."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
