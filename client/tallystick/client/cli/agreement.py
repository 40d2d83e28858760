"""`tally agreement`: the document that allows anything at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tallystick.client.cli._keeping import certify_destruction, renew
from tallystick.client.cli._output import print_facts
from tallystick.client.cli._paper import render
from tallystick.client.cli._tiers import (
    bind_files,
    compare_files,
    lint_tier,
    print_differences,
    print_tier,
    show_tier,
    sign_tier,
)
from tallystick.core.terminal import Format, format_option, print_done, print_json, print_table, run_cli

if TYPE_CHECKING:
    from tallystick.core.agreement.model import Agreement
    from tallystick.core.documents import SignedDocument

FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def agreement() -> None:
    """Write, sign and check an agreement: the document that says what jobs may do.

    Every party signs the same text; what it does not name, no job may do. docs/configuration.md lists its keys.
    """


agreement.add_command(render)
agreement.add_command(renew)
agreement.add_command(certify_destruction)


@agreement.command()
@click.argument("draft", type=FILE, required=False)
@click.option(
    "--from",
    "cards",
    type=FILE,
    multiple=True,
    metavar="CARD",
    help="Write a draft from the parties' cards instead; of a tier, take keys and datasets that DRAFT leaves out from them.",
)
@click.option(
    "--under",
    type=FILE,
    multiple=True,
    help="Of a sharing agreement or a license: a document of a tier above it; once for each.",
)
@click.option("--out", type=FILE, required=True, help="The file to write; it must not exist.")
@format_option
@run_cli
def new(draft: Path | None, cards: tuple[Path, ...], under: tuple[Path, ...], out: Path, format_: Format) -> None:
    """Turn DRAFT, a YAML file of an agreement's keys or a tier's, into a document to sign; or write a first DRAFT from cards.

    Cards are written by `tally node card`, `tally coordinator card` and `tally agreement card`. That a key is its party's own they do not
    prove: read the keys to each other before anybody signs.
    """
    from tallystick.client.drafts import draft_agreement, write_draft
    from tallystick.client.tiering import draft_tier, find_draft_kind
    from tallystick.core.documents import build_unsigned, write_document
    from tallystick.core.errors import Invalid

    kind = None if draft is None else find_draft_kind(draft)
    if kind is None and (draft is None) != bool(cards):
        raise click.UsageError("give a draft, or --from CARD for each party; both only where the draft is a tier")
    if draft is None:
        keys = write_draft(cards, out)
        if format_ == "json":
            print_json({"file": str(out), "keys": keys})
            return
        print_table(["party", "key"], keys.items())
        click.echo(
            f"wrote {out}; compare the keys with their parties, edit the draft, then: tally agreement new {out} --out FILE"
        )
        return
    document = build_unsigned("agreement", draft_agreement(draft)) if kind is None else draft_tier(draft, kind, under, cards)
    if out.exists():
        raise Invalid("file-exists", f"{out} exists", hint="choose another --out")
    write_document(out, document)
    _tell(document, out, format_)


@agreement.command()
@click.argument("files", type=FILE, nargs=-1, required=True)
@click.option("--out", type=FILE, required=True, help="The agreement to write; a file of that name is replaced.")
@format_option
@run_cli
def bind(files: tuple[Path, ...], out: Path, format_: Format) -> None:
    """Make of FILES, a memorandum, sharing agreements and a license, the agreement that they allow together.

    Nodes, analysts and the coordinator take it as they take any agreement; each makes it again from the tiers in it. Refused is a tier
    that is not signed by all whom it concerns, or that allows more than a tier above it.
    """
    from tallystick.core.documents import write_document

    document = bind_files(files)
    write_document(out, document)
    _tell(document, out, format_)


@agreement.command()
@click.argument("name")
@click.option("--role", type=click.Choice(["analyst", "approver", "steward"]), default="analyst", show_default=True)
@click.option("--agency", help="Of a steward: whose.")
@click.option("--key", type=FILE, help="The identity key; default: the profile's.")
@click.option("--out", type=FILE, required=True, help="The card to write.")
@format_option
@run_cli
def card(name: str, role: str, agency: str | None, key: Path | None, out: Path, format_: Format) -> None:
    """Write the card of an analyst, an approver or a steward, for `tally agreement new --from`. It holds no secret."""
    from tallystick.client.profile import open_profile
    from tallystick.core.agreement.card import Card, sign_card
    from tallystick.core.documents import write_document
    from tallystick.core.keyfile import read_identity

    identity = open_profile().identity if key is None else read_identity(key)
    value = {"role": role, "name": name, "key": identity.key} | ({} if agency is None else {"agency": agency})
    write_document(out, sign_card(Card.read(value, what="the card"), identity))
    print_done(format_, f"{out}: {role} {name}, key {identity.key}", {**value, "file": str(out)})


@agreement.command()
@click.argument("before", type=FILE)
@click.argument("after", type=FILE)
@format_option
@run_cli
def diff(before: Path, after: Path, format_: Format) -> None:
    """Say what AFTER says otherwise than BEFORE, an earlier version of it, place by place, and what it newly allows.

    Signatures are not checked. A place allows `more` or `less` where its key says so; the others people must judge.
    """
    found = compare_files(before, after)
    if format_ == "json":
        print_json({"differences": [vars(one) for one in found]})
    else:
        print_differences(found)


@agreement.command()
@click.argument("file", type=FILE)
@click.option(
    "--guide", "guides", multiple=True, help="Which guides to hold it against; default: the general one and those of its laws."
)
@format_option
@run_cli
def lint(file: Path, guides: tuple[str, ...], format_: Format) -> None:
    """Say which clauses of the field's guides FILE lacks, and what the laws that its data are tagged with ask beside.

    FILE is a document or a draft. Design input, not legal advice: counsel decides which laws apply. The command ends with 1 where a law
    asks for more, or the guide of a tier: a job over such data would be refused.
    """
    from tallystick.client.drafts import read_either
    from tallystick.client.tiering import find_draft_kind, read_tier_or_draft
    from tallystick.core.agreement.guide import choose_guides, find_missing, load_guides
    from tallystick.core.agreement.regime import find_all_shortfalls

    kind = find_draft_kind(file)
    if kind is not None:
        lint_tier(file, read_tier_or_draft(file, kind), kind, format_)
        return
    agreed = read_either(file)
    short, missing = find_all_shortfalls(agreed), find_missing(agreed, guides or choose_guides(agreed))
    if format_ == "json":
        print_json({"laws": [vars(one) | {"message": one.message} for one in short], "missing": [vars(one) for one in missing]})
    else:
        for one in short:
            click.echo(f"{one.message}\n  would pass: {one.remedy}")
        if missing:
            print_table(
                ["guide", "clause", "where it is asked for"],
                [(load_guides()[one.guide].title, one.clause, one.section) for one in missing],
            )
        if not short and not missing:
            click.echo("nothing is missing")
    if short:
        raise SystemExit(1)


@agreement.command()
@click.argument("file", type=FILE)
@click.option("--as", "name", required=True, metavar="PARTY", help="The party that signs, as the agreement names it.")
@click.option("--key", type=FILE, required=True, help="Its identity key: identity.key in the node's folder.")
@format_option
@run_cli
def sign(file: Path, name: str, key: Path, format_: Format) -> None:
    """Add a party's signature to FILE, an agreement or a tier of one."""
    from tallystick.client.tiering import is_tier, read_governing
    from tallystick.core.agreement.model import Agreement
    from tallystick.core.agreement.regime import find_all_shortfalls
    from tallystick.core.documents import write_document
    from tallystick.core.errors import Refused
    from tallystick.core.keyfile import read_identity

    document, identity = read_governing(file), read_identity(key)
    if is_tier(document):
        document = sign_tier(document, name, identity)
        write_document(file, document)
        _tell(document, file, format_)
        return
    agreed = document.read(Agreement)
    if agreed.tiers is not None:
        raise Refused("tier-chain", "an agreement of tiers is signed by nobody: its tiers are", hint="tally agreement bind")
    if name not in agreed.parties:
        raise Refused(
            "not-allowed", f"the agreement names no party {name}", hint=f"it has: {', '.join(sorted(agreed.parties))}"
        )
    if agreed.parties[name].key != identity.key:
        raise Refused(
            "agreement-signature",
            f"the agreement pins another key for {name} than this one",
            hint=f"give the key file whose public half is {agreed.parties[name].key}: tally node key shows a node's",
        )
    if short := find_all_shortfalls(agreed):
        raise Refused("agreement-regime", short[0].message, hint=f"{short[0].remedy}; all of it: tally agreement lint {file}")
    document = document.with_signature(name, identity)
    write_document(file, document)
    _tell(document, file, format_)


