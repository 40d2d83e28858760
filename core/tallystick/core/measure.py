"""What a measure is, and which there are: every file of `statistics/measures/` is one, found by looking into the folder.

Agreements and job files name measures, and statistics work them out. So the interface stands below all of them, beside `moments.py`,
and the folder of measures is named here (`FOLDER`), not imported.

docs/adding.md says how to add one.

Exactness: moments are integers, or fractions of a power of ten where a column has digits after the point. `Measure.value` works with
`int` and `Fraction` alone, and rounds once, if at all, at its end: to the nearest double.
"""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal, TypeAlias

from tallystick.core.moments import Banded, Count, Moment, Present, Sum

FOLDER: Final = "tallystick.core.statistics.measures"
"""The package whose files are measures, one each."""

Exact: TypeAlias = int | Fraction
"""An opened moment: a fraction where its columns have digits after the point."""
NUMERIC: Final = frozenset({"integer", "decimal", "boolean"})
"""Types of columns whose values are numbers; those of a boolean are 0 and 1."""
Detail: TypeAlias = "Exact | float | str | Sequence[Detail] | Mapping[str, Detail] | None"
"""A further number of a measure, or several by their names."""

Options: TypeAlias = tuple[tuple[str, "tuple[str, ...] | bool"], ...]
"""What a job says of a measure beside its columns: edges of bands, and whether standard errors are robust."""
Form: TypeAlias = Literal["columns", "bands", "regression"]
"""How a job file writes a measure: a column or a list of columns; `{of, at}`, or `{of, by, at}` of two columns; `{of, on, robust}`."""


@dataclass(frozen=True)
class Undefined:
    """Why a measure of these people cannot be worked out.

    Attributes:
        why: a few words, without data; "" where the number of values beside it says enough.
    """

    why: str = ""


