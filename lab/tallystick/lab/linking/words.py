"""What an option of a rehearsal says of both files or of one: NAME=VALUE, a.NAME=VALUE or b.NAME=VALUE; commas part several."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from tallystick.core.errors import Invalid

BOTH: Final = "ab"
_WORD: Final = re.compile(r"(?:([ab])\.)?(?:([a-z0-9_]+)=(.*)|([a-z0-9_+:]+))", re.ASCII | re.DOTALL)


@dataclass(frozen=True)
class Word:
    """One word of an option.

    Attributes:
        sides: of which files: `a`, `b` or `ab`.
        name: what it sets; "" for a value alone.
        value: to what.
    """

    sides: str
    name: str
    value: str


def words_of(texts: Sequence[str], option: str, names: Collection[str], form: str, *, alone: str = "") -> list[Word]:
    """Read the words of an option.

    Args:
        texts: as it was given, once or several times.
        option: its name, for errors.
        names: what it may set.
        form: what a word looks like, for errors.
        alone: a regular expression of values that may stand without a name; "" for none.

    Raises:
        Invalid: `link-invalid`: names the option; never what was given.
    """
    found = []
    for word in (word.strip() for text in texts for word in text.split(",")):
        match = _WORD.fullmatch(word)
        if match is None or not (re.fullmatch(alone, match[4]) if match[4] else match[2] in names):
            raise Invalid(
                "link-invalid",
                f"{option}: a word is {form}; a. or b. before it for one file",
                hint=f"names: {', '.join(names)}",
            )
        found.append(Word(match[1] or BOTH, match[2] or "", match[4] or match[3]))
    return found
