"""Conditions that are written otherwise and mean the same: one text for all of them, by rules that hold for every record.

- The order, repetition and nesting of what AND and OR join do not count.
- NOT goes inside: `NOT (a < 5 AND b)` is `a >= 5 OR NOT b`, which also holds of missing values (three-valued logic).
- Of whole numbers, months, quarters and dates `x > 17` is `x >= 18`. `BETWEEN` is two comparisons; of one value `IN` is `=`, and
  `a = 1 OR a = 2` is `a IN (1, 2)`.
- A boolean column alone is `= TRUE`, and `<> TRUE` is `= FALSE`. A literal may stand on either side; a decimal may end in zeros.

What follows from bounds, from two tests of one column together or from what records say is not known here: such texts stay two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final

import sqlglot
from sqlglot import exp

from tallystick.core.agreement.model import Column
from tallystick.core.job.where import COMPARISONS

_TURNED: Final = {"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
_NEGATED: Final = {"=": "<>", "<>": "=", "<": ">=", ">": "<=", "<=": ">", ">=": "<"}
_LISTS: Final = {"=": "IN", "<>": "NOT IN"}
_LISTED_BY: Final = {"OR": "IN", "AND": "NOT IN"}
_WHOLE: Final = frozenset({"integer", "month", "quarter"})


@dataclass(frozen=True)
class _Joined:
    """What AND or OR join: tests, in no order."""

    word: str
    parts: frozenset[_Meant]


@dataclass(frozen=True)
class _Listed:
    """That a column has, or has none, of some values."""

    column: str
    word: str
    values: frozenset[str]


_Meant = _Joined | _Listed | str


def describe_condition(written: str, columns: Mapping[str, Column]) -> str:
    """Give the one text of all conditions that are the same by the rules above.

    Args:
        written: a condition as `parse_where` writes it.
        columns: the columns that it may name.
    """
    [select] = sqlglot.parse(f"SELECT 1 WHERE {written}", dialect="duckdb")
    assert isinstance(select, exp.Select)
    return _show(_understand(select.args["where"].this, columns, negated=False))


def _understand(node: exp.Expression, columns: Mapping[str, Column], *, negated: bool) -> _Meant:
    match node:
        case exp.Paren():
            return _understand(node.this, columns, negated=negated)
        case exp.Not():
            return _understand(node.this, columns, negated=not negated)
        case exp.And() | exp.Or():
            word = "AND" if isinstance(node, exp.And) is not negated else "OR"
            return _join(word, [_understand(one, columns, negated=negated) for one in (node.this, node.expression)])
        case exp.Between():
            ends = [
                _compare(node.this, sign, node.args[end], columns, negated) for sign, end in ((">=", "low"), ("<=", "high"))
            ]
            return _join("OR" if negated else "AND", ends)
        case exp.In():
            tests = [_compare(node.this, "=", item, columns, negated) for item in node.expressions]
            return _join("AND" if negated else "OR", tests)
        case exp.Is():
            return f"{_name(node.this)} IS {'NOT ' if negated else ''}{node.expression.sql().upper()}"
        case exp.Column():
            return _Listed(_name(node), "IN", frozenset({"FALSE" if negated else "TRUE"}))
        case _:
            return _understand_comparison(node, columns, negated)


def _understand_comparison(node: exp.Expression, columns: Mapping[str, Column], negated: bool) -> _Meant:
    sign, left, right = COMPARISONS[type(node)], node.this, node.expression
    if not isinstance(left, exp.Column):
        sign, left, right = _TURNED[sign], right, left
    if not isinstance(right, exp.Column):
        return _compare(left, sign, right, columns, negated)
    sign = _NEGATED[sign] if negated else sign
    return min(f"{_name(left)} {sign} {_name(right)}", f"{_name(right)} {_TURNED[sign]} {_name(left)}")


def _compare(
    column: exp.Expression, sign: str, literal: exp.Expression, columns: Mapping[str, Column], negated: bool
) -> _Meant:
    """Give a comparison of a column with a value: of whole numbers and dates by `>=` and `<=`, equality as a list of one value."""
    sign, kind, name = _NEGATED[sign] if negated else sign, columns[str(column.this.this)].type, _name(column)
    value = _write(literal, kind)
    if kind == "boolean" and sign == "<>":
        sign, value = "=", "FALSE" if value == "TRUE" else "TRUE"
    if sign in _LISTS:
        return _Listed(name, _LISTS[sign], frozenset({value}))
    later = {">": 1, "<": -1}.get(sign, 0) if kind in _WHOLE or kind == "date" else 0
    return f"{name} {sign}= {int(value) + later}" if later else f"{name} {sign} {value}"


def _write(literal: exp.Expression, kind: str) -> str:
    """Give a value as it is always written: numbers without zeros that say nothing, dates as days from one day."""
    text = literal.sql(dialect="duckdb")
    if kind in _WHOLE:
        return str(int(text))
    if kind == "decimal":
        return str(Fraction(text.replace(" ", "")))
    if kind == "date":
        day = literal.find(exp.Literal)
        assert day is not None
        return str(date.fromisoformat(str(day.this)).toordinal())
    return text.upper() if kind == "boolean" else text


def _join(word: str, parts: Iterable[_Meant]) -> _Meant:
    """Join tests: those of the same word are one, and so are the values of one column."""
    apart: set[_Meant] = set()
    lists: dict[str, frozenset[str]] = {}
    for part in parts:
        for one in part.parts if isinstance(part, _Joined) and part.word == word else (part,):
            if isinstance(one, _Listed) and one.word == _LISTED_BY[word]:
                lists[one.column] = lists.get(one.column, frozenset()) | one.values
            else:
                apart.add(one)
    apart |= {_Listed(column, _LISTED_BY[word], values) for column, values in lists.items()}
    return next(iter(apart)) if len(apart) == 1 else _Joined(word, frozenset(apart))


def _show(meant: _Meant) -> str:
    match meant:
        case _Joined(word, parts):
            return f"({f' {word} '.join(sorted(map(_show, parts)))})"
        case _Listed(column, word, values):
            return f"{column} {word} ({', '.join(sorted(values))})"
        case _:
            return meant


def _name(node: exp.Expression) -> str:
    """Give a column, quoted, as one text that no other column is."""
    assert isinstance(node, exp.Column)
    return '"' + str(node.this.this).replace('"', '""') + '"'
