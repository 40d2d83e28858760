"""What an agreement says of review before release: who sees a result before it goes out, and for how long it waits for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Protocol

from pydantic import Field

from tallystick.core.errors import Invalid
from tallystick.core.model import Document, Hex32, Name, Text

MAX_REVIEWERS = 16


class Reviewer(Document):
    """A reviewer who is no agency and no approver of the agreement: the identity key, 32 bytes of Ed25519 in hexadecimal."""

    key: Hex32
    name: Text | None = None


class ReviewTerms(Document):
    """Who reviews, and what follows from what they say.

    Attributes:
        days: how long a result waits for reviewers who say nothing, from the moment when the desk made their copy.
        by: agencies and approvers of the agreement who review.
        others: reviewers beside them, with their keys.
        objection: what follows when one objects: `carried`, the days are waited for and the objection goes along with the result; `stops`,
            the result does not go out.
    """

    days: Annotated[int, Field(ge=1, le=180)]
    by: Annotated[tuple[Name, ...], Field(max_length=MAX_REVIEWERS)] = ()
    others: Annotated[dict[Name, Reviewer], Field(max_length=MAX_REVIEWERS)] = {}
    objection: Literal["carried", "stops"] = "carried"

    @property
    def reviewers(self) -> tuple[str, ...]:
        """Their names, each once."""
        return tuple(dict.fromkeys((*self.by, *self.others)))


class _Keyed(Protocol):
    @property
    def key(self) -> str: ...


def list_reviewers(terms: ReviewTerms | None, known: Mapping[str, _Keyed]) -> dict[str, str]:
    """Give the key of each reviewer, by name; nothing where nobody reviews.

    Args:
        terms: of the agreement.
        known: its agencies and approvers.
    """
    if terms is None:
        return {}
    return {name: known[name].key for name in terms.by} | {name: one.key for name, one in terms.others.items()}


def find_review_fault(terms: ReviewTerms | None, known: Mapping[str, _Keyed], taken: frozenset[str]) -> str | None:
    """Say what an agreement's words on review contradict; None for nothing.

    Args:
        terms: of the agreement.
        known: its agencies and approvers, who may be named in `by`.
        taken: names and keys of everybody whom it names elsewhere.
    """
    if terms is None:
        return None
    if not terms.reviewers:
        return "review names nobody who reviews"
    if unknown := sorted(set(terms.by) - known.keys()):
        return f"review.by: {', '.join(unknown)} is no agency or approver; give the key in review.others"
    for name, one in terms.others.items():
        if name in taken or one.key in taken:
            return f"review.others: {name}, or that key, stands for somebody else in the agreement"
    keys = [one.key for one in terms.others.values()]
    return "review.others: one key stands for two reviewers" if len(set(keys)) != len(keys) else None


def join_reviews(parts: Sequence[ReviewTerms | None]) -> ReviewTerms | None:
    """Give what several tiers ask together: all their reviewers, the longest time, and `stops` where one of them says so.

    Raises:
        Invalid: `agreement-contradiction`: two tiers name a reviewer with different keys.
    """
    said = [part for part in parts if part is not None]
    if not said:
        return None
    others: dict[str, Reviewer] = {}
    for part in said:
        for name, one in part.others.items():
            if others.setdefault(name, one) != one:
                raise Invalid(
                    "agreement-contradiction", f"review: two tiers name {name} otherwise", hint="let them say the same"
                )
    return ReviewTerms(
        days=max(part.days for part in said),
        by=tuple(dict.fromkeys(name for part in said for name in part.by)),
        others=others,
        objection="stops" if any(part.objection == "stops" for part in said) else "carried",
    )
