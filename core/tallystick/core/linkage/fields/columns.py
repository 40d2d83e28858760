"""Rules over whole columns of texts without a Python loop over them: a list has about as many numbers and streets as people.

Each function goes over its texts in C (`map` of a built-in, one call on all of them joined, or numpy).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import repeat
from operator import contains, itemgetter
from typing import Final

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Int64s = npt.NDArray[np.int64]

Texts = Sequence[str] | npt.NDArray[np.object_]

MARK: Final = "\x00"
"""Parts texts that are treated as one. Texts that hold it are treated one by one."""


def apply_test(test: Callable[..., bool], texts: Texts, *arguments: object) -> Bools:
    """Tell of each text what a built-in test says of it and of the arguments."""
    return np.fromiter(map(test, texts, *map(repeat, arguments)), dtype=np.bool_, count=len(texts))


def among(texts: Texts, known: Collection[str]) -> Bools:
    """Tell which texts are in a set."""
    return np.fromiter(map(contains, repeat(known), texts), dtype=np.bool_, count=len(texts))


def sizes(texts: Texts) -> Int64s:
    """Give the length of each text."""
    return np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))


def objects(texts: Sequence[str | None]) -> npt.NDArray[np.object_]:
    """Give texts as an array of objects, shape (n,)."""
    found: npt.NDArray[np.object_] = np.empty(len(texts), dtype=object)
    found[:] = texts
    return found


def only(texts: Sequence[str | None], good: Bools) -> list[str | None]:
    """Give the texts that are good, None in place of the others."""
    if good.all():
        return list(texts)
    found = objects(texts)
    found[~good] = None
    return list(found.tolist())


def join_texts(texts: Texts) -> str | None:
    """Give texts as one, the mark between them; None where that cannot be: not ASCII, or one holds the mark, or there are none."""
    whole = MARK.join(texts)
    return whole if len(texts) and whole.isascii() and whole.count(MARK) == len(texts) - 1 else None


_UNUSUAL: Final = {
    **dict.fromkeys(
        [0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2015, 0x2212, 0xFE58, 0xFE63, 0xFF0D, 0xAD, 0xB7, 0x2022, 0x2027, 0xFF0E],
        "-",
    ),
    **{0xFF10 + digit: str(digit) for digit in range(10)},
    **dict.fromkeys([0xA0, 0x2002, 0x2003, 0x2007, 0x2009, 0x200A, 0x202F, 0x3000], " "),
    **dict.fromkeys(
        map(ord, "'\"`\u00b4\u2018\u2019\u201c\u201d\u200b\u200c\u200d\u200e\u200f\u202a\u202c\u202d\u2060\ufeff"), None
    ),
}
"""Of numbers: hyphens, dots, spaces and wide digits of typographers made plain; quotes and what cannot be seen taken away."""


def strip_marks(texts: Sequence[str]) -> list[str]:
    """Give numbers without what spreadsheets and word processors put round them: `'223`, `="223"`, hyphens that are none."""
    whole = MARK.join(texts)
    if not texts or (whole.isascii() and not any(mark in whole for mark in "'\"`")):
        return list(texts)
    whole = whole.replace('="', "")
    if whole.count(MARK) != len(texts) - 1:
        return [text.replace('="', "").translate(_UNUSUAL) for text in texts]
    return whole.translate(_UNUSUAL).split(MARK)


def one_character(texts: Sequence[str]) -> Bools:
    """Tell which texts are empty, or one character, once or more often."""
    size = sizes(texts)
    alike: Bools = size == 0
    filled = np.flatnonzero(~alike)
    if len(filled):
        points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4")
        starts = np.concatenate(([0], np.cumsum(size[filled])[:-1]))
        least, most = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
        alike[filled] = least == most
    return alike


def characters(texts: Sequence[str], width: int) -> npt.NDArray[np.uint8]:
    """Give ASCII texts of one length as their characters, shape (n, width)."""
    return np.frombuffer("".join(texts).encode("ascii"), dtype=np.uint8).reshape(-1, width)


def texts_of(table: npt.NDArray[np.uint8]) -> list[str]:
    """Give rows of ASCII characters, none of them NUL, as texts."""
    if not len(table):
        return []
    joined: list[str] = np.ascontiguousarray(table).view(f"S{table.shape[1]}").reshape(-1).astype(f"U{table.shape[1]}").tolist()
    return joined


def without_decimals(texts: Sequence[str]) -> list[str]:
    """Give the whole number of `123456789.0`, which is what a table of floats makes of one; any other text as it is."""
    if not any(map(contains, texts, repeat("."))):
        return list(texts)
    parts = list(map(str.partition, texts, repeat(".")))
    numbers, zeros = list(map(itemgetter(0), parts)), list(map(itemgetter(2), parts))
    cut = apply_test(str.isdigit, numbers) & (sizes(zeros) > 0) & (sizes(list(map(str.strip, zeros, repeat("0")))) == 0)
    found = objects(texts)
    found[cut] = objects(numbers)[cut]
    return list(found.tolist())
