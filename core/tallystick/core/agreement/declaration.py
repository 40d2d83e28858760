"""A dataset as its agency declares it: what the agreement says of it, and where the records are.

A lab file and a node's configuration use the same words (docs/configuration.md). What the others may know stands in the agreement:
`to_dataset` makes it, `differences` says where an agreement and a declaration disagree.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, RootModel, StringConstraints, model_validator

from tallystick.core.agreement.model import (
    Column,
    Dataset,
    IdentifierName,
    Link,
    LinkageFacts,
    MoreSpellings,
    PeopleLimit,
    Regimes,
    RowsPerPerson,
    check_names_apart,
)
from tallystick.core.errors import Invalid
from tallystick.core.linkage.passes.ladders import WORDS
from tallystick.core.model import ColumnName, Document, Name, Text
from tallystick.core.values.dates import DateRule, parse_format

SourceColumn = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""A column's name in the source, as it stands there."""
PathText = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


SourceType = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class DeclaredSource(RootModel[dict[SourceType, Any]]):
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


def _words(value: Any) -> Any:
    """Give one word or several as a list of texts; numbers are words too."""
    words = value if isinstance(value, list) else [value]
    return tuple(str(word) if type(word) is int else word for word in words)


MissingWords = Annotated[
    tuple[Annotated[str, StringConstraints(min_length=1, max_length=200)], ...], Field(min_length=1), BeforeValidator(_words)
]
Pivot = Annotated[int, Field(ge=0, le=99)]
Share = Annotated[int, Field(ge=0, le=1)] | Annotated[str, StringConstraints(pattern=r"^(0|1|0?\.[0-9]{1,4}|1\.0{1,4})$")]
"""A part of one, as YAML gives it here: 1, or the text 0.8."""


class DeclaredColumn(Column):
    """A declared column, its name in the source, and how its values stand there. Only what `Column` has goes into an agreement.

    Attributes:
        source: its name in the source; the same, unless `from` says otherwise.
        missing: words that stand for no value, in any case.
        format: of dates, where the values themselves do not say: `DD/MM/YYYY`, `MMDDYY`, `serial` (`core/values/dates.py`).
        pivot: of two digits of a year: up to this they are of this century.
        case: `ignore`: values of a category in any case are the declared ones.
        other: the declared value that stands for every one that is not declared.
    """

    source: Annotated[SourceColumn | None, Field(alias="from")] = None
    missing: MissingWords | None = None
    format: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = None
    pivot: Pivot | None = None
    case: Literal["ignore"] | None = None
    other: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.type != "date" and (self.format is not None or self.pivot is not None):
            raise ValueError("only a date column has a format and a pivot")
        if self.type != "category" and (self.case is not None or self.other is not None):
            raise ValueError("only a category column has case and other")
        if self.other is not None and self.other not in (self.values or ()):
            raise ValueError("other is one of values")
        if self.case is not None and len({value.casefold() for value in self.values or ()}) != len(self.values or ()):
            raise ValueError("case: ignore, but values differ by case only")
        _check_format(self.format, self.pivot)
        return self

    def to_column(self) -> Column:
        """Build what the agreement says of the column."""
        return Column(**{name: getattr(self, name) for name in Column.model_fields})


def _check_format(text: str | None, pivot: int | None) -> None:
    """Check that a format is one of dates.

    Raises:
        ValueError: it is none.
    """
    if text is not None:
        try:
            parse_format(text, DateRule(pivot=pivot))
        except Invalid as error:
            raise ValueError(f"{error.message}; {error.hint}") from None


class DeclaredIdentifier(Document):
    """Which column of the source holds an identifier, and how its values stand there; a column's name alone may be written in its place.

    Attributes:
        source: the source's column.
        missing: words that stand for no value, in any case; beside those that always do.
        format, pivot: of birth dates, as of a column's.
    """

    source: Annotated[SourceColumn, Field(alias="from")]
    missing: MissingWords | None = None
    format: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = None
    pivot: Pivot | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"from": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _is_format(self) -> Self:
        _check_format(self.format, self.pivot)
        return self


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
    source: DeclaredSource | None = None
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


class Relation(Document):
    """Related people to whom a dataset's rows are carried: the dataset's people are these, not those whom its rows are about.

    Attributes:
        kind: who they are to those whom the rows are about: `caregiver` (or, the other way, the children of one), or `household`: its head.
        source: the file of the related people, with their identifiers; it may be the dataset's own.
        person: that file's column with the key of a person.
        rows, people: a column of the dataset's source, and one of that file: a row is carried to everybody who has its value.
    """

    kind: Literal["caregiver", "household"]
    source: DeclaredSource
    person: SourceColumn
    rows: SourceColumn
    people: SourceColumn


