"""What jobs with noise cost at this agency, as its people see it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True)
class NoiseAccount:
    """The privacy loss under one version of an agreement.

    Attributes:
        agreement: its name.
        version: of it.
        epsilon: what one job costs.
        spent: what jobs cost so far, those that failed later too.
        budget: what all may cost.
    """

    agreement: str
    version: int
    epsilon: Fraction
    spent: Fraction
    budget: Fraction

    @property
    def left(self) -> Fraction:
        """What jobs may still cost."""
        return self.budget - self.spent

    def json_value(self) -> dict[str, Any]:
        """Give it as a JSON value, with what is left; numbers are text, decimals or fractions."""
        return {name: str(value) if isinstance(value, Fraction) else value for name, value in asdict(self).items()} | {
            "left": str(self.left)
        }
