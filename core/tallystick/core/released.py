"""A released result as a document: its keys, and how its numbers stand in it.

The body is canonical JSON, which has no floats. A number that is not whole stands as `{"decimal": "8123.5"}`: the shortest decimal
text that reads back as the same double (docs/adr/0003-numbers-in-results.md).

A result carries its own evidence: the job as its analyst signed it, the agreement as every party signed it, all approvals, and for
each data agency its signed statement of the shares that it sealed. It does not carry the sealed shares themselves, which hold what is hidden as
well, unless its analyst opened them: then nothing but what passed a test on shares, or has noise, is in them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tallystick.core.agreement.model import Timestamp
from tallystick.core.documents import Signature, SignedDocument
from tallystick.core.job.reviewing import ReviewRecord
from tallystick.core.model import Document, Hex32, Name, Text
from tallystick.crypto.statistic.shares import evidence_of


class Evidence(Document):
    """One agency's statement that it sealed shares in this attempt, and its signature; hexadecimal."""

    statement: str
    signature: str


class OpeningProof(Document):
    """What shows that a direct result's numbers are those that the agencies sealed (`core/opening.py`).

    Attributes:
        plaintexts, roots: of each ciphertext of the product what it opens to, and the r of it; hexadecimal.
        handed: the desk's signature of what it handed on, which is the result without rows, numbers and this.
    """

    plaintexts: tuple[str, ...]
    roots: tuple[str, ...]
    handed: Signature


class Released(Document):
    """A released result.

    Attributes:
        job: the job's digest.
        attempt: in which attempt it was answered.
        desk: the agency that opened, hid small cells and released.
        released: when.
        columns: the rows' keys, in order.
        rows: the table, after the disclosure rules; numbers as the module says.
        totals: sums of rows, where the job asks for some: levels, `over` (the columns that are summed over), `count` (null where hidden).
        overall: statistics of the whole table, worked out from `rows` and nothing else; where the job asks for some.
        linkage: people, usable tokens and matches, after the disclosure rules.
        disclosure: which rules were applied, and what they hid.
        leakage: who learned what.
        timing: seconds by phase, as far as the desk knows.
        document, agreement, approvals: signed documents, as JSON.
        shares: each data agency's evidence.
        notices: what the laws of the data ask to go along, as the desk's version had it; None: nothing does.
        reviews: what those who review results before they go out said; None where the agreement names nobody.
        handed: of a direct result, each data agency's sealed shares, which the analyst alone can open together; base64.
        opening: of a direct result that its analyst opened and signed, what shows that the numbers are theirs. As the desk signs it, a direct
            result has none, and no numbers.
    """

    job: Hex32
    attempt: int
    desk: Name
    status: str = "released"
    released: Timestamp
    columns: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    totals: tuple[dict[str, Any], ...] | None = None
    overall: tuple[dict[str, Any], ...] | None = None
    linkage: dict[str, Any]
    disclosure: dict[str, Any]
    leakage: dict[str, Any]
    timing: dict[str, Any]
    document: dict[str, Any]
    agreement: dict[str, Any]
    approvals: tuple[dict[str, Any], ...]
    shares: dict[Name, Evidence]
    notices: tuple[Text, ...] | None = None
    reviews: ReviewRecord | None = None
    handed: dict[Name, str] | None = None
    opening: OpeningProof | None = None


def document_json(document: SignedDocument) -> dict[str, Any]:
    """Give a signed document as the JSON value that results carry."""
    value: dict[str, Any] = json.loads(document.encode())
    return value


def shares_evidence(documents: Mapping[str, bytes]) -> dict[str, Evidence]:
    """Give what a result shows of the agencies' sealed-shares documents.

    Raises:
        PeerFault: `frame-malformed`.
    """
    made = {}
    for agency, document in sorted(documents.items()):
        statement, signature = evidence_of(document, sender=agency)
        made[agency] = Evidence(statement=statement.hex(), signature=signature.hex())
    return made
