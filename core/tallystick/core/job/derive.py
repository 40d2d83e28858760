"""Columns that a job derives from a person's rows, or from what is known of the person.

Of a person's rows:

    sum(c)  min(c)  max(c)  count(*)  count(c)  count(distinct c)
    first(c)  last(c)                  the least and the greatest date, month or quarter
    any(CONDITION)                     whether a row holds it

Of a person, x being a column that does not vary within a person, a derived one, or one of these functions:

    bin(x, 18, 25, 65)                 levels `under 18`, `18 to 24`, `25 to 64`, `65 or over`
    cap(x, 3)                          x, and 3 where it is above 3
    months_between(x, y)               whole months of the calendar from x to y, dates or months
    case(CONDITION, 'a', CONDITION, 'b', 'c')   the text after the first condition that holds; the last text where none does

Missing values are left out, as in SQL; a person whose values are all missing has no sum, minimum or maximum, a count of 0, and it cannot
be said whether a row holds a condition. What is made of a missing value is missing; of `case`, where a condition that comes before the one
that holds cannot be said. What a condition may hold is `where.py`'s to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from tallystick.core.errors import Invalid
from tallystick.core.job.bins import MAX_EDGES
from tallystick.core.job.conditions import list_words, spell_condition

Function = Literal["sum", "min", "max", "count"]

_ROWS: Final = re.compile(
    r"\s*(?P<function>sum|min|max|count|first|last)\s*\(\s*"
    r"(?:(?P<all>\*)|(?P<distinct>distinct\s+)?(?P<column>[A-Za-z_][A-Za-z0-9_]{0,63}))\s*\)\s*"
)
_CALL: Final = re.compile(r"\s*(?P<function>any|bin|cap|months_between|case)\s*\((?P<inside>.*)\)\s*", re.DOTALL)
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_NUMBER: Final = re.compile(r"-?\d{1,18}(?:\.\d{1,6})?")
_TEXT: Final = re.compile(r"'((?:[^']|'')+)'")
_GRAMMAR: Final = (
    "use sum(c), min(c), max(c), count(*), count(c), count(distinct c), first(c), last(c), any(CONDITION), bin(x, NUMBER, …), "
    "cap(x, NUMBER), months_between(x, y) or case(CONDITION, 'TEXT', …, 'TEXT')"
)
_MAX_TEXT: Final = 200
MAX_DEPTH: Final = 3
"""How many derived columns of people may be made of each other; so what they are written out as stays short."""


@dataclass(frozen=True)
class Derived:
    """What sums up a person's rows.

    Attributes:
        function: sum, min, max or count.
        column: the source column; None for `count(*)`.
        distinct: count each value once.
        dated: it was written as the first or the last, of a date, month or quarter.
    """

    function: Function
    column: str | None
    distinct: bool
    dated: bool = False


@dataclass(frozen=True)
class AnyRow:
    """Whether one of a person's rows holds a condition."""

    condition: str


@dataclass(frozen=True)
class Bin:
    """In which of the ranges between edges a person's number is."""

    of: Operand
    edges: tuple[str, ...]


@dataclass(frozen=True)
class Cap:
    """A person's number, or the cap where it is above."""

    of: Operand
    at: str


@dataclass(frozen=True)
class MonthsBetween:
    """Months of the calendar from one date or month of a person to another."""

    start: Operand
    end: Operand


@dataclass(frozen=True)
class Case:
    """The text after the first condition that holds of a person; `otherwise` where none does, or nothing."""

    conditions: tuple[str, ...]
    texts: tuple[str, ...]
    otherwise: str | None

    @property
    def levels(self) -> tuple[str, ...]:
        """Its texts, each once, in their order."""
        last = () if self.otherwise is None else (self.otherwise,)
        return tuple(dict.fromkeys((*self.texts, *last)))


@dataclass(frozen=True)
class EmployerNumber:
    """A column that the node makes, and no job: has a person an employer of this number in any row?

    Attributes:
        column: of the dataset, which names employers.
        number: as `core/job/units.py` gives them.
    """

    column: str
    number: int


WHOLE: Final = 840
"""Parts of a household: those of up to eight people are whole numbers."""


@dataclass(frozen=True)
class HouseholdShare:
    """A column that the node makes, and no job: a person's part of a household, in parts of `WHOLE` (`core/job/units.py`).

    Attributes:
        column: of the dataset, which names households.
    """

    column: str


Derivation = Derived | AnyRow | Bin | Cap | MonthsBetween | Case | EmployerNumber | HouseholdShare
Operand = str | Derivation
"""A column's name, or what is derived in its place."""


