"""Identifiers made of digits: SSN, its last four, ZIP, phone.

An SSN is nine digits with area, group and serial: area 000, 666 and 9xx, group 00 and serial 0000 were never issued. Seven or
eight digits without anything between them are an SSN whose leading zeros a spreadsheet dropped, or the number of a register with
shorter numbers; they are padded with zeros to nine, and only the deny-list applies to them. Padding makes every area 00x, so the
area says nothing, and a register of seven digits uses group 00 and serial 0000 like any other: on Febrl4, whose numbers have seven
digits, the group rule alone would deny 47 of 5,000 true numbers.

Deny-list: HUD's data standards reject one digit repeated and running sequences; 078-05-1120 and 219-09-9999 were printed on
cards and leaflets, 457-55-5462 in advertisements, and thousands have used them. Two or three digits over and over, 121-21-2121 and
123-12-3123, are what a clerk types to get past a form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import contains
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.core.linkage.fields import columns

SSN: Final = 9
SHORTEST_SSN: Final = 7
_WIDEST: Final = 16
"""Bytes of a number with its separators; longer texts are no SSN."""

_RISING: Final = "1234567890123456789"
DENIED_SSN: Final = frozenset(
    {
        *(str(digit) * SSN for digit in range(10)),
        *(_RISING[start : start + SSN] for start in range(10)),
        *((f"{part:02d}" * SSN)[:SSN] for part in range(100)),
        *(f"{part:03d}" * 3 for part in range(1000)),
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
_ZIP: Final = re.compile(
    r"(?:(?:ZIP(?: ?CODE)?|(?:[A-Z][A-Z .'-]*[ ,]+)?[A-Z]{2})[ :.,]*)?(\d{4,5})(?:\s*[-+]?\s*(?:\d{4}|[X*]{4})|-)?(?:[ ,]+U\.?S\.?A?\.?)?",
    re.ASCII | re.IGNORECASE,
)
"""A code, with its state, or city and state, before it or its country behind it."""
_EXTENSION: Final = re.compile(
    r"^\s*(?:(?:tel|phone|ph|cell|mobile|mob|home|work|h|c|w|m)\b[ .:#]*)"
    r"|\s*(?:(?:x|ext(?:\.|ension)?|#)\s*\d+|\(?(?:cell|mobile|home|work|msg)\)?)$",
    re.IGNORECASE | re.ASCII,
)
"""What stands before and behind a telephone number: what kind of number it is, and an extension."""
_WHOLE_PHONE: Final = re.compile(r"([2-9])\.([0-9]{9})E\+?0*9", re.IGNORECASE | re.ASCII)
"""6.125550143E+09 has all digits of its number."""
_NO_SEPARATORS: Final = dict.fromkeys(map(ord, " \t\n\r\f\v\x1c\x1d\x1e\x1f().+/-"))
_LETTERS_OF_MASKS: Final = re.compile(r"[Xx*#\s-]")
_LAST_FOUR, _ZIP_5, _ZIP_4, _PHONE_10 = 4, 5, 10, 10
_PHONE: Final = re.compile(r"(?:00)?1?([2-9]\d{2}[2-9]\d{6})", re.ASCII)
_ABROAD: Final = re.compile(r"\+\W*[^\W1]", re.ASCII)
"""A country code other than 1."""


_LABEL: Final = re.compile(
    rf"(?:^|(?<={columns.MARK}))\s*(?:S\.?\s?S\.?\s?N\.?|S\.?S\.?|SOC(?:IAL|\.)? ?SEC(?:URITY|\.)?)[ .]*"
    r"(?:NUMBER|NUM|NO\.?|#|NBR)?[ :#=.-]*(?=[0-9Xx*])",
    re.IGNORECASE | re.ASCII,
)
"""What stands before a number that says what it is: `SSN: 223-45-6781`."""
_WHOLE: Final = tuple(
    re.compile(
        rf"(?:^|(?<={columns.MARK}))\s*([1-9])\.([0-9]{{{digits}}})0*E\+?0*{digits}(?=\s*(?:$|{columns.MARK}))",
        re.IGNORECASE | re.ASCII,
    )
    for digits in (SSN - 1, SSN - 2, SSN - 3)
)
"""2.23456781E+08 has all digits of its number; 2.23457E+08 does not, and 2.2345678E+08 may or may not."""


def _write_plainly(texts: Sequence[str]) -> list[str]:
    """Give SSNs without marks and words round them, and as whole numbers where they stand as powers of ten."""
    plain = columns.strip_marks(texts)
    whole = columns.MARK.join(plain)
    if not ({"s", "S", "e", "E"} & set(whole)):
        return plain
    if whole.count(columns.MARK) != len(plain) - 1:  # texts that hold the mark are no numbers; there are hardly any
        return [text if columns.MARK in text else _write_plainly([text])[0] for text in plain]
    whole = _LABEL.sub("", whole)
    for pattern in _WHOLE if "E" in whole or "e" in whole else ():
        whole = pattern.sub(r"\1\2", whole)
    return whole.split(columns.MARK)


def ssns(texts: Sequence[str]) -> list[str | None]:
    """Give SSNs as nine digits. Vectorised: there are about as many of them as people."""
    plain = set(map(len, texts)) == {SSN} and (joined := "".join(texts)).isascii() and joined.isdigit()
    if plain:
        table = np.frombuffer(joined.encode("ascii"), dtype=np.uint8).reshape(-1, SSN)
        good = _find_issued(table) & (table.max(axis=1) != table.min(axis=1))
        return _drop_denied(texts, good)
    stripped = columns.objects(list(map(str.strip, _write_plainly(texts))))
    if not len(stripped):
        return []
    stripped[(columns.sizes(stripped) > _WIDEST) | ~columns.apply_test(str.isascii, stripped)] = ""
    cut = columns.without_decimals(stripped.tolist())
    table = np.array(cut, dtype=f"S{_WIDEST}").view(np.uint8).reshape(len(cut), _WIDEST)
    digit = (table >= _ZERO) & (table <= _ZERO + 9)
    separator = np.isin(table, np.frombuffer(b" -./,:;_#~*()\t\x00", dtype=np.uint8))
    count = digit.sum(axis=1)
    good = (digit | separator).all(axis=1) & (count >= SHORTEST_SSN) & (count <= SSN)
    # a number that lost zeros has no dashes; one with dashes and too few digits lacks one somewhere
    good &= (count == SSN) | (digit | (table == 0)).all(axis=1)
    padded = _align_right(table, digit, count, good)
    good &= _find_issued(padded) | (count < SSN)
    # one digit repeated, also in seven or eight, where padding would hide it
    good &= np.where(digit, table, 0).max(axis=1) != np.where(digit, table, 255).min(axis=1)
    return _drop_denied(columns.texts_of(padded), good)


def _find_issued(padded: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Tell which of (n, 9) digits have an area, a group and a serial that were ever issued."""
    zero = padded == _ZERO
    area = padded[:, :3]
    never: npt.NDArray[np.bool_] = zero[:, :3].all(axis=1) | (area == ord("6")).all(axis=1) | (area[:, 0] == ord("9"))
    never |= zero[:, 3:5].all(axis=1) | zero[:, 5:].all(axis=1)
    return ~never


