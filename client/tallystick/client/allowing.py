"""What a later version of an agreement or a tier allows that an earlier one did not: each difference is more, less, or for people to judge.

A difference is `more` or `less` only where the key says which way it goes; everything else is `other`. So a difference that is not `more` may
still be one: texts of clauses, keys and kinds of columns are for counsel to read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

from tallystick.client.terms import differences
from tallystick.core.model import Document

Direction = Literal["more", "less", "other"]
_WORDS: Final = {"purposes", "operations", "joins", "link", "shared_with", "identifiers"}
"""Lists of which each word allows something."""
_BINDING: Final = {"by", "regimes"}
"""Lists of which each word asks for something."""
_GRANTS: Final = {"analysts", "parties", "columns", "datasets"}
"""Keys under which an entry allows something."""
_DEMANDS: Final = {"approvers", "stewards", "others", "review_boards"}
"""Keys under which an entry asks for something."""
_STRICT: Final = {"objection": "stops", "purpose_class": "statistical", "out_of_bounds": "refuse"}
"""Words of two, of which this one allows less."""
_HIGHER: Final = {"valid_until", "until", "retention_days", "budget", "epsilon", "people", "rows_per_person", "aliases"}
"""Numbers and dates that allow more the higher they are."""
_LOWER: Final = {"valid_from", "min_cell", "min_people", "decoys", "need", "days", "households"}
"""Numbers and dates that allow more the lower they are."""
_GUARDS: Final = {"gate", "cohorts"}
"""Rules that hide or refuse where they are true."""
_UNLIMITED: Final = {"min_cell", "budget", "days", "households", "epsilon"}
"""Numbers without which there is no such limit."""


@dataclass(frozen=True)
class Difference:
    """One place where two texts differ.

    Attributes:
        place: the key, with dots.
        before, after: what they say; "" for nothing.
        allows: whether the later one allows more here, or less, or is for people to judge.
    """

    place: str
    before: str
    after: str
    allows: Direction


def compare_texts(before: Document, after: Document) -> list[Difference]:
    """List what a later text says otherwise than an earlier one, and which way it goes."""
    return [Difference(place, old, new, _judge(place, old, new)) for place, old, new in differences(before, after)]


def _judge(place: str, old: str, new: str) -> Direction:
    parts = place.split(".")
    key, above = parts[-1], parts[:-1]
    if key in _WORDS or (parts[0] == "datasets" and len(parts) == 2):  # a license lists columns there
        return _judge_words(old, new)
    if key in _BINDING:
        return _turn(_judge_words(old, new))
    if key in _GUARDS:
        return "less" if new == "true" else "more"
    if key in _STRICT:
        return "less" if new == _STRICT[key] else "more" if old == _STRICT[key] else "other"
    if key in _HIGHER | _LOWER and ((old and new) or key in _UNLIMITED):
        return _judge_size(key, old, new)
    if "keys" in above:  # of stewards: who else may sign
        return "other"
    if _DEMANDS & {*above} and not (old and new):
        return "more" if old else "less"
    if parts[0] == "clauses" and not new:
        return "more"
    if _GRANTS & {*above} and not (old and new):
        return "less" if old else "more"
    return "other"


def _judge_words(old: str, new: str) -> Direction:
    before, after = ({word for word in text.split(", ") if word} for text in (old, new))
    if before < after:
        return "more"
    return "less" if after < before else "more" if after - before else "other"


def _judge_size(key: str, old: str, new: str) -> Direction:
    if not old or not new:
        return "more" if not new else "less"
    before, after = _measure(old), _measure(new)
    if before is None or after is None or before == after:
        return "other"
    return "more" if (after > before) == (key in _HIGHER) else "less"


def _measure(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        pass
    try:
        return Decimal(date.fromisoformat(text[:10]).toordinal())
    except ValueError:
        return None


def _turn(direction: Direction) -> Direction:
    turned: dict[Direction, Direction] = {"more": "less", "less": "more", "other": "other"}
    return turned[direction]
