"""A rehearsal of linkage in the clear: a job's own normalisation, tokens and matching on two lists of one machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property

import numpy as np

from tallystick.core.errors import TallyError
from tallystick.core.linkage.matching.matching import match_tags
from tallystick.core.linkage.passes.bands import band_columns
from tallystick.core.linkage.passes.choice import ListSide, similar_fields
from tallystick.core.linkage.passes.ladders import similarity_of
from tallystick.core.linkage.passes.linking import link_passes
from tallystick.core.linkage.passes.passes import SIMILARITY
from tallystick.core.linkage.passes.recipes import Recipe
from tallystick.core.linkage.passes.similarity import SimilarityPlan, plan_of
from tallystick.core.linkage.passes.spellings import build_spelled_columns
from tallystick.core.linkage.quality.estimates import Estimate, Lookalikes, precision, recall, recall_of_all, recapturing
from tallystick.core.linkage.quality.facts import count_by_pass
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
        made: the exact passes that were made, in this order.
        own: of each list, the people who have what each exact pass takes, and its look-alikes there.
        shares: of each exact pass, the share of pairs that its guards leave.
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
    made: tuple[int, ...] = ()
    own: tuple[tuple[list[int], Lookalikes], ...] = field(repr=False, default=())
    shares: tuple[float, ...] = ()

    @cached_property
    def others(self) -> tuple[int, ...]:
        """Which passes are of other spellings."""
        return tuple(step for step, recipe in enumerate(self.recipes) if recipe.spelling != FIRST)

    def estimates(self) -> tuple[Estimate, Estimate | None]:
        """Estimate precision and recall of the exact passes without the truth; recall is None where nothing tells what was missed.

        As in a job (`core/linkage/quality/report.py`), recall is told from passes of first spellings.
        """
        (one_has, one), (other_has, other) = self.own
        linked = [np.full(people, len(self.passes), dtype=np.int64) for people in self.people]
        order = {step: place for place, step in enumerate(self.made)}
        for where, rows in zip(linked, (self.a, self.b), strict=True):
            where[rows] = [order.get(step, len(self.passes)) for step in self.at.tolist()]
        free = []
        for step in range(len(self.recipes)):
            place = order.get(step, -1)
            left = [int((tags.usable[step] & (at > place)).sum()) for tags, at in zip(self.tags, linked, strict=True)]
            free.append((left[0], left[1]))
        links = [made.links for made in self.passes[: len(self.recipes)]]
        found, _ = precision(links, free, (one, other), list(zip(one_has, other_has, strict=True)), self.shares)
        chosen = recapturing(self.recipes, links, self.made)
        patterns = self.patterns[chosen]
        patterns = patterns[:, patterns.any(axis=0)]
        seen = recall(patterns, [self.recipes[step] for step in chosen], [0.0] * len(chosen)) if chosen else None
        return found, recall_of_all(seen, patterns.shape[1], sum(links))

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
    sides = tuple(ListSide(one.name, tuple(one.identifiers), one.expected, one.facts) for one in lists)
    found = link_passes(link, (sides[0], sides[1]), (first.most, second.most))
    unusable, exact_passes = found.unusable, found.recipes
    kind = similarity_of(link) if plan is None else None
    left_out = [(recipe.name, reason) for recipe, reason in unusable]
    if kind is not None:
        try:
            one_has, other_has, bits = similar_fields((sides[0], sides[1]))
            plan = plan_of(one_has, other_has, max(size), kind, bits)
        except TallyError as fault:
            left_out.append((kind, fault.message))
    secret, hasher = randomness.take(32), Hasher(randomness)
    made = []
    for side, people in enumerate(lists):
        columns = build_spelled_columns(exact_passes, side, people.identifiers, people.count, people.spellings, randomness)
        if plan is not None:
            columns |= band_columns(plan, people.identifiers, people.count, secret)
        made.append(clear_tags(columns, hasher, side))
    one, two = made
    budget = found.budget((first.count, second.count), 0, len(exact_passes) + (plan is not None))
    result = match_tags([one.tags, two.tags], None if plan is None else plan.rounds(0), budget)
    a, b = result.pairs(0, 1)
    exact = len(exact_passes)
    patterns = coincide(one.part(0, exact), two.part(0, exact), a, b)
    # in a list nobody shares a tag, so two free rows that coincide are linked there and then
    at = np.full(len(a), exact, dtype=np.int64)
    for step in reversed(result.made):
        at[patterns[step]] = step
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
        made=result.made,
        own=tuple(
            count_by_pass([recipe.of_side(side) for recipe in exact_passes], one.identifiers, one.count)
            for side, one in enumerate(lists)
        ),
        shares=tuple(1.0 if odds is None else odds.guards for odds in found.odds),
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
