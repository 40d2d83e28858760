"""Numbers of results as canonical JSON, which has no floats: `{"decimal": "8123.5"}`, the shortest text that reads back as the same double."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from tallystick.core.errors import Invalid

_DECIMAL: Final = "decimal"


def exact(value: Any) -> Any:
    """Give a JSON value with its floats written as `{"decimal": text}`.

    Raises:
        Invalid: `document-invalid`: a number that is not finite.
    """
    match value:
        case bool() | int() | str() | None:
            return value
        case float():
            if not math.isfinite(value):
                raise Invalid("document-invalid", "a result holds a number that is not finite")
            return {_DECIMAL: repr(value)}
        case Mapping():
            return {str(key): exact(item) for key, item in value.items()}
        case list() | tuple():
            return [exact(item) for item in value]
        case _:
            raise Invalid("document-invalid", f"a result holds a {type(value).__name__}")


def numbers(value: Any) -> Any:
    """Give a body's JSON value with its decimals as numbers: the inverse of `exact`.

    Raises:
        Invalid: `document-invalid`: a decimal that is no number.
    """
    match value:
        case {"decimal": str(text), **rest} if not rest:
            try:
                number = float(text)
            except ValueError as error:
                raise Invalid("document-invalid", "a decimal of a result is no number") from error
            if not math.isfinite(number):
                raise Invalid("document-invalid", "a decimal of a result is not finite")
            return number
        case dict():
            return {key: numbers(item) for key, item in value.items()}
        case list() | tuple():
            return [numbers(item) for item in value]
        case _:
            return value
