"""Names: what two clerks write differently of one name, made equal.

Diacritics, case, titles, suffixes, punctuation, spaces and invisible characters go; letters of every script stay. What stands
for a name that is not known is missing, whether a clerk wrote it or a program.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from typing import Final

from tallystick.core.linkage.fields import columns

TITLES: Final = frozenset({"DR", "MR", "MRS", "MS", "MISS", "MX", "PROF", "REV", "HON", "SIR"})
SUFFIXES: Final = frozenset({"JR", "SR", "II", "III", "IV", "PHD", "MD", "DDS", "ESQ", "RN"})
ORDINALS: Final = frozenset({"1ST", "2ND", "3RD", "4TH", "5TH"})
"""Suffixes of a name in digits."""

PLACEHOLDERS: Final = frozenset(
    {
        "ANON",
        "ANONYMOUS",
        "BABY",
        "BABYBOY",
        "BABYGIRL",
        "CLIENTDOESNOTKNOW",
        "CLIENTDOESNTKNOW",
        "CLIENTPREFERSNOTTOANSWER",
        "CLIENTREFUSED",
        "DATANOTCOLLECTED",
        "DECLINED",
        "DOESNOTKNOW",
        "DONOTKNOW",
        "DONTKNOW",
        "FNU",
        "INFANT",
        "LNU",
        "MISSING",
        "NAN",
        "NMI",
        "NMN",
        "NOFIRSTNAME",
        "NOLASTNAME",
        "NOMIDDLENAME",
        "NONAME",
        "NONE",
        "NONEGIVEN",
        "NOTAPPLICABLE",
        "NOTAVAILABLE",
        "NOTCOLLECTED",
        "NOTDISCLOSED",
        "NOTGIVEN",
        "NOTKNOWN",
        "NOTPROVIDED",
        "NOTRECORDED",
        "NOTSTATED",
        "NULL",
        "REFUSED",
        "TEST",
        "UNK",
        "UNKNOWN",
        "UNNAMED",
    }
)
"""What is written where a name is not known. Some are names too (Null, Test): a person lost to a pass harms less than a link of
everyone whose name is not known."""

_NOTHING: Final = re.compile(r"\\N|#[A-Z/0]+[!?]?|[<(\[]?N[\s.]*[/\\]?[\s.]*A[\s.]*[>)\]]?", re.IGNORECASE | re.ASCII)
"""What databases, spreadsheets, R and clerks write for no value: `\\N`, `#REF!`, `NA`, `n/a`."""
_NAME: Final = "Na"
"""A name, unless it is written NA or na."""
LONGEST_MARK: Final = len("VALUE")

_WRITTEN_AS_ONE: Final = frozenset("'`.\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}")
"""O'Brien is OBRIEN and J.R. is JR: these marks do not part words."""

_DROPPED: Final = dict.fromkeys(
    map(
        ord,
        "\N{ACUTE ACCENT}\N{PRIME}\N{MODIFIER LETTER PRIME}\N{MODIFIER LETTER TURNED COMMA}\N{MODIFIER LETTER APOSTROPHE}"
        "\N{MODIFIER LETTER REVERSED COMMA}\N{ARABIC TATWEEL}",
    )
)
"""Marks like these that Unicode takes for letters, or for a space with an accent."""

_PLAIN: Final = str.maketrans(
    {
        "ß": "SS",
        "Æ": "AE",
        "Ø": "O",
        "Œ": "OE",
        "Ł": "L",
        "Đ": "D",
        "Ð": "D",
        "Þ": "TH",
        "\N{LATIN SMALL LETTER DOTLESS I}": "I",
    }
)
"""Letters whose plain form Unicode does not give by decomposition."""

_INVISIBLE: Final = frozenset({"Mn", "Mc", "Me", "Cf", "Cc", "Sk"})
"""Unicode categories of combining marks, controls and modifier symbols: they neither stay nor part words."""

_SPACES: Final = frozenset("\t\n\r\v\f")


def _kept(character: str) -> str:
    if character.isalnum():
        return character
    if character in _SPACES:
        return " "
    hidden = character in _WRITTEN_AS_ONE or unicodedata.category(character) in _INVISIBLE
    return "" if hidden else " "


_ASCII: Final = {code: _kept(chr(code)) for code in range(128)}
_ASCII_MARKED: Final = {**_ASCII, ord(columns.MARK): columns.MARK}


def words(text: str) -> list[str]:
    """Give the words of a text: upper case, letters and digits only, without diacritics or invisible characters."""
    if text.isascii():
        return text.upper().translate(_ASCII).split()
    marked = unicodedata.normalize("NFKD", text.translate(_DROPPED))
    plain = unicodedata.normalize("NFKD", marked.upper()).translate(_PLAIN)
    return "".join(map(_kept, plain)).split()


def joined_words(texts: Sequence[str]) -> list[str]:
    """Give the words of each text without the spaces between them. All of them in a few calls where they are ASCII."""
    whole = columns.joined(texts)
    if whole is None:
        return ["".join(words(text)) for text in texts]
    return whole.upper().translate(_ASCII_MARKED).replace(" ", "").split(columns.MARK)


def spaced_words(whole: str) -> str:
    """Give the words of texts that are one (`columns.joined`), with spaces before and after each word and mark."""
    return f" {whole.upper().translate(_ASCII_MARKED)} ".replace(columns.MARK, f" {columns.MARK} ")


def name_words(text: str) -> list[str]:
    """Give the words of a name, letters only, without titles before and suffixes after it; empty for a placeholder.

    A title or suffix that is all there is stays: Sir and Rev are names too.
    """
    parts = ["".join(c for c in word if c.isalpha()) for word in words(text) if word not in ORDINALS]
    parts = [part for part in parts if part]
    while len(parts) > 1 and parts[0] in TITLES:
        parts = parts[1:]
    while len(parts) > 1 and parts[-1] in SUFFIXES:
        parts = parts[:-1]
    whole = "".join(parts)
    return [] if says_nothing(text, parts, PLACEHOLDERS) or (len(whole) > 1 and set(whole) <= {"X"}) else parts


def says_nothing(text: str, parts: Sequence[str], placeholders: Collection[str]) -> bool:
    """Tell whether a text stands for no value: a program's mark, a placeholder in one or several words, or several placeholders.

    Args:
        text: as it was written.
        parts: its words.
        placeholders: as one word each.
    """
    whole = "".join(parts)
    if whole in placeholders or all(part in placeholders for part in parts):
        return True
    return len(whole) <= LONGEST_MARK and _NOTHING.fullmatch(text.strip()) is not None and text.strip() != _NAME


def names(texts: Sequence[str]) -> list[str | None]:
    """Give names as one run of letters: `Smith-Jones, Jr.` is SMITHJONES."""
    return ["".join(name_words(text)) or None for text in texts]


def initials(texts: Sequence[str]) -> list[str | None]:
    """Give the first letter of names."""
    return [name[:1] if name else None for name in names(texts)]
