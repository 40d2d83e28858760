"""What the text of an agreement allows, piece by piece; `core/statistics/rulebook.py` puts the pieces together.

The agreement that a job names, by digest, is this one; its analyst and purpose stand in it; each group of people is one agency's
dataset with declared columns and a readable `where`; keep, link, operations and release are allowed; every measure is over declared
bounds, and `by` over known levels; its deadline is near enough; and the linkage passes that it was asked with are those that this party
works out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from tallystick.core.agreement.model import Agreement, Column, moment
from tallystick.core.documents import SignedDocument
from tallystick.core.errors import Invalid, Refused, TallyError
from tallystick.core.job.bins import find_misplaced, ranges_of
from tallystick.core.job.columns import (
    MAX_LEVELS,
    PRESENT,
    columns_of,
    derivations_of,
    intersect_columns,
    levels_of,
    list_sources,
    no_column,
    split,
)
from tallystick.core.job.conditions import declare_condition, is_condition
from tallystick.core.job.counted import find_population_problems
from tallystick.core.job.filters import filter_of
from tallystick.core.job.link import link_of
from tallystick.core.job.model import SYSTEMS, Job, Question
from tallystick.core.job.noise import find_noise_problems
from tallystick.core.job.passes import passes_of
from tallystick.core.job.population import population_of
from tallystick.core.job.refusal import not_allowed
from tallystick.core.job.regimes import check_review_boards, find_regime_problems, find_tier_problems
from tallystick.core.job.release import release_of, release_problems
from tallystick.core.job.since import find_since_problems
from tallystick.core.job.together import find_band_problems, find_crossing_measures, find_mixed_with_since, find_nested_measures
from tallystick.core.job.units import find_unit_problems
from tallystick.core.job.unused import find_unused_columns
from tallystick.core.job.whole import find_overall_problems
from tallystick.core.measure import NUMERIC
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

WIDE: Final = NUMERIC - {"boolean"}
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
        Refused: `agreement-unknown`, `job-expired`, `agreement-regime`: the approval of a review board ended.
        Invalid: `job-invalid`, `agreement-contradiction`.
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
    check_review_boards(agreement, now)
    if now >= deadline:
        raise Refused("job-expired", f"the job's deadline was {job.deadline}", hint="submit it again")
    longest = MAX_TERM + review_time(agreement)
    if deadline - submitted > longest or deadline <= submitted:
        raise Invalid(
            "job-invalid", f"the deadline is not within {longest.days} days of submission", hint="choose a nearer deadline"
        )
    if submitted > now + SKEW:
        raise Invalid("job-invalid", "the job says that it was submitted in the future", hint="set the analyst's clock right")
    try:
        check_public_key(bytes.fromhex(job.result_key), owner=job.analyst)
    except PeerFault as error:
        raise Invalid("job-invalid", "nothing can be sealed to the job's result_key") from error


def review_time(agreement: Agreement) -> timedelta:
    """Give for how long results wait for reviewers who say nothing: a job may take so much longer."""
    return timedelta(days=0 if agreement.review is None else agreement.review.days)


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
    for group, parts in (question.stacked or {}).items():
        if columns.keys() >= set(parts):
            columns[group] = intersect_columns([columns[part] for part in parts])
    try:
        yield from find_population_problems(population_of(question), question, agreement)
    except Invalid as error:
        yield error
    try:
        link_of(question, agreement)
    except (Invalid, Refused) as error:
        yield error
    yield from _of_measures(question, agreement, columns)
    yield from _of_by(question, columns)
    yield from find_overall_problems(question, agreement, columns)
    yield from find_unit_problems(question, agreement)
    yield from find_since_problems(question, agreement, columns)
    yield from release_problems(question, agreement)
    yield from find_noise_problems(question, agreement)
    yield from find_regime_problems(question, agreement)
    yield from find_tier_problems(agreement)
    if agreement.tiers is not None:
        yield from find_unused_columns(question, agreement)


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
    try:
        made = columns_of(question, group, agreement)
    except Invalid as error:
        yield Invalid(error.code, f"people.{group}.derive: {error.message}", hint=error.hint)
        return  # what where says of derived columns cannot be read
    try:
        filter_of(people, dataset)
    except Invalid as error:
        yield Invalid(error.code, f"people.{group}.where: {error.message}", hint=error.hint)
    columns[group] = made


def _of_measures(question: Question, agreement: Agreement, columns: dict[str, dict[str, Column]]) -> Iterator[TallyError]:
    labels = [measure.label for measure in question.measures]
    for label in sorted({label for label in labels if labels.count(label) > 1}):
        yield Invalid("job-invalid", f"measures: {label} is asked for twice", hint="keep one of them")
    for measure in question.measures:
        for reference in sorted({column for column in measure.columns if measure.columns.count(column) > 1}):
            yield Invalid("job-invalid", f"{measure.label} names {reference} twice", hint="give two columns")
    yield from find_crossing_measures(question, agreement)
    yield from find_band_problems(question, columns)
    yield from find_mixed_with_since(question)
    yield from find_nested_measures(question)
    for measure in question.measures:
        if measure.operation not in agreement.operations:
            yield not_allowed(agreement, "operations", f"it does not allow {measure.operation}", agreement.operations)
        for reference in dict.fromkeys(measure.columns):
            try:
                column = _find_column(reference, "measures", question, columns)
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
            elif not measure.asked.measure.takes_kind(measure.columns.index(reference), column.type):
                numeric = any(measure.asked.measure.takes_kind(measure.columns.index(reference), kind) for kind in WIDE)
                yield Invalid(
                    "job-invalid",
                    f"{measure.label}: {reference} is {'an' if column.type == 'integer' else 'a'} {column.type} column",
                    hint="measures are over integer, decimal or boolean columns (a boolean's mean is a share)"
                    if column.type not in NUMERIC or numeric
                    else f'make a condition of it: {measure.operation}: {{of: "{reference} >= NUMBER"}}',
                )
            elif column.type != "boolean" and (column.min is None or column.max is None):
                yield Invalid(
                    "job-invalid",
                    f"{measure.operation} needs declared min and max: {reference} has none",
                    hint=f"let its agency declare them for {_find_declared_name(reference, question)}, in the agreement's dataset",
                )


def _find_declared_name(reference: str, question: Question) -> str:
    """Give the columns that the dataset declares: of a derived one, what it is derived from."""
    group, name = split(reference)
    part = question.parts_of(group)[0]
    if part not in question.people:
        return name
    return " and ".join(sorted(list_sources(name, derivations_of(question.people[part])) - {"*"})) or name


def _of_by(question: Question, columns: dict[str, dict[str, Column]]) -> Iterator[TallyError]:
    if len(set(question.by)) != len(question.by):
        yield Invalid("job-invalid", "by names a column twice", hint="keep one of them")
        return
    bins = question.bins or {}
    parts = ((group, question.people.get(question.parts_of(group)[0])) for group in question.groups)
    counted = {f"{group}.{name}" for group, people in parts if people is not None for name in people.derive}
    yield from find_misplaced(bins, question.by)
    for reference in question.by:
        if reference == SYSTEMS:
            continue
        try:
            column = _find_column(reference, "by", question, columns)
        except Invalid as error:
            yield error
            continue
        if column is None:
            continue
        if reference in bins:
            try:
                ranges_of(bins[reference], column, reference)
            except Invalid as error:
                yield error
            continue
        levels = levels_of(column)
        if levels is None and column.type == "integer" and reference in counted:
            hint = f"bin it: by: [{{bin: {reference}, at: [NUMBER, …]}}], or derive cap({split(reference)[1]}, NUMBER)"
            yield Invalid("job-invalid", f"by: {reference} has more than {MAX_LEVELS} levels", hint=hint)
        elif levels is None:
            bin_it = (
                f", or bin it: by: [{{bin: {reference}, at: [NUMBER, …]}}]" if column.type in {"integer", "decimal"} else ""
            )
            close = f"declare min and max at most {MAX_LEVELS - 1} apart"
            need = {"category": "declare its values", **dict.fromkeys(("integer", "month", "quarter"), close)}
            where = " in the agreement's dataset" if column.type in need else ""
            hint = need.get(column.type, "use a category, boolean, integer, month or quarter column") + where + bin_it
            yield Invalid("job-invalid", f"by: {reference} has no known list of levels", hint=hint)


def _find_column(reference: str, where: str, question: Question, columns: dict[str, dict[str, Column]]) -> Column | None:
    """Give the column that a reference names; None where its group was refused already.

    Raises:
        Invalid: `job-invalid`: no such group or column.
    """
    group, name = split(reference)
    if group not in question.groups:
        raise Invalid("job-invalid", f"{where}: people has no group {group}", hint=f"it has: {', '.join(question.groups)}")
    if group not in columns:
        return None
    if name == PRESENT:
        return Column(type="boolean")
    if is_condition(name):
        try:
            return declare_condition(name, columns[group])
        except Invalid as error:
            raise Invalid(error.code, f"{where}: {reference}: {error.message}", hint=error.hint) from error
    if name not in columns[group] and group in (question.stacked or {}):
        raise no_column(reference, columns[group], {part: columns[part] for part in question.parts_of(group)})
    if name not in columns[group]:
        raise Invalid(
            "job-invalid", f"{where}: {group} has no column {name}", hint=f"it has: {', '.join(sorted(columns[group]))}"
        )
    return columns[group][name]
