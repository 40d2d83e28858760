"""The job: one question, and the contract around it whose digest every signature and message is bound to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import BaseModel, Field, StringConstraints, create_model, model_validator

from tallystick.core import measure as registry
from tallystick.core.agreement.model import Number, Timestamp
from tallystick.core.job.bins import MAX_EDGES, expand_bins
from tallystick.core.job.overall import MAX_OVERALL, JobOverall
from tallystick.core.job.references import SYSTEMS as SYSTEMS
from tallystick.core.job.references import ByReference, Reference, refer
from tallystick.core.job.references import ConditionColumn as ConditionColumn
from tallystick.core.job.stacked import expand_stacked
from tallystick.core.measure import Asked, Options, load_measures
from tallystick.core.model import ColumnName, Document, Hex32, Name, Text
from tallystick.core.values.periods import Unit

MAX_REGRESSORS: Final = 10


Totals: TypeAlias = Literal["rows", "columns", "none"]
"""Which totals of a table are tested, so that they may open beside hidden cells (`core/statistics/margins.py`)."""


class People(Document):
    """A group of people: rows of one agency's dataset, filtered, one row per person.

    Attributes:
        where: a condition over the dataset's columns and derived ones; see `core/job/where.py` for what it may hold.
        derive: new columns that sum up a person's rows, or are made of what is known of the person: `core/job/derive.py`.
    """

    agency: Name
    dataset: Name
    where: Annotated[str, StringConstraints(min_length=1, max_length=2000)] | None = None
    derive: dict[ColumnName, Annotated[str, StringConstraints(max_length=300)]] = {}


Shift = Annotated[int, Field(ge=-1200, le=1200)]


class Since(Document):
    """Outcomes by the time since a person's event (`core/job/since.py`).

    Attributes:
        event: the column that says when it was.
        of: the column that says when a row of the other group is.
        periods: how many units after the event; a pair is from and to.
        unit: of periods; the longer one of the two columns' own, if it is left out.
    """

    event: Reference
    of: Reference
    periods: Annotated[tuple[Shift | tuple[Shift, Shift], ...], Field(min_length=1, max_length=40)]
    unit: Unit | None = None


class BandsOf(Document):
    """What a measure of bands is over: `{of: wages.earnings, at: [0, 2500, 5000]}`.

    Attributes:
        of: the column whose values are banded.
        event: of a measure over two columns, the other: whether what is waited for came.
        at: edges of the bands, each in the band above it.
    """

    of: Reference
    event: Reference | ConditionColumn | None = None
    # a validator that runs before has made Python of the JSON, where a strict tuple takes no list
    at: Annotated[tuple[Number, ...], Field(min_length=1, max_length=MAX_EDGES, strict=False)]


class RegressionOf(Document):
    """What a regression is of: `{of: wages.earnings, on: [study.treated, tanf.age]}`.

    Attributes:
        of: the outcome.
        on: what explains it; a constant stands beside these.
        robust: whether standard errors are also those that hold where the spread differs (HC1), which takes many more sums.
    """

    of: Reference | ConditionColumn
    on: Annotated[tuple[Reference | ConditionColumn, ...], Field(min_length=1, max_length=MAX_REGRESSORS, strict=False)]
    robust: bool | None = None


def _read_off(value: Any) -> tuple[tuple[str, ...], Options]:
    """Give the columns and options of what a job says of a measure."""
    match value:
        case True:
            return (), ()
        case BandsOf():
            event = () if value.event is None else (refer(value.event),)
            return (value.of, *event), (("at", tuple(map(str, value.at))),)
        case RegressionOf():
            return (refer(value.of), *map(refer, value.on)), (("robust", True),) if value.robust else ()
        case tuple():
            return tuple(map(refer, value)), ()
        case _:
            return (refer(value),), ()


class _JobMeasure(Document):
    """One measure of a job: exactly one of the registered ones (`core/statistics/measures/`), over the columns that it takes.

    A key of the document is a measure's name; what it says is `true` for a measure over no column (written as the bare name, too), a
    reference for one over a column, and a list of references for one over several. A condition may stand in a column's place.
    """

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        measure = load_measures().get(value) if isinstance(value, str) else None
        return {measure.name: True} if measure is not None and measure.arity == 0 else value

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self._said) != 1:
            raise ValueError(f"a measure is one of: {', '.join(map(_form, load_measures().values()))}")
        ((name, columns, _),) = self._said
        if not load_measures()[name].takes(len(columns)):
            raise ValueError(f"write {_form(load_measures()[name])}")
        return self

    @property
    def _said(self) -> list[tuple[str, tuple[str, ...], Options]]:
        """The names that are given, their columns, and what is said beside them."""
        given = ((name, getattr(self, name)) for name in load_measures())
        return [(name, *_read_off(value)) for name, value in given if value is not None]

    @property
    def asked(self) -> Asked:
        """What is asked for."""
        ((name, columns, options),) = self._said
        return Asked(name, columns, options)

    @property
    def operation(self) -> str:
        """Which measure it is."""
        return self.asked.name

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it is over."""
        return self.asked.columns

    @property
    def label(self) -> str:
        """Its name in a result: `count`, `sum(wages.earnings)`."""
        return self.asked.label


