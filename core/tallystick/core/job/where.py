"""Conditions over a dataset's columns: a small language, written out again, so that no text of a job ever reaches a database.

    condition  = condition AND condition | condition OR condition | NOT condition | (condition) | test
    test       = operand (= | <> | < | <= | > | >=) operand | column [NOT] BETWEEN literal AND literal
               | column [NOT] IN (literal, …) | column IS [NOT] NULL | boolean column
    operand    = column | literal                       at least one of the two is a column
    literal    = 'text' | whole or decimal number | TRUE | FALSE

Columns are declared ones, spelt exactly, without a table before them. Literals fit the column's declared type; dates are text,
`'2025-06-30'`, with or without DATE before it; months and quarters are text, `'2025-06'`, `'2025-Q2'`. Everything else is refused:
functions, casts, arithmetic, LIKE, queries, parameters, other statements.

sqlglot parses; what is rendered is built here, from the nodes of this grammar alone, with quoted identifiers and literals.

A group's `where` may also test its derived columns, which are of people: `quarter = '2025-Q2' AND earned >= 2500`. The tests of rows and
those of people are parts of it that AND joins (`filters.py`): rows are filtered first, then derived columns are made of what passes, and
then people are filtered.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from tallystick.core.agreement.model import Column
from tallystick.core.errors import Invalid
from tallystick.core.values.periods import parse_period

MAX_LENGTH: Final = 2000
MAX_TESTS: Final = 200

COMPARISONS: Final[dict[type[exp.Expression], str]] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
"""How each comparison of a `where` is written."""
_NUMBER: Final = re.compile(r"\d{1,18}(\.\d{1,9})?")
_QUARTER: Final = re.compile(r"([0-9]{4})[/ ]?[Qq]([1-4])")
"""How quarters are also written, as files have them."""
_SHOWN_VALUES: Final = 12
_Kind = Literal["category", "integer", "decimal", "boolean", "date", "month", "quarter"]
_LITERALS: Final[dict[_Kind, str]] = {
    "category": "text in quotes",
    "integer": "a whole number",
    "decimal": "a number",
    "boolean": "TRUE or FALSE",
    "date": "a date in quotes, 'YYYY-MM-DD'",
    "month": "a month in quotes, 'YYYY-MM'",
    "quarter": "a quarter in quotes, 'YYYY-Q1'",
}


@dataclass(frozen=True)
class Condition:
    """A checked condition.

    Attributes:
        sql: the condition written out again, for DuckDB.
        columns: the columns it reads.
        parts: what AND joins at its top; empty for one that is not taken apart.
    """

    sql: str
    columns: frozenset[str]
    parts: tuple[Condition, ...] = field(default=(), compare=False, repr=False)


def parse_where(text: str, columns: Mapping[str, Column], spelled: Mapping[str, str] | None = None) -> Condition:
    """Check a condition and write it out again.

    Args:
        text: the condition, without WHERE; at most `MAX_LENGTH` characters.
        columns: the columns it may name.
        spelled: what stands in place of columns in what is written, by column; the others in quotes.

    Raises:
        Invalid: `where-invalid`: names what is not allowed; the hint lists what is.
    """
    writer = _Writer(columns, spelled or {})
    if len(text) > MAX_LENGTH:
        raise writer.refusal(f"it is longer than {MAX_LENGTH} characters")
    if any(character < " " and character not in "\n\t\r" for character in text):
        raise writer.refusal("a control character")
    try:
        # as the condition of a query, so that a column may be called what is elsewhere a statement (`show`, `set`)
        trees = sqlglot.parse(f"SELECT 1 WHERE {text}", dialect="duckdb")
        if len(trees) != 1 or not isinstance(trees[0], exp.Select):
            raise writer.refusal("more than one condition")
        query = trees[0]
        if {name for name, value in query.args.items() if value} != {"expressions", "where"}:
            raise writer.refusal("a clause after the condition")
        return writer.read(query.args["where"].this)
    except (SqlglotError, RecursionError):
        # without its cause: the parser's message quotes the text at length
        raise Invalid("where-invalid", "a where condition cannot be read", hint=writer.hint) from None


class _Writer:
    """Writes the nodes of the grammar; anything else is refused."""

    def __init__(self, columns: Mapping[str, Column], spelled: Mapping[str, str]) -> None:
        self.used: set[str] = set()
        self._columns = columns
        self._spelled = spelled
        self._tests = 0
        names = ", ".join(sorted(columns)) or "none"
        self.hint = f"allowed are AND, OR, NOT, =, <>, <, <=, >, >=, BETWEEN, IN, IS NULL over the columns: {names}"

    def refusal(self, what: str, hint: str = "") -> Invalid:
        return Invalid("where-invalid", f"a where condition holds what is not allowed: {what}", hint=hint or self.hint)

    def read(self, node: exp.Expression) -> Condition:
        """Write a whole condition, and the parts that AND joins at its top."""
        sql, used = self.condition(node), frozenset(self.used)
        parts = []
        self._tests = 0
        for part in _list_joined(node):
            self.used = set()
            parts.append(Condition(self.condition(part), frozenset(self.used)))
        return Condition(sql, used, tuple(parts))

    def condition(self, node: exp.Expression) -> str:
        match node:
            case exp.And() | exp.Or():
                self._only(node, "this", "expression")
                word = "AND" if isinstance(node, exp.And) else "OR"
                return f"({self.condition(node.this)} {word} {self.condition(node.expression)})"
            case exp.Not():
                self._only(node, "this")
                return f"(NOT {self.condition(node.this)})"
            case exp.Paren():
                self._only(node, "this")
                return self.condition(node.this)
            case _:
                self._tests += 1
                if self._tests > MAX_TESTS:
                    raise self.refusal(f"more than {MAX_TESTS} tests")
                return self._test(node)

    def _test(self, node: exp.Expression) -> str:
        if type(node) in COMPARISONS:
            self._only(node, "this", "expression")
            return self._comparison(node.this, COMPARISONS[type(node)], node.expression)
        match node:
            case exp.Between():
                self._only(node, "this", "low", "high")
                name = self._column(node.this)
                low, high = (self._literal(node.args[end], name) for end in ("low", "high"))
                return f"({self._spell(name)} BETWEEN {low} AND {high})"
            case exp.In():
                self._only(node, "this", "expressions")
                name = self._column(node.this)
                items = [self._literal(item, name) for item in node.expressions]
                if not items:
                    raise self.refusal("an empty IN list")
                return f"({self._spell(name)} IN ({', '.join(items)}))"
            case exp.Is():
                self._only(node, "this", "expression")
                name = self._column(node.this)
                if isinstance(node.expression, exp.Null):
                    return f"({self._spell(name)} IS NULL)"
                if isinstance(node.expression, exp.Boolean):
                    return f"({self._spell(name)} IS {self._literal(node.expression, name)})"
                raise self.refusal("IS with something other than NULL, TRUE or FALSE")
            case exp.Column():
                name = self._column(node)
                if self._columns[name].type != "boolean":
                    raise self.refusal(f"{name} alone, which is not a boolean column", f"compare it: {name} = …")
                return self._spell(name)
            case _:
                raise self.refusal(_name_kind(node))

    def _comparison(self, left: exp.Expression, operator: str, right: exp.Expression) -> str:
        if isinstance(left, exp.Column) and isinstance(right, exp.Column):
            names = self._column(left), self._column(right)
            kinds = [self._columns[name].type for name in names]
            numeric = all(kind in {"integer", "decimal"} for kind in kinds)
            if kinds[0] != kinds[1] and not numeric:
                raise self.refusal(
                    f"a comparison of {names[0]} ({kinds[0]}) with {names[1]} ({kinds[1]})", "compare columns of one type"
                )
            return f"({self._spell(names[0])} {operator} {self._spell(names[1])})"
        if isinstance(left, exp.Column):
            name = self._column(left)
            return f"({self._spell(name)} {operator} {self._literal(right, name)})"
        if isinstance(right, exp.Column):
            name = self._column(right)
            return f"({self._literal(left, name)} {operator} {self._spell(name)})"
        for side in (left, right):
            if not isinstance(side, (exp.Literal, exp.Boolean, exp.Null, exp.Neg)):
                raise self.refusal(_name_kind(side))
        raise self.refusal("a comparison without a column")

    def _column(self, node: exp.Expression) -> str:
        if not isinstance(node, exp.Column) or type(node.this) is not exp.Identifier:
            raise self.refusal(_name_kind(node))
        self._only(node, "this")
        name = str(node.this.this)
        if name not in self._columns:
            shown = name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", name) else "with that name"
            near = difflib.get_close_matches(name.lower(), [known.lower() for known in self._columns], 1, 0.8)
            meant = [known for known in self._columns if known.lower() in near]
            raise self.refusal(f"the column {shown}", f"write it as declared: {meant[0]}" if meant else "")
        self.used.add(name)
        return name

    def _literal(self, node: exp.Expression, name: str) -> str:
        column = self._columns[name]
        negative = isinstance(node, exp.Neg)
        if negative:
            self._only(node, "this")
        inner = node.this if negative else node
        match inner:
            case exp.Literal() if inner.is_string and not negative:
                return self._text(str(inner.this), name, column)
            case exp.Literal() if not inner.is_string:
                number = str(inner.this)
                if not _NUMBER.fullmatch(number):
                    raise self.refusal("a number that is not written in plain decimal digits")
                if column.type == "decimal" or (column.type == "integer" and "." not in number):
                    return f"-{number}" if negative else number
            case exp.Cast() if type(inner) is exp.Cast and column.type == "date" and not negative:
                return self._date(inner, name)
            case exp.Boolean() if column.type == "boolean" and not negative:
                return "TRUE" if inner.this else "FALSE"
            case exp.Null():
                raise self.refusal("a comparison with NULL, which is never true", f"{name} IS NULL")
            case exp.Literal() | exp.Boolean():
                pass
            case _:
                raise self.refusal(_name_kind(inner))
        raise self.refusal(
            f"a value of another type for {name}", f"{name} is of type {column.type}: give {_LITERALS[column.type]}"
        )

    def _date(self, node: exp.Cast, name: str) -> str:
        """Write DATE '2025-06-30', which the parser reads as a cast of the text."""
        self._only(node, "this", "to")
        if node.to.this != exp.DataType.Type.DATE or not isinstance(node.this, exp.Literal) or not node.this.is_string:
            raise self.refusal("a cast")
        return self._text(str(node.this.this), name, self._columns[name])

    def _text(self, value: str, name: str, column: Column) -> str:
        if column.type == "category":
            if column.values is not None and value not in column.values:
                more = ", …" if len(column.values) > _SHOWN_VALUES else ""
                raise self.refusal(
                    f"a value that {name} does not have", f"{name} has: {', '.join(column.values[:_SHOWN_VALUES])}{more}"
                )
            return _text_literal(value)
        if column.type == "date" and _is_date(value):
            return f"DATE {_text_literal(value)}"
        if column.type in {"month", "quarter"}:
            try:
                return str(parse_period(_QUARTER.sub(r"\1-Q\2", value), column.type))  # records have its number
            except ValueError:
                pass
        raise self.refusal(
            f"a value of another type for {name}", f"{name} is of type {column.type}: give {_LITERALS[column.type]}"
        )

    def _spell(self, name: str) -> str:
        return self._spelled.get(name) or _quote(name)

    def _only(self, node: exp.Expression, *names: str) -> None:
        """Refuse a node with more to it than the grammar knows: a table before a column, a query in an IN, SYMMETRIC."""
        if {name for name, value in node.args.items() if value} - set(names):
            raise self.refusal(
                "a column with a table before it" if isinstance(node, exp.Column) else f"an option of {node.key}"
            )


def _list_joined(node: exp.Expression) -> list[exp.Expression]:
    if isinstance(node, exp.Paren):
        return _list_joined(node.this)
    if isinstance(node, exp.And):
        return [*_list_joined(node.this), *_list_joined(node.expression)]
    return [node]


def _name_kind(node: exp.Expression) -> str:
    """Name a kind of node for people, without quoting it."""
    match node:
        case exp.Query() | exp.Subquery() | exp.Exists():
            return "a query"
        case exp.Cast():
            return "a cast"
        case exp.Like() | exp.ILike():
            return "LIKE"
        case exp.Func():
            return "a function"
        case exp.Binary():
            return f"the operator {node.key}"
        case _:
            return node.key


def _is_date(value: str) -> bool:
    try:
        return re.fullmatch(r"\d{4}-\d{2}-\d{2}", value) is not None and date.fromisoformat(value) is not None
    except ValueError:
        return False


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text_literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
