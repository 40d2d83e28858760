"""The linkage report of a result, under its job's disclosure rules: tokens and matches by pass, match rates, estimated quality.

What `small_cells.py` hides of the totals stays hidden, and nothing here may say it:

- **Tokens by pass** count people of one agency. A number is hidden where it is small, or differs by a small number from a larger one
  that is shown of the same list: whoever has an SSN and a birth date has an SSN, so a difference may be few people. A combination of
  three numbers or more is not tested.
- **Matches by pass** are the coordinator's counts less the decoys that are expected, so blurred. One is hidden where its interval
  of 95 % reaches below `min_cell`; where decoys are so few that they blur less than a small count, one that is hidden hides all.
  None is shown where the matches in all are hidden. Where all are shown, they and the matches in all, which are exact, say how many
  decoys matched in all: each pass is then blurred less than its interval says, and a pass that stands alone is not.
- **Identifiers**: people of a list whose value was not read, or stands for nothing, rounded down to a multiple of `min_cell`. So a small
  number reads 0, and no difference, to another number or to an earlier result, can be told to be small: each stands for more numbers
  than a small one can be. Where those whom neither counts, among the people without a token that takes the identifier, could be few or
  none, the larger of the two is rounded down further. Nothing is told of a list whose size is hidden.
- **Match rates** are matches over people, with Wilson's interval; by group as `match_rates.py` allows.
- **Quality** is of two lists, in thousandths. Precision rests on pairs of look-alikes; where they are few, as many as a small number
  can be are taken in their place, and the lower end alone is told.

`alike` and `doubtful` pairs are not shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import ceil, floor
from typing import Any, ClassVar, Final, cast

from tallystick.core.disclosure.closed import ClosedCells
from tallystick.core.disclosure.identifiers import round_identifiers
from tallystick.core.disclosure.rule import Context, DisclosureProfile, Draft
from tallystick.core.disclosure.rules.match_rates import find_shown_groups
from tallystick.core.job.population import PAIR
from tallystick.core.linkage.quality.estimates import FEWEST, Estimate, Lookalikes, precision
from tallystick.core.linkage.quality.intervals import Z, wilson
from tallystick.core.linkage.quality.report import THOUSAND, LinkageCounts, spread
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.table import PAIR as PAIR_OF
from tallystick.core.statistics.table import Linkage, Row, group_counts, list_counts, list_lost_counts

METHODS: Final = {
    "matches by pass": "the coordinator's counts less a quarter of the decoys of a pass; two standard deviations either way",
    "identifiers": "people of a list whose value was not read, or denied; multiples of the smallest cell shown, rounded down",
    "rates": "matches over people; Wilson's interval of 95 %",
    "precision": "look-alikes within each list (after Blakely and Salmond 2002); exact passes",
    "recall": "passes that recapture each other (Fellegi and Sunter 1969, Sanathanan 1972); exact passes",
}

Numbers = dict[str, "int | None"]


@dataclass(frozen=True)
class LinkageReport:
    """The rule."""

    order: ClassVar[int] = 50

    def apply(self, draft: Draft, context: Context) -> Draft:
        """Add to the totals what the linkage report may show beside the table; comes after the rules that hide rows and totals."""
        if context.hidden is not None:
            closed = ClosedCells(context.plan, context.hidden)
            return replace(draft, linkage=build_closed_report(closed, draft.linkage, context))
        report = linkage_report(
            context.plan,
            context.opened,
            (context.rows, draft.rows),
            dict(draft.linkage),
            context.seen,
            decoys=context.decoys,
            exact=context.exact,
            profile=context.profile,
        )
        return replace(draft, linkage=report)


RULE: Final = LinkageReport()


def linkage_report(
    plan: Plan,
    opened: Sequence[int],
    table: tuple[Sequence[Row], Sequence[Row]],
    totals: Linkage,
    seen: LinkageCounts,
    *,
    decoys: int,
    exact: int,
    profile: DisclosureProfile,
) -> dict[str, Any]:
    """Give what a result carries under `linkage`.

    Args:
        plan: with groups and passes.
        opened: the opened cells.
        table: the rows before any rule, and after `suppress`.
        totals: people, usable tokens and matches after `suppress`.
        seen: the coordinator's part.
        decoys: m.
        exact: how many of the passes are recipes; a similarity pass comes after them.
        profile: the rules.
    """
    people, matched = cast("Numbers", totals["people"]), cast("int | None", totals["matched"])
    usable, lists = cast("Numbers", totals["usable"]), len(plan.lists)
    tokens = {
        called: _tokens(counts, people.get(called), usable.get(called), profile)
        for called, counts in list_counts(plan, opened, "tokens").items()
    }
    links = _links(seen, decoys, lists, matched is not None, profile) or [None] * len(plan.passes)
    pair = plan.population.shape != "other" or matched is not None
    return {
        **totals,
        "passes": [
            {"pass": name, "tokens": {called: tokens[called][step] for called in tokens}, "matches": links[step]}
            for step, name in enumerate(plan.passes)
        ],
        "identifiers": round_identifiers(plan, list_lost_counts(plan, opened), people, tokens, profile),
        "blur": {"decoys": decoys, "standard_deviation": round(spread(decoys, lists), 1)},
        "rates": {
            "overall": {group: _rate(matched, people[group]) for group in people} if pair else {},
            **_rate_pairs(totals),
            "by": list(plan.group_by),
            "groups": _groups(plan, opened, table, totals, profile),
        },
        "quality": _quality(plan, opened, people, matched, seen, decoys, exact, profile),
        "methods": dict(METHODS),
    }


def build_closed_report(closed: ClosedCells, totals: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Give what a result of a job with a gate carries under `linkage`: of tokens and look-alikes nothing opened, so precision is not estimated.

    Args:
        closed: what did not open.
        totals: of the report, null where withheld.
        context: of the candidate.
    """
    plan, decoys, lists = context.plan, context.decoys, len(context.plan.lists)
    matched, people = totals["matched"], totals["people"]
    pairs = totals.get("pairs")
    known = matched is not None if pairs is None else bool(pairs) and None not in pairs.values()
    links = _links(context.seen, decoys, lists, known, context.profile) or [None] * len(plan.passes)
    groups = []
    for index, group in enumerate(group_counts(plan, context.opened)):
        shown = closed.group_opened(index)
        if shown and group.people == 0 and None in group.levels:
            continue  # as in the table: nobody's level is missing
        numbers: dict[str, Any] = {"people": None, "matched": None, "rate": None}
        if shown:
            numbers = {"people": group.people, "matched": group.matched, "rate": _rate(group.matched, group.people)}
        groups.append({**dict(zip(plan.group_by, group.levels, strict=True)), **numbers})
    nothing = dict.fromkeys(called for called, _ in plan.lists)
    estimated = matched is not None and matched >= FEWEST and None not in people.values() and context.seen.recall is not None
    return {
        **totals,
        "passes": [{"pass": name, "tokens": dict(nothing), "matches": links[step]} for step, name in enumerate(plan.passes)],
        "identifiers": round_identifiers(plan, {}, people, {}, context.profile),
        "blur": {"decoys": decoys, "standard_deviation": round(spread(decoys, lists), 1)},
        "rates": {
            "overall": {group: _rate(matched, people[group]) for group in people} if pairs is None else {},
            **_rate_pairs(totals),
            "by": list(plan.group_by),
            "groups": groups,
        },
        "quality": {
            "precision": None,
            "recall": context.seen.recall.json_value() if estimated and context.seen.recall is not None else None,
        },
        "methods": dict(METHODS),
    }


