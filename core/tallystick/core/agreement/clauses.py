"""Clauses of an agreement that people keep and no node can: each a text, under the name that the field's guides have for it.

Three of them are enforced: the class of purpose (by the regimes of the datasets), the references of review boards (no job after their
dates), and what the agreement has elsewhere anyway (parties, elements, link fields, term, retention). The other texts are signed, shown
and rendered, and that they are there is checked where a regime asks for them.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import StringConstraints

from tallystick.core.model import Document, Name, Text

ClauseName = Literal[
    "purpose_class",
    "background",
    "uses",
    "users",
    "requests",
    "prohibitions",
    "redisclosure",
    "publication_review",
    "security",
    "breach",
    "audit",
    "destruction",
    "cost",
    "termination",
    "disputes",
    "contacts",
    "review_boards",
]
CLAUSE_NAMES: tuple[ClauseName, ...] = get_args(ClauseName)
Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class ReviewBoard(Document):
    """One approval of a review board: an IRB, or a Tribal Nation's.

    Attributes:
        board: its name.
        reference: the number of the approval.
        until: the last day on which it holds; no job is asked or run after it.
    """

    board: Text
    reference: Text
    until: Day


class Clauses(Document):
    """Clauses; what is left out is not agreed on.

    Attributes:
        purpose_class: whether results are statistics, or for decisions about a person.
        background: why the data are shared.
        uses: what they may be used for.
        users: who may have access, and what they acknowledge.
        requests: how and when data are asked for.
        prohibitions: what nobody may do, such as finding out who somebody is.
        redisclosure: who else may get results.
        publication_review: who sees a report before it is public, and how long before.
        security: how data and results are kept safe.
        breach: who is told of a breach, and how soon.
        audit: who may look into what was done.
        destruction: what is destroyed when, and who certifies it.
        cost: who pays.
        termination: how the agreement ends before its time.
        disputes: how disagreements are settled.
        contacts: whom to ask, by party.
        review_boards: approvals by review boards.
    """

    purpose_class: Literal["statistical", "operational"] | None = None
    background: Text | None = None
    uses: Text | None = None
    users: Text | None = None
    requests: Text | None = None
    prohibitions: tuple[Text, ...] | None = None
    redisclosure: Text | None = None
    publication_review: Text | None = None
    security: Text | None = None
    breach: Text | None = None
    audit: Text | None = None
    destruction: Text | None = None
    cost: Text | None = None
    termination: Text | None = None
    disputes: Text | None = None
    contacts: dict[Name, Text] | None = None
    review_boards: tuple[ReviewBoard, ...] | None = None

    def has(self, name: ClauseName) -> bool:
        """Tell whether a clause is there and says something."""
        return bool(getattr(self, name))