def _drop_denied(numbers: Sequence[str], good: npt.NDArray[np.bool_]) -> list[str | None]:
    """Give the good numbers that are not denied, None for the others."""
    if not DENIED_SSN.isdisjoint(numbers):
        good = good & ~columns.among(numbers, DENIED_SSN)
    return columns.only(numbers, good)


def of_ssns(texts: Sequence[str], rule: Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.uint8]]) -> list[str | None]:
    """Give what a rule makes of the digits of good SSNs, (n, 9) to (n, width); None for the others."""
    numbers = columns.objects(ssns(texts))
    good = numbers != None  # noqa: E711 - of each
    numbers[good] = columns.texts_of(rule(columns.characters(numbers[good].tolist(), SSN)))
    return list(numbers.tolist())


def ssn4s(texts: Sequence[str]) -> list[str | None]:
    """Give the last four digits of a good SSN, of a masked one (`xxx-xx-1234`), or given alone; 0000 is denied."""
    texts = _write_plainly(texts)
    found = columns.objects(of_ssns(texts, lambda digits: digits[:, -4:]))
    rest = np.flatnonzero(found == None)  # noqa: E711 - of each
    short = _LETTERS_OF_MASKS.sub("", columns.MARK.join(columns.objects(texts)[rest])).split(columns.MARK)
    # what has four digits at most, or a point: of these there are few
    for at in rest.tolist() if len(short) != len(rest) else rest[_few_digits(short)].tolist():
        found[at] = _last_four(texts[at].strip())
    return list(found.tolist())


