"""Ladders of made-up passes."""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.crypto.passes import FIRST, Kind, Ladder, Pass, exact_pass

SIMILARITY = "similarity"


def ladder_of(names: Sequence[str], *, bands: int = 0, least: int = 0) -> Ladder:
    """Give a ladder of first spellings whose last passes are bands."""
    exact = len(names) - bands
    similar = [Pass(name, Kind.BAND, FIRST, SIMILARITY) for name in names[exact:]]
    return Ladder((*map(exact_pass, names[:exact]), *similar), least)


def with_bands(names: Sequence[str], bands: int = 0, least: int = 0) -> Ladder:
    """Give a ladder of these exact passes, and so many bands after them."""
    return ladder_of([*names, *(f"band {at}" for at in range(bands))], bands=bands, least=least)
