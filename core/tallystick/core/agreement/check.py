"""What makes an agreement count.

- Its text fits the model and writes every key out.
- Every party has signed exactly this text, with the key that the text pins for it; nobody else has. Or the text is exactly what the
three signed tiers in it allow together (`chain.py`).
- The reader's own key is in it. That is what pins the others': a text with a swapped key lacks the signature of whoever signed
the real one.
- It is in force now.
- It is not older than one that was seen, and one version has one text.

The coordinator, analysts, stewards and approvers do not sign: the parties vouch for their keys.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from tallystick.core.agreement.chain import check_chain
from tallystick.core.agreement.model import Agreement, moment
from tallystick.core.documents import SignedDocument
from tallystick.core.errors import Invalid, Refused
from tallystick.crypto.envelope import check_public_key
from tallystick.crypto.errors import PeerFault

COORDINATOR: Final = "coordinator"
"""The coordinator's name in headers and signatures; no party may take it."""


def valid_agreement(
    document: SignedDocument,
    now: datetime,
    *,
    own: tuple[str, str] | None = None,
    seen: tuple[int, str] | None = None,
) -> Agreement:
    """Give the agreement that a signed document holds, if it counts.

    Args:
        document: of kind `agreement`.
        now: the present moment, UTC.
        own: the reader's name and public key (hexadecimal). None only for someone who has no key in it yet, such as a reader of
        results.
        seen: version and digest of the newest text of this agreement that the reader accepted before.

    Raises:
        Invalid: `document-invalid`, `agreement-contradiction`.
        Refused: `agreement-unsigned`, `agreement-signature`, `agreement-expired`, `agreement-rollback`; of tiers, `tier-chain`,
        `tier-widens`.
    """
    if document.kind != "agreement":
        raise Invalid("document-invalid", f"this document is of kind {document.kind}, not agreement")
    agreement = document.read(Agreement)
    start, end = _term(agreement)
    _no_contradiction(agreement)
    if agreement.tiers is None:
        _check_signatures(document, agreement)
    else:
        check_chain(document, agreement)
    if own is not None:
        _pins(agreement, *own)
    if now < start:
        raise Refused(
            "agreement-expired",
            f"{agreement.agreement} is not in force before {agreement.valid_from}",
            hint="wait, or sign a version that begins earlier",
        )
    if now >= end:
        raise Refused(
            "agreement-expired",
            f"{agreement.agreement} ended at {agreement.valid_until}",
            hint="sign a new version: tally agreement sign",
        )
    check_not_older(agreement.agreement, agreement.version, document.digest, seen)
    return agreement


def find_pinned_key(agreement: Agreement, name: str) -> str:
    """Give the identity key that an agreement pins for a party, the coordinator, an analyst, an approver or a steward.

    Raises:
        Refused: `not-allowed`: the agreement names nobody so.
    """
    if name == COORDINATOR:
        return agreement.coordinator.key
    for group in (agreement.parties, agreement.analysts, agreement.approvers):
        if name in group:
            return group[name].key
    for stewards in agreement.stewards.values():
        if name in stewards.keys:
            return stewards.keys[name]
    if agreement.records is not None and name in agreement.records.staff:
        return agreement.records.staff[name].key
    raise Refused("not-allowed", f"the agreement names no {name}", hint="sign a version of the agreement that names them")


def _term(agreement: Agreement) -> tuple[datetime, datetime]:
    try:
        return moment(agreement.valid_from), moment(agreement.valid_until)
    except ValueError as error:
        raise Invalid("agreement-contradiction", "valid_from or valid_until is no day of the calendar") from error


def _no_contradiction(agreement: Agreement) -> None:
    named = [
        *agreement.parties,
        *agreement.analysts,
        *agreement.approvers,
        *(n for s in agreement.stewards.values() for n in s.keys),
    ]
    if COORDINATOR in named:
        raise Invalid("agreement-contradiction", f"{COORDINATOR} is the coordinator's name", hint="give the party another name")
    if not agreement.parties:
        raise Invalid("agreement-contradiction", "the agreement names no party, so nobody vouches for it")
    try:
        check_public_key(bytes.fromhex(agreement.coordinator.sealing_key), owner=COORDINATOR)
    except PeerFault as error:
        raise Invalid(
            "agreement-contradiction",
            "nothing can be sealed to the coordinator's sealing_key",
            hint="copy it from the coordinator's key file",
        ) from error


def _check_signatures(document: SignedDocument, agreement: Agreement) -> None:
    missing = [name for name in agreement.parties if name not in document.signers]
    if missing:
        verb = "has" if len(missing) == 1 else "have"
        raise Refused(
            "agreement-unsigned", f"{', '.join(missing)} {verb} not signed", hint=f"{missing[0]}: tally agreement sign"
        )
    strangers = [name for name in document.signers if name not in agreement.parties]
    if strangers:
        raise Refused("agreement-signature", f"{', '.join(strangers)} signed but is no party", hint="remove the signature")
    for name, party in agreement.parties.items():
        try:
            document.verify_signature_of(name, party.key)
        except Refused as error:
            raise Refused(
                "agreement-signature", error.message, hint=f"{name} must sign this very text: tally agreement sign"
            ) from error


def _pins(agreement: Agreement, name: str, key: str) -> None:
    try:
        pinned = find_pinned_key(agreement, name)
    except Refused as error:
        raise Refused(
            "agreement-signature", f"{name} is not named in this agreement", hint="use the agreement that you signed"
        ) from error
    if pinned != key:
        raise Refused(
            "agreement-signature",
            f"the key that this agreement pins for {name} is not {name}'s own",
            hint="do not use it: somebody put another key in its place",
        )


def check_not_older(name: str, version: int, digest: str, seen: tuple[int, str] | None) -> None:
    """Check that a text is not older than one that was seen, and that one version has one text.

    Args:
        name: what it is, for people.
        version: of the text.
        digest: its digest.
        seen: version and digest of the newest text of that name that was accepted before.

    Raises:
        Refused: `agreement-rollback`.
    """
    if seen is None:
        return
    newest, known = seen
    if version < newest:
        raise Refused(
            "agreement-rollback",
            f"version {version} of {name} is older than version {newest}, which was accepted before",
            hint=f"use version {newest} or later",
        )
    if version == newest and digest != known:
        raise Refused(
            "agreement-rollback",
            f"another text of version {version} of {name} was accepted before",
            hint=f"sign the changed text as version {newest + 1}",
        )
