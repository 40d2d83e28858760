"""What a question links by: its agreement's recipes or one of its ladders, and whether a similarity pass follows.

The entries of an agreement's `link` are recipes, ladders, and at most one word of `ladders.WORDS`. A word says what the lists hold;
one of `ladders.SIMILARITY` also asks for a similarity pass after whatever else a job links by, except where the job says
`link: strict`.
"""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Invalid
from tallystick.core.job.model import Question
from tallystick.core.job.refusal import not_allowed
from tallystick.core.linkage.passes.budget import LADDERS
from tallystick.core.linkage.passes.ladders import HOLDS, SIMILARITY, WORDS


def check_link(link: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the recipes and ladders of an agreement's `link`, and its word on what its lists hold, if any.

    Raises:
        Invalid: `link-invalid`: two words, or a word alone.
    """
    words = tuple(entry for entry in link if entry in WORDS)
    others = tuple(entry for entry in link if entry not in WORDS)
    if len(words) > 1:
        joined = next((f"similarity-{word}" for word in HOLDS if set(words) == {SIMILARITY[0], word}), None)
        raise Invalid(
            "link-invalid",
            f"link names {' and '.join(words)}",
            hint=f"write {joined}" if joined else "keep the one that says what the lists may hold",
        )
    if words and not others:
        raise Invalid(
            "link-invalid",
            f"link has {words[0]} alone, which is neither a recipe nor a ladder",
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
    entries, _ = check_link(agreement.link)
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


def find_link(question: Question, agreement: Agreement) -> tuple[str, ...]:
    """Give what a question links by, as `ladders.passes_for` and `ladders.similarity_of` take it: recipes or a ladder, and a word.

    `link: strict` has no word: its recipes are for any lists, and no similarity pass follows.

    Raises:
        Invalid: `link-invalid`.
        Refused: `job-not-allowed`.
    """
    entries = link_of(question, agreement)
    _, words = check_link(agreement.link)
    return entries if question.link == "strict" else (*entries, *words)
