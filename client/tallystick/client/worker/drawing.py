"""Draws a worker's pages: HTML without a script, in the style of every other page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from tallystick.core.agreement.model import moment
from tallystick.core.consent.asking import GivenField, RecordAnswer, RecordRequest
from tallystick.core.consent.forms import find_form
from tallystick.core.consent.model import Consent
from tallystick.core.errors import TallyError
from tallystick.core.pages.unseen import show_unseen

_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} &#8211; Requests</title>
<link rel="stylesheet" href="{up}tally.css">
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header><div class="wide"><p class="name"><a href="{up}./">Requests for clients' fields</a></p></div></header>
<main id="main" class="wide" tabindex="-1">
{main}
</main>
<footer class="wide"><p>Tallystick, on this machine alone. Times are in UTC.</p></footer>
</body>
</html>
"""
_SCROLL: Final = '<div class="scroll" tabindex="0" role="group" aria-label="Table, which scrolls sideways on a narrow screen">'


@dataclass(frozen=True)
class OfferedFields:
    """What a worker can ask of one dataset under one consent.

    Attributes:
        dataset, owner: of which dataset, and whose.
        fields: (name, label).
        purposes, roles: of which one is chosen each.
    """

    dataset: str
    owner: str
    fields: tuple[tuple[str, str], ...]
    purposes: tuple[str, ...]
    roles: tuple[str, ...]


@dataclass(frozen=True)
class ShownRequest:
    """A request, as the pages know it.

    Attributes:
        digest: the request's.
        request: it.
        person: the agency's own key of the person; "" where none was given here.
        answer: what came; None while nothing has, and once its time is over.
        over: whether its time is over.
    """

    digest: str
    request: RecordRequest
    person: str
    answer: RecordAnswer | None
    over: bool = False

    @property
    def is_done(self) -> bool:
        """Whether nothing is awaited."""
        return self.answer is not None or self.over


def draw_home(consents: Sequence[tuple[Consent, str]], asked: Sequence[ShownRequest], others: int, problem: str) -> str:
    """Draw the first page.

    Args:
        consents: each with why nothing can be asked under it; "" where something can.
        asked: requests of these pages, newest first.
        others: how many more are awaited, which were asked otherwise.
        problem: what keeps answers from being collected; "" for nothing.
    """
    rows = "".join(
        f'<tr><th scope="row">{_draw_link(number, consent, why)}</th><td data-label="Form">{_write(find_form(consent.form).title)}</td>'
        f'<td data-label="For">{_write(", ".join(consent.purposes))}</td><td data-label="Until">{_time(consent.valid_until)}</td></tr>'
        for number, (consent, why) in enumerate(consents)
    )
    parts = ["<h1>Ask under a consent</h1>", _draw_problem(problem)]
    parts.append(_draw_table("Consents that you gave this command", ("Person", "Form", "For", "Until"), rows))
    if asked:
        lines = "".join(
            f'<tr><th scope="row"><a class="digest" href="request/{one.digest}">{one.digest[:12]}</a></th>'
            f'<td data-label="Asked">{_time(one.request.asked)}</td><td data-label="Whom">{_write(one.request.owner)}</td>'
            f'<td data-label="Fields">{_write(", ".join(one.request.fields))}</td><td data-label="Person">{_write(one.person)}</td>'
            f'<td data-label="Answer">{_name_state(one)}</td></tr>'
            for one in asked
        )
        parts.append(_draw_table("Asked here, newest first", ("Request", "Asked", "Whom", "Fields", "Person", "Answer"), lines))
    if others:
        parts.append(
            f"<p>{others} more {'is' if others == 1 else 'are'} awaited that you asked before; what comes stands here.</p>"
        )
    return _draw_page("Ask", parts)


def draw_consent(number: int, consent: Consent, offered: Sequence[OfferedFields], error: TallyError | None) -> str:
    """Draw what can be asked under one consent, a form for each dataset."""
    parts = ['<p class="no-print"><a href="../">All consents</a></p>', f"<h1>Ask about {_write(_name_person(consent))}</h1>"]
    if error is not None:
        hint = f"<p>What would help: {_write(error.hint)}.</p>" if error.hint else ""
        parts.append(
            f'<div class="problem" role="alert"><h2>This could not be done:</h2><p>{_write(error.message)}.</p>{hint}'
            f'<p class="code">Code: <code>{_write(error.code)}</code></p></div>'
        )
    parts.append(
        f'<dl class="facts"><dt>Consent</dt><dd>{_write(find_form(consent.form).title)}, until {_time(consent.valid_until)}</dd>'
        f"<dt>Born</dt><dd>{_write(str(consent.person.get('birth_date', 'not said')))}</dd></dl>"
    )
    if not offered:
        parts.append('<p class="lead">Nothing can be asked under it: the agreement offers you nothing that it opens.</p>')
    for place, one in enumerate(offered):
        parts.append(_draw_form(number, place, one))
    title = "Problem: ask" if error is not None else "Ask"
    return _draw_page(title, parts, up="../")


