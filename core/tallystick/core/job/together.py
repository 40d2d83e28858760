"""What measures of one job may not ask together, because their counts would tell of the people between them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from tallystick.core.agreement.model import Agreement, Column
from tallystick.core.errors import Invalid, Refused, TallyError
from tallystick.core.job.bins import ranges_of
from tallystick.core.job.columns import split
from tallystick.core.job.conditions import is_condition
from tallystick.core.job.meaning import find_nested, read_reference
from tallystick.core.job.model import Question


def find_band_problems(question: Question, columns: dict[str, dict[str, Column]]) -> Iterator[TallyError]:
    """Check the edges of bands, and that a column has one set of them."""
    seen: dict[str, tuple[str, tuple[str, ...]]] = {}
    for measure in question.measures:
        edges = dict(measure.asked.options).get("at")
        if not isinstance(edges, tuple):
            continue
        reference = measure.columns[0]
        if reference in (question.bins or {}) or reference in question.by:
            yield Invalid(
                "job-invalid",
                f"{measure.label}: {reference} parts the rows, too",
                hint="take it out of by, or leave the measure out: the rows are its bands",
            )
        if seen.setdefault(reference, (measure.label, (*measure.columns, *edges)))[1] != (*measure.columns, *edges):
            yield Invalid(
                "job-invalid",
                f"measures: {seen[reference][0]} and {measure.label} part {reference} in two ways, so their difference counts people",
                hint="give both the same edges",
            )
        group, name = split(reference)
        try:
            if (column := columns.get(group, {}).get(name)) is not None and column.type in {"integer", "decimal"}:
                ranges_of(edges, column, reference)
        except Invalid as error:
            yield Invalid(error.code, error.message.replace("by: ", f"{measure.label}: ", 1), hint=error.hint)


def find_crossing_measures(question: Question, agreement: Agreement) -> Iterator[TallyError]:
    """Check that no two measures share a column and not all, where a gate tests the people of each by itself."""
    if not agreement.disclosure.gate:
        return
    asked = dict.fromkeys(measure.columns for measure in question.measures if measure.columns)
    read = {columns: _list_sources(columns, question) for columns in asked}
    for one, other in combinations(asked, 2):
        if read[one] & read[other] and read[one] != read[other]:
            shared = sorted(set(one) & set(other) or read[one] & read[other])[0]
            yield Refused(
                "job-not-allowed",
                f"measures: one is over {' and '.join(one)}, another over {' and '.join(other)}; who has {shared} and lacks the rest would "
                "follow from both",
                hint="with a gate, ask for measures over the same columns, or over different ones",
            )
            return


def _list_sources(columns: tuple[str, ...], question: Question) -> frozenset[str]:
    """Give the declared columns that a measure's columns are worked out from; the references, where that cannot be read."""
    try:
        return frozenset().union(*(read_reference(column, question).sources for column in columns))
    except Invalid:
        return frozenset(columns)  # told of the group already


def find_nested_measures(question: Question) -> Iterator[TallyError]:
    """Check that no two measures' counts tell of the people between them (`find_nested`)."""
    banded = [measure.columns[0] for measure in question.measures if dict(measure.asked.options).get("at")]
    try:
        nested = find_nested([reference for measure in question.measures for reference in measure.columns], banded, question)
    except Invalid:
        return  # told of the group already
    if nested is not None:
        yield Invalid(
            "job-invalid",
            f"measures: {nested[0]} and {nested[1]} are over one column, so their difference can count the people between them",
            hint="keep one of them, or part the rows by that column: by: [{bin: GROUP.COLUMN, at: [NUMBER, …]}]",
        )


def find_mixed_with_since(question: Question) -> Iterator[TallyError]:
    """Check that rows of periods since an event are asked for what their rules know: counts, and measures over one column each.

    Periods count the same people again, so what several columns, conditions or bands tell of them in two periods is not worked out.
    """
    if question.since is None:
        return
    if question.totals in {"rows", "columns"}:
        yield Invalid(
            "job-invalid", "totals: periods since an event count the same people again", hint="leave totals out, or since out"
        )
    for measure in question.measures:
        if len(measure.columns) > 1 or measure.asked.options or any(is_condition(split(one)[1]) for one in measure.columns):
            yield Invalid(
                "job-invalid",
                f"{measure.label}: with since, measures are over one column each, without conditions or bands",
                hint="ask for count, sum, mean, share, variance or sd of a column",
            )
