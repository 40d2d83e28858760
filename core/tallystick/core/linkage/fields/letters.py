"""Letters made plain: without diacritics, also where Unicode does not take them apart, and text that was read in a wrong encoding.

`Ħ` is H, `ɛ` is E, `Ɓ` is B, `ẞ` is SS. `MuÃ±oz` is UTF-8 that was read as Windows-1252 or Latin-1: it is `Muñoz`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_SPECIAL: Final = {
    "ß": "SS", "ẞ": "SS", "Æ": "AE", "Œ": "OE", "Þ": "TH", "Ð": "D", "Đ": "D", "Ø": "O", "Ł": "L", "Ŋ": "N", "Ə": "E", "ĸ": "Q",
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
            plain = _SPECIAL.get(character) or (named[1] if named else character)
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
REPLACED: Final = "\N{REPLACEMENT CHARACTER}"
"""What stands where a program could not read a byte: the letter is lost."""


def mended(text: str) -> str:
    """Give text whose UTF-8 was read as Windows-1252 or Latin-1, also twice, as it was meant; any other text as it is."""
    for _ in range(2):
        found = _FAULTY.sub(_meant, text) if not text.isascii() else text
        if found == text:
            break
        text = found
    return text


def is_faulty(text: str) -> bool:
    """Tell whether a text was read in a wrong encoding: it can be mended, or has lost letters."""
    return not text.isascii() and (REPLACED in text or mended(text) != text)


def _meant(found: re.Match[str]) -> str:
    data = bytearray()
    for character in found[0]:
        try:
            data += character.encode("cp1252")
        except UnicodeEncodeError:
            if ord(character) > 0xFF:
                return found[0]
            data.append(ord(character))
    for end in range(len(data), 1, -1):  # what follows the letter may look as if it belonged to it
        try:
            return data[:end].decode("utf-8") + found[0][end:]
        except UnicodeDecodeError:
            continue
    return found[0]
