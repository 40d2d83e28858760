"""What is counted of a dataset (`records/survey.py`) as messages of steward.proto and back; `convert.py` names the translation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tallystick.node.local.values import foreign
from tallystick.records.survey import AliasCounts, DatasetCheck, DatasetProblem, DatasetSummary, DuplicateCounts
from tallystick.records.usable import FieldCounts
from tallystick.v1 import steward_pb2 as pb


def write_check(view: DatasetCheck) -> pb.DatasetCheck:
    """Translate what was found of a dataset."""
    match view.outcome:
        case DatasetProblem(code, message, hint, detail):
            problem = pb.DatasetProblem(code=code, message=message, hint=hint, detail=detail)
            return pb.DatasetCheck(dataset=view.dataset, problem=problem)
        case DatasetSummary() as summary:
            return pb.DatasetCheck(dataset=view.dataset, summary=_dataset(summary))


def read_check(message: pb.DatasetCheck) -> DatasetCheck:
    """Translate it back.

    Raises:
        Broken: `protocol-broken`: it is neither counts nor a problem.
    """
    match message.WhichOneof("outcome"):
        case "summary":
            return DatasetCheck(message.dataset, _read_dataset(message.summary))
        case "problem":
            problem = message.problem
            return DatasetCheck(message.dataset, DatasetProblem(problem.code, problem.message, problem.hint, problem.detail))
        case _:
            raise foreign("a dataset that was not checked")


def _dataset(view: DatasetSummary) -> pb.DatasetSummary:
    aliases, duplicates = view.aliases, view.duplicates
    return pb.DatasetSummary(
        rows=view.rows,
        version=view.version,
        people=view.people,
        at_most=view.at_most,
        identifiers=write_counts(view.identifiers),
        missing=write_counts(view.missing),
        fields=[_field(name, found) for name, found in view.fields.items()],
        notes=view.notes,
        aliases=None
        if aliases is None
        else pb.AliasCounts(people=aliases.people, spellings=aliases.spellings, unknown_rows=aliases.unknown_rows),
        duplicates=None
        if duplicates is None
        else pb.DuplicateCounts(
            keys=duplicates.keys,
            people=duplicates.people,
            merged=write_counts(duplicates.merged),
            contradicted=write_counts(duplicates.contradicted),
            common=write_counts(duplicates.common),
        ),
    )


def _read_dataset(message: pb.DatasetSummary) -> DatasetSummary:
    aliases, duplicates = None, None
    if message.HasField("aliases"):
        told = message.aliases
        aliases = AliasCounts(told.people, told.spellings, told.unknown_rows)
    if message.HasField("duplicates"):
        found = message.duplicates
        duplicates = DuplicateCounts(
            found.keys, found.people, read_counts(found.merged), read_counts(found.contradicted), read_counts(found.common)
        )
    return DatasetSummary(
        rows=message.rows,
        version=message.version,
        people=message.people,
        at_most=message.at_most,
        identifiers=read_counts(message.identifiers),
        missing=read_counts(message.missing),
        fields={one.name: _read_field(one) for one in message.fields},
        notes=tuple(message.notes),
        aliases=aliases,
        duplicates=duplicates,
    )


def _field(name: str, found: FieldCounts) -> pb.FieldCounts:
    """Translate counts; a value of the records never leaves the process that read them."""
    return pb.FieldCounts(
        name=name,
        missing=found.missing,
        usable=found.usable,
        denied=found.denied,
        unread=found.unread,
        mended=found.mended,
        first=found.first,
        form=found.form,
    )


def _read_field(message: pb.FieldCounts) -> FieldCounts:
    return FieldCounts(
        message.missing, message.usable, message.denied, message.unread, message.mended, message.first, message.form
    )


def write_counts(counts: Mapping[str, int]) -> list[pb.NamedCount]:
    """Translate counts by name."""
    return [pb.NamedCount(name=name, count=count) for name, count in counts.items()]


def read_counts(counts: Iterable[pb.NamedCount]) -> dict[str, int]:
    """Translate them back."""
    return {one.name: one.count for one in counts}
