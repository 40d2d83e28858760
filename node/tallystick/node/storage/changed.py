"""The one refusal that both stores make."""

from __future__ import annotations

from tallystick.core.errors import Refused


def source_changed() -> Refused:
    """Give the refusal of a new attempt over other records than a share was made from.

    Two shares over records that differ by one person would tell what that person adds.
    """
    return Refused(
        "source-changed",
        "the agency's records changed after a share over them had left",
        hint="submit the question again as a new job",
    )