def _rate_pairs(totals: Mapping[str, Any]) -> dict[str, Any]:
    """Give, of more than two groups, what share of either is in the other, by pair."""
    if "pairs" not in totals:
        return {}
    people = totals["people"]
    return {
        "pairs": {
            pair: {group: _rate(number, people[group]) for group in pair.split(PAIR_OF)}
            for pair, number in totals["pairs"].items()
        }
    }


def _tokens(counts: Sequence[int], people: int | None, usable: int | None, profile: DisclosureProfile) -> list[int | None]:
    """Hide what is small or lies a small number below what is shown; nothing is shown of a list whose size is hidden, or not told."""
    if not profile.hides:
        return list(counts)
    if people is None:
        return [None] * len(counts)
    shown: list[int | None] = [None] * len(counts)
    known = {people} if usable is None else {people, usable}
    for step in sorted(range(len(counts)), key=lambda at: -counts[at]):
        if not profile.is_small(counts[step]) and not any(profile.is_small(abs(one - counts[step])) for one in known):
            shown[step] = counts[step]
            known.add(counts[step])
    return shown


def _links(seen: LinkageCounts, decoys: int, lists: int, known: bool, profile: DisclosureProfile) -> list[int | None]:
    """Give the people whom each pass linked; of more than two lists, its links of two rows. Nothing where the coordinator told nothing."""
    people = seen.people(decoys, lists)
    if not profile.hides:
        return [round(count) for count in people]
    if not known:
        return [None] * len(seen.links)
    reach = Z * spread(decoys, lists)
    shown = [round(count) if count - reach >= profile.min_cell or (not decoys and count == 0) else None for count in people]
    if not decoys and profile.zeros_disclosive:
        shown = [None if count == 0 else count for count in shown]
    return [None] * len(shown) if None in shown and reach < profile.min_cell else shown