def draw_request(shown: ShownRequest, problem: str) -> str:
    """Draw a request: that it waits, or its answer."""
    request, answer = shown.request, shown.answer
    facts = (
        f'<dl class="facts"><dt>Asked</dt><dd>{_write(request.owner)}: {_write(request.dataset)}, for {_write(request.purpose)}</dd>'
        f"<dt>Fields</dt><dd>{_write(', '.join(request.fields))}</dd><dt>When</dt><dd>{_time(request.asked)}</dd>"
        + (f"<dt>Person</dt><dd>{_write(shown.person)}</dd>" if shown.person else "")
        + f'<dt>Request</dt><dd class="digest">{shown.digest}</dd></dl>'
    )
    if shown.over:
        title, rest = "The time of this answer is over", ["<p>It is kept nowhere. Ask again if you need it.</p>", facts]
    elif answer is None:
        title = "Waiting for the answer"
        rest = [
            _draw_problem(problem),
            f'<p><a class="press" href="../wait/{shown.digest}">Wait for it</a></p>',
            "<p>Answers leave at fixed times; where the owner's steward is asked first, at the end of the agreement's time for that.</p>",
            facts,
        ]
    elif answer.refused is not None:
        title = "Your own agency did not pass it on"
        rest = [f'<div class="problem"><p>{_write(answer.refused)}</p></div>', facts]
    elif answer.fields is None:
        title = "Nothing can be told"
        rest = [
            "<p>The owner never says why: no such person, no consent that counts and other reasons are one answer.</p>",
            facts,
        ]
    else:
        title = f"What {request.owner} tells"
        until = (
            f'<div class="note"><p><strong>To be shown until {_time(answer.until)}.</strong> This page forgets it then. Destroy what you '
            "print of it when you need it no more, and as your agency's rules say.</p></div>"
        )
        notices = dict.fromkeys(text for given in answer.fields.values() for text in given.notices)
        told = [_draw_field(name, given) for name, given in answer.fields.items()]
        listed = "".join(f"<li>{_write(text)}</li>" for text in notices)
        rest = [until, *told, f"<h2>Notices</h2><ul>{listed}</ul>" if listed else "", "<h2>What was asked</h2>", facts]
    parts = ['<p class="no-print"><a href="../">All requests</a></p>', f"<h1>{_write(title)}</h1>", *rest]
    return _draw_page(title, parts, up="../")


def _draw_form(number: int, place: int, one: OfferedFields) -> str:
    boxes = "".join(
        f'<label class="choice"><input type="checkbox" name="field" value="{escape(name)}"><span>{_write(label)}</span></label>'
        for name, label in one.fields
    )
    role = _draw_choice(place, "role", "In which role", one.roles)
    return (
        f"<h2>{_write(one.owner)}: {_write(one.dataset)}</h2>"
        f'<form method="post" action="{number}" class="narrow"><input type="hidden" name="dataset" value="{escape(one.dataset)}">'
        f'<fieldset><legend>Which fields</legend><p class="hint">Ask for what you need and no more.</p>{boxes}</fieldset>'
        f"{_draw_choice(place, 'purpose', 'What for', one.purposes)}{role}"
        f'<label for="person-{place}">Your own agency\'s key of the person, if there is one</label>'
        f'<p class="hint" id="person-hint-{place}">For your agency\'s accounting; it is told nobody else.</p>'
        f'<input id="person-{place}" name="person" autocomplete="off" spellcheck="false" maxlength="200" '
        f'aria-describedby="person-hint-{place}"><button>Ask {_write(one.owner)}</button></form>'
    )


def _draw_choice(place: int, name: str, label: str, values: Sequence[str]) -> str:
    if len(values) == 1:
        return f'<input type="hidden" name="{name}" value="{escape(values[0])}">'
    options = "".join(f'<option value="{escape(one)}">{_write(one)}</option>' for one in values)
    return f'<label for="{name}-{place}">{label}</label><select id="{name}-{place}" name="{name}">{options}</select>'


def _draw_field(name: str, given: GivenField) -> str:
    as_of = f", as of {_write(given.as_of)}" if given.as_of else ""
    columns = list(given.rows[0]) if given.rows else []
    heads = "".join(f'<th scope="col">{_write(one)}</th>' for one in columns)
    rows = "".join("<tr>" + "".join(f"<td>{_write(row[one] or '')}</td>" for one in columns) + "</tr>" for row in given.rows)
    table = (
        f"{_SCROLL}<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>" if columns else "<p>Nothing.</p>"
    )
    return f'<h2>{_write(name)}</h2><p class="hint">From {_write(given.source)}{as_of}</p>{table}'


def _draw_table(caption: str, columns: Sequence[str], rows: str) -> str:
    heads = "".join(f'<th scope="col">{one}</th>' for one in columns)
    return f'{_SCROLL}<table class="cards"><caption>{caption}</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


def _draw_link(number: int, consent: Consent, why: str) -> str:
    name = _write(_name_person(consent))
    return f'{name} <span class="state">not now: {_write(why)}</span>' if why else f'<a href="consent/{number}">{name}</a>'


def _draw_problem(problem: str) -> str:
    return f'<div class="problem"><h2>Answers cannot be fetched now</h2><p>{_write(problem)}.</p></div>' if problem else ""


def _name_person(consent: Consent) -> str:
    said = {str(name): text for name, text in consent.person.items()}
    return " ".join(said[name] for name in ("first_name", "last_name") if name in said) or "the person of this consent"


def _name_state(one: ShownRequest) -> str:
    text = "its time is over" if one.over else "waiting" if one.answer is None else ""
    if one.answer is not None:
        text = "not passed on" if one.answer.refused is not None else "nothing" if one.answer.fields is None else "has come"
    return f'<span class="state">{text}</span>'


def _time(text: str) -> str:
    at = moment(text)
    return f'<time datetime="{at:%Y-%m-%dT%H:%M:%SZ}">{at:%Y-%m-%d %H:%M} UTC</time>'


def _write(text: str) -> str:
    return escape(show_unseen(text))


def _draw_page(title: str, parts: Sequence[str], *, up: str = "") -> str:
    return _PAGE.format(title=_write(title), up=up, main="\n".join(part for part in parts if part))
