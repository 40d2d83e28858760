"""A rehearsal of linkage in the clear: a job's own normalisation, tokens and matching on two lists of one machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Final

import numpy as np

from tallystick.client.linking.clear import ClearTags, Hasher, clear_tags, coincide
from tallystick.client.linking.people import People
from tallystick.client.linking.truth import Bools, Int64s, Score, Truth
from tallystick.core.errors import TallyError
from tallystick.core.linkage.estimates import Estimate, lookalikes, precision, recall
from tallystick.core.linkage.ladders import passes_for, similarity_of
from tallystick.core.linkage.matching import matched
from tallystick.core.linkage.recipes import Recipe
from tallystick.core.linkage.similarity import SimilarityPlan, band_columns, plan_of
from tallystick.core.linkage.tokens import token_columns
from tallystick.crypto.randomness import Randomness

SIMILAR: Final = "similarity"
"""Name of the similarity pass."""


@dataclass(frozen=True)
class Pass:
    """What one pass did.

    Attributes:
        recipe: its name.
        tokens: per list, people with a token of their own at this pass.
        shared: per list, people whose token others of the list have too: ambiguous, so it links nobody.
        links: links made.
        ties: refused by the matching rules.
        agree: true pairs whose tokens agree at this pass, whoever linked them; None without truth, as `score`.
        score: this pass's links; `missed` are the true pairs that neither it nor a stricter pass found.
    """

    recipe: str
    tokens: tuple[int, int]
    shared: tuple[int, int]
    links: int
    ties: int
    agree: int | None = None
    score: Score | None = None

    def json_value(self) -> dict[str, object]:
        """Give it for programs."""
        return {
            "recipe": self.recipe,
            "tokens": list(self.tokens),
            "shared": list(self.shared),
            "links": self.links,
            "ties": self.ties,
            "agree": self.agree,
            "score": None if self.score is None else self.score.json_value(),
        }


@dataclass(frozen=True)
class Trial:
    """A rehearsal.

    Attributes:
        people: per list.
        passes: strict to loose.
        recipes: theirs.
        unusable: recipes that the two lists cannot make, with the reason.
        a, b: the rows that were linked.
        at: the pass of each link.
        patterns: (recipes, links): at which exact passes the two rows' tags coincide.
        tags: per list, of the exact passes.
        plan: of the similarity pass; None without one.
        true: which links are true; None without truth.
        score: all links; None without truth.
    """

    people: tuple[int, int]
    passes: tuple[Pass, ...]
    recipes: tuple[Recipe, ...]
    unusable: tuple[tuple[str, str], ...]
    a: Int64s = field(repr=False)
    b: Int64s = field(repr=False)
    at: Int64s = field(repr=False)
    patterns: Bools = field(repr=False)
    tags: tuple[ClearTags, ClearTags] = field(repr=False)
    plan: SimilarityPlan | None = None
    true: Bools | None = field(repr=False, default=None)
    score: Score | None = None

    def estimates(self) -> tuple[Estimate, Estimate | None]:
        """Estimate precision and recall of the exact passes without the truth; recall is None where nothing tells what was missed."""
        first, second = (lookalikes(tags.groups, self.recipes) for tags in self.tags)
        tokens, free = [], []
        linked = [np.full(people, len(self.passes), dtype=np.int64) for people in self.people]
        for where, rows in zip(linked, (self.a, self.b), strict=True):
            where[rows] = self.at
        exact = self.passes[: len(self.recipes)]
        for step, one in enumerate(exact):
            tokens.append((one.tokens[0] + one.shared[0], one.tokens[1] + one.shared[1]))
            left = [int((tags.usable[step] & (at > step)).sum()) for tags, at in zip(self.tags, linked, strict=True)]
            free.append((left[0], left[1]))
        found, wrong = precision([one.links for one in exact], free, (first, second), tokens)
        return found, recall(self.patterns[:, self.at < len(exact)], self.recipes, wrong)

    def json_value(self) -> dict[str, object]:
        """Give the counts for programs; no row and no key."""
        found, seen = self.estimates()
        return {
            "estimated": {"precision": found.json_value(), "recall": None if seen is None else seen.json_value()},
            "people": list(self.people),
            "passes": [one.json_value() for one in self.passes],
            "similarity": None if self.plan is None else asdict(self.plan),
            "unusable": [{"recipe": name, "reason": reason} for name, reason in self.unusable],
            "links": len(self.a),
            "score": None if self.score is None else self.score.json_value(),
        }


def rehearsed(
    first: People,
    second: People,
    link: Sequence[str],
    randomness: Randomness,
    truth: Truth | None = None,
    *,
    plan: SimilarityPlan | None = None,
) -> Trial:
    """Link two lists as a job would.

    Args:
        first: one list.
        second: the other.
        link: recipes, ladders and the word for a similarity pass, as in an agreement; no recipe or ladder: `default`.
        randomness: for the keys of the clear tags.
        truth: which people are the same, where that is known.
        plan: of the similarity pass, in place of the one that `link` asks for.

    Raises:
        Invalid: `link-invalid`, `link-impossible`. Refused: `link-weak`.
    """
    lists = (first, second)
    size = (max(2, first.count), max(2, second.count))
    recipes, unusable = passes_for(
        link, None, first.identifiers, second.identifiers, names=(first.name, second.name), people=size
    )
    kind = similarity_of(link) if plan is None else None
    left_out = [(recipe.name, reason) for recipe, reason in unusable]
    if kind is not None:
        try:
            plan = plan_of(first.identifiers, second.identifiers, max(size), kind)
        except TallyError as fault:
            left_out.append((kind, fault.message))
    hasher = Hasher(randomness)
    made = []
    for side, people in enumerate(lists):
        columns = token_columns(recipes, people.identifiers, people.count)
        if plan is not None:
            columns |= band_columns(plan, people.identifiers, people.count)
        made.append(clear_tags(columns, hasher, side))
    one, two = made
    result = matched([one.tags, two.tags], bands=0 if plan is None else plan.bands, need=0 if plan is None else plan.need)
    a, b = result.pairs(0, 1)
    exact = len(recipes)
    patterns = coincide(one.part(0, exact), two.part(0, exact), a, b)
    # in a list nobody shares a tag, so two free rows that coincide are linked there and then
    at = np.where(patterns.any(axis=0), np.argmax(patterns, axis=0), exact)
    passes = [
        Pass(
            recipe.name,
            (int(one.usable[step].sum()), int(two.usable[step].sum())),
            (int(one.shared[step].sum()), int(two.shared[step].sum())),
            result.links[step],
            result.ties[step],
        )
        for step, recipe in enumerate(recipes)
    ]
    if plan is not None:
        tokens = [int(tags.usable[exact:].any(axis=0).sum()) for tags in made]
        shared = [int((tags.shared[exact:].any(axis=0) & ~tags.usable[exact:].any(axis=0)).sum()) for tags in made]
        passes.append(Pass(SIMILAR, (tokens[0], tokens[1]), (shared[0], shared[1]), result.links[exact], result.ties[exact]))
    true = total = None
    if truth is not None:
        true = truth.holds(a, b, second.count)
        passes = _judged(passes, at, true, truth, coincide(one, two, truth.a, truth.b), plan)
        total = Score(int(true.sum()), int((~true).sum()), max(0, truth.people - int(true.sum())))
    return Trial(
        (first.count, second.count),
        tuple(passes),
        tuple(recipes),
        tuple(left_out),
        a,
        b,
        at,
        patterns,
        (one.part(0, exact), two.part(0, exact)),
        plan,
        true,
        total,
    )


def _judged(
    passes: Sequence[Pass], at: Int64s, true: Bools, truth: Truth, together: Bools, plan: SimilarityPlan | None
) -> list[Pass]:
    """Give passes with what they found, missed and got wrong."""
    judged = []
    for step, one in enumerate(passes):
        mine = true[at == step]
        found = int(mine.sum())
        score = Score(found, len(mine) - found, max(0, truth.people - int(true[at <= step].sum())))
        alike = together[step]
        if plan is not None and step == len(passes) - 1:
            alike = together[step:].sum(axis=0) >= plan.need
        judged.append(replace(one, agree=int(alike.sum()), score=score))
    return judged
