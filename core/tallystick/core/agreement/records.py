"""What an agreement says of requests for one client's fields: who may ask whom for what, and how fast (docs/requests.md).

An agreement without this section allows no request. A key of it never has a part in a job: a request and a job are different types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Annotated, Final, Literal, Protocol

from pydantic import Field, model_validator

from tallystick.core.model import ColumnName, Document, Hex32, Name, Text

INTAKE: Final = "intake"
"""The role of those who may sign a consent, as the officer who took it or as the witness."""

CLIENT: Final = "client"
"""Who signs a consent with the person's own key; no member of the staff may have that name."""

Tag = Literal["hipaa", "part2", "ferpa", "tanf", "ui", "address", "tribal", "vawa"]
"""The regime that a field is under; `vawa` is known so that it can be refused by name."""


class StaffMember(Document):
    """A person of an agency who asks, or takes consents.

    Attributes:
        agency: whose.
        key: the identity key, 64 hexadecimal digits.
        roles: what the person does there; `intake` signs consents.
    """

    agency: Name
    key: Hex32
    roles: Annotated[tuple[Name, ...], Field(min_length=1)]


class RecordField(Document):
    """A field that can be asked for: columns that are given together.

    Attributes:
        columns: declared columns of the dataset, or identifiers.
        as_of: the column that says of which day a row is; of a person's rows the newest is given. Without it all that the rows say is.
        label: what people call it.
        category: what a choice of a consent calls it; without one, its own name.
        tags: the regimes that it is under: they decide notices, and which consents are enough.
    """

    columns: Annotated[tuple[ColumnName, ...], Field(min_length=1, max_length=20)]
    as_of: ColumnName | None = None
    label: Text | None = None
    category: Name | None = None
    tags: tuple[Tag, ...] = ()

    @model_validator(mode="after")
    def _can_be_asked(self) -> RecordField:
        if "vawa" in self.tags:
            raise ValueError("data of victim services are in no request, with or without consent (34 U.S.C. 12291(b)(2))")
        if len(set(self.columns)) != len(self.columns):
            raise ValueError("columns are repeated")
        return self


class RecordOffer(Document):
    """What one dataset's owner answers, and to whom.

    Attributes:
        dataset: of whom; its agency is the owner.
        to: agencies whose staff may ask.
        roles: which of their roles.
        purposes: for what.
        fields: what can be asked for, by name.
        authorities: citations under which the owner answers without a consent; none of them for a field under 42 CFR Part 2.
        protected: a boolean column: of whom it is true, or missing, nothing leaves.
    """

    dataset: Name
    to: Annotated[tuple[Name, ...], Field(min_length=1)]
    roles: Annotated[tuple[Name, ...], Field(min_length=1)]
    purposes: Annotated[tuple[Name, ...], Field(min_length=1)]
    fields: Annotated[dict[Name, RecordField], Field(min_length=1, max_length=64)]
    authorities: tuple[Text, ...] = ()
    protected: ColumnName | None = None


class RecordRates(Document):
    """How many requests are looked at; one more is answered as if there were nothing, and stands in the owner's log.

    Attributes:
        worker_per_hour: of one worker.
        agency_per_hour: of all workers of one agency.
    """

    worker_per_hour: Annotated[int, Field(ge=1, le=10_000)] = 20
    agency_per_hour: Annotated[int, Field(ge=1, le=100_000)] = 200


