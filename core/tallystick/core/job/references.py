"""How a job file names columns."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import StringConstraints, model_validator

from tallystick.core.errors import Invalid
from tallystick.core.job.conditions import MAX_CONDITION, refer_to_condition
from tallystick.core.model import Document

Reference = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}\.[A-Za-z_][A-Za-z0-9_]{0,63}$")]
"""A column of a group of people: `wages.earnings`."""
SYSTEMS: Final = "systems"
"""What `by` calls the number of the job's groups that have a person."""
ByReference = Annotated[
    str, StringConstraints(pattern=rf"^({SYSTEMS}|[a-z][a-z0-9_-]{{0,63}}\.[A-Za-z_][A-Za-z0-9_]{{0,63}})$")
]
"""What parts the rows of a table: a column of a group, or `systems`."""


class ConditionColumn(Document):
    """A condition in place of a measure's column: `{of: "wages.earnings >= 2500"}`; see `core/job/conditions.py`."""

    of: Annotated[str, StringConstraints(min_length=1, max_length=MAX_CONDITION)]

    @model_validator(mode="after")
    def _readable(self) -> Self:
        try:
            refer_to_condition(self.of)
        except Invalid as error:
            raise ValueError(f"{error.message} ({error.hint})") from error
        return self

    @property
    def reference(self) -> str:
        """What the condition's column is called."""
        return refer_to_condition(self.of)


def refer(column: str | ConditionColumn) -> str:
    """Give what a column is called, a condition's too."""
    return column if isinstance(column, str) else column.reference
