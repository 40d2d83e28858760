"""What worker, agencies and owner tell each other about one request: a request, an answer, a receipt, and the key to seal them to.

    request   signed by the worker, then by the worker's agency: one owner, one dataset, some fields, one purpose, one consent
    answer    signed by the owner: the fields, or nothing; every negative answer is the same document but for the request that it names
    receipt   signed by the worker: that an answer was read, and whether it held anything
    door      signed by an agency's node: the key that letters to it are sealed to, for a short time

Security: nobody but the owner's node learns why an answer is negative; a negative answer has no place for it.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from tallystick.core.agreement.model import Timestamp
from tallystick.core.consent.model import DocumentId
from tallystick.core.model import Document, Hex32, Name, Text

DOOR_SECONDS: Final = 3600
"""How long a door is open at most."""
CLOCKS_APART: Final = 300
"""Seconds by which the clocks of asker and owner may differ."""
VERIFY: Final = "Verify this with the person, or with the agency that it came from, before you act against the person."
"""What stands under every answer (5 U.S.C. 552a(p))."""
SealingKeyText = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{2432}$")]


class RecordRequest(Document):
    """A request for some fields of one person.

    Attributes:
        request: its name, drawn at random; an owner answers it once.
        agreement, agreement_digest: the agreement, and the digest of its text.
        worker, role, agency: who asks, in which role, of which agency.
        owner, dataset: who is asked, of which dataset.
        purpose: what for.
        fields: what is asked.
        consent: SHA-256 of the consent, 64 hexadecimal digits.
        answer_key: what the answer is sealed to; of this request alone.
        asked: when, UTC.
    """

    request: DocumentId
    agreement: Name
    agreement_digest: Hex32
    worker: Name
    role: Name
    agency: Name
    owner: Name
    dataset: Name
    purpose: Name
    fields: Annotated[tuple[Name, ...], Field(min_length=1, max_length=64)]
    consent: Hex32
    answer_key: SealingKeyText
    asked: Timestamp

    @model_validator(mode="after")
    def _fields_apart(self) -> Self:
        if len(set(self.fields)) != len(self.fields):
            raise ValueError("fields are repeated")
        return self


FieldText = Annotated[str, StringConstraints(max_length=2000)]


class GivenField(Document):
    """A field of an answer.

    Attributes:
        rows: what the person's rows say, each by column; null where nothing stands.
        source: the dataset.
        as_of: the day that the row is of, where the dataset says it.
        notices: what must go along with it.
    """

    rows: tuple[dict[str, FieldText | None], ...]
    source: Name
    as_of: FieldText | None = None
    notices: tuple[Text, ...] = ()


class RecordAnswer(Document):
    """An answer.

    Attributes:
        request: SHA-256 of the request.
        owner: who answers; where the asking agency's own node answers, that agency.
        fields: what is told; None: nothing, and nobody is told why.
        refused: why the asker's own agency did not pass the request on; it never comes from an owner.
        answered: the tick at which it left, UTC.
        until: how long it may be shown.
    """

    request: Hex32
    owner: Name
    fields: dict[Name, GivenField] | None = None
    refused: Text | None = None
    answered: Timestamp
    until: Timestamp


class RecordReceipt(Document):
    """That an answer was read. It is sent of every answer, so that who sees letters does not learn which answers held something.

    Attributes:
        request: SHA-256 of the request.
        answer: SHA-256 of the answer.
        outcome: what it held.
        at: when it was read, UTC.
    """

    request: Hex32
    answer: Hex32
    outcome: Literal["given", "nothing"]
    at: Timestamp


class LetterDoor(Document):
    """What letters to a node are sealed to. The key lives in the node's memory alone.

    Attributes:
        agency: whose.
        key: 1,216 bytes, hexadecimal.
        until: when it is shut, UTC.
    """

    agency: Name
    key: SealingKeyText
    until: Timestamp
