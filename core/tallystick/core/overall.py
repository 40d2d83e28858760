"""What a statistic of a whole table is, and which there are: every file of `statistics/overall/` is one, found by looking into the folder.

It is worked out from the rows as they leave the desk, after every disclosure rule and after rounding, and from nothing else
(docs/adr/0014-overall.md). So it says nothing that the rows do not say, and no rule has to look at it. What it needs and the rows do not show,
it does without, or cannot be worked out; each statistic says which.

Agreements and job files name statistics, as they name measures (`measure.py`). So the interface stands below all of them.
"""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal, TypeAlias

from tallystick.core.measure import Asked, Detail, Undefined, load_measures, read_off

FOLDER: Final = "tallystick.core.statistics.overall"
"""The package whose files are statistics of a whole table, one each."""

OverallForm: TypeAlias = Literal["pair", "between", "model", "times"]
"""How a job file writes one: `[COLUMN, COLUMN]`; `{of, between, weights}`; `{of, on}`; `{of, event, between}`."""
Level: TypeAlias = str | int | bool
Row: TypeAlias = Mapping[str, Any]
OUTCOME_HIDDEN: Final = (
    "a row shows its people and hides their outcome, and without it the others would mislead; ask by fewer or coarser levels"
)


@dataclass(frozen=True)
class Found:
    """A statistic that could be worked out.

    Attributes:
        value: its first number; None where it has none, and details alone.
        details: the others, by name.
    """

    value: float | None
    details: Mapping[str, Detail]


@dataclass(frozen=True)
class OverallAsked:
    """A statistic of a whole table, as a job asks for it.

    Attributes:
        name: of the statistic.
        by: the columns of `by` that it is over.
        of: the columns of measures that it is over.
        weights: which level's people are the standard, as text; None: everybody's.
    """

    name: str
    by: tuple[str, ...]
    of: tuple[str, ...] = ()
    weights: str | None = None

    @property
    def statistic(self) -> OverallStatistic:
        """The statistic."""
        return load_overall()[self.name]

    @property
    def label(self) -> str:
        """What it is called in a result; written for people, and nothing reads it back."""
        weights = "" if self.weights is None else f", weights of {self.weights}"
        return f"{self.statistic.label(self)[:-1]}{weights})"


@dataclass(frozen=True)
class WholeTable:
    """The rows of a table as they leave the desk.

    Attributes:
        by: the columns that part them, as the job names them.
        asked: the measures of each row.
        rows: keys of `result_columns`, with `hidden`, `undefined`, `details` and `coded` beside them.
    """

    by: tuple[str, ...]
    asked: tuple[Asked, ...]
    rows: Sequence[Row]

    def find_measure(self, names: Sequence[str], columns: tuple[str, ...]) -> Asked | None:
        """Give the first of some measures that the rows have over these columns."""
        found = {one.name: one for one in self.asked if one.columns == columns}
        return next((found[name] for name in names if name in found), None)

    def select_rows(self, references: Sequence[str]) -> list[Row]:
        """Give the rows that have a level of each of these columns, in their order: those of a missing one are left out."""
        return [row for row in self.rows if all(row[name] is not None for name in references)]

    def list_levels(self, reference: str) -> list[Level]:
        """Give the levels of a column, in the order of the rows, without those that all rows show to be of nobody."""
        alive = (row[reference] for row in self.rows if row[reference] is not None and row["count"] != 0)
        order = list(dict.fromkeys(row[reference] for row in self.rows if row[reference] is not None))
        return sorted(dict.fromkeys(alive), key=order.index)


class OverallStatistic(ABC):
    """One statistic of a whole table. It has no state.

    Attributes:
        name: what a job calls it.
        operation: what an agreement must allow for it; its name, unless it says otherwise.
        form: how a job file writes it.
        needs: measures over `OverallAsked.of` of which the rows must have one; none where counts are enough.
        meaning, note: its line of docs/configuration.md.
    """

    name: ClassVar[str]
    operation: ClassVar[str] = ""
    form: ClassVar[OverallForm]
    needs: ClassVar[tuple[str, ...]] = ()
    meaning: ClassVar[str]
    note: ClassVar[str]

    @abstractmethod
    def work_out(self, asked: OverallAsked, table: WholeTable) -> Found | Undefined:
        """Work it out.

        Args:
            asked: what is asked for; its columns are the table's, and the table has a measure of `needs`.
            table: what is shown.
        """

    def label(self, asked: OverallAsked) -> str:
        """Write what it is called in a result."""
        return f"{self.name}({', '.join((*asked.of, *asked.by))})"

    @abstractmethod
    def format_found(self, value: float | None, details: Mapping[str, Any]) -> str:
        """Write it for people.

        Args:
            value: as a result has it.
            details: as a result has them.
        """


def is_number_shown(row: Row, label: str) -> bool:
    """Tell whether a row shows a measure's number as it is: neither hidden nor coded at the top or bottom."""
    return row["count"] is not None and label not in row.get("hidden", ()) and label not in row.get("coded", {})


def write_level(level: Level) -> str:
    """Write a level as details name it."""
    return str(level).lower() if isinstance(level, bool) else str(level)


def work_out_overall(asked: Sequence[OverallAsked], table: WholeTable) -> list[dict[str, Any]]:
    """Give what a result says of statistics of the whole table: label, name, value, and details or why it cannot be worked out.

    Args:
        asked: those that the job asks for.
        table: what leaves the desk.
    """
    made = []
    for one in asked:
        found = one.statistic.work_out(one, table)
        told: dict[str, Any] = {"label": one.label, "statistic": one.name}
        if isinstance(found, Undefined):
            told |= {"value": None, "undefined": found.why}
        else:
            told |= {"value": found.value, "details": read_off(found.details)}
        made.append(told)
    return made


@cache
def load_overall() -> Mapping[str, OverallStatistic]:
    """Give every statistic of a whole table by its name, in the order of their names.

    Raises:
        TypeError: a file of the folder that holds none, or several, or one of another name than the file's. A fault of the code: nothing
            that is read can cause it.
    """
    found: dict[str, OverallStatistic] = {}
    for module in pkgutil.iter_modules(import_module(FOLDER).__path__):
        held = import_module(f"{FOLDER}.{module.name}")
        made = [
            one()
            for one in vars(held).values()
            if isinstance(one, type) and issubclass(one, OverallStatistic) and one.__module__ == held.__name__
        ]
        if len(made) != 1 or made[0].name != module.name:
            raise TypeError(f"{held.__name__} must hold one statistic, of the name {module.name}")
        found[module.name] = made[0]
    return MappingProxyType(dict(sorted(found.items())))


def find_operation(name: str) -> str:
    """Give what an agreement must allow for a statistic."""
    return load_overall()[name].operation or name


def list_operations() -> tuple[str, ...]:
    """Give everything that an agreement can allow: measures, and statistics of a whole table that are no measure."""
    return tuple(dict.fromkeys((*load_measures(), *map(find_operation, load_overall()))))
