"""What an agreement and the groups of a question allow of who is counted."""

from __future__ import annotations

from collections.abc import Iterator

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Invalid, Refused, TallyError
from tallystick.core.job.columns import PRESENT, split
from tallystick.core.job.meaning import describe_filter
from tallystick.core.job.model import SYSTEMS, People, Question
from tallystick.core.job.population import Population
from tallystick.core.job.refusal import not_allowed


def find_population_problems(population: Population, question: Question, agreement: Agreement) -> Iterator[TallyError]:
    """Check who is counted, that every group has a part in it, and that groups of one agency can be joined there."""
    kinds = population.kinds
    if not set(kinds) & set(agreement.joins):
        yield not_allowed(agreement, "joins", f"it does not allow `keep: {population.keep.text}` ({kinds[0]})", agreement.joins)
    measured = [split(column)[0] for measure in question.measures for column in measure.columns]
    named = {*population.keep.groups, *measured, *(split(reference)[0] for reference in question.by)}
    if SYSTEMS in question.by:
        named |= set(population.groups)
    if (question.release or agreement.release.mode) == "direct" and question.stacked:
        # a row less an agency's own people is a number that no test is made of
        yield Refused("release-direct", "the result of a job over stacked groups leaves by the desk", hint="release: desk")
    for group in question.groups:
        parts = set(question.parts_of(group))
        if parts & set(population.keep.named) and not ({group} | parts) & named:
            yield Invalid(
                "job-invalid",
                f"keep names {group}, but counts the same people without it",
                hint=f"take {group} out of keep and people, or name it: by: [{group}.{PRESENT}]",
            )
        elif not ({group} | parts) & named:
            yield Invalid(
                "job-invalid",
                f"people has {group}, which neither keep, by nor measures name",
                hint=f"take {group} out of people, or name it: by: [{group}.{PRESENT}]",
            )
        if parts <= set(population.keep.never) and group in {*measured, *(split(reference)[0] for reference in question.by)}:
            yield Invalid(
                "job-invalid",
                f"nobody whom keep counts is in {group}, so its columns say nothing of them",
                hint=f"leave {group} out of by and measures, or count people who are in it",
            )
    yield from _of_home(population, question, agreement)


def _of_home(population: Population, question: Question, agreement: Agreement) -> Iterator[TallyError]:
    """Check that groups of one agency are of one dataset, or of datasets that share their person keys; and that no two are the same."""
    for agency in population.agencies:
        mine = [group for group in population.groups if population.agency_of[group] == agency]
        seen: dict[tuple[str, str | None], str] = {}
        for group in mine:
            people = question.people[group]
            if (other := seen.setdefault((people.dataset, _condition(people, agreement)), group)) != group:
                yield Invalid(
                    "job-invalid", f"people: {other} and {group} are the same people", hint=f"use {other} in place of {group}"
                )
        names = sorted({question.people[group].dataset for group in mine})
        keys = {agreement.datasets[name].keys for name in names if name in agreement.datasets}
        if len(names) > 1 and (len(keys) > 1 or None in keys):
            yield Refused(
                "job-not-allowed",
                f"{agency} has several groups, and the agreement does not say that {' and '.join(names)} have the same person keys",
                hint="where they have, the agreement says so by keys: NAME, the same for each of these datasets",
            )


def _condition(people: People, agreement: Agreement) -> str | None:
    """Give a group's condition in the one way in which it is written; as it stands, if it cannot be read, which is another fault."""
    if people.where is None or people.dataset not in agreement.datasets:
        return people.where
    try:
        return describe_filter(people, agreement.datasets[people.dataset])
    except Invalid:
        return people.where
