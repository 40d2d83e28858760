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
from tallystick.core.linkage.fields.letters import PLAIN, REPLACED, mended
from tallystick.core.linkage.fields.standins import PLACEHOLDERS, is_stand_in, word_set

TITLES: Final = word_set(
    "ADM AMB BISHOP BR BROTHER CAPT CAPTAIN CDR CMDR COL COLONEL CORPORAL COUNCILMAN CPL CPT DAME DEACON DOCTOR DR ENS FATHER FR GEN GOV HON "
    "IMAM JUDGE LCDR LIEUTENANT LT LTCOL MAJ MISS MISTER MME MR MRS MS MSGT MX OFFICER PASTOR PFC PRIVATE PROF PROFESSOR PVT RABBI REP REV "
    "REVEREND SEN SERGEANT SFC SGT SHEIKH SIR SISTER SPC SRA SRTA SSGT TSGT"
)
SUFFIXES: Final = word_set("CPA DDS DVM ESQ II III IV JD JR JUNIOR LPN MD PHD RN SENIOR SR V VI VII VIII")
ORDINALS: Final = frozenset({"1ST", "2ND", "3RD", "4TH", "5TH"})
"""Suffixes of a name in digits."""

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

_INVISIBLE: Final = frozenset({"Mn", "Mc", "Me", "Cf", "Cc", "Sk"})
"""Unicode categories of combining marks, controls and modifier symbols: they neither stay nor part words."""

_SPACES: Final = frozenset("\t\n\r\v\f")


def kept(character: str) -> str:
    """Give what stays of a character: itself, a space, or nothing."""
    if character.isalnum():
        return character
    if character in _SPACES:
        return " "
    hidden = character in _WRITTEN_AS_ONE or unicodedata.category(character) in _INVISIBLE
    return "" if hidden else " "


_ASCII: Final = {code: kept(chr(code)) for code in range(128)}
_ASCII_MARKED: Final = {**_ASCII, ord(columns.MARK): columns.MARK}


def upper(text: str) -> str:
    """Give text in upper case, without diacritics, and as it was meant where it was read in a wrong encoding."""
    if text.isascii():
        return text.upper()
    marked = unicodedata.normalize("NFKD", mended(text).translate(_DROPPED))
    return unicodedata.normalize("NFKD", marked.upper()).translate(PLAIN)


def words(text: str) -> list[str]:
    """Give the words of a text: upper case, letters and digits only, without diacritics or invisible characters."""
    if text.isascii():
        return text.upper().translate(_ASCII).split()
    return "".join(map(kept, upper(text))).split()


def joined_words(texts: Sequence[str]) -> list[str]:
    """Give the words of each text without the spaces between them. All of them in a few calls where they are ASCII."""
    whole = columns.joined(texts)
    if whole is None:
        return ["".join(words(text)) for text in texts]
    return whole.upper().translate(_ASCII_MARKED).replace(" ", "").split(columns.MARK)


def name_words(text: str, *, given: bool = False) -> list[str]:
    """Give the words of a name, letters only, without titles before and suffixes after it; empty where it stands for an unknown one.

    A title or suffix that is all there is stays: Sir and Rev are names too. An initial behind a given name goes: John A. is John.
    """
    parts = ["".join(c for c in word if c.isalpha()) for word in words(text) if word not in ORDINALS]
    parts = [part for part in parts if part]
    if not parts or REPLACED in text or is_stand_in(text, parts, given=given):
        return []
    while len(parts) > 1 and (parts[0] in TITLES or (given and parts[0] == "SR")):
        parts = parts[1:]
    while len(parts) > 1 and parts[-1] in SUFFIXES:
        parts = parts[:-1]
    while given and len(parts) > 1 and len(parts[-1]) == 1 and len(parts[0]) > 1 and parts[-1].isascii():
        parts = parts[:-1]
    return [] if is_stand_in(text, parts, given=given) or says_nothing(text, parts, PLACEHOLDERS) else parts


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


def given_names(texts: Sequence[str]) -> list[str | None]:
    """Give first or middle names as one run of letters: `Sister Mary Ann` is MARYANN."""
    return ["".join(name_words(text, given=True)) or None for text in texts]


def last_names(texts: Sequence[str]) -> list[str | None]:
    """Give last names as one run of letters: `Smith-Jones, Jr.` is SMITHJONES."""
    return ["".join(name_words(text)) or None for text in texts]


def initials(texts: Sequence[str]) -> list[str | None]:
    """Give the first letter of first names."""
    return [name[:1] if name else None for name in given_names(texts)]
