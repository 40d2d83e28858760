"""Guides: what a law or the field's practice asks an agreement to say, as a list of clauses with the places that ask for them.

Each is a file of `guides/`. They are for counsel: an agreement without a clause of a guide counts, unless a regime of its data
(`regime.py`) asks for the clause. Design input, not legal advice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Literal

from tallystick.core.agreement.clauses import ClauseName
from tallystick.core.agreement.model import Agreement
from tallystick.core.agreement.regime import load_regimes
from tallystick.core.agreement.tiers import Memorandum, SharingAgreement, Tier, TierKind
from tallystick.core.errors import Invalid, Refused
from tallystick.core.model import Document, Text
from tallystick.core.yaml import read_folder

FOLDER: Final = files("tallystick.core") / "agreement" / "guides"
GENERAL: Final = "general"
"""The guide that every agreement is held against."""


class Ask(Document):
    """One clause that a guide asks for, and where."""

    clause: ClauseName | Literal["authority"]
    section: Text


class Guide(Document):
    """One guide."""

    title: Text
    asks: tuple[Ask, ...]


@dataclass(frozen=True)
class Missing:
    """A clause that an agreement lacks of a guide."""

    guide: str
    clause: str
    section: str


@cache
def load_guides() -> dict[str, Guide]:
    """Read every guide, by name."""
    return {name: Guide.read(value, what=f"guide {name}") for name, value in read_folder(FOLDER).items()}


def choose_guides(agreement: Agreement) -> tuple[str, ...]:
    """Give the guides that an agreement is held against: the general one, and those of its regimes."""
    tags = {
        tag
        for dataset in agreement.datasets.values()
        for regimes in (dataset.regimes, *(column.regimes for column in dataset.columns.values()))
        for tag in regimes or ()
    }
    return (GENERAL, *(name for name in load_guides() if name in tags and name in load_regimes()))


def find_missing(agreement: Agreement, guides: Sequence[str]) -> list[Missing]:
    """Say which clauses of guides an agreement lacks.

    Raises:
        Invalid: `agreement-regime`: there is no such guide.
    """
    known, found = load_guides(), []
    for name in guides:
        if name not in known:
            raise Invalid("agreement-regime", f"there is no guide {name}", hint=f"there are: {', '.join(known)}")
        for ask in known[name].asks:
            if ask.clause == "authority":
                there = bool(agreement.authority) or all(dataset.authority for dataset in agreement.datasets.values())
            else:
                there = agreement.clauses is not None and agreement.clauses.has(ask.clause)
            if not there:
                found.append(Missing(name, ask.clause, ask.section))
    return found


def find_tier_missing(text: Tier, kind: TierKind) -> Iterator[Missing]:
    """Say which clauses a tier lacks of the guide for its kind."""
    for ask in load_guides()[kind].asks:
        if ask.clause != "authority":
            there = text.clauses.has(ask.clause)
        elif isinstance(text, Memorandum):
            there = bool(text.authority)
        else:
            there = isinstance(text, SharingAgreement) and text.terms.authority is not None
        if not there:
            yield Missing(kind, ask.clause, ask.section)


def check_tier_clauses(text: Tier, kind: TierKind) -> None:
    """Check that a tier has every clause that the guide for its kind asks for.

    Raises:
        Refused: `tier-clause`: names the first that it lacks.
    """
    for missing in find_tier_missing(text, kind):
        place = "authority" if missing.clause == "authority" else f"clauses.{missing.clause}"
        if missing.clause == "authority" and isinstance(text, SharingAgreement):
            place = "terms.authority"
        raise Refused(
            "tier-clause",
            f"{kind} {text.name} lacks the clause {missing.clause} ({missing.section})",
            hint=f"{place}: what was agreed on",
        )
