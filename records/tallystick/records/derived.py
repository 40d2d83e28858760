"""The SQL of what is told of people: of their rows, in a table of one row a person, and of a person, over that table's columns.

A number stands for every value, as `Number` in `features.py` has it: of a category its place among the levels, of a date its day. Texts of an
analyst reach the database as `core/job/where.py` writes them out again, as numbers, and as levels in quotes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Final

from tallystick.core.agreement.model import Column, Dataset
from tallystick.core.errors import Invalid
from tallystick.core.job.bins import ranges_of
from tallystick.core.job.derive import (
    AnyRow,
    Bin,
    Cap,
    Case,
    Derivation,
    Derived,
    EmployerNumber,
    HouseholdShare,
    MonthsBetween,
    Operand,
    list_named,
    list_operands,
    order_derived,
)
from tallystick.core.job.derived import derive_column, derive_columns
from tallystick.core.job.where import parse_where
from tallystick.records.locked import literal, quote_name

PART: Final = "@household"
"""The column of a row's part of a household, which the node adds; no declared name holds `@`."""
RowSummary = Derived | AnyRow | EmployerNumber | HouseholdShare


@dataclass(frozen=True)
class Summaries:
    """What a table of people says of their rows, and how what is derived is worked out from it.

    Attributes:
        called: the dataset's name.
        dataset: as its declaration has it.
        derived: how columns are made, each after those that it is made of.
        plain: columns of rows that must say one thing of a person; the table has them as `low0`, `high0`, `known0`, …
        made: what sums up rows; the table has it as `made0`, …
        columns: of a person, declared and derived.
    """

    called: str
    dataset: Dataset
    derived: Mapping[str, Derivation]
    plain: tuple[str, ...] = ()
    made: tuple[RowSummary, ...] = ()
    columns: Mapping[str, Column] = field(default_factory=dict)

    @classmethod
    def of(cls, called: str, dataset: Dataset, used: Sequence[str], derived: Mapping[str, Derivation]) -> Summaries:
        """Give what a table must say so that columns can be told from it.

        Args:
            called: the dataset's name.
            dataset: as its declaration has it.
            used: columns, derived or not.
            derived: how columns are made; those that nothing names are left out.

        Raises:
            Invalid: as `derive_columns`.
        """
        plain: dict[str, None] = {}
        made: dict[RowSummary, None] = {}
        needed: dict[str, Derivation] = {}

        def walk(one: Operand) -> None:
            if isinstance(one, str):
                if one in derived and one not in needed:
                    needed[one] = derived[one]
                    walk(derived[one])
                elif one not in derived:
                    plain[one] = None
            elif isinstance(one, Derived | AnyRow | EmployerNumber | HouseholdShare):
                made[one] = None
            for part in () if isinstance(one, str) else list_operands(one):
                walk(part)

        for name in used:
            walk(name)
        ordered = {name: needed[name] for name in order_derived(needed)}
        return cls(called, dataset, ordered, tuple(plain), tuple(made), derive_columns(needed, dataset))

    def write_rows(self) -> list[str]:
        """Give the SQL of what is told of a person's rows."""
        expressions = []
        for place, name in enumerate(self.plain):
            value = self.write_number(name)
            expressions += [f"min({value}) AS low{place}", f"max({value}) AS high{place}", f"count({value}) AS known{place}"]
        return [*expressions, *(f"{self._write_summary(one)} AS made{place}" for place, one in enumerate(self.made))]

    def write_table(self, table: str) -> str:
        """Give the SQL of a table of people with their derived columns, which it calls `of0`, …, each worked out once."""
        for place, made in enumerate(self.derived.values()):
            table = f"(SELECT *, {self.write_person(made)} AS of{place} FROM {table})"  # noqa: S608 - numbers and what where.py writes
        return table

    def write_person(self, one: Operand) -> str:
        """Give the SQL of a person's number of a column, over `write_table`."""
        match one:
            case str():
                return f"of{list(self.derived).index(one)}" if one in self.derived else f"low{self.plain.index(one)}"
            case Derived() | AnyRow() | EmployerNumber() | HouseholdShare():
                return f"made{self.made.index(one)}"
            case Cap(of=of, at=at):
                value, most = self.write_person(of), int(Fraction(at) * 10 ** (self._declare(of).scale or 0))
                return f"(CASE WHEN {value} > {most} THEN {most} ELSE {value} END)"
            case Bin(of=of, edges=edges):
                return self._write_bin(self.write_person(of), self._declare(of), edges)
            case MonthsBetween(start=start, end=end):
                return f"({self._write_month(end)} - {self._write_month(start)})"
            case Case():
                return self._write_case(one)

    def write_typed(self, name: str) -> str:
        """Give the SQL of a person's value of a column, of the column's type."""
        return _type_number(self.columns[name], self.write_person(name))

    def levels_of(self, name: str) -> tuple[str, ...] | None:
        """Give a category's levels, in whose order its numbers are."""
        return self.columns[name].values

    def list_conditions(self) -> list[str]:
        """Give the conditions of rows that are told of people, checked and written out."""
        return [parse_where(one.condition, self.dataset.columns).sql for one in self.made if isinstance(one, AnyRow)]

    def write_number(self, name: str) -> str:
        """Give the SQL of a column as a 64-bit integer; of a category, its place among the declared values.

        Raises:
            Invalid: `job-invalid`: a category that declares no values.
        """
        column = self.dataset.columns[name]
        text = quote_name(name)
        match column.type:
            case "integer" | "month" | "quarter":
                return text
            case "decimal":
                return f"CAST(CAST({text} AS DECIMAL(38, {column.scale})) * {10 ** (column.scale or 0)} AS BIGINT)"
            case "boolean":
                return f"CAST({text} AS BIGINT)"
            case "date":
                return f"date_diff('day', DATE '1970-01-01', {text})"
            case "category":
                if column.values is None:
                    raise Invalid(
                        "job-invalid",
                        f"column {name} of dataset {self.called} declares no values",
                        hint="agree on its values, or use it in where alone",
                    )
                return f"CAST(list_position([{', '.join(map(literal, column.values))}], {text}) - 1 AS BIGINT)"

    def _declare(self, one: Operand) -> Column:
        return self.columns[one] if isinstance(one, str) else derive_column(one, self.dataset, self.columns)

    def _write_summary(self, one: RowSummary) -> str:
        if isinstance(one, AnyRow):
            return f"CAST(bool_or({parse_where(one.condition, self.dataset.columns).sql}) AS BIGINT)"
        if isinstance(one, EmployerNumber):
            return f"max(CAST(employer_number(CAST({quote_name(one.column)} AS VARCHAR)) = {one.number} AS BIGINT))"
        if isinstance(one, HouseholdShare):
            return f"coalesce(max({quote_name(PART)}), 0)"
        if one.column is None:
            return "count(*)"
        if one.function == "count":
            return f"count({'DISTINCT ' if one.distinct else ''}{quote_name(one.column)})"
        return f"CAST({one.function}({self.write_number(one.column)}) AS BIGINT)"

    def _write_bin(self, value: str, column: Column, edges: tuple[str, ...]) -> str:
        """Give the place of a number's bin among those that `ranges_of` has of a column."""
        ends = [one.high for one in ranges_of(edges, column, "bin").values()]
        tests = "".join(f" WHEN {value} < {end} THEN {place}" for place, end in enumerate(ends) if end is not None)
        last = len(ends) - 1
        return f"(CASE WHEN {value} IS NULL THEN NULL{tests} ELSE {last} END)"

    def _write_month(self, one: Operand) -> str:
        value = self.write_person(one)
        if self._declare(one).type == "month":
            return value
        day = f"(DATE '1970-01-01' + CAST({value} AS INTEGER))"
        return f"(date_part('year', {day}) * 12 + date_part('month', {day}) - 1)"

    def _write_case(self, one: Case) -> str:
        spelled = {str(name): f"({self.write_typed(str(name))})" for name in list_named(one)}
        usable = {name: self.columns[name] for name in spelled}
        tests = ""
        for text, level in zip(one.conditions, one.texts, strict=True):
            held = parse_where(text, usable, spelled).sql
            tests += f" WHEN ({held}) IS NULL THEN NULL WHEN {held} THEN {one.levels.index(level)}"
        last = "NULL" if one.otherwise is None else str(one.levels.index(one.otherwise))
        return f"(CASE{tests} ELSE {last} END)"


def _type_number(column: Column, number: str) -> str:
    """Give the SQL of a person's number as a value of the column's type."""
    match column.type:
        case "decimal":
            scale = column.scale or 0
            return f"CAST({number} AS DECIMAL(19, 0)) * CAST('{Decimal(1).scaleb(-scale):f}' AS DECIMAL({scale + 1}, {scale}))"
        case "boolean":
            return f"CAST({number} AS BOOLEAN)"
        case "date":
            return f"DATE '1970-01-01' + CAST({number} AS INTEGER)"
        case "category":
            return f"([{', '.join(map(literal, column.values or ()))}])[{number} + 1]"
        case _:
            return number
