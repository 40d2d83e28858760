"""Templates of jobs: files of the folder `files`, one each, with a question, its parameters, its rules, and its caveats.

A template is data. Its `job` is the text of a job file with places for parameters, `$name` or `${name}`; `fill.py` says what stands in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from tallystick.core.errors import Invalid
from tallystick.core.model import Document, Name, Text
from tallystick.core.yaml import read_folder

FOLDER: Final = files("tallystick.client") / "templates" / "files"
ParameterName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{0,31}$")]
ColumnType = Literal["category", "integer", "decimal", "boolean", "date", "month", "quarter"]
Line = Annotated[str, StringConstraints(max_length=400)]


class Parameter(Document):
    """What a template asks for.

    Attributes:
        kind: `dataset`: one agency's, or several that are stacked; `datasets`: a list of named ones; `column`, `columns`: of a dataset;
            `where`: a condition over a dataset's rows; `value`: any text.
        help: what it is, for people.
        of: the dataset that columns and conditions are of: another parameter.
        types: that a column may have; any, where it is empty.
        default: what stands there if nothing is said; None where something must be.
        example: what stands there in a job over the made-up region (`tally lab region`).
        least: of `datasets`, how many there are at least.
        each, costly, measure: of `datasets`, the line of one, of one with a column, and the line that such a one adds to the measures.
    """

    name: ParameterName
    kind: Literal["dataset", "datasets", "column", "columns", "where", "value"]
    help: Line
    of: ParameterName | None = None
    types: tuple[ColumnType, ...] = ()
    default: Line | None = None
    example: Line
    least: Annotated[int, Field(ge=1, le=8)] = 1
    each: Line | None = None
    costly: Line | None = None
    measure: Line | None = None


class JobTemplate(Document):
    """One template.

    Attributes:
        title, question: what it is for, in a line and in a sentence.
        statute: under which law or whose rules such data usually are.
        rules: the disclosure profile that goes with it.
        reading: how to read a row of its result.
        caveats: what the result does not say; they are written into the job, so they are signed and stand beside its result.
        parameters: in the order in which they are asked for.
        job: the text of the job file, from `people` on.
    """

    title: Text
    question: Text
    statute: Text
    rules: Name
    reading: Text
    caveats: Annotated[tuple[Text, ...], Field(min_length=1, max_length=10)]
    parameters: Annotated[tuple[Parameter, ...], Field(min_length=1)]
    job: Annotated[str, StringConstraints(min_length=1, max_length=4000)]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        kinds = {one.name: one.kind for one in self.parameters}
        if len(kinds) < len(self.parameters):
            raise ValueError("two parameters have one name")
        for one in self.parameters:
            if (one.kind in {"column", "columns", "where"}) != (kinds.get(one.of or "") == "dataset"):
                raise ValueError(f"{one.name}: a column or condition is of a dataset, and nothing else is")
            if (one.kind == "datasets") != (one.each is not None) or (one.costly is None) != (one.measure is None):
                raise ValueError(f"{one.name}: datasets have `each`, and `measure` beside `costly`")
        return self


@cache
def load_templates() -> Mapping[str, JobTemplate]:
    """Read every template, by its name.

    Raises:
        Invalid: `yaml-invalid`, `document-invalid`: a file of the folder is no template.
    """
    return {name: JobTemplate.read(value, what=f"{name}.yaml") for name, value in read_folder(FOLDER).items()}


def find_template(name: str) -> JobTemplate:
    """Give a template by its name.

    Raises:
        Invalid: `job-invalid`: there is none.
    """
    found = load_templates()
    if name not in found:
        raise Invalid("job-invalid", f"there is no template {name}", hint="tally job new lists them")
    return found[name]