@agreement.command()
@click.argument("file", type=FILE)
@format_option
@run_cli
def check(file: Path, format_: Format) -> None:
    """Say whether FILE is signed by all its parties and in force now."""
    from datetime import UTC, datetime

    from tallystick.core.agreement.check import valid_agreement
    from tallystick.core.agreement.model import moment
    from tallystick.core.documents import read_document

    document = read_document(file, kind="agreement")
    now = datetime.now(UTC)
    agreed = valid_agreement(document, now)
    days = (moment(agreed.valid_until) - now).days
    if format_ == "json":
        print_json({**_summary(document, agreed), "valid": True, "days_left": days})
    else:
        signed = (
            f"signed by all {len(agreed.parties)} parties" if agreed.tiers is None else "what its signed tiers allow together"
        )
        click.echo(f"{agreed.agreement} version {agreed.version}: {signed}, in force for {days} more days")
        click.echo(f"digest {document.digest}")


@agreement.command()
@click.argument("file", type=FILE)
@format_option
@run_cli
def show(file: Path, format_: Format) -> None:
    """Show what FILE allows, to whom, and who has signed; nothing is checked."""
    from tallystick.client.terms import column_rows, dataset_rows
    from tallystick.client.tiering import is_tier, read_governing
    from tallystick.core.agreement.model import Agreement

    document = read_governing(file)
    if is_tier(document):
        show_tier(document, format_)
        return
    agreed = document.read(Agreement)
    if format_ == "json":
        print_json({**_summary(document, agreed), "body": agreed.json_value()})
        return
    print_facts(_lines(document, agreed))
    click.echo()
    print_table(["dataset", "agency", "identifiers", "people at most", "rows a person", "out of bounds"], dataset_rows(agreed))
    click.echo()
    print_table(["dataset", "column", "type", "values"], column_rows(agreed))


