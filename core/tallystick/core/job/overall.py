"""Statistics of a whole table as a job file asks for them (`core/overall.py`), and why one cannot be asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Self

from pydantic import Field, StringConstraints, create_model, model_validator

from tallystick.core.job.references import ByReference, ConditionColumn, Reference, refer
from tallystick.core.model import Document
from tallystick.core.overall import OverallAsked, OverallForm, OverallStatistic, load_overall

MAX_OVERALL: Final = 10
Weights = Annotated[str, StringConstraints(min_length=1, max_length=200)] | bool | int
"""A level, as `by` has it."""


class BetweenOf(Document):
    """What a standardised mean is of: `{of: wages.earnings, between: study.treated, weights: true}`.

    Attributes:
        of: the outcome.
        between: the column of `by` whose groups are compared; its other columns are the strata.
        weights: of which group the people are the standard; everybody, if it is left out.
    """

    of: Reference | ConditionColumn
    between: ByReference
    weights: Weights | None = None


class ModelOf(Document):
    """What a logistic regression is of: `{of: wages.employed, on: [tanf.county, tanf.age]}`."""

    of: Reference | ConditionColumn
    # a validator that runs before has made Python of the JSON, where a strict tuple takes no list
    on: Annotated[tuple[ByReference, ...], Field(min_length=1, max_length=6, strict=False)]


class TimesOf(Document):
    """What a log-rank test is of: `{of: exits.days, event: exits.returned, between: study.treated}`; as of `survival`."""

    of: Reference
    event: Reference | ConditionColumn
    between: ByReference


_FORMS: Final[dict[OverallForm, Any]] = {
    "pair": Annotated[tuple[ByReference, ...], Field(min_length=2, max_length=2, strict=False)],
    "between": BetweenOf,
    "model": ModelOf,
    "times": TimesOf,
}
_WRITTEN: Final[dict[OverallForm, str]] = {
    "pair": "[group.column, group.column]",
    "between": "{of: group.column, between: group.column}",
    "model": "{of: group.column, on: [group.column, …]}",
    "times": "{of: group.column, event: group.column, between: group.column}",
}


class _JobOverall(Document):
    """One statistic of the whole table: exactly one of the registered ones (`core/statistics/overall/`)."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self._said) != 1:
            raise ValueError(f"a statistic of the whole table is one of: {', '.join(map(_write, load_overall().values()))}")
        return self

    @property
    def _said(self) -> list[OverallAsked]:
        given = ((name, getattr(self, name)) for name in load_overall())
        return [_read(name, value) for name, value in given if value is not None]

    @property
    def asked(self) -> OverallAsked:
        """What is asked for."""
        (one,) = self._said
        return one


def _write(statistic: OverallStatistic) -> str:
    return f"{{{statistic.name}: {_WRITTEN[statistic.form]}}}"


def _read(name: str, value: Any) -> OverallAsked:
    match value:
        case BetweenOf():
            weights = str(value.weights).lower() if isinstance(value.weights, bool) else value.weights
            return OverallAsked(name, (value.between,), (refer(value.of),), None if weights is None else str(weights))
        case ModelOf():
            return OverallAsked(name, value.on, (refer(value.of),))
        case TimesOf():
            return OverallAsked(name, (value.between,), (value.of, refer(value.event)))
        case _:
            return OverallAsked(name, tuple(value))


if TYPE_CHECKING:

    class JobOverall(_JobOverall):
        """One statistic of a job's whole table; see `_JobOverall`."""

else:
    JobOverall = create_model(
        "JobOverall",
        __base__=_JobOverall,
        __module__=__name__,
        __doc__=_JobOverall.__doc__,
        **{name: (_FORMS[statistic.form] | None, None) for name, statistic in load_overall().items()},
    )