def _rate(matched: int | None, people: int | None) -> dict[str, float] | None:
    if matched is None or not people:
        return None
    low, high = wilson(matched, people)
    return {"value": round(matched / people, 4), "low": round(low, 4), "high": round(high, 4)}


def _groups(
    plan: Plan, opened: Sequence[int], table: tuple[Sequence[Row], Sequence[Row]], totals: Linkage, profile: DisclosureProfile
) -> list[dict[str, Any]]:
    groups = group_counts(plan, opened)
    rows, out = table
    shown = find_shown_groups(groups, rows, out, totals, profile, plan)
    told: list[dict[str, Any]] = []
    for index, group in enumerate(groups):
        if index in shown and group.people == 0 and None in group.levels:
            continue  # as in the table: nobody's level is missing
        numbers: dict[str, Any] = {"people": None, "matched": None, "rate": None}
        if index in shown:
            numbers = {"people": group.people, "matched": group.matched, "rate": _rate(group.matched, group.people)}
        told.append({**dict(zip(plan.group_by, group.levels, strict=True)), **numbers})
    return told


def _quality(
    plan: Plan,
    opened: Sequence[int],
    people: Numbers,
    matched: int | None,
    seen: LinkageCounts,
    decoys: int,
    exact: int,
    profile: DisclosureProfile,
) -> dict[str, Any]:
    """Estimate precision from the lists' own look-alikes, and hand on the coordinator's recall, where the totals may be shown."""
    sides = [people.get(called) for called, _ in plan.lists]
    first, second = sides if len(sides) == PAIR else (None, None)
    if matched is None or first is None or second is None or matched < FEWEST or not seen.links:
        return {"precision": None, "recall": None}
    return {
        "precision": _precision(plan, opened, (first, second), seen.people(decoys)[:exact], profile),
        "recall": None if seen.recall is None else seen.recall.json_value(),
    }


def _precision(
    plan: Plan, opened: Sequence[int], people: tuple[int, int], links: Sequence[float], profile: DisclosureProfile
) -> dict[str, float | None] | None:
    """Estimate precision of the exact passes; who has a token is taken to be linked as often as anybody."""
    if sum(links) < FEWEST or not links:
        return None
    count = len(links)
    tokens, alike, doubtful = (list_counts(plan, opened, what) for what in ("tokens", "alike", "doubtful"))
    sides = [called for called, _ in plan.lists]
    held = [(tokens[sides[0]][step], tokens[sides[1]][step]) for step in range(count)]
    free = []
    for (a, b), done in zip(held, accumulate(links), strict=True):
        free.append((round(a * max(0.0, 1 - done / people[0])), round(b * max(0.0, 1 - done / people[1]))))
    pairs = tuple(Lookalikes(alike[side][:count], doubtful[side][:count]) for side in sides)
    few = profile.is_small(sum(sum(one.certain) + sum(one.doubtful) for one in pairs))
    if few:
        pairs = (_most_weight(held, free, profile.min_cell - 1), Lookalikes((0,) * count, (0,) * count))
    estimate, _ = precision([round(made) for made in links], free, (pairs[0], pairs[1]), held)
    return _round_estimate(estimate) | ({"value": None, "high": 1.0} if few else {})


def _most_weight(held: Sequence[tuple[int, int]], free: Sequence[tuple[int, int]], pairs: int) -> Lookalikes:
    """Give so many pairs at the pass where each makes most accidental links expected."""
    weights = [x * y / max(1, a * (a - 1) // 2 + b * (b - 1) // 2) for (a, b), (x, y) in zip(held, free, strict=True)]
    at = max(range(len(weights)), key=weights.__getitem__)
    return Lookalikes((0,) * len(weights), tuple(pairs if step == at else 0 for step in range(len(weights))))


def _round_estimate(estimate: Estimate) -> dict[str, float | None]:
    """Give whole thousandths, the interval outward."""
    return {
        "value": round(estimate.value * THOUSAND) / THOUSAND,
        "low": floor(estimate.low * THOUSAND) / THOUSAND,
        "high": min(THOUSAND, ceil(estimate.high * THOUSAND)) / THOUSAND,
    }
