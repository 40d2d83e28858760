"""What the text of an agreement allows, piece by piece; `core/statistics/rulebook.py` puts the pieces together.

The agreement that a job names, by digest, is this one; its analyst and purpose stand in it; each group of people is one agency's
dataset with declared columns and a readable `where`; keep, link, operations and release are allowed; every measure is over declared
bounds, and `by` over known levels; its deadline is near enough; and the linkage passes that it was asked with are those that this party
works out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, Literal

from tallystick.core.agreement.model import Agreement, Column, moment
from tallystick.core.documents import SignedDocument
from tallystick.core.errors import Invalid, Refused, TallyError
from tallystick.core.job.columns import MAX_LEVELS, PRESENT, columns_of, levels_of, split
from tallystick.core.job.derive import parse_derive
from tallystick.core.job.link import link_of
from tallystick.core.job.model import Job, People, Question
from tallystick.core.job.passes import passes_of
from tallystick.core.job.population import Population, population_of
from tallystick.core.job.refusal import not_allowed
from tallystick.crypto.envelope import check_public_key
from tallystick.crypto.errors import PeerFault

__all__ = [
    "MAX_TERM",
    "check_contract",
    "check_linkage",
    "columns_of",
    "link_of",
    "participants",
    "question_problems",
    "release_of",
    "verify_job",
]

MAX_TERM: Final = timedelta(days=30)
SKEW: Final = timedelta(minutes=5)
"""How far two parties' clocks may be apart."""


def check_contract(job: Job, agreement: Agreement, *, digest: str, now: datetime) -> None:
    """Check what a job says beside its question: which agreement, when, and the key of its result.

    Args:
        job: the contract.
        agreement: as `valid_agreement` gave it.
        digest: the agreement's digest.
        now: the present moment, UTC.

    Raises:
        Refused: `agreement-unknown`, `job-expired`.
        Invalid: `job-invalid`.
    """
    reference = job.agreement
    if (reference.agreement, reference.version, reference.digest) != (agreement.agreement, agreement.version, digest):
        raise Refused(
            "agreement-unknown",
            f"the job is for another text of {reference.agreement} than the one in force here",
            hint=f"submit it again under version {agreement.version}",
        )
    try:
        submitted, deadline = moment(job.submitted), moment(job.deadline)
    except ValueError as error:
        raise Invalid("job-invalid", "submitted or deadline is no day of the calendar") from error
    if now >= deadline:
        raise Refused("job-expired", f"the job's deadline was {job.deadline}", hint="submit it again")
    if deadline - submitted > MAX_TERM or deadline <= submitted:
        raise Invalid(
            "job-invalid", f"the deadline is not within {MAX_TERM.days} days of submission", hint="choose a nearer deadline"
        )
    if submitted > now + SKEW:
        raise Invalid("job-invalid", "the job says that it was submitted in the future", hint="set the analyst's clock right")
    try:
        check_public_key(bytes.fromhex(job.result_key), owner=job.analyst)
    except PeerFault as error:
        raise Invalid("job-invalid", "nothing can be sealed to the job's result_key") from error


def check_linkage(job: Job, agreement: Agreement) -> None:
    """Check that a job was asked with the linkage passes that this party works out for it.

    Raises:
        Refused: `linkage-differs`.
        Invalid, Refused: as `passes_of`.
    """
    if job.linkage != passes_of(job.question, agreement).digest:
        raise Refused(
            "linkage-differs",
            "the job's linkage passes are not those that this version works out for it",
            hint="use one version of tallystick at every party, and submit it again",
        )


def verify_job(document: SignedDocument, agreement: Agreement) -> Job:
    """Give the job that a signed document holds, if its analyst alone signed it with the key that the agreement pins.

    Raises:
        Refused: `job-signature`, `job-not-allowed` (no such analyst).
        Invalid: `document-invalid`.
    """
    if document.kind != "job":
        raise Invalid("document-invalid", f"this document is of kind {document.kind}, not job")
    job = document.read(Job)
    if job.analyst not in agreement.analysts:
        raise not_allowed(agreement, "analysts", f"it names no {job.analyst}", agreement.analysts)
    if document.signers != (job.analyst,):
        raise Refused("job-signature", "a job is signed by its analyst alone")
    try:
        document.verify_signature_of(job.analyst, agreement.analysts[job.analyst].key)
    except Refused as error:
        raise Refused("job-signature", error.message, hint="sign it with the analyst's key that the agreement names") from error
    return job


