"""The agreement: the signed document that allows anything at all.

What it does not name is not allowed. Keys are pinned here and come from nowhere else. Versions of one agreement only grow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from tallystick.core.agreement.clauses import Clauses
from tallystick.core.agreement.disclosure import Disclosure as Disclosure
from tallystick.core.agreement.records import RecordTerms, find_faults
from tallystick.core.agreement.review import ReviewTerms, find_review_fault
from tallystick.core.documents import DocumentFile
from tallystick.core.errors import Invalid
from tallystick.core.linkage.passes.facts import ListFacts
from tallystick.core.model import ColumnName, Document, Hex32, Name, Text
from tallystick.core.overall import list_operations
from tallystick.core.values.periods import parse_period, show_form, unit_of_type

PROTOCOL = "TS1"

Timestamp = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")]
Number = int | Annotated[str, StringConstraints(pattern=r"^-?\d{1,18}(\.\d{1,9})?$")]
"""A bound: an integer, or a decimal as text (floats have no canonical form)."""

IdentifierName = Literal[
    "ssn",
    "ssn4",
    "first_name",
    "middle_name",
    "last_name",
    "first_initial",
    "birth_date",
    "sex",
    "street",
    "city",
    "zip",
    "phone",
    "state_id",
    "school_id",
]
PeopleLimit = Annotated[int, Field(ge=1, le=100_000_000)]
RowsPerPerson = Annotated[int, Field(ge=1, le=100_000)]
MoreSpellings = Annotated[int, Field(ge=0, le=3)]
Link = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_:+-]{1,120}$")]
"""A recipe, a ladder, or a word for a similarity pass."""
JoinKind = Literal["inner", "left", "any"]
"""Populations that an agreement allows: people whom all groups of a job have (`keep: a and b`); all people of one group (`keep: a`);
any formula."""
if TYPE_CHECKING:
    Operation = str
else:
    Operation = Literal[list_operations()]


PeriodText = Annotated[str, StringConstraints(pattern=r"^\d{4}-(\d{2}(-\d{2})?|Q[1-4])$")]
"""A day, month or quarter."""
Label = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f]{1,80}$")]
Regimes = Annotated[tuple[Name, ...], Field(min_length=1, max_length=20)]
Unit = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f]{1,20}$")]


class Column(Document):
    """A declared column. Values outside what is declared here are refused or clipped, as the dataset says.

    Attributes:
        type: category (text), integer, decimal (fixed point), boolean, date (ISO), month (`2024-03`), quarter (`2024-Q1`).
        values: all values of a category, where it may be used in `by`.
        min, max: bounds, inclusive; needed for sums and means, and for `by` and `since`. Of a date, month or quarter, one as it is written.
        scale: digits after the point of a decimal.
        label: what tables for people call it.
        unit: of its numbers, as it stands beside them: `USD`, `nights`.
        regimes: laws that it falls under beside its dataset's, as tags (`core/agreement/regime.py`).
    """

    type: Literal["category", "integer", "decimal", "boolean", "date", "month", "quarter"]
    values: tuple[Annotated[str, StringConstraints(min_length=1, max_length=200)], ...] | None = None
    min: Number | PeriodText | None = None
    max: Number | PeriodText | None = None
    scale: Annotated[int, Field(ge=0, le=6)] | None = None
    label: Label | None = None
    unit: Unit | None = None
    regimes: Regimes | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Column:
        if self.type == "decimal" and self.scale is None:
            raise ValueError("a decimal column needs scale (digits after the point)")
        if self.type != "decimal" and self.scale is not None:
            raise ValueError("only a decimal column has a scale")
        if self.values is not None and self.type != "category":
            raise ValueError("only a category column has values")
        if self.unit is not None and self.type not in {"integer", "decimal"}:
            raise ValueError("only an integer or decimal column has a unit")
        if self.values is not None and len(set(self.values)) != len(self.values):
            raise ValueError("values are repeated")
        if (self.min is None) != (self.max is None):
            raise ValueError("min and max go together")
        if self.values == ():
            raise ValueError("values is an empty list; name some, or leave it out")
        if self.type in {"category", "boolean"} and self.min is not None:
            raise ValueError(f"a {self.type} column has no bounds")
        if self.min is not None and self.max is not None and self._bound(self.min) > self._bound(self.max):
            raise ValueError("min is above max")
        return self

    def _bound(self, bound: int | str) -> Decimal:
        """Give a bound as a number; a date, month or quarter as its number (`core/values/periods.py`).

        Raises:
            ValueError: it is no value of the column.
        """
        unit = unit_of_type(self.type)
        if unit is not None:
            try:
                return Decimal(parse_period(str(bound), unit))
            except ValueError as error:
                raise ValueError(f"min and max of a {self.type} column are {self.type}s, such as {show_form(unit)}") from error
        if self.type == "integer" and not isinstance(bound, int):
            raise ValueError("min and max of an integer column are whole numbers, without quotes")
        if "-" in str(bound)[1:]:
            raise ValueError("min and max of a decimal column are numbers")
        _, _, digits = str(bound).partition(".")
        if len(digits.rstrip("0")) > (self.scale or 0):
            raise ValueError("min and max have no more digits after the point than scale says")
        return Decimal(bound)


FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
RecipeText = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_:+/]{1,120}$")]


class LinkageFacts(Document):
    """What a dataset says of itself, so that a job's recipes can be chosen; rounded (`core/linkage/quality/facts.py`).

    Attributes:
        people: counted, rounded up to two digits.
        known: by field, how many of 1,000 people have it.
        alike: by recipe, pairs of people who share its fields and are two; those of few pairs are left out.
        variety: by field, how seldom two people agree in it, in tenths of bits.
    """

    people: PeopleLimit
    known: dict[FieldName, Annotated[int, Field(ge=0, le=1000)]]
    alike: dict[RecipeText, Annotated[int, Field(ge=1, le=10**15)]]
    variety: dict[FieldName, Annotated[int, Field(ge=0, le=1000)]] = {}

    def facts(self) -> ListFacts:
        """Give them as linkage takes them."""
        return ListFacts(self.people, *(tuple(sorted(one.items())) for one in (self.known, self.alike, self.variety)))

    @classmethod
    def of(cls, facts: ListFacts) -> LinkageFacts:
        """Give what a list says of itself as the agreement has it."""
        return cls(people=max(1, facts.people), known=dict(facts.known), alike=dict(facts.alike), variety=dict(facts.variety))


class Dataset(Document):
    """One agency's dataset as the others may know it: its columns and identifiers, never its place.

    Attributes:
        agency: the party that owns it.
        columns: what jobs may name.
        identifiers: what linkage may use.
        people: there are no more people than this; how much a linkage recipe must say is worked out for it.
        aliases: how many spellings of a person's identifiers, beside the first, linkage may use.
        rows_per_person: no person may have more rows; bounds the sums that `derive` makes.
        keys: the name of the person keys that it shares with other datasets of its agency, of several of which a job may name groups.
        out_of_bounds: what the node does with a value outside a column's bounds.
        linkage: what it says of itself for linkage; None: nothing.
        regimes: laws that it falls under, as tags (`core/agreement/regime.py`).
        employers: the column that names a row's employer, where a profile may protect employers, too.
        households: the column that names a person's household, where an agreement may protect households, too.
        relation: who its people are to those whom its rows are about: their caregivers, or heads of their households; None: they are the same.
    """

    agency: Name
    title: Text | None = None
    authority: Text | None = None
    columns: dict[ColumnName, Column]
    identifiers: tuple[IdentifierName, ...]
    people: PeopleLimit = 100_000
    aliases: MoreSpellings = 0
    rows_per_person: RowsPerPerson = 1000
    keys: Name | None = None
    out_of_bounds: Literal["refuse", "clip"] = "refuse"
    linkage: LinkageFacts | None = None
    regimes: Regimes | None = None
    employers: ColumnName | None = None
    households: ColumnName | None = None
    relation: Literal["caregiver", "household"] | None = None

    @model_validator(mode="after")
    def _names_apart(self) -> Dataset:
        check_names_apart(self.columns, self.employers, self.households)
        if len(set(self.identifiers)) != len(self.identifiers):
            raise ValueError("identifiers are repeated")
        return self


def check_names_apart(columns: Mapping[str, Column], employers: str | None = None, households: str | None = None) -> None:
    """Check that a dataset's columns differ by more than case (a database does not tell `Age` from `age`), and that it has those of units.

    Raises:
        ValueError: names both, or the one; pydantic makes a fault of the document of it.
    """
    seen: dict[str, str] = {}
    for name in columns:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise ValueError(f"columns {other} and {name} differ by case only; rename one of them")
    for key, unit in (("employers", employers), ("households", households)):
        if unit is not None and (unit not in columns or columns[unit].type not in {"category", "integer"}):
            raise ValueError(f"{key}: {unit} is no category or integer column of the dataset")


class Party(Document):
    """A party whose identity key is pinned: 32 bytes of Ed25519, in hexadecimal."""

    key: Hex32
    name: Text | None = None


class CoordinatorParty(Party):
    """The coordinator: its identity key, and the HPKE key that points are sealed to (1,216 bytes, hexadecimal)."""

    sealing_key: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{2432}$")]


class Stewards(Document):
    """People of one agency who must sign its approvals: how many (distinct), and their keys."""

    need: Annotated[int, Field(ge=1, le=10)] = 1
    keys: dict[Name, Hex32]


class Release(Document):
    """How results leave: opened at the desk of a named agency, or `direct`: handed on by that desk, and opened by the analyst alone."""

    mode: Literal["desk", "direct"] = "desk"
    desk: Name | None = None


class Agreement(Document):
    """The whole agreement; see the module's docstring.

    Attributes:
        tiers: of an agreement that is what three tiers allow together, these tiers, signed (`chain.py`); None: its parties sign it.
    """

    agreement: Name
    version: Annotated[int, Field(ge=1)] = 1
    protocol: Literal["TS1"] = "TS1"
    title: Text | None = None
    authority: tuple[Text, ...] = ()
    valid_from: Timestamp
    valid_until: Timestamp
    retention_days: Annotated[int, Field(ge=0, le=36_500)] = 365
    parties: dict[Name, Party]
    coordinator: CoordinatorParty
    analysts: dict[Name, Party]
    approvers: dict[Name, Party] = {}
    stewards: dict[Name, Stewards] = {}
    purposes: tuple[Name, ...]
    datasets: dict[Name, Dataset]
    operations: tuple[Operation, ...]
    joins: tuple[JoinKind, ...]
    link: tuple[Link, ...]
    disclosure: Disclosure
    release: Release
    decoys: Annotated[int, Field(ge=0, le=65_536)] = 1024
    min_people: Annotated[int, Field(ge=0)] = 0
    clauses: Clauses | None = None
    records: RecordTerms | None = None
    review: ReviewTerms | None = None
    tiers: Annotated[tuple[DocumentFile, ...], Field(min_length=3, max_length=20)] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Agreement:
        if self.valid_from >= self.valid_until:
            raise ValueError("valid_from is not before valid_until")
        for name, dataset in self.datasets.items():
            if dataset.agency not in self.parties:
                raise ValueError(f"dataset {name} belongs to {dataset.agency}, which is no party")
        if (self.release.mode == "desk" or self.release.desk is not None) and self.release.desk not in self.parties:
            raise ValueError("release.desk must name a party")
        if self.disclosure.gate and not self.decoys:
            raise ValueError(
                "disclosure.gate needs decoys: without them the coordinator's counts of links tell the desk the matches"
            )
        for name in self.stewards:
            if name not in self.parties:
                raise ValueError(f"stewards are named for {name}, which is no party")
        for name, stewards in self.stewards.items():
            if len(set(stewards.keys.values())) < stewards.need:
                raise ValueError(f"{name} needs {stewards.need} stewards but names fewer keys")
        names = [
            *self.parties,
            *self.analysts,
            *self.approvers,
            *(steward for s in self.stewards.values() for steward in s.keys),
        ]
        if len(set(names)) != len(names):
            raise ValueError("one name stands for two parties, analysts, approvers or stewards")
        keys = [p.key for group in (self.parties, self.analysts, self.approvers) for p in group.values()]
        keys += [self.coordinator.key, *(key for s in self.stewards.values() for key in s.keys.values())]
        if len(set(keys)) != len(keys):
            raise ValueError("one key stands for two parties, analysts, approvers or stewards")
        taken = frozenset({*names, *keys})
        if review_fault := find_review_fault(self.review, self.parties | self.approvers, taken):
            raise ValueError(review_fault)
        if self.records and (fault := find_faults(self.records, {*self.parties}, {*names}, {*keys}, self.datasets)):
            raise ValueError(fault)
        return self

    def dataset_of(self, name: str) -> Dataset:
        """Give a dataset by name.

        Raises:
            Invalid: `job-invalid`: no such dataset in this agreement.
        """
        if name not in self.datasets:
            known = ", ".join(sorted(self.datasets))
            raise Invalid("job-invalid", f"the agreement has no dataset {name}", hint=f"it has: {known}")
        return self.datasets[name]


def moment(timestamp: str) -> datetime:
    """Give a document's timestamp as a moment in UTC."""
    return datetime.fromisoformat(re.sub("Z$", "+00:00", timestamp))
