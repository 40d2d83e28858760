"""One way to write a document as bytes, so that a digest or a signature over it means one thing.

JSON as in RFC 8785, narrowed: objects with string keys sorted by code point, no spaces, UTF-8, integers, strings, booleans,
null and arrays. Floats are refused (their text form is not one thing); strings must be NFC.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from typing import TypeAlias

from tallystick.core.errors import Invalid

MAX_DEPTH = 64
"""How deep a document may nest: no document of ours comes near it, and a hostile one must not exhaust the stack."""

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | bool | None"


def canonical_bytes(value: object) -> bytes:
    """Give the canonical bytes of a JSON value.

    Raises:
        Invalid: `document-invalid`: a float, a key that is no string, text that is not NFC, another type, or nested too deep.
    """
    _check(value, MAX_DEPTH)
    return _write(value)


def is_form_of(data: bytes, value: object) -> bool:
    """Tell whether bytes that are canonical are those of a value, without a second look at what a value may hold."""
    return _write(value) == data


def digest_of(value: object) -> str:
    """Give the SHA-256 of the canonical bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()


def parse_canonical(data: bytes) -> Json:
    """Read canonical bytes back; anything that `canonical_bytes` would write differently is refused.

    Raises:
        Invalid: `document-invalid`.
    """
    try:
        value: Json = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Invalid("document-invalid", "a document is not JSON", detail=str(error)) from error
    if canonical_bytes(value) != data:
        raise Invalid("document-invalid", "a document is not in canonical form")
    return value


def _write(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _check(value: object, depth: int) -> None:
    if depth == 0:
        raise Invalid("document-invalid", f"a document nests deeper than {MAX_DEPTH}")
    if isinstance(value, str) and value.isascii():  # most of what there is
        return
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise Invalid("document-invalid", "a key of a document is not text")
            _check(key, depth - 1)
            _check(item, depth - 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth - 1)
    elif isinstance(value, str):
        if not unicodedata.is_normalized("NFC", value):
            raise Invalid(
                "document-invalid",
                "text in a document is not in Unicode's NFC form",
                hint="retype the text, or normalise it to NFC",
            )
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise Invalid("document-invalid", "text in a document holds a lone surrogate") from error
    elif value is not None and not isinstance(value, (bool, int)):
        raise Invalid("document-invalid", f"a document holds a {type(value).__name__}; use integers or text")
