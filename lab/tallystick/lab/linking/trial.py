"""A rehearsal of linkage in the clear: a job's own normalisation, tokens and matching on two lists of one machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property

import numpy as np

from tallystick.core.errors import TallyError
from tallystick.core.linkage.matching.matching import match_tags
from tallystick.core.linkage.passes.bands import band_columns
from tallystick.core.linkage.passes.ladders import passes_for, similarity_of
from tallystick.core.linkage.passes.passes import SIMILARITY
from tallystick.core.linkage.passes.recipes import Recipe
from tallystick.core.linkage.passes.similarity import SimilarityPlan, plan_of
from tallystick.core.linkage.passes.spellings import build_spelled_columns, expand_ladder
from tallystick.core.linkage.quality.estimates import Estimate, lookalikes, precision, recall
from tallystick.crypto.passes import FIRST
from tallystick.crypto.randomness import Randomness
from tallystick.lab.linking.clear import ClearTags, Hasher, clear_tags, coincide
from tallystick.lab.linking.people import ListPeople
from tallystick.lab.linking.score import Score, scores
from tallystick.lab.linking.truth import Bools, Int64s, Kept, Truth

"""Name of the similarity pass."""


@dataclass(frozen=True)
class TrialPass:
    """What one pass did.

    Attributes:
        recipe: its name; of other spellings, RECIPE@I.J.
        tokens: per list, people with a token of their own at this pass.
        shared: per list, people whose token others of the list have too: ambiguous, so it links nobody.
        links: links made.
        ties: refused by the matching rules.
        agree: true people whose tokens agree at this pass, whichever linked them; None without truth, as `score`.
        score: this pass's links; `missed` are the true people whom neither it nor a stricter pass found.
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
        recipes: of the exact ones, each with every pair of spellings.
        unusable: recipes that the two lists cannot make, with the reason.
        a, b: the rows that were linked.
        at: the pass of each link.
        patterns: (recipes, links): at which exact passes the two rows' tags coincide.
        tags: per list, of the exact passes.
        plan: of the similarity pass; None without one.
        fewest: bands that its last round asked for; 0 without one.
        true: which links are true; None without truth.
        score: all links; None without truth.
        kept: per list, how its people compare with the truth; None without truth.
    """

    people: tuple[int, int]
    passes: tuple[TrialPass, ...]
    recipes: tuple[Recipe, ...]
    unusable: tuple[tuple[str, str], ...]
    a: Int64s = field(repr=False)
    b: Int64s = field(repr=False)
    at: Int64s = field(repr=False)
    patterns: Bools = field(repr=False)
    tags: tuple[ClearTags, ClearTags] = field(repr=False)
    plan: SimilarityPlan | None = None
    fewest: int = 0
    true: Bools | None = field(repr=False, default=None)
    score: Score | None = None
    kept: tuple[Kept, Kept] | None = None

    @cached_property
    def others(self) -> tuple[int, ...]:
        """Which passes are of other spellings."""
        return tuple(step for step, recipe in enumerate(self.recipes) if recipe.spelling != FIRST)

    def estimates(self) -> tuple[Estimate, Estimate | None]:
        """Estimate precision and recall of the exact passes without the truth; recall is None where nothing tells what was missed.

        As in a job (`core/linkage/quality/report.py`), recall is told from passes of first spellings.
        """
        one, other = (lookalikes(tags.groups, self.recipes) for tags in self.tags)
        tokens, free = [], []
        linked = [np.full(people, len(self.passes), dtype=np.int64) for people in self.people]
        for where, rows in zip(linked, (self.a, self.b), strict=True):
            where[rows] = self.at
        exact = self.passes[: len(self.recipes)]
        for step, made in enumerate(exact):
            tokens.append((made.tokens[0] + made.shared[0], made.tokens[1] + made.shared[1]))
            left = [int((tags.usable[step] & (at > step)).sum()) for tags, at in zip(self.tags, linked, strict=True)]
            free.append((left[0], left[1]))
        found, wrong = precision([made.links for made in exact], free, (one, other), tokens)
        first = [step for step in range(len(exact)) if step not in self.others]
        patterns = self.patterns[first]
        recipes, doubtful = [self.recipes[step] for step in first], [wrong[step] for step in first]
        return found, recall(patterns[:, patterns.any(axis=0)], recipes, doubtful)

    def json_value(self) -> dict[str, object]:
        """Give the counts for programs; no row and no key."""
        found, seen = self.estimates()
        return {
            "estimated": {"precision": found.json_value(), "recall": None if seen is None else seen.json_value()},
            "people": list(self.people),
            "passes": [one.json_value() for one in self.passes],
            "similarity": None if self.plan is None else asdict(self.plan) | {"fewest": self.fewest},
            "unusable": [{"recipe": name, "reason": reason} for name, reason in self.unusable],
            "links": len(self.a),
            "links_by_other_spellings": sum(self.passes[step].links for step in self.others),
            "kept": None if self.kept is None else [one.json_value() for one in self.kept],
            "score": None if self.score is None else self.score.json_value(),
        }


def run_trial(
    first: ListPeople,
    second: ListPeople,
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
        link: recipes, ladders and a word on what the lists hold, as in an agreement; no recipe or ladder: `default`.
        randomness: for the keys of the similarity pass and of the clear tags. Bands are drawn anew with each key, so what such a
            pass links differs by a few from one rehearsal, or job, to the next.
        truth: which people are the same, where that is known.
        plan: of the similarity pass, in place of the one that `link` asks for.

    Raises:
        Invalid: `link-invalid`, `link-impossible`. Refused: `link-weak`.
    """
    lists = (first, second)
    size = (first.expected, second.expected)
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
    exact_passes = expand_ladder(recipes, first.most, second.most)
    secret, hasher = randomness.take(32), Hasher(randomness)
    made = []
    for side, people in enumerate(lists):
        columns = build_spelled_columns(exact_passes, side, people.identifiers, people.count, people.spellings, randomness)
        if plan is not None:
            columns |= band_columns(plan, people.identifiers, people.count, secret)
        made.append(clear_tags(columns, hasher, side))
    one, two = made
    result = match_tags([one.tags, two.tags], None if plan is None else plan.rounds(0))
    a, b = result.pairs(0, 1)
    exact = len(exact_passes)
    patterns = coincide(one.part(0, exact), two.part(0, exact), a, b)
    # in a list nobody shares a tag, so two free rows that coincide are linked there and then
    at = np.where(patterns.any(axis=0), np.argmax(patterns, axis=0), exact)
    passes = [
        TrialPass(
            recipe.name,
            (int(one.usable[step].sum()), int(two.usable[step].sum())),
            (int(one.shared[step].sum()), int(two.shared[step].sum())),
            result.links[step],
            result.ties[step],
        )
        for step, recipe in enumerate(exact_passes)
    ]
    if plan is not None:
        tokens = [int(tags.usable[exact:].any(axis=0).sum()) for tags in made]
        shared = [int((tags.shared[exact:].any(axis=0) & ~tags.usable[exact:].any(axis=0)).sum()) for tags in made]
        passes.append(
            TrialPass(SIMILARITY, (tokens[0], tokens[1]), (shared[0], shared[1]), result.links[exact], result.ties[exact])
        )
    trial = Trial(
        (first.count, second.count),
        tuple(passes),
        tuple(exact_passes),
        tuple(left_out),
        a,
        b,
        at,
        patterns,
        (one.part(0, exact), two.part(0, exact)),
        plan,
        result.fewest,
    )
    return trial if truth is None else _judge(trial, truth, coincide(one, two, truth.a, truth.b))


def _judge(trial: Trial, truth: Truth, together: Bools) -> Trial:
    """Return a rehearsal with what it and its passes found, missed and got wrong.

    Args:
        trial: without that.
        truth: who is the same.
        together: (passes and bands, true pairs): where their tags coincide.
    """
    true = truth.true_of(trial.a, trial.b, trial.people[1])
    by_pass, total = scores(truth, true, trial.at, len(trial.passes))
    passes = []
    for step, (one, score) in enumerate(zip(trial.passes, by_pass, strict=True)):
        alike = together[step]
        if trial.plan is not None and step == len(trial.recipes):
            alike = together[step:].sum(axis=0) >= trial.fewest
        passes.append(replace(one, agree=len(np.unique(truth.numbers[alike])), score=score))
    return replace(trial, passes=tuple(passes), true=true >= 0, score=total, kept=truth.kept)