def _form(measure: registry.Measure) -> str:
    if measure.form == "bands":
        event = ", event: group.column" if measure.arity > 1 else ""
        return f"{{{measure.name}: {{of: group.column{event}, at: [number, …]}}}}"
    if measure.form == "regression":
        return f"{{{measure.name}: {{of: group.column, on: [group.column, …]}}}}"
    match measure.arity:
        case 0:
            return measure.name
        case 1:
            return f"{{{measure.name}: group.column}}"
        case arity:
            return f"{{{measure.name}: [{', '.join(['group.column'] * arity)}]}}"


def _parameter(measure: registry.Measure) -> Any:
    """Give the type of what a job says of a measure."""
    if measure.form != "columns":
        return BandsOf if measure.form == "bands" else RegressionOf
    match measure.arity:
        case 0:
            return Literal[True]
        case 1:
            return Reference | ConditionColumn
        case arity:
            # a validator that runs before has made Python of the JSON, where a strict tuple takes no list
            return Annotated[tuple[Reference | ConditionColumn, ...], Field(min_length=arity, max_length=arity, strict=False)]


if TYPE_CHECKING:

    class JobMeasure(_JobMeasure):
        """One measure of a job; see `_JobMeasure`."""

else:
    JobMeasure = create_model(
        "JobMeasure",
        __base__=_JobMeasure,
        __module__=__name__,
        __doc__=_JobMeasure.__doc__,
        **{name: (_parameter(measure) | None, None) for name, measure in load_measures().items()},
    )


class Question(Document):
    """A job file as an analyst writes it.

    Attributes:
        keep: whom it counts: a formula over its groups (`core/job/keep.py`).
        stacked: groups that are together one, by its name (`core/job/stacked.py`); the first that has a person speaks of the person.
        bins: edges of the columns of `by` that are binned, by column (`core/job/bins.py`).
        since: which periods since an event rows are of.
        totals: which totals the table has beside its rows; none, unless it says so.
        overall: statistics of the whole table, worked out from its rows as they are released.
        join: what jobs of before `keep` had; it is read so that their results are, and refused.
        template: the template that it was written from, if any.
        caveats: what its result does not say; they stand beside it.
    """

    agreement: Name
    title: Text | None = None
    purpose: Name
    people: Annotated[dict[Name, People], Field(min_length=1, max_length=8)]
    stacked: dict[Name, Annotated[tuple[Name, ...], Field(min_length=2, max_length=5)]] | None = None
    keep: Annotated[str, StringConstraints(max_length=300)] | None = None
    join: Annotated[str, StringConstraints(max_length=300)] | None = None
    link: Literal["strict", "default", "loose", "widest"] | None = None
    measures: Annotated[tuple[JobMeasure, ...], Field(min_length=1, max_length=20)]
    by: Annotated[tuple[ByReference, ...], Field(max_length=6)] = ()
    bins: dict[Reference, Annotated[tuple[Number, ...], Field(min_length=1, max_length=MAX_EDGES)]] | None = None
    since: Since | None = None
    totals: Totals | None = None
    overall: Annotated[tuple[JobOverall, ...], Field(min_length=1, max_length=MAX_OVERALL)] | None = None
    release: Literal["desk", "direct"] | None = None
    template: Name | None = None
    caveats: Annotated[tuple[Text, ...], Field(min_length=1, max_length=10)] | None = None

    @classmethod
    def read(cls, value: object, *, what: str) -> Self:
        """Make it from a job file's value; see `Document.read`.

        Raises:
            Invalid: `document-invalid`, `job-invalid`.
        """
        return super().read(expand_bins(expand_stacked(value)), what=what)

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that the formula, measures and `by` may name, in the order of their names: without the parts of stacked ones."""
        parts = {part for parts in (self.stacked or {}).values() for part in parts}
        return tuple(sorted((self.people.keys() - parts) | (self.stacked or {}).keys()))

    def parts_of(self, group: str) -> tuple[str, ...]:
        """Give the groups that are one together under a name; itself, if it is not stacked."""
        return (self.stacked or {}).get(group, (group,))

    def find_part_name(self, part: str) -> str:
        """Give what the formula, measures and `by` call a group of `people`: the stacked group that it is part of, or its own name."""
        return next((name for name, parts in (self.stacked or {}).items() if part in parts), part)


class AgreementRef(BaseModel):
    """Which agreement, exactly. Not a `Document`, whose method `digest` its key would hide."""

    model_config = Document.model_config

    agreement: Name
    version: int
    digest: Hex32


class Job(Document):
    """The contract: what the analyst signs. Its digest names the job everywhere.

    Attributes:
        result_key: the HPKE public key the result is sealed to (1,216 bytes, hexadecimal), fresh per job.
        recipient: where the result is released `direct`, the Paillier modulus that the agencies seal under (384 bytes, hexadecimal), fresh per
            job; else None: the desk has a key of its own.
        linkage: digest of the linkage passes as the analyst's code works them out (`core/job/passes.py`).
        nonce: makes two askings of one question two jobs.
    """

    protocol: Literal["TS1"] = "TS1"
    question: Question
    agreement: AgreementRef
    analyst: Name
    result_key: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{2432}$")]
    recipient: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{768}$")] | None = None
    linkage: Hex32
    nonce: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    submitted: Timestamp
    deadline: Timestamp
