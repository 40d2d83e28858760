"""A tier of an agreement as paper: Markdown that people read and sign, from the document that `tally agreement bind` takes."""

from __future__ import annotations

from typing import Final

from tallystick.client.paper import ADVICE, render_clauses, render_plain, render_table
from tallystick.client.terms import flatten
from tallystick.client.tiering import open_tier
from tallystick.core.agreement.guide import find_tier_missing, load_guides
from tallystick.core.agreement.tiers import Memorandum, SharingAgreement, Tier
from tallystick.core.documents import SignedDocument

_TITLES: Final = {"memorandum": "Memorandum", "sharing": "Data sharing agreement", "license": "Data use license"}
_FIRST_DIGITS: Final = 16


def render_tier(document: SignedDocument) -> str:
    """Write a memorandum, sharing agreement or license as Markdown: its terms, its clauses, what its guide asks beside, its signatures."""
    text, kind = open_tier(document)
    missing = list(find_tier_missing(text, kind))
    lines = [
        f"# {render_plain(text.title or text.name)}",
        "",
        f"{_TITLES[kind]} {text.name}, version {text.version}; in force from {text.valid_from} to {text.valid_until}.",
        *_above(text),
        "",
        f"This page is written from the file of digest `{document.digest}`. {ADVICE}",
        "",
        *_terms(text),
        "",
        *render_clauses(text.clauses),
    ]
    if missing:
        rows = [(load_guides()[kind].title, one.clause, render_plain(one.section)) for one in missing]
        lines += [
            "",
            "## Clauses of the guide that are not in this file",
            "",
            *render_table(("guide", "clause", "section"), rows),
        ]
    signers = list(dict.fromkeys((*getattr(text, "signers", ()), *getattr(text, "analysts", {}), *document.signers)))
    signed = [
        (name, "signed in the file" if name in document.signers else "not yet signed in the file", "", "") for name in signers
    ]
    lines += ["", "## Signatures", "", *render_table(("party", "the file", "name and title", "signature and date"), signed)]
    return "\n".join(lines) + "\n"


def _above(text: Tier) -> list[str]:
    if isinstance(text, Memorandum):
        return [f"Legal authority: {render_plain('; '.join(text.authority))}."] if text.authority else []
    above = [("memorandum", text.memorandum)]
    if not isinstance(text, SharingAgreement):
        above += [("sharing agreement", ref) for ref in text.sharing]
    told = [f"{what} {ref.name} version {ref.version} (`{ref.digest[:_FIRST_DIGITS]}`)" for what, ref in above]
    return ["", f"Under {', '.join(told)}. It allows nothing that these do not."]


def _terms(text: Tier) -> list[str]:
    """List what is enforced, place by place, without what stands elsewhere on the page."""
    value = text.json_value()
    for key in ("clauses", "memorandum", "sharing", "license", "title", "version", "valid_from", "valid_until", "authority"):
        value.pop(key, None)
    rows = [
        (place, render_plain(said if len(said) <= 2000 else f"{said[:_FIRST_DIGITS]}…"))
        for place, said in flatten(value).items()
    ]
    return ["## Terms that nodes enforce", "", *render_table(("key", "what it says"), rows)]