def parse_derive(text: str) -> Derivation:
    """Give a derivation.

    Raises:
        Invalid: `job-invalid`: another function, or an expression; `where-invalid`: a condition of signs that no condition has.
    """
    match = _ROWS.fullmatch(text)
    if match is not None:
        return _parse_summary(match)
    match = _CALL.fullmatch(text)
    if match is None:
        raise Invalid("job-invalid", "a derived column is not an allowed expression", hint=_GRAMMAR)
    parts = _split_arguments(match["inside"])
    match match["function"], parts:
        case "any", [condition]:
            return AnyRow(spell_condition(condition))
        case "bin", [of, *edges] if 1 <= len(edges) <= MAX_EDGES and all(map(_NUMBER.fullmatch, edges)):
            return Bin(_parse_operand(of), tuple(edges))
        case "cap", [of, at] if _NUMBER.fullmatch(at):
            return Cap(_parse_operand(of), at)
        case "months_between", [start, end]:
            return MonthsBetween(_parse_operand(start), _parse_operand(end))
        case "case", [_, _, *_]:
            return _parse_case(parts)
        case function, _:
            raise Invalid("job-invalid", f"{function} of a derived column has other parts than it takes", hint=_GRAMMAR)


def _parse_summary(match: re.Match[str]) -> Derived:
    function, column, distinct = match["function"], match["column"], match["distinct"] is not None
    if function != "count" and (match["all"] or distinct):
        raise Invalid("job-invalid", f"{function} takes one column and no distinct", hint=_GRAMMAR)
    if function in {"first", "last"}:
        return Derived("min" if function == "first" else "max", column, distinct, dated=True)
    return Derived(function, column, distinct)  # type: ignore[arg-type]  # the pattern allows these functions alone


def _parse_operand(text: str) -> Operand:
    return text if _NAME.fullmatch(text) else parse_derive(text)


def _parse_case(parts: list[str]) -> Case:
    otherwise = parts.pop() if len(parts) % 2 else None
    texts = [*parts[1::2], *(() if otherwise is None else (otherwise,))]
    found = [_TEXT.fullmatch(text) for text in texts]
    if not all(found) or any(len(text) > _MAX_TEXT for text in texts):
        raise Invalid(
            "job-invalid",
            "case of a derived column takes conditions, and after each a text in quotes",
            hint="case(wage >= 5000, 'high', wage >= 2500, 'middle', 'low')",
        )
    said = [match[1].replace("''", "'") for match in found if match is not None]
    made = Case(
        tuple(map(spell_condition, parts[::2])),
        tuple(said[: len(parts) // 2]),
        None if otherwise is None else said[-1],
    )
    if len(made.levels) < 2:
        raise Invalid("job-invalid", "case of a derived column has one text alone", hint="give a text for everybody else, too")
    return made


def _split_arguments(text: str) -> list[str]:
    """Split at commas that stand in no brackets and no quotes."""
    parts, depth, quoted = [""], 0, False
    for sign in text:
        quoted ^= sign == "'"
        depth += 0 if quoted else (sign == "(") - (sign == ")")
        if sign == "," and depth == 0 and not quoted:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts]


def list_operands(made: Derivation) -> tuple[Operand, ...]:
    """Give what a derivation is made of, of a person: nothing, if it sums up rows."""
    match made:
        case Bin(of=of) | Cap(of=of):
            return (of,)
        case MonthsBetween(start=start, end=end):
            return (start, end)
        case Case(conditions=conditions):
            return tuple(dict.fromkeys(word for condition in conditions for word in list_words(condition)))
        case _:
            return ()


def list_named(made: Operand) -> frozenset[str]:
    """Give the columns of a person, declared or derived, that a derivation names, also within what is derived in their place."""
    if isinstance(made, str):
        return frozenset({made})
    return frozenset().union(*map(list_named, list_operands(made)))


def list_read_rows(made: Derivation) -> tuple[str, ...]:
    """Give the declared columns of rows that a derivation itself sums up; `*` where it counts rows."""
    match made:
        case Derived(column=column):
            return ("*",) if column is None else (column,)
        case AnyRow(condition=condition):
            return list_words(condition)
        case EmployerNumber(column=column) | HouseholdShare(column=column):
            return (column,)
        case _:
            return ()


def order_derived(made: Mapping[str, Derivation]) -> list[str]:
    """Give derived columns in an order in which each comes after those that it is made of.

    Raises:
        Invalid: `job-invalid`: some are made of each other in a circle, or more than `MAX_DEPTH` deep.
    """
    depths: dict[str, int] = {}

    def measure_depth(one: Operand, above: tuple[str, ...]) -> int:
        if isinstance(one, str):
            if one not in made:
                return 0
            if one in above:
                raise Invalid(
                    "job-invalid", f"{one} is derived from itself", hint="derive each column from the dataset's, or from others"
                )
            if one not in depths:
                depths[one] = measure_depth(made[one], (*above, one))
            return depths[one]
        return max((measure_depth(part, above) + 1 for part in list_operands(one)), default=0)

    for name in sorted(made):
        if measure_depth(name, ()) > MAX_DEPTH:
            raise Invalid(
                "job-invalid",
                f"{name} is derived over more than {MAX_DEPTH} others",
                hint="derive it from the dataset's columns more directly",
            )
    return sorted(depths, key=lambda name: (depths[name], name))