def zips(texts: Sequence[str]) -> list[str | None]:
    """Give the first five digits of a ZIP code or ZIP+4; one lost leading zero is put back.

    Three digits are denied: they are the first three of a code, or one that lost two zeros, and nobody can tell.
    """
    texts = columns.strip_marks(texts)
    codes = columns.objects(texts)
    size = columns.sizes(texts)
    plain = (size == _ZIP_5) & columns.apply_test(str.isascii, texts) & columns.apply_test(str.isdigit, texts)
    plus = (size == _ZIP_4) & columns.apply_test(str.isascii, texts)
    table = columns.characters(codes[plus].tolist(), _ZIP_4)
    good = (table >= _ZERO) & (table <= _ZERO + 9)
    good[:, _ZIP_5] = table[:, _ZIP_5] == ord("-")
    whole = good.all(axis=1)
    plus[plus] = whole
    codes[plus] = columns.texts_of(table[whole, :_ZIP_5])
    for at in np.flatnonzero(~plain & ~plus).tolist():
        codes[at] = _zip(texts[at])
    return columns.only(codes.tolist(), ~columns.among(codes, DENIED_ZIP))


def phones(texts: Sequence[str]) -> list[str | None]:
    """Give phone numbers of the North American plan as ten digits, without country code and extension."""
    texts = columns.strip_marks(texts)
    if columns.join_texts(texts) is None:
        return [_phone(text) for text in texts]
    stripped = columns.without_decimals(list(map(str.strip, texts)))
    written = columns.MARK.join(stripped).translate(_NO_SEPARATORS).split(columns.MARK)
    size = columns.sizes(written)
    numbers = columns.objects(written)
    plus = columns.apply_test(str.startswith, stripped, "+")
    digits = columns.apply_test(str.isdigit, written)
    numbers[~digits] = None
    for at in np.flatnonzero(~digits & (size >= _PHONE_10)).tolist():  # an extension, or no number
        numbers[at] = _phone(texts[at])
    whole = digits & (size == _PHONE_10) & ~plus
    longer = digits & (size == _PHONE_10 + 1)
    numbers[digits & ~whole & ~longer] = None
    for at in np.flatnonzero(digits & (size == _PHONE_10 + 3)).tolist():  # 001 before it
        numbers[at] = _phone(texts[at])
    for which, first in ((whole, 0), (longer, 1)):
        table = columns.characters(numbers[which].tolist(), _PHONE_10 + first)
        number = table[:, first:]
        good = (number[:, 0] > _ZERO + 1) & (number[:, 3] > _ZERO + 1) & (number.max(axis=1) != number.min(axis=1))
        good &= table[:, 0] == _ZERO + 1 if first else True
        found = columns.objects(columns.texts_of(number))
        found[~good] = None
        numbers[which] = found
    return list(numbers.tolist())


def _few_digits(short: Sequence[str]) -> npt.NDArray[np.bool_]:
    return (columns.sizes(short) <= _LAST_FOUR) | columns.apply_test(contains, short, ".")


def _zip(text: str) -> str | None:
    match = _ZIP.fullmatch(without_decimals(text.strip()))
    return match[1].rjust(_ZIP_5, "0") if match else None


def _phone(text: str) -> str | None:
    number = _EXTENSION.sub("", _WHOLE_PHONE.sub(r"\1\2", without_decimals(text.strip())))
    match = None if _ABROAD.match(number) else _PHONE.fullmatch(re.sub(r"[\s().+/-]", "", number))
    return match[1] if match and len(set(match[1])) > 1 else None


def without_decimals(text: str) -> str:
    """Give the whole number of a float's text, as `columns.without_decimals` does for many."""
    number, point, zeros = text.partition(".")
    return number if point and zeros and not zeros.strip("0") and number.isdigit() else text


def _align_right(
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
