"""The leakage statement: who will learn what from this very job, in words, before anybody approves it.

Semi-honest parties; the combinations that say more than their members are named. Figures: a count blurred by decoys is (ε,
δ)-private at ε = 0.5 (`crypto/decoys.py`); a padded size, of people and of all decoys together, is at most 12 % above the true one
(`crypto/padding.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Final

from tallystick.core.agreement.check import COORDINATOR
from tallystick.core.agreement.model import Agreement
from tallystick.core.disclosure.classes import describe_periods
from tallystick.core.disclosure.direct_words import describe_direct_analyst, describe_handing_desk, is_direct
from tallystick.core.disclosure.gated_words import describe_gated_desk, write_small
from tallystick.core.disclosure.gating import is_gated
from tallystick.core.disclosure.noise_words import (
    describe_coordinator_and_desk,
    describe_guarantee,
    describe_lists,
    describe_noisy_desk,
    is_noisy,
)
from tallystick.core.disclosure.profiles import describe_further, profile_of
from tallystick.core.disclosure.reported import describe_links, describe_overall
from tallystick.core.job.check import participants
from tallystick.core.job.model import Job, Question
from tallystick.core.job.passes import Passes, passes_of
from tallystick.core.job.population import PAIR, population_of
from tallystick.core.job.units import describe_units
from tallystick.core.statistics.margins import describe_totals
from tallystick.crypto.decoys import privacy_delta, privacy_delta_with_agency
from tallystick.crypto.passes import FIRST

EPSILON: Final = 0.5
_EXACT_UP_TO: Final = 1024
"""δ falls with every decoy; above this many its exact average takes long, and the figure for this many is given as a bound."""


def leakage_statement(job: Job | Question, agreement: Agreement) -> dict[str, list[str]]:
    """Give what each party, and each combination that matters, learns from a job that its agreement allows.

    Args:
        job: the contract, or the question before it is one.
        agreement: the agreement that allows it.

    Returns:
        Sentences by party; combinations are named `coordinator + AGENCY`.

    Raises:
        Invalid: `job-invalid`, `link-invalid`, `link-impossible`; Refused: `job-not-allowed`, `link-weak`: there is no way to
            link its lists.
    """
    question = job.question if isinstance(job, Job) else job
    analyst = job.analyst if isinstance(job, Job) else "analyst"
    data = tuple(sorted({people.agency for people in question.people.values()}))
    desk = agreement.release.desk
    statement: dict[str, list[str]] = {COORDINATOR: _coordinator(question, agreement, data)}
    gated, direct = is_gated(data, agreement), is_direct(question, agreement)
    for agency in participants(question, agreement):
        statement[agency] = _agency(
            agency, data, agreement, opens=agency == desk and not direct, tested=write_small(agreement) if gated else ""
        )
        statement[agency] += _beside_its_own(question, agency)
        if agency == desk and direct:
            statement[agency] += describe_handing_desk()
        elif agency == desk:
            statement[agency] += _desk(question, agreement, brings_data=agency in data)
    statement[analyst] = [*_analyst(question, agreement), *describe_overall(question), *describe_periods(question, agreement)]
    if direct:
        statement[analyst] += describe_direct_analyst(gated=gated)
    for name in () if agreement.review is None else agreement.review.reviewers:
        statement[name] = [*statement.get(name, ()), "as a reviewer: what the analyst gets, before the analyst gets it"]
    facts = _facts(question, agreement)
    if facts:
        statement["every party to the agreement"] = facts
    others = "the other agency" if len(data) == PAIR else "the other agencies"
    for agency in data if len(data) > 1 else ():
        statement[f"{COORDINATOR} + {agency}"] = _coalition(
            agency, agreement, passes_of(question, agreement), others, opens=agency == desk and not direct
        )
    return statement


def _coordinator(question: Question, agreement: Agreement, data: tuple[str, ...]) -> list[str]:
    used, decoys = passes_of(question, agreement), agreement.decoys
    if len(data) == 1:
        return [
            "the text of this job, who approved it, when each party worked, and how many entries each agency's log has, for all its jobs",
            "not: identifiers, values, shares, cells or results; nothing is linked, and no list leaves its agency",
        ]
    lines = [
        "the text of this job, who approved it, when each party worked, and how many entries each agency's log has, for all its jobs",
        describe_lists(_join_names(data), agreement),
        f"which anonymous tags, made for this job alone, coincide; passes, strict to loose: {', '.join(used.told)}",
    ]
    if used.similarity is not None:
        lines.append(
            f"in how many of {used.bands} bands of the similarity pass two anonymous rows coincide, so how much alike they are: rows "
            "that match, at whatever pass, and rows that do not (people who look alike, members of a household); the job secret draws "
            "which bands these are, and how many is about the same in every job over the same records"
        )
    guards = sorted({guard.part.field for recipe in used.exact for guard in recipe.guards if guard.one})
    if guards:
        lines.append(
            f"of rows that coincide, whether exactly one lacks {_join_names(tuple(guards))}, but not which; rows that both have it and differ "
            "coincide at no pass that leaves it out"
        )
    if used.found is not None and used.found.bound is not None:
        lines.append(
            "which passes it left out because their accidental links would not fit the ladder; it tells the agencies, and nobody checks "
            "its counts"
        )
    if used.unusable:
        lines.append(f"no tags of what this job does not use: {'; '.join(f'{name} ({why})' for name, why in used.unusable)}")
    match = "match" if len(data) == PAIR else "of any two lists match"
    lines.append(_blur(decoys, f"how many people {match} at a pass: blurred by {decoys} decoys a pass", _delta_alone))
    if len(data) > PAIR:
        alike = 2 ** len(data)
        subject = f"how many are linked at a pass in just the same ones of these lists: blurred by one in {alike} of them"
        lines.append(_blur(decoys, subject, lambda count: _delta(count, Fraction(1, alike))))
    if used.similarity is not None:
        chance = Fraction(1, 4 * (used.bands - used.least + 1))
        lines.append(
            _blur(
                decoys,
                f"how many are linked by the similarity pass in a given number of bands, {used.least} or more: blurred by fewer of them",
                lambda count: _delta(count, chance),
            )
        )
    lines += _other_spellings(used, decoys)
    if len(used.names) > 1 and decoys:
        lines.append("where else rows that match coincide, or miss: the rarer the pattern, the less blurred (crypto/decoys.py)")
    if len(used.exact) > 1:
        lines.append(
            "at which exact recipes two rows coincide is the same in every job over the same records: rows with a rare pattern can be "
            "followed from job to job"
        )
    return [*lines, "not: identifiers, values, shares, cells or results"]


def _facts(question: Question, agreement: Agreement) -> list[str]:
    """Say what datasets tell of themselves for linkage."""
    lines = []
    for name in dict.fromkeys(people.dataset for people in question.people.values()):
        told = agreement.dataset_of(name).linkage
        if told is not None:
            lines.append(
                f"of {name}, from the agreement and rounded: {told.people:,} people, who has which identifier, and by recipe how many pairs of "
                f"its people share its fields (told of {len(told.alike)} recipes)"
            )
    return lines


def _other_spellings(used: Passes, decoys: int) -> list[str]:
    spellings = {recipe.spelling for recipe in used.exact} - {FIRST}
    lines = (
        ["which anonymous rows match by another spelling of their identifiers, by which, and in whose list"]
        if spellings
        else []
    )
    if any(min(pair) for pair in spellings):
        subject = "how many that match at a pass are called the same two things in both lists: blurred by fewer decoys"
        lines.append(_blur(decoys, subject, lambda count: _delta(count, Fraction(1, 32))))
    return lines


def _agency(agency: str, data: tuple[str, ...], agreement: Agreement, *, opens: bool, tested: str) -> list[str]:
    others = tuple(name for name in data if name != agency)
    learned = ["the text of this job, who approved it, and how many entries the logs of its agencies have, for all their jobs"]
    if agency in data and others:
        learned.append(describe_lists(_join_names(others), agreement))
        learned.append("in which rows of a random table its own people stand, which does not say who matched")
    but = ", but for what the cells say that it opens as the desk" if opens else ""
    if not others:
        return [*learned, "nothing of another agency: no other brings data"]
    if tested and agency in data:
        learned.append(
            f"of the counts and sums of counts that are tested before anything is opened, whether each is small ({tested} for a count), so "
            "what opens; of a count that one of its own people alone can be in, that says whether this person is counted"
        )
        return [
            *learned,
            f"not: which people match, its own included, but for what these answers say; any value of another agency{but}",
        ]
    return [*learned, f"not: which people match, its own included; any value of another agency{but}"]


def _beside_its_own(question: Question, agency: str) -> list[str]:
    """Say what an agency of a stacked group makes of a row that counts its own people and others'."""
    mine = sorted(group for group in question.groups if _is_stacked(question, group, agency))
    return [
        f"from a released row of which it knows how many of its own people are in it: how many of {group} only the others have, "
        "which may be a small number"
        for group in mine
    ]


