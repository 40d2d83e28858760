"""Why a question may not ask for a statistic of its whole table: its columns, and what it is worked out from, must be in the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tallystick.core.agreement.model import Agreement, Column
from tallystick.core.errors import Invalid, TallyError
from tallystick.core.job.bins import ranges_of
from tallystick.core.job.columns import levels_of, split
from tallystick.core.job.model import Question
from tallystick.core.job.refusal import not_allowed
from tallystick.core.overall import OverallAsked, find_operation, write_level


def find_overall_problems(
    question: Question, agreement: Agreement, columns: Mapping[str, Mapping[str, Column]]
) -> Iterator[TallyError]:
    """Check the statistics of the whole table.

    Args:
        question: what is asked.
        agreement: what allows it.
        columns: of each group, as the agreement declares them.
    """
    asked = [one.asked for one in question.overall or ()]
    if asked and question.since is not None:
        yield Invalid(
            "job-invalid", "overall: periods since an event count the same people again", hint="leave overall out, or since out"
        )
    for one in asked:
        if asked.count(one) > 1:
            yield Invalid("job-invalid", f"overall: {one.label} is asked for twice", hint="keep one of them")
            return
        operation = find_operation(one.name)
        if operation not in agreement.operations:
            yield not_allowed(agreement, "operations", f"it does not allow {operation}", agreement.operations)
        yield from _of_columns(one, question)
        yield from _of_measures(one, question)
        yield from _of_weights(one, question, columns)


def _of_columns(one: OverallAsked, question: Question) -> Iterator[TallyError]:
    if len(set(one.by)) != len(one.by):
        yield Invalid("job-invalid", f"overall: {one.label} names a column twice", hint="give different columns")
    for reference in dict.fromkeys(one.by):
        if reference not in question.by:
            yield Invalid(
                "job-invalid",
                f"overall: {one.label} is over {reference}, which does not part the rows",
                hint=f"add {reference} to by",
            )
    if one.statistic.form == "model" and (more := [name for name in question.by if name not in one.by]):
        yield Invalid(
            "job-invalid",
            f"overall: {one.label} leaves out {more[0]}, which parts the rows",
            hint=f"add {more[0]} to on, or take it out of by",
        )
    if one.statistic.form == "between" and one.by == question.by:
        yield Invalid(
            "job-invalid",
            f"overall: {one.label} has no column to match on",
            hint="add columns to by: people of the same levels are compared",
        )


def _of_measures(one: OverallAsked, question: Question) -> Iterator[TallyError]:
    needs = one.statistic.needs
    found = {measure.operation for measure in question.measures if measure.columns == one.of}
    if needs and not found & set(needs):
        yield Invalid(
            "job-invalid",
            f"overall: {one.label} is worked out from {' or '.join(needs)} of {' and '.join(one.of)} in each row, which measures does not have",
            hint=f"add {needs[0]} of the same to measures",
        )


def _of_weights(one: OverallAsked, question: Question, columns: Mapping[str, Mapping[str, Column]]) -> Iterator[TallyError]:
    reference = one.by[0]
    group, name = split(reference)
    column = columns.get(group, {}).get(name)
    if one.weights is None or column is None:
        return
    edges = (question.bins or {}).get(reference)
    try:
        levels = list(ranges_of(edges, column, reference)) if edges is not None else levels_of(column) or ()
    except Invalid:
        return  # said of by
    if one.weights not in map(write_level, levels):
        yield Invalid(
            "job-invalid",
            f"overall: {one.label}: {reference} has no level {one.weights}",
            hint=f"weights: one of {', '.join(map(write_level, levels))}, or none: everybody",
        )
