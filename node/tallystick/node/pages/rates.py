"""Match rates of what this desk let out, so that a steward sees the next one beside them.

What a node keeps of an ended job has no candidate. Kept here is only what was let out: the rate of all people of each group, as the
analyst has it, in one file a job. A rate that was hidden is not kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from tallystick.core.canonical import canonical_bytes
from tallystick.core.errors import TallyError
from tallystick.core.files import make_private, write_private
from tallystick.core.job.model import Question
from tallystick.core.keyfile import read_closed

_MOST_BYTES: Final = 65_536


def find_rates(linkage: Mapping[str, Any], question: Question) -> dict[str, float]:
    """Give the match rates of all people in a linkage report, by agency and dataset; without those that are hidden or not known."""
    overall = (linkage.get("rates") or {}).get("overall") or {}
    found = {}
    for group, one in overall.items():
        people = question.people.get(group)
        if people is not None and one is not None and one.get("value") is not None:
            found[f"{people.agency}, {people.dataset}"] = float(one["value"])
    return found


class KeptRates:
    """Rates in a folder. Methods read and write files."""

    def __init__(self, folder: Path) -> None:
        """Take the folder, which is made on the first writing; its parent exists."""
        self._folder = folder

    def keep(self, job: str, rates: Mapping[str, float]) -> None:
        """Keep the rates of a job whose result goes out.

        Raises:
            Broken: `disk`.
        """
        make_private(self._folder)
        write_private(self._folder / f"{job}.json", canonical_bytes({name: repr(rate) for name, rate in rates.items()}))

    def read(self, jobs: Iterable[str]) -> dict[str, dict[str, float]]:
        """Give the rates of those jobs of which some are kept; a file that cannot be read says nothing."""
        found = {}
        for job in jobs:
            try:
                value = json.loads(read_closed(self._folder / f"{job}.json", _MOST_BYTES, what="file of match rates"))
                found[job] = {str(name): float(rate) for name, rate in value.items()}
            except (TallyError, ValueError, AttributeError):
                continue
        return found
