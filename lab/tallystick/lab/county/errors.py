"""What happens to identifiers on the way into a file: slips of the hand and ear, defaults, old names, blanks.

Every function takes an array and a rate (one number, or one for each entry), and gives a new array in which about that share
of the entries is wrong. Entries are drawn in numpy; only the few that are hit are edited one by one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from tallystick.lab.county.names import NICKNAMES, SOUNDS
from tallystick.lab.county.population import Dates, Flags, Texts

Rate = float | npt.NDArray[np.float64]

_NEAR = {
    a: b
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    for a, b in zip(row, row[1:] + row[-2], strict=True)  # the key to the right; the last one's to the left
}


def draw_hits(rate: Rate, count: int, rng: np.random.Generator) -> Flags:
    """Draw which of `count` entries are hit."""
    return np.asarray(rng.random(count) < rate, dtype=np.bool_)


def _edit(texts: Texts, rate: Rate, rng: np.random.Generator, edit: Callable[[str, np.random.Generator], str]) -> Texts:
    edited = texts.copy()
    for index in np.flatnonzero(draw_hits(rate, len(texts), rng)):
        edited[index] = edit(texts[index], rng)
    return edited


def misspell(names: Texts, rate: Rate, rng: np.random.Generator) -> Texts:
    """Names with one slip: a neighbouring key, a letter left out, doubled or exchanged, or a spelling that sounds alike."""
    return _edit(names, rate, rng, _slip)


def _slip(name: str, rng: np.random.Generator) -> str:
    if len(name) < 3:
        return name
    if rng.random() < 0.4:
        for heard, written in SOUNDS:
            at = name.lower().find(heard, 1)
            if at > 0:
                return name[:at] + written + name[at + len(heard) :]
    # the first letter is seldom wrong
    at = int(rng.integers(0 if rng.random() < 0.08 else 1, len(name) - 1))
    match int(rng.integers(4)):
        case 0:
            return name[:at] + _NEAR.get(name[at].lower(), "e") + name[at + 1 :]
        case 1:
            return name[:at] + name[at + 1 :]
        case 2:
            return name[: at + 1] + name[at:]
        case _:
            return name[:at] + name[at + 1] + name[at] + name[at + 2 :]


def apply_nicknames(names: Texts, rate: Rate, rng: np.random.Generator) -> Texts:
    """Given names, some of those that have a short form replaced by it."""
    return _edit(names, rate, rng, lambda name, _: NICKNAMES.get(name, name))


def miskey_numbers(numbers: Texts, rate: Rate, rng: np.random.Generator) -> Texts:
    """Numbers with two neighbouring digits exchanged (two of three slips) or one digit wrong; blanks stay blank.

    The area (first three digits) stays as it is, so that the number remains one that could have been issued.
    """
    return _edit(numbers, rate, rng, _misdial)


def _misdial(number: str, rng: np.random.Generator) -> str:
    if len(number) != 9:
        return number
    at = int(rng.integers(3, 8))
    if rng.random() < 2 / 3 and number[at] != number[at + 1]:
        return number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    wrong = str((int(number[at]) + int(rng.integers(1, 10))) % 10)
    return number[:at] + wrong + number[at + 1 :]


def one_surname(surnames: Texts, rate: Rate, rng: np.random.Generator) -> Texts:
    """Double surnames, some with the second part lost, some joined by a hyphen, some with the second part alone."""

    def clerk(name: str, rng: np.random.Generator) -> str:
        parts = name.split(" ")
        if len(parts) < 2 or parts[0] in {"De", "Del", "El", "Al"}:
            return name
        draw = rng.random()
        return parts[0] if draw < 0.55 else f"{parts[0]}-{' '.join(parts[1:])}" if draw < 0.85 else " ".join(parts[1:])

    return _edit(surnames, rate, rng, clerk)


def plain(name: str) -> str:
    """A name in the letters A to Z, upper case, as fixed-width files hold it: no accents, apostrophes or hyphens."""
    letters = unicodedata.normalize("NFKD", name.replace("đ", "d"))
    return "".join(letter for letter in letters if letter.isascii() and (letter.isalpha() or letter == " ")).upper()


def drop_accents(names: Texts, rate: Rate, rng: np.random.Generator) -> Texts:
    """Names, some without their accents."""

    def strip(name: str, _: np.random.Generator) -> str:
        return "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))

    return _edit(names, rate, rng, strip)


def swap_day_and_month(days: Dates, rate: Rate, rng: np.random.Generator) -> Dates:
    """Dates with day and month exchanged, where both are 12 or less."""
    months = days.astype("datetime64[M]")
    month = months.astype(np.int64) % 12
    day = (days - months).astype(np.int64)
    can = (day < 12) & draw_hits(rate, len(days), rng)
    years = days.astype("datetime64[Y]").astype("datetime64[M]")
    other = (years + day).astype("datetime64[D]") + month.astype("timedelta64[D]")
    return np.where(can, other, days)


def default_dates(days: Dates, rate: Rate, rng: np.random.Generator) -> Dates:
    """Dates of which only the year was known: the first of January."""
    return np.where(draw_hits(rate, len(days), rng), days.astype("datetime64[Y]").astype("datetime64[D]"), days)


def misdate(days: Dates, rate: Rate, rng: np.random.Generator) -> Dates:
    """Dates with a slip: a day to the left or right, or ten years off."""
    by = rng.choice(np.array([-1, 1, -3652, 3652]), len(days), p=[0.42, 0.42, 0.08, 0.08])
    return np.where(draw_hits(rate, len(days), rng), days + by.astype("timedelta64[D]"), days)


def as_text(days: Dates) -> Texts:
    """ISO dates."""
    return np.datetime_as_string(days, unit="D").astype(object)


def blank_texts(texts: Texts, where: Flags) -> Texts:
    """Texts, empty where told."""
    return np.where(where, np.array("", dtype=object), texts)
