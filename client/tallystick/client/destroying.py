"""Destruction certificates as files: written by who destroyed, read by who is owed them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tallystick.client.profile import open_profile
from tallystick.core.agreement.check import find_pinned_key
from tallystick.core.agreement.destruction import Destruction, read_destruction
from tallystick.core.agreement.model import Agreement
from tallystick.core.documents import SignedDocument, read_document, sign_document
from tallystick.core.errors import Refused
from tallystick.core.keyfile import read_identity


def certify(
    path: Path, name: str, key: Path | None, *, what: Sequence[str], on: str, how: str, person: str | None = None
) -> SignedDocument:
    """Sign that something was destroyed.

    Args:
        path: the agreement.
        name: who destroyed, as the agreement names them.
        key: their identity key; None for the profile's.
        what: what was destroyed.
        on: the day.
        how: by which means.
        person: who did it, or saw it done.

    Raises:
        Invalid: `file-missing`, `document-invalid`.
        Refused: `not-allowed`: the agreement names nobody so, or another key; `destruction-invalid`: the day is to come.
    """
    document = read_document(path, kind="agreement")
    agreed, identity = document.read(Agreement), open_profile().identity if key is None else read_identity(key)
    if find_pinned_key(agreed, name) != identity.key:
        raise Refused("not-allowed", f"the agreement pins another key for {name} than this one", hint="--key FILE")
    value = {
        "agreement": agreed.agreement,
        "version": agreed.version,
        "agreement_digest": document.digest,
        "by": name,
        "what": list(what),
        "on": on,
        "how": how,
        "signed_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    } | ({} if person is None else {"person": person})
    made = sign_document("destruction", Destruction.read(value, what="the certificate"), name, identity)
    read_destruction(made, agreed, document.digest)
    return made


def read_certificates(path: Path, certificates: Sequence[Path]) -> tuple[Agreement, list[Destruction]]:
    """Give an agreement, and what certificates about it say.

    Raises:
        Invalid: `file-missing`, `document-invalid`.
        Refused: `destruction-invalid`: one does not count.
    """
    document = read_document(path, kind="agreement")
    agreed = document.read(Agreement)
    return agreed, [read_destruction(read_document(one, kind="destruction"), agreed, document.digest) for one in certificates]
