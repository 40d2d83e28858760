"""How a refusal names the part of an agreement that does not allow something, and what it allows instead."""

from __future__ import annotations

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Refused


def not_allowed(agreement: Agreement, section: str, problem: str, instead: object) -> Refused:
    """Give the refusal `job-not-allowed`; `instead` lists what the section has, where it has anything."""
    names = ", ".join(sorted(str(name) for name in instead)) if hasattr(instead, "__iter__") else ""
    hint = f"it has: {names}" if names else f"sign a version of the agreement with {section}"
    return Refused("job-not-allowed", f"agreement {agreement.agreement}, {section}: {problem}", hint=hint)
