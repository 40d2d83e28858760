"""The form of a value: what can be said of it without saying it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Final

LONGEST: Final = 48
"""Characters of a form; the rest is cut."""
_MANY: Final = 200
_KINDS: Final[tuple[tuple[str, Callable[[str], bool]], ...]] = (
    ("9", str.isdigit),
    ("A", str.isupper),
    ("a", str.isalpha),
    ("_", str.isspace),
)
_SAFE: Final = re.compile(r"[!-/:-@\[-`{-~]")


def form(text: str) -> str:
    """Give the form of a value: `9{2}/9{2}/9{4}` of a date; 9 is a digit, A and a are letters, _ is a space, ? is anything unusual.

    Marks of ASCII stand as they are. How many there are of each stays to be seen, nothing else does.
    """
    parts = []
    for kind, run in groupby(map(_kind, text[:_MANY])):
        count = sum(1 for _ in run)
        parts.append(kind if count == 1 else f"{kind}{{{count}}}")
    whole = "".join(parts)
    return whole if len(whole) <= LONGEST else whole[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}"


def common_form(texts: Sequence[str], counts: Sequence[int]) -> str:
    """Give the form that most rows have; of equally frequent ones the smallest. Of many values, those that stand first are looked at."""
    found: dict[str, int] = {}
    for text, count in zip(texts[:_MANY], counts[:_MANY], strict=True):
        found[form(text)] = found.get(form(text), 0) + count
    return min(found, key=lambda one: (-found[one], one)) if found else ""


def _kind(character: str) -> str:
    for kind, test in _KINDS:
        if test(character):
            return kind
    return character if _SAFE.fullmatch(character) else "?"