def _is_stacked(question: Question, group: str, agency: str) -> bool:
    parts = question.parts_of(group)
    return len(parts) > 1 and agency in {question.people[part].agency for part in parts}


def _desk(question: Question, agreement: Agreement, *, brings_data: bool) -> list[str]:
    measures = _join_names(tuple(measure.label for measure in question.measures))
    groups = (f" by {_join_names(question.by)}" if question.by else "") + describe_totals(question.totals)
    population = population_of(question)
    if is_gated(population.agencies, agreement):
        return describe_gated_desk(question, agreement, f"{measures}{groups}", brings_data=brings_data)
    if is_noisy(agreement):
        return describe_noisy_desk(f"{measures}{groups}")
    told = [f"as the desk, before release: every candidate cell of {measures}{groups}, small ones too, and the linkage counts"]
    told[0] += describe_units(question, agreement)
    by_first = "" if population.shape == "other" else f"people and matches by the columns of {population.first}; "
    if len(population.agencies) > 1:
        lost = "of each list how many people have an identifier that was not read, or that stands for nothing"
        told.append(f"as the desk: {by_first}tokens and pairs of look-alikes of each list at each pass; {lost}")
        told.append(
            f"as the desk: the coordinator's links of each pass and its estimate of recall; {_blur_at_the_desk(question, agreement)}"
        )
    if len(population.groups) > PAIR:
        told.append(
            "as the desk: how many people each two groups both have, and by how many groups have them where that is counted"
        )
    if brings_data and len(population.agencies) > 1:
        others = "the other agency's value" if len(population.agencies) == PAIR else "the other agencies' values"
        told.append(
            f"as the desk, with data of its own: a cell of one person it knows says whether that person matched, and {others}; other "
            "small cells say nearly as much (this version opens every cell)"
        )
    return [*told, "as the desk: it hides the small cells before anything is released"]


