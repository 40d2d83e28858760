"""The cells of the linkage report that each list fills by itself: what it says of itself at each pass, and of its identifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tallystick.core.linkage.quality.sharing import ListNumber
from tallystick.core.statistics.keys import InReport, Key, OfList
from tallystick.core.statistics.plan import Cell, Own

MOST_ALIKE: Final = 63
"""Pairs of alike people that each person is in, at most, as `core/linkage/quality/estimates.py` counts them."""


def build_list_cells(
    lists: Sequence[tuple[str, str]], passes: Sequence[str], identifiers: Mapping[str, Sequence[str]]
) -> list[Cell]:
    """Give the cells: of each pass and list people and look-alikes, then of each list and identifier those that make no token.

    Args:
        lists: (name, agency) of each.
        passes: their names.
        identifiers: of each list, by its name.
    """
    cells = []
    for name in passes:
        for called, agency in lists:
            cells.append(_build_cell(ListNumber("tokens", name), called, agency, 1))
            pairs = (ListNumber("alike", name), ListNumber("doubtful", name))
            cells += [_build_cell(number, called, agency, MOST_ALIKE) for number in pairs]
    for called, agency in lists:
        for name in identifiers[called]:
            cells += [
                _build_cell(number, called, agency, 1) for number in (ListNumber("unread", name), ListNumber("denied", name))
            ]
    return cells


def _build_cell(number: ListNumber, called: str, agency: str, bound: int) -> Cell:
    return Cell(Key(InReport(), OfList(number, called)), (), ((1, Own(agency, counted=number)),), bound)