class DeclaredDataset(Document):
    """One dataset.

    Attributes:
        title: what it is, for people.
        source: its file.
        person: the source's column with the agency's own key of a person; rows with the same key are one person.
        identifiers: which column of the source holds which identifier.
        usable: a job stops before it starts where fewer of an identifier's values can be used; without it, half is warned of.
        columns: what jobs may name.
        duplicates: which keys are one person. It stays with the agency, as `person` does.
        people: there are no more people than this.
        aliases: other spellings of people's identifiers.
        rows_per_person: no person has more rows.
        keys: the name of the person keys, where other datasets of the agency have the same ones; it stands in the agreement.
        out_of_bounds: refuse the source, or clip numbers to their bounds. Categories and dates are always refused:
            there is no nearest one.
        linkage: what the records say of themselves for linkage, as `tally node linkage` counts it; it stands in the agreement.
        regimes: laws that the records fall under, as tags; they stand in the agreement, and a node runs no job under one without them.
        employers: the column that names a row's employer; it stands in the agreement.
        households: the column that names a person's household; it stands in the agreement.
        relation: whose people these are instead of those whom the rows are about; `identifiers` are then columns of the relation's file.
            That there is one, and of which kind, stands in the agreement.
    """

    title: Text | None = None
    source: DeclaredSource
    person: SourceColumn
    identifiers: dict[IdentifierName, DeclaredIdentifier]
    columns: dict[ColumnName, DeclaredColumn]
    usable: Share | None = None
    duplicates: SamePerson = SamePerson()
    people: PeopleLimit = 100_000
    aliases: Aliases = Aliases()
    rows_per_person: RowsPerPerson = 1000
    keys: Name | None = None
    out_of_bounds: Literal["refuse", "clip"] = "refuse"
    linkage: LinkageFacts | None = None
    regimes: Regimes | None = None
    employers: ColumnName | None = None
    households: ColumnName | None = None
    relation: Relation | None = None

    @model_validator(mode="after")
    def _names_apart(self) -> Self:
        check_names_apart(self.columns, self.employers, self.households)
        units = self.employers or self.households
        if self.relation is not None and (self.duplicates.merges or self.aliases.most or units):
            raise ValueError("a dataset with a relation has no duplicates, aliases, employers or households")
        if self.keys is not None and self.duplicates.merges:
            raise ValueError("keys that other datasets share cannot be merged here: leave out duplicates, or keys")
        strange = sorted(self.aliases.identifiers.keys() - self.identifiers.keys())
        if strange:
            raise ValueError(f"aliases have {', '.join(strange)}, which the dataset has not")
        for name, entry in self.identifiers.items():
            if name != "birth_date" and (entry.format is not None or entry.pivot is not None):
                raise ValueError(f"{name}: only birth_date has a format and a pivot")
        return self

    @property
    def usable_share(self) -> float | None:
        """What `usable` says, as a number."""
        return None if self.usable is None else float(self.usable)

    @property
    def identifier_columns(self) -> dict[IdentifierName, str]:
        """The source's column of each identifier."""
        return {name: entry.source for name, entry in self.identifiers.items()}

    def to_dataset(self, agency: str) -> Dataset:
        """Build what an agreement with this declaration says of the dataset."""
        return Dataset(
            agency=agency,
            title=self.title,
            columns={name: column.to_column() for name, column in self.columns.items()},
            identifiers=tuple(self.identifiers),
            people=self.people,
            aliases=self.aliases.most,
            rows_per_person=self.rows_per_person,
            keys=self.keys,
            out_of_bounds=self.out_of_bounds,
            linkage=self.linkage,
            regimes=self.regimes,
            employers=self.employers,
            households=self.households,
            relation=None if self.relation is None else self.relation.kind,
        )

    def differences(self, agreed: Dataset) -> list[str]:
        """Say where this declaration and the agreement's differ; empty when they agree. Titles and labels need not agree."""
        found = [f"column {name} is not in the agreement" for name in sorted(self.columns.keys() - agreed.columns.keys())]
        found += [f"column {name} of the agreement is missing" for name in sorted(agreed.columns.keys() - self.columns.keys())]
        for name in sorted(self.columns.keys() & agreed.columns.keys()):
            mine, theirs = self.columns[name].to_column(), agreed.columns[name]
            found += [
                f"column {name}: {field} differs"
                for field in Column.model_fields
                if field != "label" and getattr(mine, field) != getattr(theirs, field)
            ]
        if set(self.identifiers) != set(agreed.identifiers):
            apart = ", ".join(sorted(set(self.identifiers) ^ set(agreed.identifiers)))
            found.append(f"identifiers differ: {apart}")
        if self.aliases.most != agreed.aliases:
            found.append("aliases differ")
        found += [
            f"{field} differs"
            for field in ("people", "rows_per_person", "keys", "out_of_bounds", "linkage", "regimes", "employers", "households")
            if getattr(self, field) != getattr(agreed, field)
        ]
        if (None if self.relation is None else self.relation.kind) != agreed.relation:
            found.append("relation differs")
        return found