def participants(job: Job | Question, agreement: Agreement) -> tuple[str, ...]:
    """Give who takes part: the agencies whose data the job uses, in name order, and the desk where it is another."""
    question = job.question if isinstance(job, Job) else job
    agencies = sorted({people.agency for people in question.people.values()})
    desk = agreement.release.desk
    return (*agencies, desk) if desk is not None and desk not in agencies else tuple(agencies)


def release_of(question: Question, agreement: Agreement) -> Literal["desk", "direct"]:
    """Give how the result leaves: as the question says, or else the agreement."""
    return question.release or agreement.release.mode


def question_problems(question: Question, agreement: Agreement, analyst: str) -> Iterator[TallyError]:
    """Give every reason why an agreement's text does not allow a question, in the order of the job file.

    That the question can be planned and laid out is another rule (`core/statistics/rulebook.py`).
    """
    if question.agreement != agreement.agreement:
        yield Refused(
            "agreement-unknown",
            f"the job names agreement {question.agreement}, not {agreement.agreement}",
            hint=f"agreement: {agreement.agreement}",
        )
    if analyst not in agreement.analysts:
        yield not_allowed(agreement, "analysts", f"it names no {analyst}", agreement.analysts)
    if question.purpose not in agreement.purposes:
        yield not_allowed(agreement, "purposes", f"it has no purpose {question.purpose}", agreement.purposes)
    columns: dict[str, dict[str, Column]] = {}
    for group in question.people:
        yield from _of_group(question, group, agreement, columns)
    try:
        yield from _of_population(population_of(question), question, agreement)
    except Invalid as error:
        yield error
    try:
        link_of(question, agreement)
    except (Invalid, Refused) as error:
        yield error
    yield from _of_measures(question, agreement, columns)
    yield from _of_by(question, columns)
    yield from _of_release(question, agreement)


def _of_population(population: Population, question: Question, agreement: Agreement) -> Iterator[TallyError]:
    """Check who is counted, that every group has a part in it, and that groups of one agency can be joined there."""
    kinds = population.kinds
    if not set(kinds) & set(agreement.joins):
        yield not_allowed(agreement, "joins", f"it does not allow `keep: {population.keep.text}` ({kinds[0]})", agreement.joins)
    measured = [split(column)[0] for measure in question.measures for column in measure.columns]
    named = {*population.keep.groups, *measured, *(split(reference)[0] for reference in question.by)}
    for group in population.groups:
        if group in population.keep.named and group not in named:
            yield Invalid(
                "job-invalid",
                f"keep names {group}, but counts the same people without it",
                hint=f"take {group} out of keep and people, or name it: by: [{group}.{PRESENT}]",
            )
        elif group not in named:
            yield Invalid(
                "job-invalid",
                f"people has {group}, which neither keep, by nor measures name",
                hint=f"take {group} out of people, or name it: by: [{group}.{PRESENT}]",
            )
        if group in population.keep.never and group in {*measured, *(split(reference)[0] for reference in question.by)}:
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
    from tallystick.core.job.where import check_where  # a parser, which few jobs need

    try:
        return check_where(people.where, agreement.datasets[people.dataset].columns)
    except Invalid:
        return people.where


def _of_group(
    question: Question, group: str, agreement: Agreement, columns: dict[str, dict[str, Column]]
) -> Iterator[TallyError]:
    """Check one group; put its columns where measures and `by` find them, unless it has none."""
    people = question.people[group]
    if people.dataset not in agreement.datasets:
        yield not_allowed(agreement, "datasets", f"it has no dataset {people.dataset}", agreement.datasets)
        return
    dataset = agreement.datasets[people.dataset]
    if dataset.agency != people.agency:
        yield Refused(
            "job-not-allowed",
            f"people.{group}: {people.dataset} belongs to {dataset.agency}, not {people.agency}",
            hint=f"agency: {dataset.agency}",
        )
    if people.where is not None:
        from tallystick.core.job.where import parse_where  # a parser, which few jobs need

        try:
            parse_where(people.where, dataset.columns)
        except Invalid as error:
            yield Invalid(error.code, f"people.{group}.where: {error.message}", hint=error.hint)
    try:
        columns[group] = columns_of(question, group, agreement)
    except Invalid as error:
        yield Invalid(error.code, f"people.{group}.derive: {error.message}", hint=error.hint)


