"""A direct result: what its desk hands on, how its analyst opens it, and how anybody checks it offline.

The desk signs a result that has all agencies' sealed shares and no numbers. Its analyst opens the shares, works the table out by the rules
of the agreement, and signs the result with numbers. Beside them stands what each ciphertext opened to, and its r. So whoever holds the
file sees that the shares are those of the agencies, that they open to just this, and that the table follows: neither desk nor analyst can
change a number unseen.

Security: what is in a direct result was tested on shares before it was sealed, or has noise; the file says no more than its table and the
sums that the table is worked out from. The key never leaves the analyst.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from tallystick.core.contract import Contract
from tallystick.core.decimals import exact
from tallystick.core.documents import SignedDocument, build_unsigned, sign_document
from tallystick.core.drafting import OpenedCells, draft_direct, tell_overall
from tallystick.core.errors import Broken, Invalid, Refused
from tallystick.core.keyfile import IdentityKey
from tallystick.core.released import OpeningProof, Released
from tallystick.crypto.paillier import PrivateKey, PublicKey, public_key
from tallystick.crypto.statistic.collected import CollectedShares, check_collected, check_opening, open_directly

MAX_HANDED_BYTES: Final = 3 * 1024 * 1024
"""Of all agencies' sealed shares together, so that a result with them is a document."""
_NUMBERS: Final = ("rows", "totals", "overall", "linkage", "disclosure")


def encode_handed(documents: Mapping[str, bytes]) -> dict[str, str]:
    """Give agencies' sealed shares as a result carries them.

    Raises:
        Broken: `too-large`: they are too many for a result.
    """
    if sum(map(len, documents.values())) > MAX_HANDED_BYTES:
        raise Broken(
            "too-large", "the sealed shares of this table are too many to be handed on", hint="fewer rows, or release: desk"
        )
    return {agency: base64.b64encode(document).decode("ascii") for agency, document in sorted(documents.items())}


def open_handed(document: SignedDocument, contract: Contract, private: PrivateKey, identity: IdentityKey) -> SignedDocument:
    """Give a direct result with its numbers, signed by its analyst. Pre-condition: what the desk signed was verified (`core/results.py`).

    Args:
        document: what the desk signed.
        contract: the result's job.
        private: the job's key.
        identity: the analyst's.

    Raises:
        PeerFault: as `check_collected`, `open_directly`. Broken: `cells-contradict`. Invalid: `document-invalid`.
    """
    released = document.read(Released)
    collected = _collect(released, contract, private.public)
    opened = open_directly(contract.computation, collected, private)
    proof = OpeningProof(
        plaintexts=tuple(f"{one:x}" for one in opened.plaintexts),
        roots=tuple(f"{one:x}" for one in opened.roots),
        handed=document.signatures[0],
    )
    body = released.json_value() | _list_numbers(contract, OpenedCells(opened.values, opened.hidden))
    return sign_document("result", body | {"opening": proof.json_value()}, contract.job.analyst, identity)


def strip_opening(document: SignedDocument) -> SignedDocument:
    """Give what the desk signed of a result; of one that its analyst did not open, itself.

    Raises:
        Invalid: `document-invalid`.
    """
    released = document.read(Released)
    if released.opening is None:
        return document
    body = {key: value for key, value in released.json_value().items() if key not in (*_NUMBERS, "opening")}
    unsigned = build_unsigned("result", body | {"rows": [], "linkage": {}, "disclosure": {}})
    return replace(unsigned, signatures=(released.opening.handed,))


def check_opener(document: SignedDocument, contract: Contract) -> None:
    """Check that a direct result's analyst alone signed its numbers.

    Raises:
        Refused: `not-allowed`, `signature-invalid`.
    """
    analyst = contract.job.analyst
    if document.signers != (analyst,):
        raise Refused("not-allowed", "its numbers are not signed by the job's analyst alone")
    document.verify_signature_of(analyst, contract.agreement.analysts[analyst].key)


def check_numbers(released: Released, contract: Contract) -> None:
    """Check that the numbers of a direct result are those that the agencies sealed, under the rules of the agreement.

    Raises:
        PeerFault: as `check_collected`, `check_opening`. Refused: `document-invalid`: the table is another. Invalid: `document-invalid`.
    """
    if released.opening is None or contract.recipient is None:
        raise Refused("document-invalid", "it shows an opening, and its job is not direct")
    public = public_key(contract.recipient, sender=contract.job.analyst)
    collected = _collect(released, contract, public)
    try:
        plaintexts, roots = ([int(one, 16) for one in some] for some in (released.opening.plaintexts, released.opening.roots))
    except ValueError as error:
        raise Invalid("document-invalid", "what shows an opening is not hexadecimal") from error
    opened = OpenedCells(*check_opening(contract.computation, collected, public, plaintexts, roots))
    made, said = _list_numbers(contract, opened), released.json_value()
    if differing := sorted(name for name in _NUMBERS if made.get(name) != said.get(name)):
        raise Refused("document-invalid", f"the {', '.join(differing)} shown are not those that the agencies' shares open to")


def _collect(released: Released, contract: Contract, public: PublicKey) -> CollectedShares:
    try:
        documents = {agency: base64.b64decode(text, validate=True) for agency, text in (released.handed or {}).items()}
    except ValueError as error:
        raise Invalid("document-invalid", "sealed shares of a result are not base64") from error
    if sorted(documents) != list(contract.agencies):
        raise Refused("document-invalid", "it has the sealed shares of other agencies than the job's")
    keys = {agency: bytes.fromhex(contract.agreement.parties[agency].key) for agency in contract.agencies}
    return check_collected(
        contract.computation, documents, keys=keys, job=contract.digest, attempt=released.attempt, public=public
    )


def _list_numbers(contract: Contract, opened: OpenedCells) -> dict[str, Any]:
    """Give the numbers of a direct result, as its body has them."""
    made = draft_direct(contract, opened)
    return {
        "rows": exact(made.rows),
        **({"totals": exact(made.totals)} if made.totals else {}),
        **exact(tell_overall(contract, made)),
        "linkage": exact(made.linkage),
        "disclosure": exact(made.told),
    }
