"""The three tiers of which an agreement may be made: memorandum, data sharing agreement, data use license.

- The memorandum holds for all that its parties do together: it pins their keys and the coordinator's, and every party signs it.
- A sharing agreement is about one dataset: under which law it is shared, with whom, for which uses. Its agency and the agencies that it
  is shared with sign it.
- A license is about one project: who asks, for what, which columns, until when. The agencies that take part and its analysts sign it.

A lower tier names those above it by name, version and digest. `chain.py` says what they allow together.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BaseModel, Field, model_validator

from tallystick.core.agreement.clauses import Clauses
from tallystick.core.agreement.disclosure import Disclosure
from tallystick.core.agreement.model import (
    CoordinatorParty,
    Dataset,
    JoinKind,
    Link,
    Operation,
    Party,
    Stewards,
    Timestamp,
)
from tallystick.core.agreement.review import ReviewTerms
from tallystick.core.model import ColumnName, Document, Hex32, Name, Text

Version = Annotated[int, Field(ge=1)]
Names = Annotated[tuple[Name, ...], Field(min_length=1)]


class TierRef(BaseModel):
    """Which document of a higher tier, exactly. Not a `Document`, whose method `digest` its key would hide."""

    model_config = Document.model_config

    name: Name
    version: Version
    digest: Hex32


class _Tier(Document):
    """What every tier has; a tier's term lies within that of the tiers above it."""

    version: Version = 1
    title: Text | None = None
    valid_from: Timestamp
    valid_until: Timestamp
    disclosure: Disclosure | None = None
    clauses: Clauses = Clauses()

    @model_validator(mode="after")
    def _begins_first(self) -> Self:
        if self.valid_from >= self.valid_until:
            raise ValueError("valid_from is not before valid_until")
        return self


class Memorandum(_Tier):
    """What holds for all that agencies do together.

    Attributes:
        memorandum: its name.
        authority: laws that it rests on.
        parties: the agencies, and their keys; a lower tier names no other.
        coordinator: the keys of the coordinator.
        decoys: as an agreement's.
        retention_days: the longest that any tier may say.
        disclosure: rules that every tier keeps, if there are any.
    """

    memorandum: Name
    authority: tuple[Text, ...] = ()
    parties: dict[Name, Party]
    coordinator: CoordinatorParty
    decoys: Annotated[int, Field(ge=0, le=65_536)] = 1024
    retention_days: Annotated[int, Field(ge=0, le=36_500)] = 365

    @property
    def name(self) -> str:
        """Its name."""
        return self.memorandum

    @property
    def signers(self) -> tuple[str, ...]:
        """Who must sign: every party."""
        return tuple(self.parties)


class SharingAgreement(_Tier):
    """On which terms one dataset is shared.

    Attributes:
        sharing: its name.
        memorandum: which one it is under.
        dataset: the dataset's name.
        terms: the dataset as its agency's node declares it, with the law that it is shared under.
        shared_with: agencies that may take part in jobs over it; they sign, too.
        stewards: people of the dataset's agency who must sign each job.
        approvers: others who must approve each job, such as a Tribal Nation.
        purposes, operations, joins, link: what is permitted with it; a license may say no more.
        min_people: as an agreement's.
        retention_days: the longest that a license may say.
        review: who sees results that rest on it before they go out; a license may add reviewers and days, and take none away.
    """

    sharing: Name
    memorandum: TierRef
    dataset: Name
    terms: Dataset
    shared_with: tuple[Name, ...]
    stewards: Stewards | None = None
    approvers: dict[Name, Party] = {}
    purposes: Names
    operations: tuple[Operation, ...]
    joins: tuple[JoinKind, ...]
    link: tuple[Link, ...]
    min_people: Annotated[int, Field(ge=0)] = 0
    retention_days: Annotated[int, Field(ge=0, le=36_500)]
    review: ReviewTerms | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return self.sharing

    @property
    def signers(self) -> tuple[str, ...]:
        """Who must sign: the dataset's agency, and whom it is shared with."""
        return tuple(dict.fromkeys((self.terms.agency, *self.shared_with)))


class UseLicense(_Tier):
    """What one project may do.

    Attributes:
        license: its name; jobs name it as their agreement.
        memorandum: which one it is under.
        sharing: the sharing agreements that it draws on, one of each dataset.
        questions: what the project wants to know, for people to hold a job against.
        purposes, operations, joins, link: of those of the sharing agreements.
        analysts: who asks; they sign, too.
        approvers: others who must approve each job, beside those of the sharing agreements.
        datasets: the columns of each dataset that jobs may name.
        desk: the agency through whose desk results leave.
        min_people: as an agreement's; what a sharing agreement says is kept beside it.
        retention_days: of those of the sharing agreements, none is shorter.
        review: who sees its results before they go out, beside those of the sharing agreements.
    """

    license: Name
    memorandum: TierRef
    sharing: Annotated[tuple[TierRef, ...], Field(min_length=1, max_length=8)]
    questions: Annotated[tuple[Text, ...], Field(min_length=1, max_length=40)]
    purposes: Names
    operations: tuple[Operation, ...]
    joins: tuple[JoinKind, ...]
    link: tuple[Link, ...]
    analysts: Annotated[dict[Name, Party], Field(min_length=1)]
    approvers: dict[Name, Party] = {}
    datasets: Annotated[dict[Name, tuple[ColumnName, ...]], Field(min_length=1)]
    desk: Name
    min_people: Annotated[int, Field(ge=0)] = 0
    retention_days: Annotated[int, Field(ge=0, le=36_500)]
    review: ReviewTerms | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return self.license


Tier: TypeAlias = Memorandum | SharingAgreement | UseLicense
TierKind = Literal["memorandum", "sharing", "license"]
TIERS: dict[TierKind, type[Memorandum | SharingAgreement | UseLicense]] = {
    "memorandum": Memorandum,
    "sharing": SharingAgreement,
    "license": UseLicense,
}