def _of_measures(question: Question, agreement: Agreement, columns: dict[str, dict[str, Column]]) -> Iterator[TallyError]:
    labels = [measure.label for measure in question.measures]
    for label in sorted({label for label in labels if labels.count(label) > 1}):
        yield Invalid("job-invalid", f"measures: {label} is asked for twice", hint="keep one of them")
    for measure in question.measures:
        if measure.operation not in agreement.operations:
            yield not_allowed(agreement, "operations", f"it does not allow {measure.operation}", agreement.operations)
        for reference in dict.fromkeys(measure.columns):
            try:
                column = _named(reference, "measures", question, columns)
            except Invalid as error:
                yield error
                continue
            if column is None:
                continue
            if split(reference)[1] == PRESENT:
                yield Invalid(
                    "job-invalid",
                    f"{measure.label}: {reference} is in every group, for by",
                    hint=f"count, with by: [{reference}]",
                )
            elif column.type not in {"integer", "decimal", "boolean"}:
                yield Invalid(
                    "job-invalid",
                    f"{measure.label}: {reference} is a {column.type} column",
                    hint="measures are over integer, decimal or boolean columns (a boolean's mean is a share)",
                )
            elif column.type != "boolean" and (column.min is None or column.max is None):
                yield Invalid(
                    "job-invalid",
                    f"{measure.operation} needs declared min and max: {reference} has none",
                    hint=f"let its agency declare them for {_declared_name(reference, question)}, in the agreement's dataset",
                )


def _declared_name(reference: str, question: Question) -> str:
    """Give the column that the dataset declares: of a derived one, what it is derived from."""
    group, _, name = reference.partition(".")
    made = question.people[group].derive.get(name) if group in question.people else None
    return (parse_derive(made).column or name) if made is not None else name


def _of_by(question: Question, columns: dict[str, dict[str, Column]]) -> Iterator[TallyError]:
    if len(set(question.by)) != len(question.by):
        yield Invalid("job-invalid", "by names a column twice", hint="keep one of them")
        return
    for reference in question.by:
        try:
            column = _named(reference, "by", question, columns)
        except Invalid as error:
            yield error
            continue
        if column is None:
            continue
        levels = levels_of(column)
        if levels is None:
            need = {"category": "declare its values", "integer": f"declare min and max at most {MAX_LEVELS - 1} apart"}
            hint = (
                f"{need[column.type]} in the agreement's dataset"
                if column.type in need
                else "use a category, boolean or integer column"
            )
            yield Invalid("job-invalid", f"by: {reference} has no known list of levels", hint=hint)


def _of_release(question: Question, agreement: Agreement) -> Iterator[TallyError]:
    mode = release_of(question, agreement)
    if mode == "direct":
        # without a test on shares, somebody must open small cells to hide them: the desk (docs/adr/0008-small-cells.md)
        yield Refused(
            "release-direct",
            "release: direct needs the encrypted small-cell test, which this version does not have",
            hint="release: desk",
        )
    elif agreement.release.desk is None:
        yield not_allowed(agreement, "release", "it names no desk", ())


def _named(reference: str, where: str, question: Question, columns: dict[str, dict[str, Column]]) -> Column | None:
    """Give the column that a reference names; None where its group was refused already.

    Raises:
        Invalid: `job-invalid`: no such group or column.
    """
    group, name = split(reference)
    if group not in question.people:
        raise Invalid(
            "job-invalid", f"{where}: people has no group {group}", hint=f"it has: {', '.join(sorted(question.people))}"
        )
    if group not in columns:
        return None
    if name == PRESENT:
        return Column(type="boolean")
    if name not in columns[group]:
        raise Invalid(
            "job-invalid", f"{where}: {group} has no column {name}", hint=f"it has: {', '.join(sorted(columns[group]))}"
        )
    return columns[group][name]
