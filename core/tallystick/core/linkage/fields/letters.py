"""Letters made plain: without diacritics, also where Unicode does not take them apart, and text that was read in a wrong encoding.

`Ħ` is H, `ɛ` is E, `Ɓ` is B, `ẞ` is SS. `MuÃ±oz` is UTF-8 that was read as Windows-1252 or Latin-1: it is `Muñoz`.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Final

_SPECIAL: Final = {
    "ß": "SS", "ẞ": "SS", "Æ": "AE", "Œ": "OE", "Þ": "TH", "Ð": "D", "Đ": "D", "Ø": "O", "Ł": "L", "Ŋ": "N", "Ə": "E", "ĸ": "Q",
    "\N{LATIN CAPITAL LETTER GAMMA}": "G", "\N{LATIN CAPITAL LETTER IOTA}": "I", "\N{LATIN CAPITAL LETTER UPSILON}": "U",
    "\N{LATIN CAPITAL LETTER ESH}": "S", "\N{LATIN CAPITAL LETTER EZH}": "Z", "\N{LATIN CAPITAL LETTER WYNN}": "W",
    "\N{LATIN CAPITAL LETTER YOGH}": "Y", "\N{LATIN CAPITAL LETTER GLOTTAL STOP}": "", "\N{LATIN LETTER GLOTTAL STOP}": "",
    "\N{LATIN CAPITAL LETTER SALTILLO}": "",
    "\N{LATIN SMALL LETTER DOTLESS I}": "I", "\N{LATIN CAPITAL LETTER OU}": "OU", "\N{LATIN CAPITAL LETTER HWAIR}": "HV",
}  # fmt: skip
_LATIN: Final = re.compile(
    r"LATIN (?:CAPITAL|SMALL) LETTER (?:(?:OPEN|REVERSED|TURNED|DOTLESS|AFRICAN|INSULAR|CLOSED|BARRED|LONG|TONE) )*([A-Z]{1,2})(?: WITH .+)?"
)
"""How Unicode calls a letter that has a plain form: B WITH HOOK, OPEN E."""


class _Plain(dict[int, str]):
    """Plain forms of upper-case letters, found when they are asked for."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        plain = character
        if code > 127 and character.isalpha():
            named = _LATIN.fullmatch(unicodedata.name(character, ""))
            plain = _SPECIAL.get(character, named[1] if named else character)
        if len(self) < _MOST:
            self[code] = plain
        return plain


_MOST: Final = 1 << 16
PLAIN: Final = _Plain()
"""For `str.translate`, of text that was taken apart (NFKD) and is in upper case."""

_FAULTY: Final = re.compile(
    "[\u00c2-\u00f4][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u2122]{1,3}"
)
"""What bytes of UTF-8 beyond ASCII become when they are read as Windows-1252 or Latin-1. No word of any language has them in a row."""
_FAULTY_OTHERS: Final = {
    "mac_roman": re.compile(r"(?:[\u221a\u0192\u2248\u2206\u201a]|\u00b7(?=[^\x00-\x7f\s]{2}))[^\x00-\x7f\s]+"),
    "cp437": re.compile(r"(?:[┬├─┼╞╟]|ß[║╗]|ΓÇ)[^\x00-\x7f\s]+"),
    "cp850": re.compile(r"(?:[┬├─┼]|ß[║╗]|ÔÇ)[^\x00-\x7f\s]+"),
}
"""The same, read as the encoding of old Macintosh or DOS machines: each begins with a sign that stands in no name."""
_ENTITY: Final = re.compile(r"&(?:[A-Za-z]{2,8}|#\d{1,6}|#[xX][0-9A-Fa-f]{1,5});", re.ASCII)
"""How a web page writes a letter: `&ntilde;`, `&#241;`."""
_LOST: Final = re.compile(r"(?<=[^\W\d_])\?(?=[^\W\d_])")
"""Where a program wrote ? for a letter that it did not know."""
_STRANGE: Final = re.compile(
    "[\u2500-\u259f\u221a\u222b\u2211\u220f\u2206\u2248\u2260\u2264\u2265\u221e\u00b1\u00a2-\u00a6\u00a7\u00a9\u00ac\u00ae"
    "\u00af\u00b0\u00b2\u00b3\u00b5\u00b6\u00b8\u00b9\u00bc-\u00be\u00bf\u00a1\u00d7\u00f7\u2020\u2021\u2030\u20ac\u2122\u02d9]"
)
"""Signs that stand in no name: beside a letter, they are a letter of another encoding."""
_USUAL: Final = re.compile("[\u00c0-\u017f\u1e00-\u1eff\u2010-\u201f]")
"""Latin letters with marks, hyphens and quotes."""
REPLACED: Final = "\N{REPLACEMENT CHARACTER}"
"""What stands where a program could not read a byte: the letter is lost."""


def mend_text(text: str) -> str:
    """Give text that was read in a wrong encoding, also twice, or written for a web page, as it was meant; any other text as it is."""
    if "&" in text:
        text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    for _ in range(2):
        found = text if text.isascii() else _FAULTY.sub(_decode_again, text)
        if found == text and not text.isascii():
            for encoding, pattern in _FAULTY_OTHERS.items():
                found = pattern.sub(lambda one, encoding=encoding: _reread(one[0], encoding), found)  # type: ignore[misc]
        if found == text:
            break
        text = found
    return text


def is_faulty(text: str) -> bool:
    """Tell whether a text was read in a wrong encoding: it can be mended, or has lost letters, or a sign stands for one."""
    return has_lost(text) or mend_text(text) != text or (not text.isascii() and _STRANGE.search(text) is not None)


def has_lost(text: str) -> bool:
    """Tell whether letters of a text were lost for good: a mark stands in their place."""
    return REPLACED in text or ("?" in text and _LOST.search(text) is not None)


def _decode_again(found: re.Match[str]) -> str:
    if (meant := _as_bytes(found[0])) is not None:
        return meant
    # a program that changed the case changed that of the first of the bytes
    meant = _as_bytes(found[0][0].swapcase() + found[0][1:])
    return meant if meant is not None and _USUAL.match(meant) else found[0]


def _as_bytes(text: str) -> str | None:
    data = bytearray()
    for character in text:
        try:
            data += character.encode("cp1252")
        except UnicodeEncodeError:
            if ord(character) > 0xFF:
                return None
            data.append(ord(character))
    for end in range(len(data), 1, -1):  # what follows the letter may look as if it belonged to it
        try:
            return data[:end].decode("utf-8") + text[end:]
        except UnicodeDecodeError:
            continue
    return None


def _reread(text: str, encoding: str) -> str:
    """Give text whose UTF-8 was read in an encoding of one byte a letter as it was meant; as it is, where it cannot be that."""
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        return text
    for end in range(len(data), 1, -1):
        try:
            return data[:end].decode("utf-8") + text[end:]
        except UnicodeDecodeError:
            continue
    return text
