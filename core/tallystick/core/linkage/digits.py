"""Identifiers made of digits: SSN, its last four, ZIP, phone.

An SSN is nine digits with area, group and serial: area 000, 666 and 9xx, group 00 and serial 0000 were never issued. Seven or
eight digits without anything between them are an SSN whose leading zeros a spreadsheet dropped, or the number of a register with
shorter numbers; they are padded with zeros to nine, and only the deny-list applies to them. Padding makes every area 00x, so the
area says nothing, and a register of seven digits uses group 00 and serial 0000 like any other: on Febrl4, whose numbers have seven
digits, the group rule alone would deny 47 of 5,000 true numbers.

Deny-list: HUD's data standards reject one digit repeated and running sequences; 078-05-1120 and 219-09-9999 were printed on
cards and leaflets, 457-55-5462 in advertisements, and thousands have used them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

SSN: Final = 9
SHORTEST_SSN: Final = 7
_WIDEST: Final = 16
"""Bytes of a number with its separators; longer texts are no SSN."""

_RISING: Final = "1234567890123456789"
DENIED_SSN: Final = frozenset(
    {
        *(str(digit) * SSN for digit in range(10)),
        *(_RISING[start : start + SSN] for start in range(10)),
        "987654321",
        "078051120",
        "219099999",
        "457555462",
    }
)
DENIED_ZIP: Final = frozenset({"00000", "12345", "99999"})

_ZERO: Final = ord("0")
_MASKED: Final = re.compile(r"[Xx*#\s.-]*(\d{4})", re.ASCII)
_SHORT_LAST_FOUR: Final = re.compile(r"\d{3,4}", re.ASCII)
_ZIP: Final = re.compile(r"(\d{3,5})(?:[-\s]?\d{4})?", re.ASCII)
_EXTENSION: Final = re.compile(r"\s*(?:x|ext(?:\.|ension)?|#)\s*\d+$", re.IGNORECASE | re.ASCII)
_PHONE: Final = re.compile(r"1?([2-9]\d{2}[2-9]\d{6})", re.ASCII)
_ABROAD: Final = re.compile(r"\+\W*[^\W1]", re.ASCII)
"""A country code other than 1."""


def ssns(texts: Sequence[str]) -> list[str | None]:
    """Give SSNs as nine digits. Vectorised: there are about as many of them as people."""
    plain = set(map(len, texts)) == {SSN} and (joined := "".join(texts)).isascii() and joined.isdigit()
    if plain:
        table = np.frombuffer(joined.encode("ascii"), dtype=np.uint8).reshape(-1, SSN)
        good = _issued(table) & (table.max(axis=1) != table.min(axis=1))
        return _allowed(texts, good)
    short = [text if len(text) <= _WIDEST and text.isascii() else "" for text in map(str.strip, texts)]
    if not short:
        return []
    cut = [without_decimals(text) if "." in text else text for text in short]
    table = np.array([text.encode() for text in cut], dtype=f"S{_WIDEST}").view(np.uint8).reshape(len(cut), _WIDEST)
    digit = (table >= _ZERO) & (table <= _ZERO + 9)
    separator = np.isin(table, np.frombuffer(b" -./\x00", dtype=np.uint8))
    count = digit.sum(axis=1)
    good = (digit | separator).all(axis=1) & (count >= SHORTEST_SSN) & (count <= SSN)
    # a number that lost zeros has no dashes; one with dashes and too few digits lacks one somewhere
    good &= (count == SSN) | (digit | (table == 0)).all(axis=1)
    padded = _right_aligned(table, digit, count, good)
    good &= _issued(padded) | (count < SSN)
    # one digit repeated, also in seven or eight, where padding would hide it
    good &= np.where(digit, table, 0).max(axis=1) != np.where(digit, table, 255).min(axis=1)
    digits = padded.tobytes().decode("ascii")
    return _allowed([digits[at : at + SSN] for at in range(0, len(digits), SSN)], good)


def _issued(padded: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Tell which of (n, 9) digits have an area, a group and a serial that were ever issued."""
    zero = padded == _ZERO
    area = padded[:, :3]
    never: npt.NDArray[np.bool_] = zero[:, :3].all(axis=1) | (area == ord("6")).all(axis=1) | (area[:, 0] == ord("9"))
    never |= zero[:, 3:5].all(axis=1) | zero[:, 5:].all(axis=1)
    return ~never


def _allowed(numbers: Sequence[str], good: npt.NDArray[np.bool_]) -> list[str | None]:
    """Give the good numbers that are not denied, None for the others."""
    found: list[str | None] = list(numbers)
    for at in np.flatnonzero(~good).tolist():
        found[at] = None
    if not DENIED_SSN.isdisjoint(numbers):
        found = [None if number in DENIED_SSN else number for number in found]
    return found


def without_decimals(text: str) -> str:
    """Give the whole number of `123456789.0`, which is what a table of floats makes of one; any other text as it is."""
    number, point, zeros = text.partition(".")
    return number if point and zeros and not zeros.strip("0") and number.isdigit() else text


def ssn4s(texts: Sequence[str]) -> list[str | None]:
    """Give the last four digits of a good SSN, of a masked one (`xxx-xx-1234`), or given alone; 0000 is denied."""
    return [
        whole[-4:] if whole is not None else _last_four(text.strip()) for text, whole in zip(texts, ssns(texts), strict=True)
    ]


def zips(texts: Sequence[str]) -> list[str | None]:
    """Give the first five digits of a ZIP code or ZIP+4; lost leading zeros are put back."""
    found = []
    for text in texts:
        match = _ZIP.fullmatch(without_decimals(text.strip()))
        code = match[1].rjust(5, "0") if match else None
        found.append(None if code in DENIED_ZIP else code)
    return found


def phones(texts: Sequence[str]) -> list[str | None]:
    """Give phone numbers of the North American plan as ten digits, without country code and extension."""
    found: list[str | None] = []
    for text in texts:
        number = _EXTENSION.sub("", without_decimals(text.strip()))
        match = None if _ABROAD.match(number) else _PHONE.fullmatch(re.sub(r"[\s().+/-]", "", number))
        found.append(match[1] if match and len(set(match[1])) > 1 else None)
    return found


def _right_aligned(
    table: npt.NDArray[np.uint8], digit: npt.NDArray[np.bool_], count: npt.NDArray[np.int64], good: npt.NDArray[np.bool_]
) -> npt.NDArray[np.uint8]:
    """Give the digits of each good row, shape (n, 9), padded with zeros on the left; rows of zeros elsewhere."""
    padded = np.full((len(table), SSN), _ZERO, dtype=np.uint8)
    rows, places = np.nonzero(digit & good[:, None])
    rank = np.cumsum(digit, axis=1)[rows, places] - 1
    padded[rows, SSN - count[rows] + rank] = table[rows, places]
    return padded


def _last_four(text: str) -> str | None:
    if _SHORT_LAST_FOUR.fullmatch(number := without_decimals(text)):
        four = number.rjust(4, "0")
    elif (match := _MASKED.fullmatch(text)) is not None:
        four = match[1]
    else:
        return None
    return None if four == "0000" else four
