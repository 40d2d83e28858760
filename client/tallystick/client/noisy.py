"""Results with noise for differential privacy: how numbers are written with their error, and what is said of the noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def find_noise(value: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Give what a result says of its noise; None for one without."""
    found = value["disclosure"].get("noise")
    return found if isinstance(found, Mapping) else None


def write_noisy(value: float, detail: Mapping[str, Any], *, share: bool, digits: int) -> str:
    """Write a number with its error: `154 ± 4`; of a mean or share `41.2% (38.0% to 44.1%)`, or that the noise is too wide to say.

    Args:
        value: as a result has it.
        detail: `noise`, `low` and `high`, or less.
        share: whether it is a share of people.
        digits: behind the point of a number that is not whole.
    """

    def write(number: float) -> str:
        return f"{number:.1%}" if share else f"{number:,.{digits}f}" if isinstance(number, float) else f"{number:,}"

    if "noise" in detail:
        return f"{write(value)} ± {write(detail['noise'])}"
    if "low" not in detail:
        return f"{write(value)} (error not known)"
    return f"{write(value)} ({write(detail['low'])} to {write(detail['high'])})"


def list_error_columns(value: Mapping[str, Any], keys: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Give the columns of errors of a result with noise: by what they are called the number, and which end of its interval."""
    if find_noise(value) is None:
        return {}
    return {f"{key} {end}": (key, end) for key in keys for end in ("low", "high")}


def noise_sentence(value: Mapping[str, Any]) -> str:
    """Say in one line what the noise guards, at what cost, and how far numbers are from the truth; nothing for a result without noise."""
    noise = find_noise(value)
    if noise is None:
        return ""
    errors = "; ".join(f"{label}: {width:,}" for label, width in noise["error"].items() if label == "count")
    return (
        f"noise: this result costs everybody epsilon {noise['epsilon']:g}, of {noise['budget']:g} under this version of the agreement; "
        f"each number stands with its error, within which the true one is with 95% ({errors})"
    )


def noise_method(value: Mapping[str, Any]) -> str:
    """Say how the noise was made, for a report; nothing for a result without noise."""
    noise = find_noise(value)
    if noise is None:
        return ""
    passes = noise["passes"]
    agencies = "one agency" if noise["agencies"] == 1 else f"each of {noise['agencies']} agencies"
    linked = f", by {passes} linkage pass{'' if passes == 1 else 'es'}" if passes else ""
    return (
        f"Discrete Laplace noise was added in full by {agencies} to every number before it was opened (differential privacy, epsilon "
        f"{noise['epsilon']:g} a person{linked}; at most {noise['budget']:g} for all results under this version of the agreement). "
        "Small counts are hidden by their noisy number; intervals are of the noise alone, at 95%."
    )
