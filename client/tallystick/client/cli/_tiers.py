"""The part of `tally agreement` that is about memoranda, sharing agreements and licenses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tallystick.client.cli._output import print_facts
from tallystick.core.terminal import Format, print_json, print_table

if TYPE_CHECKING:
    from tallystick.client.allowing import Difference
    from tallystick.core.agreement.tiers import Tier
    from tallystick.core.documents import SignedDocument
    from tallystick.core.keyfile import IdentityKey
    from tallystick.core.model import Document

_WAYS = {"more": "more", "less": "less", "other": "judge"}


def bind_files(files: Sequence[Path]) -> SignedDocument:
    """Make the agreement that tiers allow together, if each has its guide's clauses and together they have what laws ask.

    Raises:
        Refused: `tier-clause`, `agreement-regime`, and as `bind_tiers`.
        Invalid: as `bind_tiers`.
    """
    from tallystick.client.tiering import open_tier, read_governing
    from tallystick.core.agreement.chain import bind_tiers
    from tallystick.core.agreement.guide import check_tier_clauses
    from tallystick.core.agreement.model import Agreement
    from tallystick.core.agreement.regime import find_all_shortfalls
    from tallystick.core.errors import Refused

    documents = [read_governing(file) for file in files]
    for one in documents:
        check_tier_clauses(*open_tier(one))
    document = bind_tiers(documents)
    if short := find_all_shortfalls(document.read(Agreement)):
        raise Refused("agreement-regime", short[0].message, hint=f"{short[0].remedy}, in one of the tiers")
    return document


def read_text(document: SignedDocument) -> Document:
    """Give the text of an agreement or a tier.

    Raises:
        Invalid: `document-invalid`.
    """
    from tallystick.client.tiering import is_tier, open_tier
    from tallystick.core.agreement.model import Agreement

    return open_tier(document)[0] if is_tier(document) else document.read(Agreement)


def print_differences(found: Sequence[Difference]) -> None:
    """Print where two texts differ, and which of these places newly allow something."""
    from tallystick.client.terms import shorten

    if not found:
        click.echo("they say the same")
        return
    rows = [(one.place, shorten(one.before), shorten(one.after), _WAYS[one.allows]) for one in found]
    print_table(["place", "before", "after", "allows"], rows)
    more = [one.place for one in found if one.allows == "more"]
    judge = sum(one.allows == "other" for one in found)
    click.echo(f"newly allowed by: {', '.join(more) or 'no place whose key says so'}; to be judged by people: {judge}")


def compare_files(before: Path, after: Path) -> list[Difference]:
    """List what two agreements, or two texts of one tier, say otherwise, and which way each place goes.

    Raises:
        Invalid: `document-invalid`: they are not of one kind; and as `read_governing`.
    """
    from tallystick.client.allowing import compare_texts
    from tallystick.client.tiering import read_governing
    from tallystick.core.errors import Invalid

    old, new = read_governing(before), read_governing(after)
    if old.kind != new.kind:
        raise Invalid(
            "document-invalid", f"{before} is of kind {old.kind}, {after} of kind {new.kind}", hint="give two of one kind"
        )
    return compare_texts(read_text(old), read_text(new))


def sign_tier(document: SignedDocument, name: str, identity: IdentityKey) -> SignedDocument:
    """Add a signature to a tier, if it has the clauses of its guide.

    Raises:
        Refused: `tier-clause`, `not-allowed`, `agreement-signature`: the tier pins another key.
        Invalid: `document-invalid`.
    """
    from tallystick.client.tiering import find_pinned, open_tier
    from tallystick.core.agreement.guide import check_tier_clauses
    from tallystick.core.errors import Refused

    text, kind = open_tier(document)
    pinned = find_pinned(text, name)
    if pinned is not None and pinned != identity.key:
        raise Refused(
            "agreement-signature",
            f"the {kind} pins another key for {name} than this one",
            hint=f"give the key file whose public half is {pinned}: tally node key shows a node's",
        )
    check_tier_clauses(text, kind)
    return document.with_signature(name, identity)


def lint_tier(file: Path, text: Tier, kind: Any, format_: Format) -> None:
    """Print which clauses a tier lacks of the guide for its kind; end with 1 if there are any."""
    from tallystick.core.agreement.guide import find_tier_missing, load_guides

    missing = list(find_tier_missing(text, kind))
    if format_ == "json":
        print_json({"tier": kind, "missing": [vars(one) for one in missing]})
    elif missing:
        title = load_guides()[kind].title
        print_table(["guide", "clause", "where it is asked for"], [(title, one.clause, one.section) for one in missing])
    else:
        click.echo(f"nothing is missing; what laws ask is known when the tiers of {file.name} are bound: tally agreement bind")
    if missing:
        raise SystemExit(1)


def show_tier(document: SignedDocument, format_: Format) -> None:
    """Print what a tier says and who has signed; nothing is checked."""
    from tallystick.client.terms import flatten, shorten
    from tallystick.client.tiering import open_tier

    text, kind = open_tier(document)
    if format_ == "json":
        print_json({**tell_tier(document), "body": text.json_value()})
        return
    signed = ", ".join(document.signers) or "nobody"
    print_facts([("tier", kind), ("digest", document.digest), ("signed by", signed)])
    click.echo()
    print_facts([(place, shorten(said)) for place, said in flatten(text.json_value()).items()])


def tell_tier(document: SignedDocument) -> dict[str, Any]:
    """Say which tier a document is, and who has signed it."""
    from tallystick.client.tiering import open_tier

    text, kind = open_tier(document)
    wanted = getattr(text, "signers", None)
    missing = {} if wanted is None else {"missing": [name for name in wanted if name not in document.signers]}
    return {"tier": kind, "name": text.name, "version": text.version, "digest": document.digest} | {
        "signed": list(document.signers),
        **missing,
    }


def print_tier(document: SignedDocument, path: Path, format_: Format) -> None:
    """Say what a file holds now."""
    value = {**tell_tier(document), "file": str(path)}
    if format_ == "json":
        print_json(value)
        return
    click.echo(f"{path}: {value['tier']} {value['name']} version {value['version']}, digest {document.digest}")
    if value["tier"] == "license":
        click.echo(
            f"signed by {', '.join(document.signers) or 'nobody'}; its agencies and its analysts sign, then: tally agreement bind"
        )
    elif value["missing"]:
        click.echo(f"still to sign: {', '.join(value['missing'])}")
    else:
        click.echo("signed by all whom it concerns")
