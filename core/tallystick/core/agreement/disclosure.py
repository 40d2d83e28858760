"""What an agreement says of disclosure: by which rules cells are hidden, and whether anybody opens those that are small."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from tallystick.core.agreement.noise import Noise
from tallystick.core.model import Document

MAX_GATED: Final = 100
"""The largest `min_cell` with which small cells are tested on shares."""


NOISY: Final = frozenset({None, "cms", "open"})
"""Profiles that hide by a least count alone, which noise goes with."""
LEAST_EMPLOYERS: Final = 3
"""Of a row under the profile `adrf`."""


class Disclosure(Document):
    """The disclosure rules of released tables.

    Attributes:
        profile: a named set of rules of `core/disclosure/profiles.py`; what is given beside it can only be stricter.
        min_cell: counts of 1…min_cell-1 are not released; 0 hides nothing (synthetic data).
        gate: small cells are found on shares and opened for nobody, not for the desk either (docs/adr/0011-gate.md).
        cohorts: each node refuses a job whose people here differ from what earlier jobs selected by too few (docs/adr/0017-cohorts.md).
        budget: how many cells jobs may compute over a dataset under one version of the agreement.
        households: how many households the people of a row need, where their dataset names them; None: they are not protected.
        noise: every number that is opened has noise for differential privacy (docs/adr/0018-noise.md).
    """

    profile: Literal["cms", "adrf", "ferpa", "opensafely", "acro", "open"] | None = None
    min_cell: Annotated[int, Field(ge=0, le=100_000)] | None = None
    gate: bool | None = None
    cohorts: bool | None = None
    budget: Annotated[int, Field(ge=1, le=10**9)] | None = None
    households: Annotated[int, Field(ge=2, le=1000)] | None = None
    noise: Noise | None = None

    @property
    def least_employers(self) -> int:
        """How many employers the people of a row need, where their dataset names them; 0: none."""
        return LEAST_EMPLOYERS if self.profile == "adrf" else 0

    @property
    def hides(self) -> bool:
        """Whether any count is hidden; as the profile that is made of it says."""
        if self.profile in (None, "open") and not (self.profile is None and self.min_cell is None):
            return (self.min_cell or 0) > 1
        return True

    @property
    def counts_alone(self) -> bool:
        """Whether its rules hide small counts and what follows from them, and neither round nor hide anything else."""
        return self.profile in NOISY and self.households is None

    @model_validator(mode="after")
    def _testable(self) -> Disclosure:
        if self.noise is not None and (self.gate or self.cohorts or self.budget is not None or self.households is not None):
            raise ValueError(
                "noise goes with none of gate, cohorts, budget and households: they decide by exact counts, which would cost privacy"
            )
        if self.noise is not None and self.profile not in NOISY:
            raise ValueError(
                f"noise goes with min_cell, or the profiles cms and open; {self.profile} has rules over exact numbers"
            )
        if self.gate and self.min_cell is not None and self.min_cell > MAX_GATED:
            raise ValueError(
                f"with gate, min_cell is {MAX_GATED} at most: what is tested on shares has a cost for each small count"
            )
        return self
