"""What a job asks of an agency, as its people see it; `asking.py` works it out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class OwnGroup:
    """A group of this agency's people in a job.

    Attributes:
        where: the job's condition; None for everybody.
        columns: (column, what it serves, label of the agreement); what the job reads.
        at_most: people that the agreement says there are at most.
    """

    group: str
    dataset: str
    title: str | None
    authority: str | None
    where: str | None
    columns: tuple[tuple[str, tuple[str, ...], str], ...]
    at_most: int


@dataclass(frozen=True)
class AskedHere:
    """What a job asks of this agency, in short.

    Attributes:
        sentence: whom it counts and what it works out.
        own: this agency's groups.
        rules: of disclosure and release, in sentences.
        cost: in sentences.
    """

    sentence: str
    own: tuple[OwnGroup, ...]
    rules: tuple[str, ...]
    cost: tuple[str, ...]

    def json_value(self) -> dict[str, Any]:
        """Give it as a JSON value."""
        own = [
            asdict(one)
            | {
                "columns": [
                    {"column": name, "serves": list(serves), "label": label or None} for name, serves, label in one.columns
                ]
            }
            for one in self.own
        ]
        return {"sentence": self.sentence, "own": own, "rules": list(self.rules), "cost": list(self.cost)}
