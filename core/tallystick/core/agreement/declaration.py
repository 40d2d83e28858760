"""A dataset as its agency declares it: what the agreement says of it, and where the records are.

A lab file and a node's configuration use the same words (docs/configuration.md). What the others may know stands in the agreement:
`agreed` makes it, `differences` says where an agreement and a declaration disagree.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, RootModel, StringConstraints, model_validator

from tallystick.core.agreement.model import (
    Column,
    Dataset,
    IdentifierName,
    Link,
    MoreSpellings,
    PeopleLimit,
    RowsPerPerson,
    check_names_apart,
)
from tallystick.core.linkage.passes.ladders import WORDS
from tallystick.core.model import ColumnName, Document, Text

SourceColumn = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""A column's name in the source, as it stands there."""
PathText = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


SourceType = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class Source(RootModel[dict[SourceType, Any]]):
    """Where a dataset's records are: one type of source and its settings, such as `{csv: FILE}`.

    The types, and what settings each has, are known to `tallystick.records.registry` alone, which reads the settings.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    @model_validator(mode="after")
    def _one_type(self) -> Self:
        if len(self.root) != 1:
            raise ValueError("a source is of one type, such as {csv: FILE}")
        return self

    @property
    def type(self) -> str:
        """The type of source."""
        return next(iter(self.root))

    @property
    def settings(self) -> Any:
        """Its settings as they are written: a JSON value."""
        return self.root[self.type]


class DeclaredColumn(Column):
    """A declared column and its name in the source (the same, unless `from` says otherwise)."""

    source: Annotated[SourceColumn | None, Field(alias="from")] = None

    def declared(self) -> Column:
        """Give what the agreement says of the column."""
        return Column(**{name: getattr(self, name) for name in Column.model_fields})


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


class SamePerson(Document):
    """Which keys of a source are one person; without either, each key is a person. Also written `keep`, or `merge`: link: strict.

    Attributes:
        ids: the source's columns that hold another id of a person; keys with the same value are one.
        link: recipes, or ladders; keys with the same token are one. Of a ladder only the recipes are meant.
    """

    ids: Annotated[tuple[SourceColumn, ...], BeforeValidator(_one_or_more)] = ()
    link: Annotated[tuple[Link, ...], BeforeValidator(_one_or_more)] = ()

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        forms: dict[str, Any] = {"keep": {}, "merge": {"link": ["strict"]}}
        if value not in forms:
            raise ValueError("duplicates is one of: keep, merge, {ids: COLUMNS, link: RECIPES}")
        return forms[value]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.ids)) != len(self.ids):
            raise ValueError("ids are repeated")
        if set(self.link) & set(WORDS):
            raise ValueError("duplicates are found by recipes and ladders alone")
        return self

    @property
    def merges(self) -> bool:
        """Whether two keys may be one person at all."""
        return bool(self.ids or self.link)


class Aliases(Document):
    """Other spellings of a person's identifiers: rows of one key that differ in them, and rows of a file of their own.

    Also written as a number: `most`, without a file.

    Attributes:
        most: how many a person may have beside the first; it stands in the agreement.
        source: a file of other spellings.
        person: that file's column with the agency's own key of a person.
        identifiers: which column of that file holds which identifier; those that it lacks, or leaves empty, are as in the first.
    """

    most: MoreSpellings = 0
    source: Source | None = None
    person: SourceColumn | None = None
    identifiers: dict[IdentifierName, SourceColumn] = {}

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"most": value} if type(value) is int else value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len({self.source is None, self.person is None, not self.identifiers}) != 1:
            raise ValueError("a file of aliases needs source, person and identifiers")
        if self.source is not None and not self.most:
            raise ValueError("most: how many spellings of the file may be used")
        return self


class DeclaredDataset(Document):
    """One dataset.

    Attributes:
        title: what it is, for people.
        source: its file.
        person: the source's column with the agency's own key of a person; rows with the same key are one person.
        identifiers: which column of the source holds which identifier.
        columns: what jobs may name.
        duplicates: which keys are one person. It stays with the agency, as `person` does.
        people: there are no more people than this.
        aliases: other spellings of people's identifiers.
        rows_per_person: no person has more rows.
        out_of_bounds: refuse the source, or clip numbers to their bounds. Categories and dates are always refused:
            there is no nearest one.
    """

    title: Text | None = None
    source: Source
    person: SourceColumn
    identifiers: dict[IdentifierName, SourceColumn]
    columns: dict[ColumnName, DeclaredColumn]
    duplicates: SamePerson = SamePerson()
    people: PeopleLimit = 100_000
    aliases: Aliases = Aliases()
    rows_per_person: RowsPerPerson = 1000
    out_of_bounds: Literal["refuse", "clip"] = "refuse"

    @model_validator(mode="after")
    def _names_apart(self) -> Self:
        check_names_apart(self.columns)
        strange = sorted(self.aliases.identifiers.keys() - self.identifiers.keys())
        if strange:
            raise ValueError(f"aliases have {', '.join(strange)}, which the dataset has not")
        return self

    def agreed(self, agency: str) -> Dataset:
        """Give what an agreement with this declaration says of the dataset."""
        return Dataset(
            agency=agency,
            title=self.title,
            columns={name: column.declared() for name, column in self.columns.items()},
            identifiers=tuple(self.identifiers),
            people=self.people,
            aliases=self.aliases.most,
            rows_per_person=self.rows_per_person,
            out_of_bounds=self.out_of_bounds,
        )

    def differences(self, agreed: Dataset) -> list[str]:
        """Say where this declaration and the agreement's differ; empty when they agree. Titles need not agree."""
        found = [f"column {name} is not in the agreement" for name in sorted(self.columns.keys() - agreed.columns.keys())]
        found += [f"column {name} of the agreement is missing" for name in sorted(agreed.columns.keys() - self.columns.keys())]
        for name in sorted(self.columns.keys() & agreed.columns.keys()):
            mine, theirs = self.columns[name].declared(), agreed.columns[name]
            found += [
                f"column {name}: {field} differs"
                for field in Column.model_fields
                if getattr(mine, field) != getattr(theirs, field)
            ]
        if set(self.identifiers) != set(agreed.identifiers):
            apart = ", ".join(sorted(set(self.identifiers) ^ set(agreed.identifiers)))
            found.append(f"identifiers differ: {apart}")
        if self.aliases.most != agreed.aliases:
            found.append("aliases differ")
        found += [
            f"{field} differs"
            for field in ("people", "rows_per_person", "out_of_bounds")
            if getattr(self, field) != getattr(agreed, field)
        ]
        return found
