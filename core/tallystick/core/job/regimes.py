"""Which laws a question falls under, by the tags of the data that it names; what is missing for them; and the notices of its results."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from tallystick.core.agreement.chain import read_tiers
from tallystick.core.agreement.guide import check_tier_clauses
from tallystick.core.agreement.model import Agreement
from tallystick.core.agreement.regime import collect_tags, find_shortfalls, regime_of
from tallystick.core.errors import Invalid, Refused, TallyError
from tallystick.core.job.model import Question


def tags_of(question: Question, agreement: Agreement) -> dict[str, tuple[str, ...]]:
    """Give the regimes of a question, by dataset: those of the dataset, and of every column that the question names anywhere."""
    texts = tuple(_collect_texts(question.json_value()))
    names = dict.fromkeys(people.dataset for people in question.people.values())
    return {name: collect_tags(agreement.datasets[name], texts) for name in names if name in agreement.datasets}


def find_regime_problems(question: Question, agreement: Agreement) -> Iterator[TallyError]:
    """Give every reason why the laws that a question's data fall under do not allow it: `agreement-regime`."""
    for name, tags in tags_of(question, agreement).items():
        try:
            for tag in tags:
                regime = regime_of(tag)
                if not regime.matching:
                    yield Refused(
                        "agreement-regime",
                        f"{name} is tagged {tag} ({regime.citation}), under which its people are looked for in no other list",
                        hint="leave it out; its agency may publish totals that it made by itself",
                    )
            for shortfall in find_shortfalls(agreement, name, tags):
                yield Refused("agreement-regime", shortfall.message, hint=shortfall.remedy)
        except Invalid as error:
            yield error


def find_tier_problems(agreement: Agreement) -> Iterator[TallyError]:
    """Give every tier of an agreement that lacks a clause of the guide for its kind: `tier-clause`."""
    tiers = read_tiers(agreement)
    if tiers is None:
        return
    for text, kind in tiers.texts:
        try:
            check_tier_clauses(text, kind)
        except Refused as error:
            yield error


def check_review_boards(agreement: Agreement, now: datetime) -> None:
    """Check that every approval by a review board that an agreement names still holds.

    Raises:
        Refused: `agreement-regime`: one has ended.
        Invalid: `agreement-contradiction`: its date is no day of the calendar.
    """
    boards = agreement.clauses.review_boards if agreement.clauses is not None else None
    for board in boards or ():
        try:
            until = date.fromisoformat(board.until)
        except ValueError as error:
            raise Invalid("agreement-contradiction", f"review_boards: {board.until} is no day of the calendar") from error
        if now.date() > until:
            raise Refused(
                "agreement-regime",
                f"clauses.review_boards: the approval {board.reference} of {board.board} ended on {board.until}",
                hint="have it renewed, and sign the agreement with its new date",
            )


def notices_of(question: Question, agreement: Agreement) -> tuple[str, ...]:
    """Give the notices that go with a question's results, each once, as this version has them.

    A tag that this version does not know has none: the result was made by another.
    """
    found: dict[str, None] = {}
    for tags in tags_of(question, agreement).values():
        for tag in tags:
            try:
                notice = regime_of(tag).notice
            except Invalid:
                continue
            if notice is not None:
                found[notice] = None
    return tuple(found)


def _collect_texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _collect_texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _collect_texts(item)
