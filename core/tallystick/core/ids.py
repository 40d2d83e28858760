"""Names of jobs for people: the first twelve hexadecimal digits of the job's digest."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from tallystick.core.errors import Invalid

SHORT: Final = 12
"""Digits shown: two of a million jobs share them with probability below 1 in 500."""
_SHORTEST: Final = 4
DIGITS: Final = "0123456789abcdef"
_DIGITS: Final = re.compile(rf"[0-9a-f]{{{_SHORTEST},64}}")


def short(digest: str) -> str:
    """Give the short name of a job."""
    return digest[:SHORT]


def is_name(name: str) -> bool:
    """Tell whether a text could be a job's name: its digest, or some first digits of it."""
    return _DIGITS.fullmatch(name) is not None


def resolve_digest(name: str, digests: Iterable[str]) -> str:
    """Give the digest that a name stands for: itself, or the only one that begins with it.

    Raises:
        Invalid: `job-unknown`: no such job, more than one, or no name of a job at all.
    """
    if not is_name(name):
        raise Invalid(
            "job-unknown", "that is not the name of a job", hint=f"a job's name is {SHORT} hexadecimal digits; tally job list"
        )
    matches = {digest for digest in digests if digest.startswith(name)}
    if not matches:
        raise Invalid("job-unknown", f"no job {name} is known here, or it is not yours to see", hint="tally job list")
    if len(matches) > 1:
        raise Invalid("job-unknown", f"{len(matches)} jobs begin with {name}", hint="give more digits")
    return matches.pop()
