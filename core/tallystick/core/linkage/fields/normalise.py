"""Raw identifiers to canonical ones, version 2: part of what a job's digest binds, so a change of any rule is a new version.

A value that is missing, malformed or denied becomes missing: it never makes a token. Every rule works on the distinct raw
values of a column, so a million people cost what their distinct names, dates and numbers cost. Where distinct values are as many as
people (numbers, streets, telephones) the rule goes over all of them at once (`columns.py`).

Raw values may be text, None, NaN, integers (leading zeros lost) or dates. Text of more than `MAX_TEXT` characters is denied.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import filterfalse, repeat
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tallystick.core.errors import Invalid
from tallystick.core.linkage.fields import columns
from tallystick.core.linkage.fields.alternates import ALTERNATES
from tallystick.core.linkage.fields.dates import birth_dates
from tallystick.core.linkage.fields.digits import phones, ssn4s, ssns, zips
from tallystick.core.linkage.fields.names import initials, last_names, read_given_names
from tallystick.core.linkage.fields.places import agency_ids, cities, sexes, streets

VERSION: Final = "v2"
MAX_TEXT: Final = 256

Codes = npt.NDArray[np.int64]
Rule = Callable[[Sequence[str]], "list[str | None]"]
"""Distinct raw texts to their canonical form, None where it is missing or denied."""

RULES: Final[Mapping[str, Rule]] = {
    "ssn": ssns,
    "ssn4": ssn4s,
    "first_name": read_given_names,
    "middle_name": read_given_names,
    "last_name": last_names,
    "first_initial": initials,
    "birth_date": birth_dates,
    "sex": sexes,
    "street": streets,
    "city": cities,
    "zip": zips,
    "phone": phones,
    "state_id": agency_ids,
    "school_id": agency_ids,
}


@dataclass(frozen=True)
class Normalised:
    """One canonical identifier of n people.

    Attributes:
        codes: (n,) int64: index into `values`, -1 where it is missing.
        values: the distinct canonical values, none of them empty.
    """

    codes: Codes = field(repr=False)
    values: tuple[str, ...] = field(repr=False)

    def map(self, rule: Rule) -> Normalised:
        """Give what a rule makes of each value; what it denies is missing."""
        codes, values = _index_texts(rule(self.values))
        return Normalised(np.where(self.codes >= 0, np.append(codes, -1)[self.codes], -1), values)

    def prefix(self, length: int) -> Normalised:
        """Give the first `length` characters of each value; a shorter value stays whole."""
        return self.map(lambda values: list(np.array(values, dtype=f"U{length}").tolist()))

    def or_else(self, other: Normalised) -> Normalised:
        """Give this identifier, and the other where this one is missing."""
        place = {value: code for code, value in enumerate(self.values)}
        new = [value for value in other.values if value not in place]
        place.update((value, len(self.values) + at) for at, value in enumerate(new))
        codes = np.fromiter((place[value] for value in other.values), dtype=np.int64, count=len(other.values))
        theirs = np.where(other.codes >= 0, np.append(codes, -1)[other.codes], -1)
        return Normalised(np.where(self.codes >= 0, self.codes, theirs), (*self.values, *new))

    def texts(self) -> list[str | None]:
        """Give each person's value."""
        values = [*self.values, None]
        return [values[code] for code in self.codes.tolist()]


def normalise(
    identifier: str, raw: npt.NDArray[Any] | Sequence[object], known: dict[Any, str | None] | None = None
) -> Normalised:
    """Give the canonical form of one identifier.

    Args:
        identifier: a name of `RULES`, or of `ALTERNATES` with the raw values of its source.
        raw: one value per person.
        known: what earlier calls for this identifier made of raw values that many people share; it grows.

    Raises:
        Invalid: `link-invalid`: an unknown identifier.
    """
    rule = RULES.get(identifier) or ALTERNATES.get(identifier)
    if rule is None:
        names = ", ".join([*RULES, *ALTERNATES])
        raise Invalid("link-invalid", f"unknown identifier {identifier}", hint=f"known: {names}")
    codes, distinct = _code_values(_list_values(raw))
    if known is None or 2 * len(distinct) > len(codes):
        made = _canonical(rule, distinct)
    else:
        new = list(filterfalse(known.__contains__, distinct))
        known.update(zip(new, _canonical(rule, new), strict=True))
        made = list(map(known.__getitem__, distinct))
    canonical, values = _index_texts(made)
    return Normalised(canonical[codes] if len(codes) else codes, values)


def _code_values(listed: list[Any]) -> tuple[Codes, list[Any]]:
    """Give each value's place among the distinct ones, and the distinct ones."""
    distinct = list(dict.fromkeys(listed))
    if len(distinct) == len(listed):
        return np.arange(len(listed), dtype=np.int64), distinct
    place = dict(zip(distinct, range(len(distinct)), strict=True))
    return np.fromiter(map(place.__getitem__, listed), dtype=np.int64, count=len(listed)), distinct


def _canonical(rule: Rule, values: list[Any]) -> list[str | None]:
    """Give the canonical form of each raw value, None where it is missing or denied."""
    kinds = set(map(type, values))
    if kinds == {str} and (lengths := set(map(len, values))) and min(lengths) > 0 and max(lengths) <= MAX_TEXT:
        return rule(values)
    # a node's identifiers are text; only a caller who brings numbers or dates of another type has a loop over them
    texts = columns.objects(values if kinds <= {str, type(None)} else [_text(value) for value in values])
    given = columns.apply_test(bool, texts)
    given[given] = columns.sizes(texts[given]) <= MAX_TEXT
    found: npt.NDArray[np.object_] = np.full(len(texts), None, dtype=object)
    found[given] = rule(texts[given].tolist())
    return list(found.tolist())


def _index_texts(texts: Sequence[str | None]) -> tuple[Codes, tuple[str, ...]]:
    """Give each text's place among the distinct ones, -1 for what is missing or empty; and the distinct ones."""
    values = tuple(dict.fromkeys(filter(None, texts)))
    if len(values) == len(texts):
        return np.arange(len(texts), dtype=np.int64), values
    place: dict[str | None, int] = dict(zip(values, range(len(values)), strict=True))
    return np.fromiter(map(place.get, texts, repeat(-1)), dtype=np.int64, count=len(texts)), values


def _list_values(raw: npt.NDArray[Any] | Sequence[object]) -> list[Any]:
    if isinstance(raw, np.ndarray):
        if raw.dtype.kind == "M":
            return list(raw.astype("datetime64[D]").tolist())
        return list(raw.tolist())
    return list(raw)


def _text(value: object) -> str | None:
    """Give a raw value as text; None for what is no value."""
    match value:
        case str():
            text = value
        case bytes():
            text = value.decode("utf-8", "replace")
        case bool():
            return None
        case int():
            text = str(value)
        case float():
            if math.isnan(value) or math.isinf(value):
                return None
            text = str(int(value)) if value.is_integer() else str(value)
        case datetime():
            # pandas' NaT is a datetime that is not equal to itself
            text = value.date().isoformat() if value == value else ""
        case date():
            text = value.isoformat()
        case _:
            return None
    return text if 0 < len(text) <= MAX_TEXT else None
