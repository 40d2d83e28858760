"""What a question links by: its agreement's recipes or one of its ladders, and whether a similarity pass follows.

The entries of an agreement's `link` are recipes, ladders, and at most one word of `ladders.SIMILARITY`. The word asks for a
similarity pass after whatever else a job links by, except where the job says `link: strict`. The ladder `loose` has one in any case.
"""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Invalid
from tallystick.core.job.model import Question
from tallystick.core.job.refusal import not_allowed
from tallystick.core.linkage.ladders import LADDERS, SIMILARITY, similarity_of


def checked_link(link: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the recipes and ladders of an agreement's `link`, and its word for a similarity pass, if any.

    Raises:
        Invalid: `link-invalid`: two words, or a word alone.
    """
    words = tuple(entry for entry in link if entry in SIMILARITY)
    others = tuple(entry for entry in link if entry not in SIMILARITY)
    if len(words) > 1:
        raise Invalid(
            "link-invalid", f"link names {' and '.join(words)}", hint="keep the one that says what the lists may hold"
        )
    if words and not others:
        raise Invalid(
            "link-invalid",
            f"link has {words[0]} alone, which finds what recipes have missed",
            hint=f"link: [default, {words[0]}]",
        )
    return others, words


def link_of(question: Question, agreement: Agreement) -> tuple[str, ...]:
    """Give the recipes or the ladder that a question links by.

    An agreement that names recipes alone has one way to link: they are the default. One that names ladders has those; the
    default is the ladder `default` if it is named, or else the first that is.

    Raises:
        Invalid: `link-invalid`.
        Refused: `job-not-allowed`.
    """
    entries, _ = checked_link(agreement.link)
    named = [entry for entry in entries if entry in LADDERS]
    asked = question.link or "default"
    if not entries:
        raise not_allowed(agreement, "link", "it allows no linkage", ())
    if asked in named:
        return (asked,)
    if asked == "default" and not named:
        return entries
    if question.link is None:
        return (named[0],)
    raise not_allowed(agreement, "link", f"it does not allow link: {asked}", named or ("default",))


def similarity_asked(question: Question, agreement: Agreement) -> str | None:
    """Give the word for the similarity pass that a question links by in the end; None for none.

    Raises:
        Invalid: `link-invalid`.
        Refused: `job-not-allowed`.
    """
    entries = link_of(question, agreement)
    if question.link == "strict":
        return None
    _, words = checked_link(agreement.link)
    return similarity_of((*entries, *words))
