"""What can be counted of a dataset's records before there is a job: `tally node check`, `tally node datasets`, `tally lab check`.

Security: counts, names of columns and forms, never values; `detail` of an error holds counts, forms and where the first row stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.errors import TallyError
from tallystick.core.linkage.matching.duplicates import Duplicates
from tallystick.records.aliases import strangers
from tallystick.records.features import people_table
from tallystick.records.locked import quote_name
from tallystick.records.reading import load_dataset
from tallystick.records.usable import HALF, FieldCounts, count_fields, sentence, unusable


@dataclass(frozen=True)
class AliasCounts:
    """People with aliases, their aliases in all, and rows of the file of aliases that are of nobody."""

    people: int
    spellings: int
    unknown_rows: int


@dataclass(frozen=True)
class DuplicateCounts:
    """What became of a dataset's keys.

    Attributes:
        keys, people: before and after merging.
        merged: by evidence, people fewer for it.
        contradicted: by what contradicts, pairs of keys with evidence that stay two people.
        common: by evidence, values that too many keys share.
    """

    keys: int
    people: int
    merged: Mapping[str, int]
    contradicted: Mapping[str, int]
    common: Mapping[str, int]


@dataclass(frozen=True)
class DatasetSummary:
    """Counts of a dataset, never its values.

    Attributes:
        version: of the rows that were read (`version.py`).
        at_most: people that its declaration allows.
        identifiers: people with a usable value, by identifier.
        missing: rows without a value, by column.
        fields: what became of each identifier, over rows.
        notes: what was found out about the source and not declared, and how dates were read.
        aliases: None where the declaration allows none.
        duplicates: None where the declaration merges no keys.
    """

    rows: int
    version: str
    people: int
    at_most: int
    identifiers: Mapping[str, int]
    missing: Mapping[str, int]
    fields: Mapping[str, FieldCounts]
    notes: tuple[str, ...] = ()
    aliases: AliasCounts | None = None
    duplicates: DuplicateCounts | None = None


@dataclass(frozen=True)
class DatasetProblem:
    """Why a dataset cannot be used; `detail` is for this agency's people alone."""

    code: str
    message: str
    hint: str
    detail: str


@dataclass(frozen=True)
class DatasetCheck:
    """A dataset's source held against its declaration."""

    dataset: str
    outcome: DatasetSummary | DatasetProblem

    def json_value(self) -> dict[str, Any]:
        """Give it as a JSON value, without the name."""
        match self.outcome:
            case DatasetProblem(code, message, hint, detail):
                return {"error": message, "hint": hint, "detail": detail, "code": code}
            case summary:
                value = {key: value for key, value in asdict(summary).items() if value is not None}
                fields = {name: found.json_value() for name, found in summary.fields.items()}
                return {**value, "fields": fields, "notes": list(summary.notes)}

    def warnings(self, share: float = HALF) -> list[str]:
        """Say of which identifiers less than a share of what is written can be used, and why."""
        if isinstance(self.outcome, DatasetProblem):
            return []
        return [sentence(name, found) for name, found in unusable(self.outcome.fields, share).items()]


def survey(
    name: str, dataset: DeclaredDataset, folder: Path, *, max_memory_mib: int | None, shown: dict[str, str] | None = None
) -> DatasetCheck:
    """Read a dataset whole and count: rows and their version, people and how many it may have, who has each identifier, what was merged.

    Args:
        name: the dataset's.
        dataset: its declaration.
        folder: what the source's paths are relative to.
        max_memory_mib: what reading may take; None: as `locked.connect`.
        shown: takes a value of each identifier and column that has one that is not read, for the owner's terminal.

    Returns:
        The counts; or why the records cannot be read.
    """
    try:
        return DatasetCheck(name, _count_dataset(name, dataset, folder, max_memory_mib, shown))
    except TallyError as error:
        return DatasetCheck(name, DatasetProblem(code=error.code, message=error.message, hint=error.hint, detail=error.detail))


def _count_dataset(
    name: str, dataset: DeclaredDataset, folder: Path, max_memory_mib: int | None, shown: dict[str, str] | None
) -> DatasetSummary:
    with load_dataset(name, dataset, folder, max_memory_mib=max_memory_mib, versioned=True, shown=shown) as records:
        assert records.version is not None  # it was asked for
        fields = count_fields(records.connection, tuple(dataset.identifiers), records.places, shown)
        table = people_table(records, name, where=None, used=(), derived={})
        people = {key: int(sum(value is not None for value in values)) for key, values in table.identifiers.items()}
        missing = {
            column: int(records.connection.execute(f"SELECT count(*) - count({quote_name(column)}) FROM records").fetchone()[0])  # noqa: S608 - quoted names
            for column in records.columns
        }
        aliases = None
        if dataset.aliases.most:
            who = [] if table.spellings is None else table.spellings.who.tolist()
            unknown = 0 if dataset.aliases.source is None else strangers(records.connection)[1]
            aliases = AliasCounts(people=len(set(who)), spellings=len(who), unknown_rows=unknown)
        return DatasetSummary(
            rows=records.rows,
            version=records.version,
            people=table.n,
            at_most=dataset.people,
            identifiers=people,
            missing=missing,
            fields=fields,
            notes=records.told,
            aliases=aliases,
            duplicates=None if records.duplicates is None else _duplicate_counts(records.duplicates),
        )


def _duplicate_counts(duplicates: Duplicates) -> DuplicateCounts:
    """Count what became of keys; what is 0 is left out."""
    return DuplicateCounts(
        keys=duplicates.keys,
        people=duplicates.people,
        merged={name: count for name, count in duplicates.merged.items() if count},
        contradicted=dict(duplicates.contradicted),
        common={name: count for name, count in duplicates.common.items() if count},
    )