def _summary(document: SignedDocument, agreed: Agreement) -> dict[str, Any]:
    missing = _list_missing(document, agreed)
    return {
        "agreement": agreed.agreement,
        "version": agreed.version,
        "digest": document.digest,
        "signed": list(document.signers),
        "missing": missing,
    }


def _list_missing(document: SignedDocument, agreed: Agreement) -> list[str]:
    """Give the parties whose signature is missing; of an agreement of tiers none is, as nobody signs it."""
    return [name for name in agreed.parties if agreed.tiers is None and name not in document.signers]


def _lines(document: SignedDocument, agreed: Agreement) -> list[tuple[str, str]]:
    from tallystick.client.terms import limit_rows, list_offers

    missing = _list_missing(document, agreed)
    return [
        ("agreement", f"{agreed.agreement} version {agreed.version}"),
        ("title", agreed.title or ""),
        ("digest", document.digest),
        ("in force", f"{agreed.valid_from} to {agreed.valid_until}"),
        ("parties", ", ".join(agreed.parties)),
        ("signed by", ", ".join(document.signers) or ("nobody" if agreed.tiers is None else "the signers of its tiers")),
        ("not signed by", ", ".join(missing) or "nobody: all have"),
        ("analysts", ", ".join(agreed.analysts)),
        (
            "approvers",
            ", ".join([*agreed.approvers, *(name for s in agreed.stewards.values() for name in s.keys)])
            or "none but the agencies",
        ),
        ("purposes", ", ".join(agreed.purposes)),
        ("operations", ", ".join((*agreed.operations, *(f"{join} join" for join in agreed.joins)))),
        ("link", ", ".join(agreed.link)),
        *limit_rows(agreed),
        *([] if agreed.records is None else [("requests", list_offers(agreed.records))]),
        ("release", agreed.release.mode + (f", at {agreed.release.desk}" if agreed.release.desk else "")),
    ]


def _tell(document: SignedDocument, path: Path, format_: Format) -> None:
    from tallystick.core.agreement.model import Agreement

    if document.kind != "agreement":
        print_tier(document, path, format_)
        return
    value = {**_summary(document, agreed := document.read(Agreement)), "file": str(path)}
    if format_ == "json":
        print_json(value)
        return
    click.echo(f"{path}: {agreed.agreement} version {agreed.version}, digest {document.digest}")
    if value["missing"]:
        click.echo(f"still to sign: {', '.join(value['missing'])}")
        click.echo(f"now, at {value['missing'][0]}: tally agreement sign {path} --as {value['missing'][0]} --key identity.key")
    else:
        click.echo("signed by all parties" if agreed.tiers is None else f"bound from {len(agreed.tiers)} signed tiers")
