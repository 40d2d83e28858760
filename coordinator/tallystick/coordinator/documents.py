"""Signed documents that come in: their size, then their form."""

from __future__ import annotations

from typing import Final

from tallystick.core.documents import Kind, SignedDocument, decode_document
from tallystick.core.errors import Refused

MAX_DOCUMENT_BYTES: Final = 64 * 1024


def read_document(data: bytes, kind: Kind) -> SignedDocument:
    """Read a signed document that came in.

    Raises:
        Refused: `too-large`. Invalid: `document-invalid`.
    """
    if len(data) > MAX_DOCUMENT_BYTES:
        raise Refused("too-large", f"a signed {kind} is at most {MAX_DOCUMENT_BYTES // 1024} KiB")
    return decode_document(data, kind=kind)