class RecordTerms(Document):
    """The section `records` of an agreement.

    Attributes:
        discovery: `open`: the owner's node reads whom a request is about. There is no other way in this version.
        tick_seconds: answers leave at whole multiples of this, all of them together.
        steward_seconds: where a steward is asked first: after so long the answer leaves, decided or not.
        answer_seconds: how long an answer may be shown to the worker.
        staff: who may ask and who may take consents, by name.
        offers: what can be asked.
        rates: how fast.
        client_keys: a person's own key may sign in place of a witness: then the officer alone says whose key it is.
    """

    discovery: Literal["open"]
    tick_seconds: Annotated[int, Field(ge=1, le=3600)] = 10
    steward_seconds: Annotated[int, Field(ge=1, le=30 * 86_400)] = 86_400
    answer_seconds: Annotated[int, Field(ge=60, le=7 * 86_400)] = 3600
    staff: dict[Name, StaffMember]
    offers: Annotated[tuple[RecordOffer, ...], Field(min_length=1)]
    rates: RecordRates = RecordRates()
    client_keys: Literal[True] | None = None

    def offers_of(self, dataset: str) -> tuple[RecordOffer, ...]:
        """Give the offers over a dataset."""
        return tuple(offer for offer in self.offers if offer.dataset == dataset)


class _DescribedColumn(Protocol):
    """What is asked of a declared column."""

    @property
    def type(self) -> str: ...

    @property
    def regimes(self) -> tuple[str, ...] | None: ...


class _DescribedDataset(Protocol):
    """What is asked of a dataset of the agreement."""

    @property
    def columns(self) -> Mapping[str, _DescribedColumn]: ...

    @property
    def identifiers(self) -> Sequence[str]: ...

    @property
    def regimes(self) -> tuple[str, ...] | None: ...


def find_faults(
    terms: RecordTerms,
    parties: AbstractSet[str],
    names: AbstractSet[str],
    keys: AbstractSet[str],
    datasets: Mapping[str, _DescribedDataset],
) -> str:
    """Say what is wrong with a section beside the rest of its agreement; "" if nothing is.

    Args:
        terms: the section.
        parties: the agreement's agencies.
        names: everybody whom the agreement names elsewhere.
        keys: their keys.
        datasets: the agreement's, by name.
    """
    staff = terms.staff.values()
    for name in [*(one.agency for one in staff), *(name for offer in terms.offers for name in offer.to)]:
        if name not in parties:
            return f"records name {name}, which is no party"
    if names & terms.staff.keys() or keys & {one.key for one in staff} or len({one.key for one in staff}) != len(staff):
        return "records: one name or key stands for two people, or for one who has another part in the agreement"
    if CLIENT in terms.staff:
        return f"records: {CLIENT} is what the person is called who signs a consent; give that member of the staff another name"
    for number, offer in enumerate(terms.offers, start=1):
        if offer.dataset not in datasets:
            return f"records: offer {number}: there is no dataset {offer.dataset}"
        fault = _find_fault(offer, datasets[offer.dataset])
        if fault:
            return f"records: offer {number}: {fault}"
    return ""


def _find_fault(offer: RecordOffer, dataset: _DescribedDataset) -> str:
    kinds = dict.fromkeys(dataset.identifiers, "identifier") | {name: column.type for name, column in dataset.columns.items()}
    for name, field in offer.fields.items():
        regimes = {*(dataset.regimes or ())}
        regimes |= {tag for one in field.columns if one in dataset.columns for tag in dataset.columns[one].regimes or ()}
        if "vawa" in regimes:
            return f"field {name} is of victim services, whose data are in no request (34 U.S.C. 12291(b)(2))"
        if "part2" in regimes and "part2" not in field.tags:
            return f"field {name} is of data under the regime part2: it needs the tag part2"
        unknown = [one for one in (*field.columns, field.as_of) if one is not None and one not in kinds]
        if unknown:
            return f"field {name}: dataset {offer.dataset} has no {unknown[0]}"
        if field.as_of is not None and kinds[field.as_of] not in {"date", "month", "quarter"}:
            return f"field {name}: as_of names {field.as_of}, which is no date, month or quarter"
        if "part2" in field.tags and offer.authorities:
            return f"field {name} is under 42 CFR Part 2, which an authority in place of a consent does not open"
    if offer.protected is not None and kinds.get(offer.protected) != "boolean":
        return f"protected names {offer.protected}, which is no boolean column of {offer.dataset}"
    if INTAKE in offer.roles:
        return f"{INTAKE} signs consents and asks for nothing; give those who ask another role"
    return ""