class Measure(ABC):
    """One measure. It has no state; what varies comes as arguments.

    Attributes:
        name: what a job, an agreement and a policy call it.
        arity: over how many columns it is; 0 for none.
        form: how a job file writes it.
        kinds: types of the columns that it takes.
        decimals: digits after the point that a table for people shows, where a value is not whole.
        fuzzy: of a measure of quantiles, whether they are fuzzy (`core/disclosure/rules/fuzzy.py`); None of any other.
        meaning, note: its line of docs/configuration.md.
    """

    name: ClassVar[str]
    arity: ClassVar[int] = 1
    form: ClassVar[Form] = "columns"
    kinds: ClassVar[frozenset[str]] = NUMERIC
    decimals: ClassVar[int] = 2
    fuzzy: bool | None = None
    meaning: ClassVar[str]
    note: ClassVar[str]

    @abstractmethod
    def moments(self, columns: tuple[str, ...]) -> tuple[Moment, ...]:
        """Give what it is worked out from, each once, in the order in which cells are opened.

        Args:
            columns: references, as many as `arity` says.
        """

    @abstractmethod
    def value(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Exact | float | Undefined:
        """Work it out.

        Args:
            columns: as `moments` had them.
            opened: at least its moments.
        """

    def takes_kind(self, place: int, kind: str) -> bool:  # noqa: ARG002 - for others
        """Tell whether the column at a place of its columns may be of a type."""
        return kind in self.kinds

    def set_options(self, options: Options) -> Measure:
        """Give the measure with what a job says of it beside columns.

        Args:
            options: (name, value) pairs.
        """
        return self if not options else _with_options(self, options)

    def label(self, columns: tuple[str, ...]) -> str:
        """Write what its numbers are called in a result; nothing reads it back."""
        return f"{self.name}({', '.join(columns)})" if columns else self.name

    def detail(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Mapping[str, Detail]:  # noqa: ARG002 - for others
        """Give further numbers by their names, such as an interval; nothing of most measures.

        Pre-condition: `value` gives a number.

        Args:
            columns: as `moments` had them.
            opened: at least its moments.
        """
        return {}

    def round_detail(self, detail: Mapping[str, Any], decimals: int) -> Mapping[str, Any]:  # noqa: ARG002 - for others
        """Give what is left of details where a profile rounds: nothing of most measures, whose details are counts, or tell them.

        Args:
            detail: as a result has it.
            decimals: digits after the point of what is worked out.
        """
        return {}

    def takes(self, columns: int) -> bool:
        """Tell whether it is over so many columns."""
        return columns == self.arity

    def rests_on(self, columns: tuple[str, ...]) -> Count | Present:
        """Give the count of the people it is of. It stands beside the value in every table, and the disclosure rules test it."""
        return Present(tuple(dict.fromkeys(columns))) if columns else Count()

    def counts(self, columns: tuple[str, ...], binary: frozenset[str]) -> tuple[Sum | Banded, ...]:
        """Give those of its sums that are counts of people, so that the disclosure rules test them: sums of columns of 0 and 1.

        Whoever reads the value beside the count that it rests on can work these out: a mean is their share, a variance has them in
        p·(1 - p). A measure from which that cannot be done may give fewer.

        Args:
            columns: as `moments` had them.
            binary: the columns whose values are 0 and 1.
        """
        sums = (one for one in self.moments(columns) if isinstance(one, (Sum, Banded)))
        return tuple(one for one in sums if binary.issuperset(one.columns))

    def format_value(self, value: float | None) -> str:
        """Write a value for people; nothing for one that is not there."""
        if value is None:
            return ""
        return f"{value:,.{self.decimals}f}" if isinstance(value, float) else f"{value:,}"

    def format_detail(self, value: float, detail: Mapping[str, Any]) -> str:  # noqa: ARG002 - for others
        """Write a value with what stands beside it, for people.

        Args:
            value: as a result has it.
            detail: as a result has it; empty where there is nothing.
        """
        return self.format_value(value)


@dataclass(frozen=True)
class Asked:
    """A measure over columns, as a job asks for it.

    Attributes:
        name: of the measure.
        columns: references.
        options: what it says beside them.
    """

    name: str
    columns: tuple[str, ...] = ()
    options: Options = ()

    @property
    def measure(self) -> Measure:
        """The measure."""
        return load_measures()[self.name].set_options(self.options)

    @property
    def label(self) -> str:
        """What its numbers are called in a result: `count`, `mean(wages.earnings)`. Written for people; nothing reads it back."""
        return self.measure.label(self.columns)

    @property
    def moments(self) -> tuple[Moment, ...]:
        """What it is worked out from."""
        return self.measure.moments(self.columns)

    @property
    def rests_on(self) -> Count | Present:
        """The count of the people that it is of."""
        return self.measure.rests_on(self.columns)

    def counts(self, binary: frozenset[str]) -> tuple[Sum | Banded, ...]:
        """Give those of its sums that are counts of people; see `Measure.counts`."""
        return self.measure.counts(self.columns, binary)

    def value(self, opened: Mapping[Moment, Exact]) -> Exact | float | Undefined:
        """Work it out; see `Measure.value`."""
        return self.measure.value(self.columns, opened)

    def detail(self, opened: Mapping[Moment, Exact]) -> Mapping[str, Detail]:
        """Give what stands beside the value; see `Measure.detail`."""
        return self.measure.detail(self.columns, opened)


def _with_options(measure: Measure, options: Options) -> Measure:
    made = copy(measure)
    for name, value in options:
        setattr(made, name, value)
    return made


@cache
def load_measures() -> Mapping[str, Measure]:
    """Give every measure by its name: `count` first, then in the order of their names.

    Raises:
        TypeError: a file of the folder that holds no measure, or several, or one of another name than the file's. A fault of the
            code: nothing that is read can cause it.
    """
    found: dict[str, Measure] = {}
    for module in sorted(pkgutil.iter_modules(import_module(FOLDER).__path__), key=lambda one: (one.name != "count", one.name)):
        held = import_module(f"{FOLDER}.{module.name}")
        made = [one() for one in vars(held).values() if isinstance(one, type) and _is_of(one, held.__name__)]
        if len(made) != 1 or made[0].name != module.name:
            raise TypeError(f"{held.__name__} must hold one measure, of the name {module.name}")
        found[module.name] = made[0]
    return MappingProxyType(found)


def list_columns(asked: Sequence[Asked]) -> tuple[str, ...]:
    """Give the columns that measures are over, each once."""
    return tuple(dict.fromkeys(column for one in asked for column in one.columns))


def _is_of(one: type, module: str) -> bool:
    return issubclass(one, Measure) and one.__module__ == module


def read_off(value: Any) -> Any:
    """Give details as results have them: the double nearest to each fraction."""
    match value:
        case Fraction():
            return float(value)
        case Mapping():
            return {str(key): read_off(item) for key, item in value.items()}
        case list() | tuple():
            return [read_off(item) for item in value]
        case _:
            return value
