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
from tallystick.core.linkage.fields.letters import PLAIN, has_lost, mend_text
from tallystick.core.linkage.fields.standins import PLACEHOLDERS, is_stand_in, word_set

TITLES: Final = word_set("""
    ADM AMB ATTORNEY ATTY BISHOP BR BROTHER CAPT CAPTAIN CDR CHAPLAIN CMDR COL COLONEL CORPORAL COUNCILMAN CPL CPT CWO DAME
    DEACON DOCTOR DONA DR DRA ELDER ENS FATHER FR GEN GOV HAJI HAJJI HON HONORABLE IMAM ING JUDGE LCDR LIC
    LIEUTENANT LT LTCOL MADAM MAJ MASTER MISS MISTER MME MR MRS MS MSGR MSGT MSTR MX OFFICER PASTOR PFC PRIVATE PROF
    PROFESSOR PVT RABBI REP RET REV REVEREND SEAMAN SEN SERGEANT SFC SGT SHEIKH SIR SISTER SPC SRA SRTA SSG SSGT
    TSGT WO
""")
SUFFIXES: Final = word_set(
    "CPA DDS DECD DECEASED DVM ESQ ESQUIRE II III IV JD JNR JR JUNIOR LPN MD PHD RN SENIOR SNR SR V VI VII VIII"
)
ORDINALS: Final = frozenset({"1ST", "2ND", "3RD", "4TH", "5TH"})
"""Suffixes of a name in digits."""

_NOTHING: Final = re.compile(
    r"\\N|#[A-Z/0]+[!?]?|[NDU][/\\]K|[<(\[]?N[\s.]*[/\\]?[\s.]*A[\s.]*[>)\]]?", re.IGNORECASE | re.ASCII
)
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

_CALLED: Final = re.compile(
    r"(?<=\w)\s*(?:\([^()]*\)|\[[^\[\]]*\]|\"[^\"]*\"|\u201c[^\u201d]*\u201d|(?<=\s)['\u2018][^'\u2019]*['\u2019](?!\w))"
)
"""What one is called, behind a given name: Robert (Bob), Robert "Bob"."""
_GLUED: Final = re.compile(r"\s*((?:MR|MRS|MS|DR|REV|SRA|PROF|HON|CAPT|SGT|FR)\.)(?=[^\W\d_])", re.IGNORECASE)
_BETWEEN: Final = frozenset({"AKA", "FKA", "NEE", "FORMERLY"})
"""Words between two last names of a person."""
_KNOWN_AS: Final = re.compile(r"\b[AFN]/K/A\b", re.IGNORECASE)
_SAINTS: Final = {"SAINT": "ST", "SAINTE": "STE"}

_SPACES: Final = frozenset("\t\n\r\v\f")


def keep_character(character: str) -> str:
    """Give what stays of a character: itself, a space, or nothing."""
    if character.isalnum():
        return character
    if character in _SPACES:
        return " "
    hidden = character in _WRITTEN_AS_ONE or unicodedata.category(character) in _INVISIBLE
    return "" if hidden else " "


_ASCII: Final = {code: keep_character(chr(code)) for code in range(128)}
_ASCII_MARKED: Final = {**_ASCII, ord(columns.MARK): columns.MARK}


def upper(text: str) -> str:
    """Give text in upper case, without diacritics, and as it was meant where it was read in a wrong encoding."""
    if text.isascii() and "&" not in text:
        return text.upper()
    marked = unicodedata.normalize("NFKD", mend_text(text).translate(_DROPPED))
    return unicodedata.normalize("NFKD", marked.upper()).translate(PLAIN)


def words(text: str) -> list[str]:
    """Give the words of a text: upper case, letters and digits only, without diacritics or invisible characters."""
    if text.isascii() and "&" not in text:
        return text.upper().translate(_ASCII).split()
    return "".join(map(keep_character, upper(text))).split()


def join_words(texts: Sequence[str]) -> list[str]:
    """Give the words of each text without the spaces between them. All of them in a few calls where they are ASCII."""
    whole = columns.join_texts(texts)
    if whole is None or "&" in whole:
        return ["".join(words(text)) for text in texts]
    return whole.upper().translate(_ASCII_MARKED).replace(" ", "").split(columns.MARK)


def name_words(text: str, *, given: bool = False) -> list[str]:
    """Give the words of a name, letters only, without titles before and suffixes after it; empty where it stands for an unknown one.

    A title or suffix that is all there is stays: Sir and Rev are names too. Behind a given name, an initial goes (John A. is John), and
    so does what one is called, in brackets or quotes. Saint before a last name is St, and what stands between two of them goes.
    """
    if "." in text:
        text = _GLUED.sub(r"\1 ", text)
    if "/" in text:
        text = _KNOWN_AS.sub(" AKA ", text)
    parts = _letters_of(text)
    if not parts or has_lost(text) or is_stand_in(text, parts, given=given):
        return []
    if given and _CALLED.search(text):
        parts = _letters_of(_CALLED.sub(" ", text)) or parts
    while len(parts) > 1 and (parts[0] in TITLES or (given and parts[0] == "SR")):
        parts = parts[1:]
    while len(parts) > 1 and parts[-1] in SUFFIXES:
        parts = parts[:-1]
    while given and len(parts) > 1 and len(parts[-1]) == 1 and len(parts[0]) > 1 and parts[-1].isascii():
        parts = parts[:-1]
    if not given and len(parts) > 1:
        parts = [_SAINTS.get(parts[0], parts[0]), *(part for part in parts[1:-1] if part not in _BETWEEN), parts[-1]]
    return [] if is_stand_in(text, parts, given=given) or says_nothing(text, parts, PLACEHOLDERS) else parts


def _letters_of(text: str) -> list[str]:
    parts = ("".join(c for c in word if c.isalpha()) for word in words(text) if word not in ORDINALS)
    return [part for part in parts if part]


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


def read_given_names(texts: Sequence[str]) -> list[str | None]:
    """Give first or middle names as one run of letters: `Sister Mary Ann` is MARYANN."""
    return ["".join(name_words(text, given=True)) or None for text in texts]


def last_names(texts: Sequence[str]) -> list[str | None]:
    """Give last names as one run of letters: `Smith-Jones, Jr.` is SMITHJONES."""
    return ["".join(name_words(text)) or None for text in texts]


def initials(texts: Sequence[str]) -> list[str | None]:
    """Give the first letter of first names."""
    return [name[:1] if name else None for name in read_given_names(texts)]
