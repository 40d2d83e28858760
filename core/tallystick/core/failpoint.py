"""Labelled places where a test can kill the process, as a power cut would.

`TALLY_FAILPOINT=name` ends the process the first time it passes `failpoint("name")`; `name:3` the third time. Unset, nothing
happens.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Final

VARIABLE: Final = "TALLY_FAILPOINT"
KILLED: Final = 137

_passed: Counter[str] = Counter()


def failpoint(name: str) -> None:
    """End the process here, without cleaning up, when the environment asks for it."""
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    label, _, nth = wanted.partition(":")
    if label == name:
        _passed[name] += 1
        if _passed[name] >= int(nth or 1):
            os._exit(KILLED)
