"""An agreement as paper: Markdown that people read and sign, from the file that nodes enforce, with a picture of who sends what to whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from tallystick.client.terms import describe_column, limit_rows
from tallystick.core.agreement.clauses import CLAUSE_NAMES, Clauses
from tallystick.core.agreement.guide import choose_guides, find_missing, load_guides
from tallystick.core.agreement.model import Agreement
from tallystick.core.agreement.regime import collect_tags, find_all_shortfalls, load_regimes
from tallystick.core.documents import SignedDocument
from tallystick.core.errors import Invalid

ADVICE: Final = (
    "Which laws apply, and whether these clauses suffice, counsel decides: what the software checks is no legal advice."
)
_HEADINGS: Final = {
    "purpose_class": "Class of purpose",
    "background": "Background",
    "uses": "Permitted uses",
    "users": "Who has access",
    "requests": "How and when data are asked for",
    "prohibitions": "Prohibited uses",
    "redisclosure": "Redisclosure",
    "publication_review": "Review before publication",
    "security": "Safeguards",
    "breach": "Notice of a breach",
    "audit": "Audit and inspection",
    "destruction": "Destruction",
    "cost": "Cost",
    "termination": "Termination",
    "disputes": "Settling of disputes",
    "contacts": "Contacts",
    "review_boards": "Review boards",
}
_FIRST_DIGITS: Final = 16
_PLAIN: Final = {ord(mark): f"&#{ord(mark)};" for mark in "\\`*_[]<>#"}


def render_agreement(document: SignedDocument) -> str:
    """Write an agreement as Markdown.

    What the nodes enforce comes first, then the clauses that people keep, then the data flow, what is missing of the guides, and a line
    for each party's signature, with the digest of the text that the signatures in the file cover.
    """
    agreed = document.read(Agreement)
    sections = [
        _heading(document, agreed),
        _parties(agreed),
        _data(agreed),
        _questions(agreed),
        render_clauses(agreed.clauses or Clauses()),
        _regimes(agreed),
        _flow(agreed),
        _missing(agreed),
        _signatures(document, agreed),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def _heading(document: SignedDocument, agreed: Agreement) -> list[str]:
    return [
        f"# {render_plain(agreed.title or agreed.agreement)}",
        "",
        f"Agreement {agreed.agreement}, version {agreed.version}; in force from {agreed.valid_from} to {agreed.valid_until}.",
        *([f"Legal authority: {render_plain('; '.join(agreed.authority))}."] if agreed.authority else []),
        "",
        f"This page is written from the file that every party's software enforces; digest `{document.digest}`. {ADVICE}",
    ]


def _parties(agreed: Agreement) -> list[str]:
    rows = [(name, "agency", one.name or "", one.key) for name, one in agreed.parties.items()]
    rows.append(("coordinator", "coordinator", agreed.coordinator.name or "", agreed.coordinator.key))
    rows += [(name, "analyst", one.name or "", one.key) for name, one in agreed.analysts.items()]
    rows += [(name, "approver of every job", one.name or "", one.key) for name, one in agreed.approvers.items()]
    for agency, stewards in agreed.stewards.items():
        role = f"steward of {agency}, {stewards.need} of {len(stewards.keys)} must sign each job"
        rows += [(name, role, "", key) for name, key in stewards.keys.items()]
    table = render_table(
        ("name", "role", "full name", "first digits of the key"), [(*row[:3], f"`{row[3][:_FIRST_DIGITS]}`") for row in rows]
    )
    return ["## Parties", "", *table]


def _data(agreed: Agreement) -> list[str]:
    lines = ["## Data", "", "Records stay at the agency that owns them. Jobs may name these columns and no others."]
    for name, one in agreed.datasets.items():
        tags = ", ".join(one.regimes or ()) or "none named"
        lines += [
            "",
            f"### {name}, of {one.agency}",
            "",
            *([render_plain(one.title), ""] if one.title else []),
            f"- shared under: {render_plain(one.authority) if one.authority else 'not stated'}",
            f"- laws, as tags: {tags}",
            f"- identifiers that linkage may use: {', '.join(one.identifiers) or 'none'}",
            *(
                [f"- its people are not those whom its rows are about, but related to them ({one.relation})"]
                if one.relation
                else []
            ),
            f"- at most {one.people:,} people, at most {one.rows_per_person:,} rows of a person",
            "",
            *render_table(
                ("column", "type", "values", "tags"),
                [
                    (
                        column,
                        entry.type + (f", {render_plain(entry.unit)}" if entry.unit else ""),
                        render_plain(describe_column(entry)),
                        ", ".join(entry.regimes or ()),
                    )
                    for column, entry in one.columns.items()
                ],
            ),
        ]
    return lines


def _questions(agreed: Agreement) -> list[str]:
    desk = f"through the desk of {agreed.release.desk}" if agreed.release.desk else "directly to the analyst"
    return [
        "## What may be asked, and what leaves",
        "",
        f"- purposes: {', '.join(agreed.purposes)}",
        f"- measures: {', '.join(agreed.operations)}",
        f"- linkage: {', '.join(agreed.link)}",
        f"- results leave {desk}",
        *(f"- {label}: {text}" for label, text in limit_rows(agreed)),
    ]


def render_clauses(clauses: Clauses) -> list[str]:
    """Write the clauses that people keep, each under its heading."""
    lines = ["## Clauses that people keep"]
    for name in CLAUSE_NAMES:
        if not clauses.has(name):
            continue
        value = getattr(clauses, name)
        if name == "review_boards":
            told = [
                f"- {render_plain(one.board)}, {render_plain(one.reference)}, until {one.until}: no job is run after that day"
                for one in value
            ]
        elif name == "contacts":
            told = [f"- {party}: {render_plain(text)}" for party, text in value.items()]
        elif name == "prohibitions":
            told = [f"- {render_plain(text)}" for text in value]
        else:
            told = [render_plain(value)]
        lines += ["", f"### {_HEADINGS[name]}", "", *told]
    return lines if len(lines) > 1 else [*lines, "", "None are written down in this file."]


def _regimes(agreed: Agreement) -> list[str]:
    rows = []
    for name, dataset in agreed.datasets.items():
        for tag in collect_tags(dataset, tuple(dataset.columns)):
            regime = load_regimes().get(tag)
            known = (regime.title, regime.citation, regime.notice or "") if regime is not None else ("not known here", "", "")
            rows.append((name, tag, *map(render_plain, known)))
    if not rows:
        return []
    try:
        short = [f"- {render_plain(one.message)}: {render_plain(one.remedy)}" for one in find_all_shortfalls(agreed)]
    except Invalid as error:  # a tag of another version
        short = [f"- {render_plain(error.message)}: {render_plain(error.hint)}"]
    told = ["", "Jobs over these data are refused until:", "", *short] if short else []
    return ["## Laws", "", *render_table(("dataset", "tag", "law", "citation", "notice with every result"), rows), *told]


def _flow(agreed: Agreement) -> list[str]:
    agencies = [name for name in agreed.parties if any(one.agency == name for one in agreed.datasets.values())]
    desk = agreed.release.desk or "desk"
    opens = "It opens the table, hides small cells, and releases it, or does not."
    if agreed.disclosure.gate:
        opens = "It opens the table, in which small cells stay closed for it, too, and releases it, or does not."
    similar = any(word.startswith("similarity") for word in agreed.link)
    alike = ["   With a similarity pass it also sees how much alike rows are whose people it does not know."] if similar else []
    asked = [
        "6. Requests for one client's fields go, sealed, through the coordinator to the owner, which alone decides and answers."
    ]
    reviewed = (
        []
        if agreed.review is None
        else [
            f"   Before that it gives a copy to {', '.join(agreed.review.reviewers)}, and waits up to {agreed.review.days} days for them."
        ]
    )
    nodes = {name: f"n{place}" for place, name in enumerate(dict.fromkeys([*agencies, desk]))}
    lines = [f'  {node}["{name}"]' for name, node in nodes.items()]
    lines += ['  c["coordinator"]', '  a["analyst"]', "  a -->|signed job| c"]
    lines += [f"  c <-->|masked identifiers, sealed messages| {nodes[name]}" for name in agencies]
    if desk not in agencies:
        lines.append(f"  c -->|sealed shares| {nodes[desk]}")
    lines.append(f"  {nodes[desk]} -->|approved result, sealed| a")
    for place, name in enumerate(agreed.approvers):
        lines += [f'  p{place}["{name}"]', f"  p{place} -->|approval of each job| c"]
    if agreed.review is not None:
        lines += [f'  r["reviewers: {", ".join(agreed.review.reviewers)}"]', f"  {nodes[desk]} -.->|copy for review| r"]
    return [
        "## Who sends what to whom",
        "",
        "1. An analyst sends a signed job to the coordinator, which shows it to every agency. Every agency checks and signs it before it runs.",
        "2. Each agency masks hashes of identifiers with a secret of its own and sends them through the coordinator to the others.",
        "   They mask them too. The coordinator sees which masked hashes coincide, blurred by decoys.",
        *alike,
        "3. The agencies multiply columns under encryption, through the coordinator, and are left with random shares.",
        f"4. The shares go to {desk}, sealed. {opens}",
        *reviewed,
        "5. The result goes to the analyst, sealed.",
        *(asked if agreed.records is not None else []),
        "",
        "```mermaid",
        "flowchart LR",
        *lines,
        "```",
    ]


def _missing(agreed: Agreement) -> list[str]:
    guides = load_guides()
    missing = find_missing(agreed, choose_guides(agreed))
    if not missing:
        return []
    rows = [(render_plain(guides[one.guide].title), one.clause, render_plain(one.section)) for one in missing]
    return [
        "## Clauses of the guides that are not in this file",
        "",
        *render_table(("guide", "clause", "where it is asked for"), rows),
    ]


def _signatures(document: SignedDocument, agreed: Agreement) -> list[str]:
    if agreed.tiers is not None:
        tiers = [
            (one.kind, str(one.body.get(one.kind, "")), str(one.body.get("version", 1)), one.signatures) for one in agreed.tiers
        ]
        told = [(*tier[:3], render_plain(", ".join(signature.signer for signature in tier[3]))) for tier in tiers]
        return [
            "## Signatures",
            "",
            "Nobody signs this page: it is what the signed documents below allow together. Each is written as a page of its own to be signed.",
            "",
            *render_table(("tier", "name", "version", "signed in the file by"), told),
        ]
    rows = [
        (name, "signed in the file" if name in document.signers else "not yet signed in the file", "", "")
        for name in agreed.parties
    ]
    return ["## Signatures", "", *render_table(("party", "the file", "name and title", "signature and date"), rows)]


def render_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Write a table; bars in its cells are escaped."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def render_plain(text: str) -> str:
    """Give a text of the agreement so that no mark of Markdown or HTML in it means anything."""
    return " ".join(text.split()).translate(_PLAIN)
