"""How several ladders' results read side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tallystick.client.words import HIDDEN, level_columns, row_level
from tallystick.core.terminal import print_table

if TYPE_CHECKING:
    from tallystick.client.triple import Spread, Triple


def print_triple(made: Triple) -> None:
    """Print every number by ladder, and how far it moves."""
    columns = [*level_columns(made.by), "number", *made.ladders, "moves by"]
    print_table(columns, [_row(made, one) for one in (*made.rows, *made.totals)])
    click.echo("moves by: most less least, over the number by the strictest ladder; nothing where one of them is hidden")


def _row(made: Triple, one: Spread) -> list[str]:
    levels = [row_level(one.levels, name) if one.levels else "(all)" for name in level_columns(made.by)]
    share = "" if one.share is None else f"{one.share:.1%}"
    return [*levels, one.label, *(one.written.get(ladder, HIDDEN) for ladder in made.ladders), share]
