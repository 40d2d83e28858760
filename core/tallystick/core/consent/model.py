"""The consent: a signed document that says which agencies may tell which others what of one person, for what, and until when.

It is written on a form (`forms.py`), signed by the officer who took it and by a witness, or by a key of the person's own in the witness's
place, and revoked by a document of its own (`revoking.py`). Nobody but its holders and the agencies that answer under it ever reads it: it
names a person.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from tallystick.core.agreement.model import IdentifierName, Timestamp, moment
from tallystick.core.agreement.records import CLIENT
from tallystick.core.model import Document, Hex32, Name, Text

MAX_CONSENT: Final = 16 * 1024
"""Bytes of a consent with its signatures: it fits a letter beside a request."""

DocumentId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""A random name, 32 hexadecimal digits."""
Word = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
IdentifierText = Annotated[str, StringConstraints(min_length=1, max_length=256)]
ChoiceWord = Literal["share", "do not share"]


class Recipients(Document):
    """Who may be told.

    Attributes:
        agency: a party of the agreement.
        roles: which of its staff's roles.
        through: an intermediary in the sense of 42 CFR 2.24 by whom it is told, where there is one.
    """

    agency: Name
    roles: Annotated[tuple[Name, ...], Field(min_length=1)]
    through: Name | None = None


class Collection(Document):
    """How a consent was taken.

    Attributes:
        at: when, UTC.
        by: the officer, as the agreement names the staff of the collecting agency.
        agency: the collecting agency.
        witness: who saw it; None where the person signed with a key.
        how: in person, by telephone, on a device of the person's, or on paper that came in.
        language: in which it was read, a BCP 47 tag.
        paper: SHA-256 of the signed paper, or its scan.
        signed_on: the day that stands beside the signature on the paper.
    """

    at: Timestamp
    by: Name
    agency: Name
    witness: Name | None = None
    how: Literal["in person", "telephone", "device", "paper"]
    language: Word = "en"
    paper: Hex32 | None = None
    signed_on: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None


class Consent(Document):
    """The whole document.

    Attributes:
        consent: its name.
        agreement: the agreement under which it counts.
        form: the form's name and version, as `general 1`.
        basis: the person's consent, or a law that needs none.
        citation: that law; of a basis of authority alone.
        person: identifiers as they were collected; what is not known is left out.
        discloser: the agencies that may tell.
        recipients: whom.
        purposes: for what, as the agreement names purposes.
        fields: what may be told, as the agreement's offers name fields.
        choices: by category, whether it may be shared; "do not share" is kept, and shuts the category.
        valid_from, valid_until: at `valid_until` it is over.
        collected: how it was taken.
        client_key: the person's own key, where one signs in place of a witness. The officer's signature says whose key it is.
        statements: by the name of a form's element, what the paper says of it.
        revoking: 32 random bytes: who has the document can revoke it, and nobody can tell from a revocation whom it is about.
    """

    consent: DocumentId
    agreement: Name
    form: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31} [1-9][0-9]{0,3}$")]
    basis: Literal["consent", "authority"]
    citation: Text | None = None
    person: dict[IdentifierName, IdentifierText]
    discloser: Annotated[tuple[Name, ...], Field(min_length=1, max_length=50)]
    recipients: Annotated[tuple[Recipients, ...], Field(min_length=1, max_length=50)]
    purposes: Annotated[tuple[Name, ...], Field(min_length=1, max_length=20)]
    fields: Annotated[tuple[Name, ...], Field(max_length=64)] = ()
    choices: dict[Name, ChoiceWord] = {}
    valid_from: Timestamp
    valid_until: Timestamp
    collected: Collection
    client_key: Hex32 | None = None
    statements: dict[Name, Text] = {}
    revoking: Hex32

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        try:
            begins, ends = moment(self.valid_from), moment(self.valid_until)
            moment(self.collected.at)
        except ValueError as error:
            raise ValueError("a time of the consent is no time of the calendar") from error
        if begins >= ends:
            raise ValueError("valid_from is not before valid_until")
        if (self.basis == "authority") != (self.citation is not None):
            raise ValueError("a basis of authority needs its citation, and a consent has none")
        if self.basis == "authority" and self.client_key is not None:
            raise ValueError("what rests on a law is signed by the officer and a witness, not by the person")
        if self.client_key is None and self.collected.witness is None:
            raise ValueError("without a key of the person's own a witness is needed: collected.witness")
        if self.collected.witness == self.collected.by:
            raise ValueError("the officer cannot be the witness")
        return self

    @property
    def signers(self) -> tuple[str, ...]:
        """Who must sign."""
        if self.client_key is not None:
            return (self.collected.by, CLIENT)
        assert self.collected.witness is not None  # checked above
        return (self.collected.by, self.collected.witness)

    def opens(self, name: str, category: str | None) -> bool:
        """Tell whether it opens a field: the field is named, or its category is chosen; "do not share" shuts either.

        Args:
            name: the field's.
            category: the field's; None where it is its own.
        """
        choice = self.choices.get(category or name)
        return choice != "do not share" and (name in self.fields or choice == "share")
