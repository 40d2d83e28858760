"""What an agreement says of noise: how much of a person's privacy a job may cost, and all jobs together."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Final

from pydantic import Field, StringConstraints, model_validator

from tallystick.core.model import Document

MOST_EPSILON: Final = 100
Loss = Annotated[int, Field(ge=1, le=10**6)] | Annotated[str, StringConstraints(pattern=r"^\d{1,6}(\.\d{1,6})?$")]
"""A privacy loss: a whole number, or a decimal as text (floats have no canonical form)."""


class Noise(Document):
    """Noise for differential privacy (docs/adr/0018-noise.md).

    Attributes:
        epsilon: what one job costs everybody.
        budget: what all jobs under one version of the agreement may cost together.
    """

    epsilon: Loss
    budget: Loss

    @property
    def of_job(self) -> Fraction:
        """What one job costs."""
        return Fraction(self.epsilon)

    @property
    def of_all(self) -> Fraction:
        """What all jobs may cost."""
        return Fraction(self.budget)

    @model_validator(mode="after")
    def _sensible(self) -> Noise:
        if not 0 < self.of_job <= MOST_EPSILON:
            raise ValueError(f"epsilon is above 0 and at most {MOST_EPSILON}")
        if self.of_all < self.of_job:
            raise ValueError("budget is below epsilon, so that no job could be asked")
        return self