def _blur_at_the_desk(question: Question, agreement: Agreement) -> str:
    """Say what decoys hide from a desk, which opens the matches in all exactly."""
    if agreement.decoys == 0:
        return "exactly, since the agreement has no decoys"
    if len(passes_of(question, agreement).told) == 1:
        return "decoys hide nothing of them, since it opens the number of matches"
    return "it opens the matches in all, so it knows how many links are decoys in all, and not how many of each pass"


def _analyst(question: Question, agreement: Agreement) -> list[str]:
    profile = profile_of(agreement.disclosure)
    gated = is_gated({people.agency for people in question.people.values()}, agreement)
    rule = "no cell is hidden"
    if gated:
        rule = (
            f"counts of {write_small(agreement)} people, and others from which they could be worked out, were opened for nobody"
        )
    elif is_noisy(agreement):
        hidden = f"cells of fewer than {profile.min_cell} people, counted with noise, are hidden" if profile.hides else rule
        rule = f"with noise, {hidden}; {describe_guarantee(question, agreement)}"
    elif profile.min_cell > 1:
        rule = f"cells of {write_small(agreement)} people are hidden, and others from which they could be worked out"
    rule += describe_further(profile)
    rounded = f"; rounded: {profile.rounding.text}" if profile.rounding is not None else ""
    groups = (f" by {_join_names(question.by)}" if question.by else "") + describe_totals(question.totals)
    return [
        f"the released cells of {_join_names(tuple(measure.label for measure in question.measures))}{groups}: {rule}{rounded}",
        "no numbers of the linkage report"
        if is_noisy(agreement)
        else describe_links(question, hides=profile.min_cell > 1, gated=gated),
        "the signatures that prove the result",
    ]


def _coalition(agency: str, agreement: Agreement, passes: Passes, others: str, *, opens: bool) -> list[str]:
    lines = [
        f"together they also learn which of {agency}'s own people match, exactly: decoys do not hide it from who knows its list's order",
        _blur(
            agreement.decoys,
            f"with {agency}'s coins alone, how many match: blurred by the decoys of {others}",
            _delta_with_agency,
        ),
    ]
    if opens and is_gated({*agreement.parties}, agreement):
        lines.append(
            f"{agency} is the desk and opens the cells that are not small: where they know who is in one, they know what the values of "
            f"{others} of these add up to"
        )
    elif opens and is_noisy(agreement):
        lines.append(describe_coordinator_and_desk(agency))
    elif opens:
        lines.append(
            f"{agency} is the desk and opens the cells: where they know who is in one, they know what the values of {others} of these add "
            "up to, and of one person the value"
        )
    cells = "beyond what these cells say" if opens else "or cells"
    guards = sorted({guard.part.field for recipe in passes.exact for guard in recipe.guards})
    if guards:
        lines.append(
            f"of {agency}'s own people who match by a recipe that leaves {_join_names(tuple(guards))} out, whether the other agency's record "
            "lacks it"
        )
    if passes.similarity is None:
        return [*lines, f"not: values, people of {others} that do not match, {cells}"]
    return [
        *lines,
        (
            f"in which bands each of {agency}'s own people coincides with anybody of {others}, so which parts of names, dates, "
            "numbers or addresses the two share, whether they match or not"
        ),
        f"not: values, people of {others} who are like none of these, {cells}",
    ]


def _blur(decoys: int, subject: str, delta: Callable[[int], float]) -> str:
    if decoys == 0:
        return f"{subject.split(':')[0]}: exactly, since the agreement has no decoys"
    bound = "below " if decoys > _EXACT_UP_TO else ""
    return f"{subject} (ε = {EPSILON}, δ {bound or '= '}{delta(min(decoys, _EXACT_UP_TO)):.1e})"


def _delta_alone(decoys: int) -> float:
    return _delta(decoys, Fraction(1, 4))


@lru_cache(maxsize=64)
def _delta(decoys: int, chance: Fraction) -> float:
    return privacy_delta(decoys, EPSILON, chance)


@lru_cache(maxsize=16)
def _delta_with_agency(decoys: int) -> float:
    return privacy_delta_with_agency(decoys, EPSILON)


def _join_names(names: tuple[str, ...]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
