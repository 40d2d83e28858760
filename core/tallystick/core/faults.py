"""What is wrong with a document, in plain words: where it is, what should be there, and never the value that is.

pydantic's own messages quote values and patterns; here each kind of fault is said anew.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel

MAX_FAULTS: Final = 8

PATTERNS: Final[Mapping[str, str]] = {
    r"^[a-z][a-z0-9_-]{0,63}$": "must be a name: a lower-case letter, then lower-case letters, digits, - or _ (64 at most)",
    r"^[A-Za-z_][A-Za-z0-9_]{0,63}$": "must be a column's name: letters, digits and _, not beginning with a digit (64 at most)",
    r"^[a-z][a-z0-9_-]{0,63}\.[A-Za-z_][A-Za-z0-9_]{0,63}$": "must be GROUP.COLUMN, such as wages.earnings",
    r"^(systems|[a-z][a-z0-9_-]{0,63}\.[A-Za-z_][A-Za-z0-9_]{0,63})$": "must be GROUP.COLUMN, such as wages.earnings, or systems",
    r"^[a-z][a-z0-9_]{0,31}$": "must be a type of source, such as csv",
    r"^[^\s,]+$": "must be one host, without spaces",
    r"^[0-9a-f]{64}$": "must be 64 hexadecimal digits",
    r"^[0-9a-f]{2432}$": "must be a sealing key: 2,432 hexadecimal digits",
    r"^[0-9a-f]{768}$": "must be a Paillier modulus: 768 hexadecimal digits",
    r"^[0-9a-f]{32}$": "must be 32 hexadecimal digits",
    r"^[0-9a-f]{128}$": "must be 128 hexadecimal digits",
    r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$": "must be a moment in UTC, such as 2026-01-31T00:00:00Z",
    r"^\d{4}-\d{2}-\d{2}$": "must be a day, such as 2026-01-31",
    r"^https?://[^\s?#@]+$": "must be an address such as https://login.example/county, without a name, a password or a question",
    r"^[A-Za-z_][A-Za-z0-9_.:/-]{0,99}$": "must be a claim's name, such as groups",
    r"^[^\x00-\x1f\x7f]+$": "must be a text of one line",
    r"^-?\d{1,18}(\.\d{1,9})?$": "must be a number in plain digits",
    r"^\d{1,6}(\.\d{1,6})?$": 'must be a whole number, or a decimal as text such as "0.5"',
    r"^\d{4}-(\d{2}(-\d{2})?|Q[1-4])$": "must be a date, month or quarter, such as 2026-01-31, 2026-01 or 2026-Q1",
    r"^[a-z0-9_:+-]{1,120}$": "must be a ladder (strict, default, loose, widest) or a recipe such as ssn+birth_date",
    r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$": "must be a name of letters, digits, dots, dashes and underscores, of at most 63",
    r"^https?://[^\s/@]+/?$": "must be an address such as https://storage.example, without a name or a password",
    r"^[a-z0-9-]{1,63}$": "must be a region such as us-east-1",
    r"^[a-z0-9_:+/]{1,120}$": "must be a recipe such as ssn+birth_date",
    r"^[^\x00-\x1f\x7f-\x9f]{1,80}$": "must be a text of one line, of at most 80 characters",
    r"^[^\x00-\x1f\x7f-\x9f]{1,20}$": "must be a text of one line, of at most 20 characters",
    r"^(0|1|0?\.[0-9]{1,4}|1\.0{1,4})$": "must be a share of one, such as 0.8",
    r"^[^\s]{1,255}:[0-9]{1,5}$": "must be HOST:PORT",
    r"^[^\s:]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$": "must be HOST:PORT",
}
"""What a text that does not match should have been."""

_TYPES: Final[Mapping[str, str]] = {
    "missing": "missing",
    "extra_forbidden": "unknown key",
    "string_type": "must be text; put it in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list, such as [a, b]",
    "list_type": "must be a list, such as [a, b]",
    "dict_type": "must be an object of keys and values",
    "model_type": "must be an object of keys and values",
    "model_attributes_type": "must be an object of keys and values",
    "string_too_short": "must not be empty",
    "string_too_long": "is too long",
    "none_required": "must be left out",
}


def explain_fault(faults: Sequence[Any], model: type[BaseModel], value: object) -> tuple[str, str]:
    """Give what is wrong with a document, and the smallest change where one is known.

    Args:
        faults: as pydantic's `ValidationError.errors()` gives them.
        model: the model that was to be read.
        value: what was to be read.
    """
    lines: dict[str, list[str]] = {}
    hint = ""
    for fault in faults:
        place = _place(fault["loc"], value)
        lines.setdefault(".".join(map(str, place)), []).append(_plain(fault))
        if fault["type"] == "extra_forbidden" and not hint:
            hint = _list_known_keys(model, place)
    # where one of several kinds could stand, pydantic finds a fault with each
    said = {place: ", or ".join(dict.fromkeys(kinds)) for place, kinds in list(lines.items())[:MAX_FAULTS]}
    return "; ".join(f"{place}: {line}" if place else line for place, line in said.items()), hint


def _place(location: Sequence[str | int], value: Any) -> list[str | int]:
    """Give the keys of a location that stand in the document; pydantic adds names of types between them."""
    place: list[str | int] = []
    for at, part in enumerate(location):
        if isinstance(value, dict) and part in value:
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        elif part == "[key]" or at < len(location) - 1 or not isinstance(value, dict):
            continue
        place.append(part)
    return place


def _plain(fault: Any) -> str:
    kind, context = fault["type"], fault.get("ctx", {})
    match kind:
        case "value_error":
            return str(context.get("error", "contradicts itself"))
        case "literal_error":
            return f"must be one of: {str(context['expected']).replace(' or ', ', ')}"
        case "string_pattern_mismatch":
            return PATTERNS.get(context["pattern"], "is not written as it must be")
        case "too_short":
            return f"needs at least {context['min_length']}"
        case "too_long":
            return f"may have at most {context['max_length']}"
        case "greater_than_equal" | "less_than_equal":
            return f"must be {'at least' if 'ge' in context else 'at most'} {context.get('ge', context.get('le'))}"
        case _:
            return _TYPES.get(kind, "is not of the kind that it must be")


def _list_known_keys(model: type[BaseModel], place: Sequence[str | int]) -> str:
    """List the keys that could stand where an unknown one does."""
    inner: Any = model
    for part in place[:-1]:
        inner = _inside(inner, part)
    found = _model(inner)
    if found is None:
        return ""
    return suggest(str(place[-1]), sorted(field.alias or name for name, field in found.model_fields.items()))


def suggest(written: str, names: Sequence[str]) -> str:
    """Give the name that an unknown one may stand for, or else all that are known."""
    near = difflib.get_close_matches(written, names, 1)
    return f"did you mean {near[0]}?" if near else f"known here: {', '.join(names)}"


def _inside(annotation: Any, part: str | int) -> Any:
    """Give the type of what stands under a key of a type."""
    for inner in (annotation, *get_args(annotation)):
        if get_origin(inner) in {dict, tuple, list}:
            return [argument for argument in get_args(inner) if argument is not Ellipsis][-1]
    found = _model(annotation)
    if found is None:
        return None
    return next((field.annotation for name, field in found.model_fields.items() if part in {name, field.alias}), None)


def _model(annotation: Any) -> type[BaseModel] | None:
    for inner in (annotation, *get_args(annotation)):
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            return inner
    return None
