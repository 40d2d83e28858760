"""The recipes that a ladder's name stands for, in the order in which they are tried, and the guards that each needs.

A recipe leaves something out: a number, a birth date, a first name. What it leaves out may be missing or, within what the recipe forgives,
wrong; but two people who both have it and differ in it are two people. So each entry names what guards it:

- `n`: the number (its last four digits), and the state's number of a person: every recipe of names, dates and places;
- `x`: the sex: recipes with less than a whole first name, where two of unlike sex may be brother and sister;
- `d`: the birth date, of recipes without any of it: its year agrees, or month, day and decade do, or it is missing;
- `y`: the same of recipes with a number: the year agrees, or the date is missing;
- `g`: the generation (Sr, Jr, II): recipes without the year, where two of one name may be father and son;
- `f`: the first name, which one of the two must lack;
- `j`: a default day (1 January), which one of the two must have: recipes that take nothing but the year of the date.

Numbers that both have and that differ are outvoted only by whole names with the whole date and the place (`OUTVOTES`).

`F+L+Dy+J` is for lists in which 1 January stands for an unknown day: of whoever has it the year alone is known, so other recipes with the
whole date do without such people (`tokens.py`), and what look-alikes of their own allow is allowed here.

A year is forgiven one digit of it: two who share a name, the day and the month and were born 28 years apart are two people.

Which of them a pair of lists uses, with which passes for their guards: `choice.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from tallystick.core.linkage.passes.recipes import Recipe, parse_recipe

_SHORT: Final = {
    "F": "first_name", "Fg": "first_group", "Fe": "first_tail", "Fx": "first_letters", "F3": "first_name:3", "F1": "first_name:1",
    "F2": "second_name", "M": "middle_name", "M1": "middle_name:1", "Mg": "middle_group",
    "L": "last_name", "L4": "last_name:4", "Le": "last_tail", "Lx": "last_letters", "Lp": "last_part", "Lend": "last_end",
    "Ls": "last_sound", "N": "names_any_order", "Ns": "sounds_any_order",
    "D": "birth_date", "Dy": "birth_date:4", "Dym": "birth_date:6", "Dyd": "birth_year_day",
    "Dde": "birth_decade_day", "Dun": "birth_unit_day", "Dte": "birth_month_tens", "Dus": "birth_month_units",
    "Dany": "birth_any_order", "J": "new_year",
    "X": "sex", "S": "street", "S7": "street:7", "Sn": "street_name", "Z": "zip", "Z3": "zip:3", "P": "phone",
    "ssn": "ssn", "n4": "ssn4", "nO": "ssn_outer", "nD": "ssn_digits", "sid": "state_id", "sch": "school_id",
}  # fmt: skip
"""Fields by the letters that stand for them here."""


@dataclass(frozen=True)
class Entry:
    """One recipe of the catalogue.

    Attributes:
        short: its fields, in the letters of this file.
        guards: what it leaves out and two people may not differ in.
        needs: an identifier that both lists must have; with a minus, one that they do not both have.
        strict: it is one of the ladder `strict`.
    """

    short: str
    guards: str = ""
    needs: str = ""
    strict: bool = False

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe without guards."""
        parts = ("/".join(_SHORT[name] for name in part.split("/")) for part in self.short.split("+"))
        return parse_recipe("+".join(parts))


_NUMBERS: Final = (
    Entry("sid+D", strict=True), Entry("sch+D", strict=True), Entry("ssn+D", strict=True), Entry("ssn+Fg", strict=True),
    Entry("ssn+F1+L4", "xy", strict=True), Entry("ssn+F2/Fg"), Entry("ssn+Fg/F2"), Entry("ssn+L4", "fxd"),
    Entry("ssn+F1", "x", "-birth_date"), Entry("ssn+L", "", "-birth_date"),
    Entry("ssn+Dde", "x"), Entry("ssn+Dun", "x"), Entry("ssn+Dyd", "x"), Entry("ssn+Dym", "x"),
    Entry("n4+F1+D", "x"), Entry("nO+F1+D", "x"), Entry("nD+F1+D", "x"),
    Entry("n4+L4+D", "x"), Entry("nO+L4+D", "x"), Entry("nD+L4+D", "x"),
    Entry("n4+Fg+L", "y"), Entry("nO+Fg+L", "y"), Entry("nD+Fg+L", "y"),
)  # fmt: skip
"""With a number, or a part of one."""
OUTVOTES: Final = (
    Entry("F+L+D+S", "", "ssn"), Entry("F+L+D+Z", "", "ssn"), Entry("F+L+D+P", "", "ssn"), Entry("F+L+D+M+X", "", "ssn"),
    Entry("Fg+L4+D+S", "x", "ssn"),
)  # fmt: skip
"""Recipes that link two who have two numbers: whole names, the whole date and the place."""
_NAMES: Final = (
    Entry("F+L+D+Z", "n", "-ssn", strict=True),
    Entry("F+L+D", "n", strict=True), Entry("Fg+Lp+D", "n"), Entry("Fg+Lend+D", "n"), Entry("N+D", "n"),
    Entry("F3+L+D", "nx"), Entry("Fe+L+D", "nx"), Entry("Fx+L+D", "nx"), Entry("F+L4+D", "n"), Entry("F+Le+D", "n"), Entry("F+Lx+D", "n"),
    Entry("F3+L4+D", "nx"), Entry("Ns+D", "nx"), Entry("Fg/F2+L+D", "nx"), Entry("F2/Fg+L+D", "nx"), Entry("Fg/Mg+L+D", "nx"),
    Entry("Mg/Fg+L+D", "nx"), Entry("F1+L+D", "nx"),
    Entry("F+L+Dany", "n"), Entry("F+L+Dyd", "n"), Entry("F+L+Dde", "ng"), Entry("F+L+Dun", "ng"), Entry("F+L+Dus", "n"),
    Entry("F+L+Dte", "n"), Entry("F+L+Dym", "n"), Entry("F+L+Dy", "nj"),
    Entry("F+L+Dy+J", "n"),
    Entry("F+D+S", "n"), Entry("F+D+Z", "n"), Entry("F3+D+S", "nx"), Entry("F1+D+S7", "nx"), Entry("F1+D+P", "nx"), Entry("F+D", "nx"),
    Entry("N+S7", "ndg"), Entry("F3+L4+S7", "nxdg"), Entry("F+S+Z", "nxdg"), Entry("F+L+P", "ndg"), Entry("F+L+Z", "ndg"),
    Entry("F+L+Sn", "ng", "-birth_date"), Entry("Ns+S7", "nxg", "-birth_date"), Entry("F1+L+S", "nxg", "-birth_date"),
    Entry("Fe+L+S7", "nxg", "-birth_date"), Entry("F3+L+Sn", "nxg", "-birth_date"), Entry("F+S", "nxg", "-birth_date"),
    Entry("F+L+M1", "nxg", "-birth_date"), Entry("F+L+Z3", "nxg", "-birth_date"), Entry("F+L", "nxg", "-birth_date"),
    Entry("F+D+M1", "nx"), Entry("L+D+M1", "nx"),
)  # fmt: skip
"""Without a number that both have."""
_HOMES: Final = (
    Entry("L+D+S", "nx"), Entry("L+D+Z", "nx"), Entry("L+D+P", "nx"), Entry("L4+D+S7", "nx"), Entry("Ls+D+Z", "nx"), Entry("D+S", "nx"),
    Entry("D+S7+Z", "nx"), Entry("L+D", "nx"),
)  # fmt: skip
"""Without a first name: twins share them."""
_HOUSEHOLDS: Final = (
    Entry("L+S+Z", "nxg"), Entry("F+S+Z", "ng"), Entry("L4+S7+Z", "nxg"),
)  # fmt: skip
"""People of one home share them, or a father and a son do: for lists that an agreement says hold no two such people."""

_CONTRARY: Final = (
    Entry("N+D", "", "ssn"), Entry("F+D+S", "x", "ssn"), Entry("L+D+S", "x", "ssn"), Entry("D+S+Z", "x", "ssn"),
    Entry("F+L+S", "g"), Entry("N+S7", "g"), Entry("F+L+Z", "g"), Entry("F3+L4+S7", "xg"), Entry("L+S+Z", "xg"),
    Entry("ssn+L", "x", "birth_date"), Entry("ssn+S", "x"),
)  # fmt: skip
"""Something good may differ: a number, the birth date, or the first name. For the ladders `loose` and `widest`, in lists that show that they
hold next to nobody of whom that is true; they come last, and may make few of all links (`budget.OF_HOMES`)."""

CATALOGUE: Final = (*_NUMBERS, *OUTVOTES, *_NAMES, *_HOMES)
MAIN: Final = frozenset({
    "F+L+D+Z", "F+L+D", "Fg+Lp+D", "N+D", "F3+L+D", "F+L4+D", "F+L+Dde", "F+L+Dun", "F+L+Dyd", "F+L+Dus", "F+L+Dte", "F+D+S", "F+D+Z",
    "L+D+S", "L+D+Z",
})  # fmt: skip
"""Of the recipes without a number, those that find most: they are tried for the few who lack one, too."""
CONTRARY: Final = _CONTRARY
HOUSEHOLDS: Final = _HOUSEHOLDS
